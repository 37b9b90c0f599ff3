package event

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

const (
	// MaxLimit is how many events a page has at most.
	MaxLimit = 1000
	// pageBytes is how much data a page has, about, when the query does not say.
	pageBytes = 4 << 20
	window    = 2000   // numbers that one statement looks at
	maxLook   = 50_000 // numbers that one page looks at
)

// Query chooses events.
type Query struct {
	After  int64 // a position; Oldest: from the beginning
	Types  Patterns
	Filter *Filter                // nil: all
	Allow  func(kind string) bool // of which types the reader may know; nil: of all
	Limit  int                    // 100 when 0, at most MaxLimit
	Bytes  int                    // of data that a page has, about: it ends with the event that reaches it; 4 MiB when 0
	Turn   Turn                   // nil: at once
}

// Turn waits until a reader may begin to read the database; what it returns ends
// the turn. A page from memory, and waiting for an event, need none.
type Turn func(ctx context.Context) (leave func(), err error)

func (t Turn) take(ctx context.Context) (leave func(), err error) {
	if t == nil {
		return func() {}, nil
	}
	return t(ctx)
}

func (q *Query) bytes() int {
	if q.Bytes > 0 {
		return q.Bytes
	}
	return pageBytes
}

// knows reports whether the reader may know of the event, and wants its type.
func (q *Query) knows(i *Item) bool {
	return q.Types.Match(i.Type) && (q.Allow == nil || q.Allow(i.Type))
}

// Page is what was found, in the order of the log.
type Page struct {
	Items []Item
	Next  int64 // the position to go on from, also when nothing was found
	More  bool  // there may be more behind it now
}

// Read looks for events behind a position. Nothing appears later at or before
// the page's Next. A page ends when it has enough; also, without being full,
// when it has looked at many events that were not chosen. Errors: *TooOld, those
// of the query's Turn.
func (l *Log) Read(ctx context.Context, q Query) (page Page, err error) {
	leave, err := q.Turn.take(ctx)
	if err != nil {
		return Page{}, err
	}
	defer leave()
	err = l.db.Read(ctx, func(tx *db.Tx) (err error) {
		page, err = l.ReadIn(tx, q)
		return err
	})
	if err != nil {
		return Page{}, err
	}
	return page, l.settle(page.Next)
}

// settle returns when events up to a position are on disk: a reader goes on
// behind them, whatever happens to this machine.
func (l *Log) settle(position int64) error {
	if position <= l.durable.Load() {
		return nil
	}
	if err := l.db.Durable(); err != nil {
		return err
	}
	for have := l.durable.Load(); have < position && !l.durable.CompareAndSwap(have, position); have = l.durable.Load() {
	}
	return nil
}

// ReadIn is Read in a transaction of the caller's.
func (l *Log) ReadIn(tx *db.Tx, q Query) (Page, error) {
	floor, end, err := bounds(tx)
	if err != nil {
		return Page{}, err
	}
	page := Page{Next: q.After}
	switch {
	case q.After == Oldest:
		page.Next = floor
	case q.After < floor || q.After > end:
		return Page{}, l.tooOld(q.After, floor)
	}
	limit, bytes := pageSize(q.Limit), 0
	types, args := q.Types.condition(3)
	for looked := 0; page.Next < end && looked < maxLook; looked += window {
		upTo := min(page.Next+window, end)
		err := l.walk(tx, `seq > $1 AND seq <= $2`+types+` ORDER BY seq`, page.Next, append([]any{upTo}, args...), &q, func(i Item) bool {
			page.Items = append(page.Items, i)
			bytes += i.Size()
			if len(page.Items) < limit && bytes < q.bytes() {
				return true
			}
			upTo = i.Seq
			return false
		})
		if err != nil {
			return Page{}, fmt.Errorf("read the event log: %w", err)
		}
		page.Next = upTo
		if len(page.Items) == limit || bytes >= q.bytes() {
			break
		}
	}
	page.More = page.Next < end
	return page, nil
}

func pageSize(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, MaxLimit)
}

// Position is SQL for the position behind the newest event, for statements of
// others: what a statement with it writes, no event can miss that comes later.
const Position = `(SELECT coalesce(max(seq), 0) FROM events)`

