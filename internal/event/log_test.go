package event_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/event"
	"junctor/internal/fault"
)

var start = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// node is a log over one of the databases, as a process has it.
type node struct {
	*event.Log
	db        *db.DB
	committer *db.Committer
	clock     *clock.Fake
	keep      atomic.Int64 // a time.Duration
}

func open(t testing.TB, d *db.DB) *node {
	t.Helper()
	n := &node{db: d, clock: clock.NewFake(start)}
	n.committer = db.NewCommitter(d, nil, nil)
	var err error
	n.Log, err = event.Open(context.Background(), event.Options{
		DB: d, Committer: n.committer, Source: "/junctor/test", Clock: n.clock, Keep: func() time.Duration { return time.Duration(n.keep.Load()) },
	})
	must(t, err)
	n.Start()
	t.Cleanup(func() {
		n.Stop()
		n.committer.Close()
	})
	return n
}

// each runs body with a log on both databases.
func each(t *testing.T, body func(t *testing.T, n *node)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, database func() *db.DB) { body(t, open(t, database())) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (n *node) append(t testing.TB, events ...*event.Event) {
	t.Helper()
	must(t, n.db.Write(context.Background(), func(tx *db.Tx) error { return n.Append(tx, events...) }))
}

func told(kind, data string) *event.Event {
	return &event.Event{Type: kind, Data: json.RawMessage(data)}
}

// types are those of a page's events, with their data.
func types(items []event.Item) (all []string) {
	for _, i := range items {
		all = append(all, i.Type+string(i.Data()))
	}
	return all
}

func patterns(t testing.TB, list ...string) event.Patterns {
	t.Helper()
	p, err := event.ParsePatterns(list)
	must(t, err)
	return p
}

func TestEventsComeBackInOrder(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		empty, err := n.Read(t.Context(), event.Query{After: event.Oldest})
		if err != nil || len(empty.Items) > 0 || empty.More {
			t.Fatalf("an empty log: %+v, %v", empty, err)
		}
		n.append(t, told("a", "1"), told("b", "2"))
		n.append(t, told("c", `{"x":[1.10,"ž"]}`))
		n.append(t)
		first, err := n.Read(t.Context(), event.Query{After: empty.Next, Limit: 2})
		must(t, err)
		if diff := cmp.Diff([]string{"a1", "b2"}, types(first.Items)); diff != "" || !first.More {
			t.Errorf("%v %s", first.More, diff)
		}
		rest, err := n.Read(t.Context(), event.Query{After: first.Next})
		must(t, err)
		if diff := cmp.Diff([]string{`c{"x":[1.10,"ž"]}`}, types(rest.Items)); diff != "" || rest.More {
			t.Errorf("%v %s", rest.More, diff)
		}
		if rest.Next != rest.Items[0].Seq {
			t.Errorf("next is %d", rest.Next)
		}
		end, err := n.End(t.Context())
		if err != nil || end != rest.Next {
			t.Errorf("the end is %d, %v", end, err)
		}
	})
}

