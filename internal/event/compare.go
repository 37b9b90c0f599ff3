package event

import (
	"slices"

	"junctor/internal/db"
)

// comparison compares a part of the log with waits.
type comparison struct {
	log     *Log
	tx      *db.Tx
	events  []light
	topics  map[string][]int // where in the list those are that waits of a topic may fit
	items   map[int64]*Item  // those that a filter has asked for
	bytes   int              // of them
	queries map[Wanted]*Query
}

// light is of an event what waits are looked up by.
type light struct {
	seq           int64
	kind, subject string
	topics        []string
}

// itemsBytes is how much of events is kept that are compared by what they say.
const itemsBytes = 16 << 20

func newComparison(l *Log, tx *db.Tx) *comparison {
	return &comparison{log: l, tx: tx, items: map[int64]*Item{}, queries: map[Wanted]*Query{}}
}

// read goes to a part of the log.
func (c *comparison) read(from, upTo int64) error {
	rows, err := c.tx.Query(`SELECT seq, type, subject FROM events WHERE seq > $1 AND seq <= $2 ORDER BY seq`, from, upTo)
	if err != nil {
		return err
	}
	defer rows.Close()
	c.events, c.topics = c.events[:0], map[string][]int{}
	for rows.Next() {
		var e light
		if err := rows.Scan(&e.seq, &e.kind, &e.subject); err != nil {
			return err
		}
		e.topics = topicsOf(e.kind, e.subject)
		for _, topic := range e.topics {
			c.topics[topic] = append(c.topics[topic], len(c.events))
		}
		c.events = append(c.events, e)
	}
	return rows.Err()
}

// share deals the events out to open waits of one run, which come in the order of
// their calls: each event, in the order of the log, to the first that it fits and
// that has none yet.
func (c *comparison) share(open []waiting, had map[int64]bool) (hits []hit, err error) {
	topics := map[string][]int{} // which of them wait under a topic, in their order
	for n := range open {
		topic := open[n].wanted.topic()
		topics[topic] = append(topics[topic], n)
	}
	var events []int
	for topic := range topics {
		events = append(events, c.topics[topic]...)
	}
	if len(topics) > 1 {
		slices.Sort(events)
		events = slices.Compact(events)
	}
	for _, n := range events {
		e := &c.events[n]
		if had[e.seq] {
			continue
		}
		first, where, place := len(open), "", 0
		for _, topic := range e.topics {
			for i, n := range topics[topic] {
				if n > first {
					break
				}
				fits, err := c.fits(&open[n], e)
				if err != nil {
					return nil, err
				}
				if fits {
					first, where, place = n, topic, i
					break
				}
			}
		}
		if first == len(open) {
			continue
		}
		hits = append(hits, hit{open[first], e.seq})
		if topics[where] = slices.Delete(topics[where], place, place+1); len(hits) == len(open) {
			break
		}
	}
	return hits, nil
}

// first is the first event that fits a wait and that its run has not had, 0 for
// none.
func (c *comparison) first(one *waiting, had map[int64]bool) (int64, error) {
	for _, n := range c.topics[one.wanted.topic()] {
		e := &c.events[n]
		if had[e.seq] {
			continue
		}
		if fits, err := c.fits(one, e); fits || err != nil {
			return e.seq, err
		}
	}
	return 0, nil
}

// fits reports whether an event is one that a wait is for.
func (c *comparison) fits(one *waiting, e *light) (bool, error) {
	if e.seq <= one.seen || one.wanted.Subject != "" && one.wanted.Subject != e.subject {
		return false, nil
	}
	q := c.queries[one.wanted]
	if q == nil {
		made, err := one.wanted.query()
		if err != nil {
			return false, nil // nobody could have stored it
		}
		q = &made
		c.queries[one.wanted] = q
	}
	if !q.Types.Match(e.kind) {
		return false, nil
	}
	if q.Filter == nil {
		return true, nil
	}
	i, err := c.item(e.seq)
	if err != nil {
		return false, err
	}
	chosen, err := q.Filter.choose(i)
	return chosen && err == nil, nil // an expression that cannot be calculated chooses nothing
}

func (c *comparison) item(seq int64) (*Item, error) {
	if i := c.items[seq]; i != nil {
		return i, nil
	}
	if c.bytes > itemsBytes {
		clear(c.items)
		c.bytes = 0
	}
	i, err := c.log.at(c.tx, `$1`, seq)
	if err != nil {
		return nil, err
	}
	c.items[seq] = &i
	c.bytes += i.Size()
	return &i, nil
}