// End is the position behind the newest event.
func (l *Log) End(ctx context.Context) (end int64, err error) {
	err = l.db.Read(ctx, func(tx *db.Tx) (err error) {
		end, err = l.EndIn(tx)
		return err
	})
	return end, err
}

// EndIn is End in a transaction of the caller's.
func (l *Log) EndIn(tx *db.Tx) (int64, error) {
	_, end, err := bounds(tx)
	return end, err
}

// OldestIn is the position before the oldest event, in a transaction of the
// caller's.
func (l *Log) OldestIn(tx *db.Tx) (int64, error) {
	floor, _, err := bounds(tx)
	return floor, err
}

// Begin is the position from which a reader begins: the one he names, when all
// that is behind it is there; for Oldest that before the oldest event, for Latest
// that behind the newest. Errors: *TooOld.
func (l *Log) Begin(ctx context.Context, after int64) (position int64, err error) {
	err = l.db.Read(ctx, func(tx *db.Tx) error {
		floor, end, err := bounds(tx)
		switch position = after; {
		case err != nil:
			return err
		case after == Oldest:
			position = floor
		case after == Latest:
			position = end
		case after < floor || after > end:
			return l.tooOld(after, floor)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return position, l.settle(position)
}

// bounds are the last number that was removed and the last there is.
func bounds(tx *db.Tx) (floor, end int64, err error) {
	var newest *int64
	err = tx.QueryRow(`SELECT floor, (SELECT max(seq) FROM events) FROM event_log WHERE id = 1`).Scan(&floor, &newest)
	if err != nil {
		return 0, 0, fmt.Errorf("find the ends of the event log: %w", err)
	}
	if newest == nil {
		return floor, floor, nil
	}
	return floor, max(floor, *newest), nil
}

const columns = `seq, id, source, type, subject, at, attributes, form, data`

func scanItem(rows interface{ Scan(...any) error }) (i Item, err error) {
	var at int64
	err = rows.Scan(&i.Seq, &i.ID, &i.Source, &i.Type, &i.Subject, &at, &i.attributes, &i.form, &i.data)
	i.At = db.Time(at)
	if err == nil && i.data != nil && i.form&formLarge == 0 {
		i.data = i.data[1:]
	}
	return i, err
}

// walk hands over the events that a condition on the table, patterns and a
// filter choose, until take has enough. The condition's $1 is where it begins,
// and moves on: a statement reads some rows only.
func (l *Log) walk(tx *db.Tx, condition string, from int64, args []any, q *Query, take func(Item) bool) error {
	for more := true; more; {
		items, full, err := l.stretch(tx, condition, append([]any{from}, args...), min(stretchBytes, 2*q.bytes()))
		if err != nil {
			return err
		}
		more = full
		for n := range items {
			i := &items[n]
			from = i.Seq
			if !q.knows(i) {
				continue
			}
			if i.form&formLarge != 0 {
				if err := i.load(tx); err != nil {
					return err
				}
			}
			if chosen, err := q.Filter.choose(i); err != nil {
				return err
			} else if chosen && !take(*i) {
				return nil
			}
		}
	}
	return nil
}

// at once: what one statement reads at most, in rows and about in bytes.
const (
	stretchRows  = 200
	stretchBytes = 4 << 20
)

// stretch reads some rows, of about so many bytes; full says that there may be
// more.
func (l *Log) stretch(tx *db.Tx, condition string, args []any, most int) (items []Item, full bool, err error) {
	rows, err := tx.Query(`SELECT `+columns+` FROM events WHERE `+condition+` LIMIT `+strconv.Itoa(stretchRows), args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for bytes := 0; bytes < most && rows.Next(); {
		i, err := scanItem(rows)
		if err != nil {
			return nil, false, err
		}
		if i.Source == "" {
			i.Source = l.source
		}
		items = append(items, i)
		if bytes += i.Size(); bytes >= most {
			full = true
		}
	}
	return items, full || len(items) == stretchRows, errors.Join(rows.Err(), rows.Close())
}

// Size is about how many bytes the event has in memory.
func (i *Item) Size() int { return 200 + len(i.attributes) + len(i.data) }

// load brings data that are kept in chunks. Those that retention has removed
// meanwhile are left out.
func (i *Item) load(tx *db.Tx) error {
	data, err := tx.Load(i.data)
	if fault.Is(err, fault.NotFound) {
		data, err = nil, nil
	}
	i.data = data
	i.form &^= formLarge
	return err
}

// Get is the newest event with the id, of the source where one is given. Errors:
// fault.NotFound.
func (l *Log) Get(ctx context.Context, id, source string) (i Item, err error) {
	switch source {
	case "":
		source = "*" // no event's: so that "" remains the log's own
	case l.source:
		source = ""
	}
	err = l.db.Read(ctx, func(tx *db.Tx) error {
		i, err = scanItem(tx.QueryRow(`SELECT `+columns+` FROM events WHERE id = $1 AND (source = $2 OR $2 = '*') ORDER BY seq DESC LIMIT 1`, id, source))
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.NotFound, "there is no event %q; it may be older than the log's retention", id)
		}
		if err != nil || i.form&formLarge == 0 {
			return err
		}
		return i.load(tx)
	})
	if i.Source == "" {
		i.Source = l.source
	}
	return i, err
}

// At is the event at a place of the log. Errors: fault.NotFound.
func (l *Log) At(ctx context.Context, seq int64) (i Item, err error) {
	err = l.db.Read(ctx, func(tx *db.Tx) error {
		i, err = scanItem(tx.QueryRow(`SELECT `+columns+` FROM events WHERE seq = $1`, seq))
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.NotFound, "the event is not in the log any more: its retention is over")
		}
		if err != nil || i.form&formLarge == 0 {
			return err
		}
		return i.load(tx)
	})
	if i.Source == "" {
		i.Source = l.source
	}
	return i, err
}