// Of an event that is left out nothing stays, however large it is.
func TestLargeDataOfAnEventThatIsLeftOut(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		large := json.RawMessage(`"` + strings.Repeat("x", 100_000) + `"`)
		one := func(data json.RawMessage) *event.Event {
			return &event.Event{ID: "1", Source: "/s", Type: "a", Data: data}
		}
		n.append(t, one(json.RawMessage("1")), one(large))
		n.append(t, one(large))
		n.append(t, &event.Event{ID: "2", Source: "/s", Type: "b", Data: large})
		n.append(t, &event.Event{ID: "2", Source: "/s", Type: "b", Data: large[:0]}, one(large))
		page, err := n.Read(t.Context(), event.Query{After: event.Oldest})
		must(t, err)
		if diff := cmp.Diff([]string{"a1", "b" + string(large)}, types(page.Items)); diff != "" {
			t.Error(diff)
		}
		var kept int
		must(t, n.db.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT count(*) FROM large_values`).Scan(&kept) }))
		if kept != 1 {
			t.Errorf("%d large values are kept", kept)
		}
	})
}

func TestAnEventInFull(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		when := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 3600))
		n.append(t,
			&event.Event{ID: "e1", Type: "own", Data: json.RawMessage(`{"a":1}`), Run: "run_1", Depth: 3},
			&event.Event{ID: "e 2", Source: "https://shop.example/1", Type: "com.example.order", Subject: "4711\"ž", Time: when, MediaType: "image/png",
				Schema: "https://example.com/s.json", Bytes: []byte{0, 255}, Extensions: map[string]any{"flag": true, "n": int64(-7), "traceparent": "00-ab"}},
			&event.Event{ID: "e3", Source: "/junctor/test", Type: "nothing"},
			&event.Event{ID: "e4", Type: "empty", Bytes: []byte{}},
		)
		page, err := n.Read(t.Context(), event.Query{After: event.Oldest})
		must(t, err)
		var got []string
		for i := range page.Items {
			b, err := json.Marshal(&page.Items[i])
			must(t, err)
			got = append(got, string(b))
		}
		want := []string{
			`{"specversion":"1.0","id":"e1","source":"/junctor/test","type":"own","time":"2026-11-22T08:00:00Z","junctorrun":"run_1","junctordepth":3,"data":{"a":1}}`,
			`{"specversion":"1.0","id":"e 2","source":"https://shop.example/1","type":"com.example.order","subject":"4711\"ž","time":"2026-01-02T03:04:05.6789+01:00",` +
				`"datacontenttype":"image/png","dataschema":"https://example.com/s.json","flag":true,"n":-7,"traceparent":"00-ab","data_base64":"AP8="}`,
			`{"specversion":"1.0","id":"e3","source":"/junctor/test","type":"nothing","time":"2026-11-22T08:00:00Z"}`,
			`{"specversion":"1.0","id":"e4","source":"/junctor/test","type":"empty","time":"2026-11-22T08:00:00Z","data_base64":""}`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		i, err := n.Get(t.Context(), "e 2", "")
		if err != nil || i.Type != "com.example.order" {
			t.Errorf("by id: %+v, %v", i, err)
		}
		if i, err := n.Get(t.Context(), "e1", "/junctor/test"); err != nil || i.Type != "own" {
			t.Errorf("by id and own source: %+v, %v", i, err)
		}
		for _, source := range []string{"", "/junctor/test"} {
			if _, err := n.Get(t.Context(), "e5", source); !fault.Is(err, fault.NotFound) {
				t.Errorf("an unknown id: %v", err)
			}
		}
		if _, err := n.Get(t.Context(), "e1", "https://shop.example/1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("the id of another source: %v", err)
		}
	})
}

// The same id of the same source is the same event, however often it is sent.
func TestTheSameEventAgainIsLeftOut(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		large := `"` + strings.Repeat("x", 200_000) + `"`
		sent := func(id, source, data string) *event.Event {
			return &event.Event{ID: id, Source: source, Type: "t", Data: json.RawMessage(data)}
		}
		must(t, n.Publish(t.Context(), sent("1", "/a", "1"), sent("1", "/a", "2"), sent("1", "/b", "3"), sent("L", "/a", large)))
		must(t, n.Publish(t.Context(), sent("1", "/a", "4"), sent("2", "/a", "5"), sent("L", "/a", large)))
		must(t, n.Publish(t.Context()))
		page, err := n.Read(t.Context(), event.Query{After: event.Oldest})
		must(t, err)
		if diff := cmp.Diff([]string{"t1", "t3", "t" + large, "t5"}, types(page.Items)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEventsOfARolledBackTransactionAreNotThere(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		mine := errors.New("mine")
		err := n.db.Write(t.Context(), func(tx *db.Tx) error {
			return errors.Join(n.Append(tx, told("gone", "1")), mine)
		})
		if !errors.Is(err, mine) {
			t.Fatal(err)
		}
		n.append(t, told("there", ""))
		page, err := n.Read(t.Context(), event.Query{After: event.Oldest})
		if err != nil || len(page.Items) != 1 || page.Items[0].Type != "there" {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

func TestWhatIsTooLargeOrTooDeep(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for name, e := range map[string]*event.Event{
			"large": told("t", `"`+strings.Repeat("x", event.MaxSize)+`"`),
			"deep":  {Type: "t", Depth: event.MaxDepth + 1},
		} {
			if err := n.Publish(t.Context(), e); !fault.Is(err, fault.Unprocessable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		largest := told("t", `"`+strings.Repeat("x", event.MaxSize-100)+`"`)
		largest.Depth = event.MaxDepth
		must(t, n.Publish(t.Context(), largest))
		page, err := n.Read(t.Context(), event.Query{After: event.Oldest})
		if err != nil || len(page.Items) != 1 || len(page.Items[0].Data()) != event.MaxSize-98 {
			t.Errorf("%d events, %v", len(page.Items), err)
		}
	})
}

// A page is bounded in bytes too, and the next one goes on.
func TestPagesOfLargeEvents(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		const count = 24
		for i := range count {
			n.append(t, told("t", fmt.Sprintf(`"%0500000d"`, i)))
		}
		pages, got := 0, 0
		for q := (event.Query{After: event.Oldest, Limit: 1000}); ; pages++ {
			page, err := n.Read(t.Context(), q)
			must(t, err)
			for _, i := range page.Items {
				if want := fmt.Sprintf(`"%0500000d"`, got); string(i.Data()) != want {
					t.Fatalf("event %d is another", got)
				}
				got++
			}
			if q.After = page.Next; !page.More {
				break
			}
		}
		if got != count || pages < 2 || pages > count/2 {
			t.Errorf("%d events on %d pages", got, pages+1)
		}
	})
}

func TestReadingByTypes(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		for i := range 450 {
			n.append(t, told("noise.of.all", fmt.Sprint(i)))
			if i%100 == 0 {
				n.append(t, told("record.orders.created", ""), told("record.orders.updated.twice", ""), told("record.invoices.created", ""), told("record", ""), told("recorder", ""))
			}
		}
		for list, want := range map[string]int{
			"record.orders.*": 5, "record.**": 15, "record.*.created": 10, "*": 10, "**": 475, "record.orders.created,record.invoices.created": 10,
			"record.orders.created.**": 0, "nothing": 0, "record.": 0, "*.*.*.twice": 5, "record.**,recorder": 20,
		} {
			got := 0
			for q := (event.Query{After: event.Oldest, Types: patterns(t, strings.Split(list, ",")...), Limit: 7}); ; {
				page, err := n.Read(t.Context(), q)
				must(t, err)
				got += len(page.Items)
				if q.After = page.Next; !page.More {
					break
				}
			}
			if got != want {
				t.Errorf("%s chooses %d events, want %d", list, got, want)
			}
		}
	})
}

func TestListIsNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		large := `"` + strings.Repeat("x", 100_000) + `"`
		for i := range 5 {
			n.append(t, &event.Event{Type: "a", Subject: fmt.Sprint(i % 2), Data: json.RawMessage(fmt.Sprint(i))})
			n.clock.Advance(time.Minute)
			n.append(t, &event.Event{Type: "b", Source: "/else", Data: json.RawMessage(large)})
		}
		list := func(s event.Selection) (all []string) {
			for {
				items, next, err := n.List(t.Context(), s)
				must(t, err)
				all = append(all, types(items)...)
				if s.Before = next; next == 0 {
					return all
				}
			}
		}
		if got := list(event.Selection{Limit: 3}); len(got) != 10 || got[0] != "b"+large || got[9] != "a0" {
			t.Errorf("%d events, the first is %.10s", len(got), got[0])
		}
		for name, c := range map[string]struct {
			event.Selection
			want []string
		}{
			"type":    {event.Selection{Types: patterns(t, "a"), Limit: 2}, []string{"a4", "a3", "a2", "a1", "a0"}},
			"subject": {event.Selection{Subject: "1"}, []string{"a3", "a1"}},
			"source":  {event.Selection{Source: "/junctor/test", Limit: 5}, []string{"a4", "a3", "a2", "a1", "a0"}},
			"time":    {event.Selection{Types: patterns(t, "a"), Since: start.Add(time.Minute), Until: start.Add(3 * time.Minute)}, []string{"a2", "a1"}},
			"nothing": {event.Selection{Subject: "7"}, nil},
		} {
			if diff := cmp.Diff(c.want, list(c.Selection)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}

func TestCursors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, database func() *db.DB) {
		n := open(t, database())
		for _, position := range []int64{0, 1, 1 << 40} {
			c := n.Cursor(position)
			if got, err := n.Position(c); err != nil || got != position {
				t.Errorf("%d became %q and %d, %v", position, c, got, err)
			}
			if strings.ContainsAny(c, "+/=&?#%") {
				t.Errorf("%q is not safe in a URL", c)
			}
		}
		good := n.Cursor(7)
		other := open(t, dbtest.SQLite(t)(nil))
		for name, c := range map[string]string{
			"empty": "", "nonsense": "nonsense", "another log": other.Cursor(7), "shortened": good[:len(good)-1], "longer": good + "A",
			"changed": "B" + good[1:], "padded": good + "=", "a number": "7", "binary": "\x00\xff",
		} {
			if position, err := n.Position(c); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %d, %v", name, position, err)
			}
		}
		// A restart, and another node, know them.
		if p, err := open(t, n.db).Position(good); p != 7 || err != nil {
			t.Errorf("%d, %v", p, err)
		}
	})
}

func TestRetention(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		large := `"` + strings.Repeat("x", 100_000) + `"`
		for range 250 {
			n.append(t, told("old", "1"))
		}
		n.append(t, told("old", large))
		n.clock.Advance(time.Hour)
		n.append(t, told("new", ""), told("newest", ""))
		before, err := n.Read(t.Context(), event.Query{After: event.Oldest, Limit: 1})
		must(t, err)
		prune := func() {
			for more := true; more; {
				var err error
				more, err = n.PruneBatch()
				must(t, err)
			}
		}
		prune() // for ever
		n.keep.Store(int64(2 * time.Hour))
		prune() // not yet
		if _, err := n.Read(t.Context(), event.Query{After: before.Next}); err != nil {
			t.Fatal(err)
		}
		n.keep.Store(int64(30 * time.Minute))
		prune()
		left, err := n.Read(t.Context(), event.Query{After: event.Oldest})
		must(t, err)
		if diff := cmp.Diff([]string{"new", "newest"}, types(left.Items)); diff != "" {
			t.Error(diff)
		}
		_, err = n.Read(t.Context(), event.Query{After: before.Next})
		var old *event.TooOld
		if !errors.As(err, &old) || !fault.Is(err, fault.Gone) {
			t.Fatalf("a cursor that is too old: %v", err)
		}
		oldest, err := n.Position(old.Oldest)
		must(t, err)
		if again, err := n.Read(t.Context(), event.Query{After: oldest}); err != nil || len(again.Items) != 2 {
			t.Errorf("from the oldest: %d events, %v", len(again.Items), err)
		}
		if _, err := n.Read(t.Context(), event.Query{After: left.Next + 1}); !errors.As(err, &old) {
			t.Errorf("a cursor behind the end: %v", err)
		}
		// All are over: the newest stays, and numbers do not come again.
		n.clock.Advance(time.Hour)
		prune()
		n.append(t, told("later", ""))
		last, err := n.Read(t.Context(), event.Query{After: left.Items[0].Seq})
		must(t, err)
		if diff := cmp.Diff([]string{"newest", "later"}, types(last.Items)); diff != "" || last.Next <= left.Next {
			t.Errorf("%d %s", last.Next, diff)
		}
		var chunks int
		must(t, n.db.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT count(*) FROM chunks`).Scan(&chunks) }))
		if chunks != 0 {
			t.Errorf("%d chunks of removed events are left", chunks)
		}
	})
}

