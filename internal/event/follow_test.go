package event_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/event"
)

// follow reads until there are so many events.
func follow(ctx context.Context, n *node, q event.Query, most int) (got []string, next int64, err error) {
	for {
		page, err := n.Next(ctx, q)
		if err != nil {
			return got, q.After, err
		}
		for i := range page.Items {
			text, err := json.Marshal(&page.Items[i])
			if err != nil {
				return got, q.After, err
			}
			got = append(got, fmt.Sprint(page.Items[i].Seq, string(text)))
		}
		q.After = page.Next
		if len(got) >= most {
			return got, q.After, nil
		}
		if page.More {
			continue
		}
		select {
		case <-n.Grown(q.After):
		case <-ctx.Done():
			return got, q.After, ctx.Err()
		}
	}
}

// Who follows the log has the same from memory as from the database, whatever his
// place, and who falls behind goes on from the database.
func TestFollow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, database func() *db.DB) {
		n := open(t, database())
		other := n
		if n.db.Postgres() {
			other = open(t, database())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		n.append(t, told("before", ""))
		begin, err := n.Begin(ctx, event.Latest)
		must(t, err)
		leave, err := n.Follow(ctx)
		must(t, err)
		defer leave()
		var early []string
		for round := range 5 {
			other.append(t, told("order.made", fmt.Sprint(round)), told("noise", `"ž"`), told("order.sent", fmt.Sprint(round)))
			got, next, err := follow(ctx, n, event.Query{After: begin, Types: patterns(t, "order.*"), Bytes: 1}, 2*round+2)
			must(t, err)
			if early = got; !n.Near(begin) || !n.Near(next) {
				t.Errorf("after %d events they are not in memory", 3*round+3)
			}
		}
		filter, err := event.ParseFilter("data ge 3")
		must(t, err)
		got, _, err := follow(ctx, n, event.Query{After: begin, Filter: filter}, 4)
		must(t, err)
		if !slices.Equal(got, early[6:]) {
			t.Errorf("a filter chooses %v", got)
		}
		place, err := n.Begin(ctx, event.Latest)
		must(t, err)
		for range 12 {
			other.append(t, told("large", `"`+strings.Repeat("x", 500<<10)+`"`))
		}
		if got, _, err = follow(ctx, n, event.Query{After: place}, 12); err != nil || len(got) != 12 {
			t.Fatalf("%d of 12 came: %v", len(got), err)
		}
		if n.Near(begin) {
			t.Error("old events stay in memory")
		}
		late, _, err := follow(ctx, n, event.Query{After: begin, Types: patterns(t, "order.*"), Limit: 3}, 10)
		must(t, err)
		if !slices.Equal(late, early) {
			t.Errorf("from memory there were\n%v\nand from the database\n%v", early, late)
		}
	})
}

func TestBegin(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.append(t, told("a", ""), told("b", ""))
		end, err := n.End(t.Context())
		must(t, err)
		for after, want := range map[int64]int64{event.Latest: end, event.Oldest: 0, end: end, end - 1: end - 1, 0: 0} {
			if got, err := n.Begin(t.Context(), after); err != nil || got != want {
				t.Errorf("behind %d it begins behind %d (%v)", after, got, err)
			}
		}
		var old *event.TooOld
		if _, err := n.Begin(t.Context(), end+1); !errors.As(err, &old) {
			t.Errorf("behind the end: %v", err)
		}
	})
}
