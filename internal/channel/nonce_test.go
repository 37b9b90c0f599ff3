package channel_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"junctor/internal/channel"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

func TestNonceOf(t *testing.T) {
	n := channel.Nonce{Header: "x-nonce", Window: time.Hour}
	for _, c := range []struct {
		sent []string
		good bool
	}{
		{[]string{"a"}, true},
		{[]string{strings.Repeat("n", 255)}, true},
		{nil, false},
		{[]string{""}, false},
		{[]string{strings.Repeat("n", 256)}, false},
		{[]string{"a", "b"}, false},
		{[]string{"a", "a"}, false},
		{[]string{"", "a"}, false},
	} {
		got, err := n.Of(http.Header{"X-Nonce": c.sent})
		if c.good != (err == nil) || c.good && got != c.sent[0] || !c.good && !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%.30q: %.30q, %v", c.sent, got, err)
		}
	}
}

func TestNonces(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d, ctx := open(), context.Background()
		n := channel.NewNonces(d)
		start := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		take := func(name, nonce string, at time.Time) error { return n.TakeAlone(ctx, name, nonce, at, time.Hour) }
		for _, c := range []struct {
			what, channel, nonce string
			after                time.Duration
			taken                bool
		}{
			{"first", "a", "1", 0, false},
			{"again", "a", "1", 0, true},
			{"another", "a", "2", 0, false},
			{"of another channel", "b", "1", 0, false},
			{"in capitals", "a", "N", 0, false},
			{"in small letters", "a", "n", 0, false},
			{"odd", "a", "\x00\xff'", 0, false},
			{"odd and again", "a", "\x00\xff'", 0, true},
			{"at the end of the window", "a", "1", time.Hour, true},
			{"behind the window", "a", "1", time.Hour + time.Microsecond, false},
			{"in the new window", "a", "1", 2 * time.Hour, true},
			{"of one who came before", "a", "1", 0, true},
		} {
			at := start.Add(c.after)
			if err := n.Check(ctx, c.channel, c.nonce, at); fault.Is(err, fault.Conflict) != c.taken || err != nil && !c.taken {
				t.Errorf("%s: looked for: %v", c.what, err)
			}
			if err := take(c.channel, c.nonce, at); fault.Is(err, fault.Conflict) != c.taken || err != nil && !c.taken {
				t.Errorf("%s: taken: %v", c.what, err)
			}
		}
		expire := func(now time.Time, most int) (removed int64) {
			t.Helper()
			if err := d.Write(ctx, func(tx *db.Tx) (err error) {
				removed, err = n.Expire(tx, most, now)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return removed
		}
		if got := expire(start.Add(2*time.Hour), 100); got != 0 {
			t.Errorf("%d were removed while messages that know them may be on their way", got)
		}
		if first, rest := expire(start.Add(2*time.Hour+time.Second), 3), expire(start.Add(2*time.Hour+time.Second), 100); first != 3 || rest != 2 {
			t.Errorf("%d and %d were removed, want 3 and 2", first, rest)
		}
		if err := take("a", "1", start.Add(90*time.Minute)); !fault.Is(err, fault.Conflict) {
			t.Errorf("one within its window was removed: %v", err)
		}
		if err := take("a", "2", start.Add(90*time.Minute)); err != nil {
			t.Error(err)
		}
	})
}

// TestNonceIsTakenWithTheRun: what undoes the transaction undoes the nonce.
func TestNonceIsTakenWithTheRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d, ctx, now := open(), context.Background(), time.Now()
		n := channel.NewNonces(d)
		broken := fault.New(fault.Invalid, "something else is wrong")
		for range 2 {
			err := d.Write(ctx, func(tx *db.Tx) error {
				if _, err := n.Take("a", "1", now, time.Hour)(tx); err != nil {
					return err
				}
				return broken
			})
			if !fault.Is(err, fault.Invalid) {
				t.Error(err)
			}
		}
		if err := n.Check(ctx, "a", "1", now); err != nil {
			t.Error(err)
		}
	})
}
