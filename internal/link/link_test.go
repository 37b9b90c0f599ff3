package link_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/link"
)

// shop is a store whose links count what they have done.
type shop struct {
	*link.Store
	t     testing.TB
	db    *db.DB
	clock *clock.Fake

	mu   sync.Mutex
	done int
}

func newShop(t testing.TB, d *db.DB) *shop {
	t.Helper()
	s := &shop{t: t, db: d, clock: clock.NewFake(start)}
	s.Store = link.New(link.Options{
		DB: d, Now: s.clock.Now,
		Key: func(*db.Tx) ([]byte, error) { return []byte("key"), nil },
		URL: func() (string, error) { return "https://x", nil },
		Do: func(*db.Tx, *link.Link) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.done++
			return "", nil
		},
		Tell: func(*db.Tx, string, *link.Approval) error { return nil },
		Wake: func(*db.Tx, string) error { return nil },
	})
	return s
}

// make makes a link and returns its token.
func (s *shop) make(l link.Link) (token string) {
	s.t.Helper()
	s.write(func(tx *db.Tx) error {
		url, err := s.Make(tx, l)
		token = strings.TrimPrefix(url, "https://x"+link.Base)
		return err
	})
	return token
}

func (s *shop) write(f func(tx *db.Tx) error) {
	s.t.Helper()
	if err := s.db.Write(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func TestExpire(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open())
		tokens := map[time.Duration]string{}
		for _, age := range []time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour} {
			tokens[age] = s.make(link.Link{Kind: link.Event, Target: "a", Content: []byte("{}"), Confirm: true, Uses: 1, ExpiresAt: start.Add(age)})
		}
		s.write(func(tx *db.Tx) error {
			for i := range 3 {
				q := link.Ask{Subject: fmt.Sprint(i), Choices: []link.Choice{{Choice: "yes"}}, Run: fmt.Sprint("run_", i), ExpiresAt: start.Add(time.Duration(i+1) * time.Hour)}
				if _, err := s.Open(tx, q); err != nil {
					return err
				}
			}
			return s.Cancel(tx, "run_2")
		})
		sweep := func(f func(tx *db.Tx, most int, now time.Time) (int64, error), want int64) {
			t.Helper()
			s.write(func(tx *db.Tx) error {
				n, err := f(tx, 100, time.Time{})
				if n != want {
					t.Errorf("%d of %d", n, want)
				}
				return err
			})
		}
		states := func() string {
			t.Helper()
			list, _, err := s.Approvals(t.Context(), link.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, a := range list {
				text += a.Subject + string(a.State) + " "
			}
			return text
		}
		sweep(s.Expire, 0)
		s.clock.Advance(time.Hour)
		sweep(s.Expire, 2) // a link, and that of an approval
		sweep(s.Overdue, 1)
		sweep(s.Overdue, 0)
		if got := states(); got != "2cancelled 1open 0expired " {
			t.Error(got)
		}
		if _, err := s.Look(t.Context(), tokens[2*time.Hour]); err != nil {
			t.Error(err)
		}
		s.clock.Advance(90 * 24 * time.Hour)
		sweep(s.Overdue, 1)
		sweep(s.Expire, 4) // the others; the two approvals that had ended go with them
		if got := states(); got != "1expired " {
			t.Error(got)
		}
		s.clock.Advance(90 * 24 * time.Hour)
		sweep(s.Expire, 1)
		if got := states(); got != "" {
			t.Error(got)
		}
	})
}

// Nothing but what was made is a link, whatever it looks like.
func FuzzToken(f *testing.F) {
	s := newShop(f, dbtest.SQLite(f)(nil))
	token := s.make(link.Link{Kind: link.Event, Target: "a", Content: []byte("{}"), ExpiresAt: start.Add(time.Hour)})
	for _, seed := range []string{"", token, token[1:], token + "0", strings.ToUpper(token), "0" + token[1:], strings.Repeat("\x00", 40), strings.Repeat("é", 20), token[:39] + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := s.Look(t.Context(), text)
		if text == token && err != nil || text != token && !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", text, err)
		}
		if text != token {
			if _, err := s.Use(t.Context(), text, ""); !fault.Is(err, fault.NotFound) || s.done != 0 {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// Whoever has one half of each of two links has none.
func TestHalvesOfTokens(t *testing.T) {
	s := newShop(t, dbtest.SQLite(t)(nil))
	made := link.Link{Kind: link.Event, Target: "a", Content: []byte("{}"), ExpiresAt: start.Add(time.Hour)}
	one, two := s.make(made), s.make(made)
	for i := range 40 {
		for _, mixed := range []string{one[:i] + two[i:], two[:i] + one[i:]} {
			if _, err := s.Look(t.Context(), mixed); mixed != one && mixed != two && !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", mixed, err)
			}
		}
	}
}