// Since is the position behind which the events stand that came into the log at
// a time or later.
func (l *Log) Since(ctx context.Context, at time.Time) (position int64, err error) {
	err = l.db.Read(ctx, func(tx *db.Tx) error {
		low, high, err := bounds(tx) // the events before low came earlier, those behind high later
		for err == nil && low < high {
			middle := low + (high-low)/2
			var seq, came int64
			err = tx.QueryRow(`SELECT seq, at FROM events WHERE seq > $1 ORDER BY seq LIMIT 1`, middle).Scan(&seq, &came)
			switch {
			case err != nil:
			case came >= db.Micros(at):
				high = middle
			default:
				low = seq
			}
		}
		position = low
		return err
	})
	return position, err
}

// Selection chooses events for people: newest first.
type Selection struct {
	Before          int64 // a position; 0: from the newest
	Types           Patterns
	Subject, Source string // exactly; "" for all
	Since, Until    time.Time
	Filter          *Filter
	Limit           int  // 100 when 0, at most MaxLimit
	Turn            Turn // nil: at once
}

// List is a page of a selection; next is 0 on the last one.
func (l *Log) List(ctx context.Context, s Selection) (items []Item, next int64, err error) {
	leave, err := s.Turn.take(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	source, every := s.Source, int64(0)
	switch source {
	case "":
		every = 1
	case l.source:
		source = ""
	}
	since, until, before := int64(0), int64(1<<62), s.Before
	if !s.Since.IsZero() {
		since = db.Micros(s.Since)
	}
	if !s.Until.IsZero() {
		until = db.Micros(s.Until)
	}
	if before == 0 {
		before = 1 << 62
	}
	types, args := s.Types.condition(7)
	args = append([]any{s.Subject, source, every, since, until}, args...)
	err = l.db.Read(ctx, func(tx *db.Tx) error {
		items, next = nil, 0
		bytes := 0
		return l.walk(tx, `seq < $1 AND ($2 = '' OR subject = $2) AND ($4 = 1 OR source = $3) AND at >= $5 AND at < $6`+types+` ORDER BY seq DESC`,
			before, args, &Query{Types: s.Types, Filter: s.Filter}, func(i Item) bool {
				if len(items) == pageSize(s.Limit) || bytes >= pageBytes {
					next = items[len(items)-1].Seq
					return false
				}
				items = append(items, i)
				bytes += i.Size()
				return true
			})
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list events: %w", err)
	}
	return items, next, nil
}
