package subscription

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/run"
)

// list is all subscriptions as they were at one generation. It is never changed
// but for what the dispatcher remembers.
type list struct {
	generation int64
	head       int64 // where it was when the list was read
	of         map[string]*subscriber
	members    []*subscriber // who read at the head
	readers    []*reader
	byType     map[string][]*subscriber // of the members; the dispatcher's own
}

// subscriber is a subscription that is in use.
type subscriber struct {
	row
	config   Config
	allowed  Allowed
	broken   error // what cannot be read of it
	endpoint *endpoint
	health   *health
}

// active reports whether events are dispatched to it.
func (x *subscriber) active() bool { return x.state == Active && !x.held && x.broken == nil }

func (x *subscriber) source() string { return sourcePrefix + x.code }

// reader reads the log at a place of its own.
type reader struct {
	id, of          string
	position, until int64
	choice          *Choice // of what is sent again; nil: the subscription's own
}

// load reads the subscriptions, taking over what has not changed.
func (s *Store) load(tx *db.Tx, before *list) (*list, error) {
	l := &list{of: map[string]*subscriber{}, byType: map[string][]*subscriber{}}
	if err := tx.QueryRow(`SELECT position, generation FROM subscription_head WHERE id = 1`).Scan(&l.head, &l.generation); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT ` + columns + ` FROM subscriptions ORDER BY code`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var codes []string
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, err
		}
		l.of[r.code] = s.subscriber(r, before.of[r.code])
		codes = append(codes, r.code)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	apart := map[string]bool{}
	if l.readers, err = readers(tx); err != nil {
		return nil, err
	}
	for _, r := range l.readers {
		apart[r.id] = true
	}
	for _, code := range codes {
		if x := l.of[code]; x.active() && !apart[code] {
			l.members = append(l.members, x)
		}
	}
	return l, nil
}

func (s *Store) subscriber(r row, before *subscriber) *subscriber {
	x := &subscriber{row: r, endpoint: &endpoint{version: r.version}, health: &health{failing: r.failingSince > 0}}
	if before != nil {
		x.health = before.health
		if r.failingSince == 0 && (before.version != r.version || before.state != r.state) {
			x.health.recover() // it begins anew, also where another node has let it
		}
	}
	if before != nil && before.version == r.version {
		x.endpoint, x.config, x.allowed, x.broken = before.endpoint, before.config, before.allowed, before.broken
		if before.row.allowed == r.allowed {
			return x
		}
	}
	x.config, x.broken = readConfig(r)
	x.allowed = everything
	if r.channel != "" {
		var types []string
		if r.allowed != "" {
			if err := json.Unmarshal([]byte(r.allowed), &types); err != nil {
				x.broken = err
			}
		}
		var err error
		if x.allowed, err = NewAllowed(types); err != nil {
			x.broken = err
		}
	}
	if x.broken != nil {
		s.Log.Warn("a subscription cannot be used", "subscription", r.code, "error", x.broken)
	}
	return x
}

// readConfig reads the stored body.
func readConfig(r row) (Config, error) {
	c, found := Parse("", json.RawMessage(r.body))
	c.Code = r.code
	if len(found) > 0 {
		return c, fmt.Errorf("its definition is not valid: %s %s", found[0].Pointer, found[0].Detail)
	}
	return c, nil
}

func readers(tx *db.Tx) (all []*reader, err error) {
	rows, err := tx.Query(`SELECT id, subscription, position, until, types, filter FROM subscription_readers ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r reader
		var types, filter string
		if err := rows.Scan(&r.id, &r.of, &r.position, &r.until, &types, &filter); err != nil {
			return nil, err
		}
		if r.until > 0 {
			var list []string
			if types != "" {
				if err := json.Unmarshal([]byte(types), &list); err != nil {
					return nil, err
				}
			}
			c, _ := ParseChoice(list, filter) // checked when it was stored
			r.choice = &c
		}
		all = append(all, &r)
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// refresh reads the list when the generation has changed.
func (s *Store) refresh(tx *db.Tx) (l *list, position int64, err error) {
	var generation int64
	if err := tx.QueryRow(`SELECT position, generation FROM subscription_head WHERE id = 1`).Scan(&position, &generation); err != nil {
		return nil, 0, err
	}
	if l = s.list.Load(); l.generation == generation {
		return l, position, nil
	}
	s.loading.Lock()
	defer s.loading.Unlock()
	before := s.list.Load()
	if l, err = s.load(tx, before); err != nil {
		return nil, 0, err
	}
	s.list.Store(l)
	for code, x := range before.of {
		switch now := l.of[code]; {
		case now == nil, now.state == Ended && x.state != Ended:
			s.hurry(x) // its deliveries wait for nothing any more: they are cancelled
		case now.active() && !x.active():
			s.hurry(x) // they waited for that
			now.health.mu.Lock()
			now.health.again = time.Now().Add(settled)
			now.health.mu.Unlock()
		}
		if l.of[code] == nil {
			s.metrics.deliveries.DeletePartialMatch(prometheus.Labels{"subscription": code})
		}
	}
	return l, position, nil
}

// Reload reads the subscriptions anew.
func (s *Store) Reload(ctx context.Context) error {
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		_, _, err := s.refresh(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the subscriptions: %w", err)
	}
	return nil
}

// Policy is how the runs of a source are treated; ok says whether it is that of
// a subscription.
func (s *Store) Policy(source string) (p run.Policy, ok bool) {
	code, ok := strings.CutPrefix(source, sourcePrefix)
	if !ok {
		return p, false
	}
	x := s.list.Load().of[code]
	if x == nil || x.broken != nil {
		p = run.DefaultPolicy
		p.AtOnce = 1
		return p, true
	}
	p = x.config.policy()
	if x.health.isFailing() { // one that does not answer holds as little as can be
		p.AtOnce = 1
	}
	return p, true
}

// Longest is for how long at most a delivery may need its event.
func (s *Store) Longest() (longest time.Duration) {
	const slack = 24 * time.Hour
	for _, x := range s.list.Load().of {
		d := time.Duration(0)
		p := x.config.Retry
		for i := range p.Attempts - 1 {
			switch n := len(p.Schedule); {
			case n > 0:
				d += p.Schedule[min(i, n-1)]
			default:
				d += p.Max
			}
		}
		longest = max(longest, d+slack)
	}
	return longest
}

// find is a subscription by its code, nil when there is none. One that is not
// known here yet is looked for in the database.
func (s *Store) find(ctx context.Context, code string) (*subscriber, error) {
	if x := s.list.Load().of[code]; x != nil {
		return x, nil
	}
	if err := s.Reload(ctx); err != nil {
		return nil, err
	}
	return s.list.Load().of[code], nil
}

// takers are the members that want an event.
func (l *list) takers(i *event.Item) []*subscriber {
	of, known := l.byType[i.Type]
	if !known {
		for _, x := range l.members {
			if x.config.Choice.patterns.Match(i.Type) && x.allowed.Has(i.Type) {
				of = append(of, x)
			}
		}
		if len(l.byType) < 10_000 {
			l.byType[i.Type] = of
		}
	}
	return of
}

// wanted reports whether some member may want events of a type.
func (l *list) wanted(kind string) bool { return len(l.takers(&event.Item{Type: kind})) > 0 }