// The background does it by itself.
func TestRetentionGoesOnByItself(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		n.keep.Store(int64(time.Minute))
		n.append(t, told("old", ""), told("newest", ""))
		for deadline := time.Now().Add(20 * time.Second); ; {
			n.clock.Advance(30 * time.Second)
			page, err := n.Read(t.Context(), event.Query{After: event.Oldest})
			must(t, err)
			if len(page.Items) == 1 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("the old event is never removed")
			}
		}
	})
}

// Many writers on several connections, and readers that must never miss one:
// what becomes visible lies behind what they have read.
func TestNoEventBecomesVisibleBehindAReader(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, database func() *db.DB) {
		const writers, rounds = 6, 40
		first := open(t, database())
		nodes := []*node{first, first}
		if first.db.Postgres() { // several processes
			nodes = append(nodes, open(t, database()), open(t, database()))
		}
		var writing, reading sync.WaitGroup
		done := make(chan struct{})
		for w := range writers {
			writing.Go(func() {
				n := nodes[w%len(nodes)]
				for i := range rounds {
					events := []*event.Event{told(fmt.Sprintf("w%d", w), fmt.Sprint(2*i)), told(fmt.Sprintf("w%d", w), fmt.Sprint(2*i+1))}
					var err error
					if w%2 == 0 {
						err = n.Publish(context.Background(), events...)
					} else { // a transaction of its own, which ends when it likes
						err = n.db.Write(context.Background(), func(tx *db.Tx) error { return n.Append(tx, events...) })
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for r := range 2 {
			reading.Go(func() {
				seen := map[string]int{}
				q, last := event.Query{After: event.Oldest, Limit: 3 + r}, false
				for {
					select {
					case <-done:
						last = true
					default:
					}
					page, err := nodes[len(nodes)-1-r].Read(context.Background(), q)
					if err != nil {
						t.Error(err)
						return
					}
					for _, i := range page.Items {
						if want := fmt.Sprint(seen[i.Type]); string(i.Data()) != want {
							t.Errorf("reader %d: %s tells %s, want %s", r, i.Type, i.Data(), want)
							return
						}
						seen[i.Type]++
					}
					if q.After = page.Next; last && !page.More && len(page.Items) == 0 {
						break
					}
				}
				for w := range writers {
					if n := seen[fmt.Sprintf("w%d", w)]; n != 2*rounds {
						t.Errorf("reader %d has %d events of writer %d, want %d", r, n, w, 2*rounds)
					}
				}
			})
		}
		writing.Wait()
		close(done)
		reading.Wait()
	})
}

func TestAwait(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, database func() *db.DB) {
		n := open(t, database())
		other := n
		if n.db.Postgres() {
			other = open(t, database())
		}
		n.append(t, told("before", ""))
		end, err := n.End(t.Context())
		must(t, err)
		type result struct {
			page event.Page
			err  error
		}
		await := func(q event.Query) chan result {
			got := make(chan result, 1)
			go func() {
				page, err := n.Await(context.Background(), q, time.Minute)
				got <- result{page, err}
			}()
			return got
		}
		if r := <-await(event.Query{After: event.Oldest}); r.err != nil || len(r.page.Items) != 1 {
			t.Errorf("what is there is not waited for: %+v", r)
		}
		orders, all := await(event.Query{After: end, Types: patterns(t, "order.*")}), await(event.Query{After: end})
		other.append(t, told("noise", ""))
		if r := <-all; r.err != nil || len(r.page.Items) != 1 || r.page.Items[0].Type != "noise" {
			t.Errorf("any event: %+v", r)
		}
		other.append(t, told("noise", ""), told("order.made", "7"))
		if r := <-orders; r.err != nil || !slices.Equal(types(r.page.Items), []string{"order.made7"}) {
			t.Errorf("one that fits: %+v", r)
		}
		end, err = n.End(t.Context())
		must(t, err)
		// Nobody comes: the time ends it, by the clock that was handed in.
		silent := await(event.Query{After: end})
		for over := false; !over; {
			select {
			case r := <-silent:
				if over = true; r.err != nil || len(r.page.Items) > 0 || r.page.Next != end {
					t.Errorf("nothing came: %+v", r)
				}
			case <-time.After(5 * time.Millisecond):
				n.clock.Advance(time.Minute)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := n.Await(ctx, event.Query{After: end}, time.Minute); err == nil {
			t.Log("a reader who has left before he came is told nothing is wrong") // either will do
		}
		stopped := await(event.Query{After: end})
		n.Stop()
		if r := <-stopped; r.err != nil || len(r.page.Items) > 0 {
			t.Errorf("the log ends: %+v", r)
		}
	})
}
