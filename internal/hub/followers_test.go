package hub_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/hub"
	"junctor/internal/load"
)

// heard is a message of the server's to a subscriber.
type heard struct {
	Subscribed string
	ID         string
	Cursor     string
	Pong       bool
	Event      *struct {
		ID, Type, Subject, Specversion string
		Data                           json.RawMessage
	}
	Error *struct {
		Type, Title, Detail, Oldest string
		Status                      int
		Errors                      []struct{ Pointer, Detail string }
	}
}

// ask sends a message of JSON, with arguments as fmt's.
func (w *wire) ask(format string, args ...any) {
	w.t.Helper()
	w.say(fmt.Sprintf(format, args...))
}

// told is the next message as JSON.
func (w *wire) told() (h heard) {
	w.t.Helper()
	text := w.hear()
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		w.t.Fatalf("heard %.300q: %v", text, err)
	}
	return h
}

// events are the ids of the next events, which must be of a subscription.
func (w *wire) events(of string, n int) (ids []string, cursor string) {
	w.t.Helper()
	for range n {
		h := w.told()
		if h.Event == nil || h.ID != of || h.Cursor == "" {
			w.t.Fatalf("heard %+v, not an event of %s", h, of)
		}
		ids, cursor = append(ids, h.Event.ID), h.Cursor
	}
	return ids, cursor
}

// silent says that nothing has come before the answer to a ping.
func (w *wire) silent() {
	w.t.Helper()
	w.say(`{"action":"ping"}`)
	w.hears(`{"pong":true}`)
}

func numbered(kind string, from, to int) (ids []string) {
	for n := from; n <= to; n++ {
		ids = append(ids, fmt.Sprintf("%s-%d", kind, n))
	}
	return ids
}

func (s *site) follower(channel string) *wire {
	s.t.Helper()
	return s.connected(channel, "/subscribe")
}

func wantIDs(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("heard %v, not %v", got, want)
	}
}

func TestSubscribeByWebsocket(t *testing.T) {
	nodes(t, map[string]string{"junctor.yaml": eventing}, func(t *testing.T, nodes []*site) {
		s, other := nodes[0], nodes[len(nodes)-1]
		s.publish("order.made", 1, 2)
		w := s.follower("crm")
		w.say(`{"action":"subscribe","id":"s1","types":["order.*"],"filter":"data/n ne 4"}`)
		began := w.told()
		if began.Subscribed != "s1" || began.Cursor == "" {
			t.Fatalf("%+v", began)
		}
		w.silent()
		other.publish("order.made", 3, 5)
		other.publish("other.made", 1, 1)
		other.publish("order.made", 6, 6)
		text := w.hear()
		var whole map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &whole); err != nil || len(whole) != 3 || !strings.HasPrefix(text, `{"id":"s1","event":{"specversion":"1.0","id":"order.made-3",`) {
			t.Fatalf("heard %s", text)
		}
		ids, last := w.events("s1", 2)
		wantIDs(t, ids, []string{"order.made-5", "order.made-6"})
		w.silent()

		// A second one on the same line, from a place, and the first one ends.
		w.ask(`{"action":"subscribe","id":"s 2","types":["*.made"],"after":%q}`, began.Cursor)
		if h := w.told(); h.Subscribed != "s 2" || h.Cursor != began.Cursor {
			t.Fatalf("%+v", h)
		}
		ids, _ = w.events("s 2", 5)
		wantIDs(t, ids, []string{"order.made-3", "order.made-4", "order.made-5", "other.made-1", "order.made-6"})
		w.say(`{"action":"unsubscribe","id":"s1"}`)
		w.silent()
		s.publish("order.made", 7, 7)
		ids, _ = w.events("s 2", 1)
		wantIDs(t, ids, []string{"order.made-7"})
		w.silent()
		w.say(`{"action":"subscribe","id":"s1","types":["order.made"],"after":"oldest"}`, `{"action":"unsubscribe","id":"s 2"}`)
		w.told()
		ids, _ = w.events("s1", 7)
		wantIDs(t, ids, numbered("order.made", 1, 7))

		// After a reconnect with after nothing is missing, at whichever node.
		w.Close()
		again := other.follower("crm")
		again.ask(`{"action":"subscribe","id":"x","types":["order.**"],"after":%q}`, last)
		again.told()
		ids, _ = again.events("x", 1)
		wantIDs(t, ids, []string{"order.made-7"})
	})
}

func TestSubscribeByWebsocketUnderAName(t *testing.T) {
	nodes(t, map[string]string{"junctor.yaml": eventing}, func(t *testing.T, nodes []*site) {
		s, other := nodes[0], nodes[len(nodes)-1]
		begin := func(s *site, more string) *wire {
			w := s.follower("crm")
			w.say(`{"action":"subscribe","id":"s1","types":["order.made"],"name":"till 1"` + more + `}`)
			if h := w.told(); h.Subscribed != "s1" {
				t.Fatalf("%+v", h)
			}
			return w
		}
		w := begin(s, "")
		w.Close()
		s.publish("order.made", 1, 3)
		w = begin(other, "") // what came since the name was first used is not missing
		ids, _ := w.events("s1", 1)
		_, second := w.events("s1", 1)
		_, third := w.events("s1", 1)
		wantIDs(t, ids, numbered("order.made", 1, 1))
		w.ask(`{"action":"ack","cursor":%q}`, second)
		w.silent()
		w.Close()
		w = begin(s, "")
		ids, _ = w.events("s1", 1)
		wantIDs(t, ids, numbered("order.made", 3, 3))
		w.ask(`{"action":"ack","id":"s1","cursor":%q}`, third)
		w.ask(`{"action":"ack","cursor":%q}`, second) // it never goes back
		w.silent()
		s.publish("order.made", 4, 4)
		w.events("s1", 1)
		w.Close()
		w = begin(other, "")
		ids, _ = w.events("s1", 1)
		wantIDs(t, ids, numbered("order.made", 4, 4))
		w = begin(other, `,"after":"oldest"`) // after counts more than the name
		ids, _ = w.events("s1", 4)
		wantIDs(t, ids, numbered("order.made", 1, 4))

		// Two names on one line: an acknowledgement says whose it is.
		w.say(`{"action":"subscribe","id":"s2","name":"till 2","after":"oldest","types":["order.made"]}`)
		w.told()
		_, cursor := w.events("s2", 4)
		w.ask(`{"action":"ack","cursor":%q}`, cursor)
		if h := w.told(); h.Error == nil || h.Error.Status != 422 || h.Error.Errors[0].Pointer != "/id" {
			t.Fatalf("%+v", h)
		}
		w.ask(`{"action":"ack","id":"s2","cursor":%q}`, cursor)
		w.silent()
	})
}

// What a name has acknowledged is there after a restart.
func TestNamesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	t.Run("before", func(t *testing.T) {
		s := serveAs(t, hub.Options{Data: dir}, nil, map[string]string{"junctor.yaml": eventing})
		w := s.follower("crm")
		w.say(`{"action":"subscribe","id":"s1","types":["order.made"],"name":"n"}`)
		w.told()
		s.publish("order.made", 1, 3)
		_, cursor := w.events("s1", 2)
		w.ask(`{"action":"ack","cursor":%q}`, cursor)
		w.events("s1", 1)
		w.silent()
		s.stop()
		w.hears("close 1001 The server is stopping; connect again.")
	})
	t.Run("after", func(t *testing.T) {
		s := serveAs(t, hub.Options{Data: dir}, nil, map[string]string{"junctor.yaml": eventing})
		w := s.follower("crm")
		w.say(`{"action":"subscribe","id":"s1","types":["order.made"],"name":"n"}`)
		w.told()
		ids, _ := w.events("s1", 1)
		wantIDs(t, ids, numbered("order.made", 3, 3))
	})
}

func TestSubscribersMistakes(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": eventing + "  shop: { type: eventing }\n"})
	other := serve(t, map[string]string{"junctor.yaml": eventing})
	foreign := other.events("after", "latest").Next
	w := s.follower("crm")
	w.say(`{"action":"subscribe","id":"s1"}`, `{"action":"subscribe","id":"named","name":"n","types":["order.made"]}`)
	w.told()
	w.told()
	s.publish("order.made", 1, 1)
	cursors := map[string]string{}
	for range 2 {
		h := w.told()
		cursors[h.ID] = h.Cursor
	}
	s.publish("other.made", 1, 1)
	_, future := w.events("s1", 1)
	for _, c := range []struct {
		say     string
		status  int
		id      string
		pointer string
	}{
		{`{`, 400, "", ""},
		{`hello`, 400, "", ""},
		{``, 400, "", ""},
		{`[]`, 422, "", ""},
		{`null`, 422, "", ""},
		{`"subscribe"`, 422, "", ""},
		{`{}`, 422, "", "/action"},
		{`{"action":"subscribed","id":"a"}`, 422, "a", "/action"},
		{`{"action":5}`, 422, "", "/action"},
		{`{"action":"subscribe"}`, 422, "", "/id"},
		{`{"action":"subscribe","id":5}`, 422, "", "/id"},
		{`{"action":"subscribe","id":"a","type":["x"]}`, 422, "a", "/type"},
		{`{"action":"subscribe","id":"a","id":"b"}`, 422, "a", "/id"},
		{`{"action":"subscribe","id":"` + strings.Repeat("x", 101) + `"}`, 422, strings.Repeat("x", 101), "/id"},
		{`{"action":"subscribe","id":"a\u0000"}`, 422, "a\x00", "/id"},
		{`{"action":"subscribe","id":"a","name":"` + strings.Repeat("x", 101) + `"}`, 422, "a", "/name"},
		{`{"action":"subscribe","id":"a","types":["order*"]}`, 422, "a", "/types"},
		{`{"action":"subscribe","id":"a","types":"order"}`, 422, "a", "/types"},
		{`{"action":"subscribe","id":"a","types":[` + strings.Repeat(`"a",`, 100) + `"a"]}`, 422, "a", "/types"},
		{`{"action":"subscribe","id":"a","filter":"data/n >"}`, 422, "a", "/filter"},
		{`{"action":"subscribe","id":"a","filter":"price gt 1"}`, 422, "a", "/filter"},
		{`{"action":"subscribe","id":"a","filter":"type eq '` + strings.Repeat("x", 5000) + `'"}`, 422, "a", "/filter"},
		{`{"action":"subscribe","id":"a","filter":"` + strings.Repeat("(", 4000) + `"}`, 422, "a", "/filter"},
		{`{"action":"subscribe","id":"a","after":"nonsense"}`, 422, "a", "/after"},
		{`{"action":"subscribe","id":"a","after":"` + foreign + `"}`, 422, "a", "/after"},
		{`{"action":"subscribe","id":"s1"}`, 409, "s1", ""},
		{`{"action":"unsubscribe","id":"none"}`, 404, "none", ""},
		{`{"action":"unsubscribe"}`, 404, "", ""},
		{`{"action":"ack"}`, 422, "", "/cursor"},
		{`{"action":"ack","cursor":"` + foreign + `"}`, 422, "", "/cursor"},
		{`{"action":"ack","cursor":"` + future + `"}`, 422, "", "/cursor"},
		{`{"action":"ack","id":"s1","cursor":"` + cursors["s1"] + `"}`, 409, "s1", ""},
		{`{"action":"ack","id":"none","cursor":"` + cursors["s1"] + `"}`, 404, "none", ""},
	} {
		w.say(c.say)
		h := w.told()
		if h.Error == nil || h.Error.Status != c.status || h.ID != c.id || h.Error.Title == "" || h.Error.Type == "" {
			t.Errorf("%.100s: heard %+v %+v", c.say, h, h.Error)
			continue
		}
		pointed := c.pointer == ""
		for _, e := range h.Error.Errors {
			pointed = pointed || e.Pointer == c.pointer
		}
		if !pointed {
			t.Errorf("%.100s: %+v does not name %s", c.say, h.Error.Errors, c.pointer)
		}
		w.silent() // it goes on
	}

	// As many as there may be, and one more.
	w = s.follower("crm")
	for n := range 100 {
		w.ask(`{"action":"subscribe","id":"s%d"}`, n)
		w.hears(fmt.Sprintf(`{"subscribed":"s%d",*`, n))
	}
	w.say(`{"action":"subscribe","id":"more"}`)
	w.hears(`{"error":{"type":"/errors/conflict",*`)
	// A name of another channel is another name.
	w = s.follower("shop")
	w.say(`{"action":"subscribe","id":"s1","name":"n","types":["order.made"]}`)
	w.told()
	w.silent()

	// Who says nothing but nonsense is let go, and so is who speaks in bytes.
	w = s.follower("crm")
	for range 20 {
		w.say("nonsense")
		w.hears(`{"error":{"type":"/errors/invalid",*`)
	}
	w.hears("close 1008 20 messages in a row could not be carried out; the last errors say why.")
	w = s.follower("crm")
	if err := w.Send(load.Binary, []byte(`{"action":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	w.hears("close 1003 Messages are JSON in text frames.")
	w = s.follower("crm")
	w.say(`{"action":"subscribe","id":"` + strings.Repeat("x", 65<<10) + `"}`)
	w.hears("close 1009 A message may have at most 64KiB.")
	for _, path := range []string{"", "/", "/subscribe/", "/subscribe/s1", "/other"} {
		if _, refused := s.socket("crm", path); refused == nil || refused.Status != 404 {
			t.Errorf("%q: %v", path, refused)
		}
	}
}

// What a channel lets hear, its door and its end hold for websockets as well.
func TestSubscribersOfAChannel(t *testing.T) {
	const file = `settings: { allow_private_subscribers: true }
channels:
  plain: { type: eventing }
  some: { type: eventing, types: [order.*, config.**] }
  gated: { type: eventing, verify: { basic: { user: u, password: p } }, rate: 2/m }
  far: { type: eventing, allow: [192.0.2.0/24] }
`
	s := serve(t, map[string]string{"junctor.yaml": file})
	plain, some := s.follower("plain"), s.follower("some")
	for _, w := range []*wire{plain, some} {
		w.say(`{"action":"subscribe","id":"all"}`)
		w.told()
	}
	s.publish("order.made", 1, 1)
	s.publish("other.made", 1, 1)
	s.publish("order.made", 2, 2)
	ids, _ := some.events("all", 2)
	wantIDs(t, ids, numbered("order.made", 1, 2))
	s.apply(map[string]string{"junctor.yaml": strings.Replace(file, "order.*", "other.*", 1)}) // some hears of that too
	s.publish("order.made", 3, 3)
	s.publish("other.made", 2, 2)
	ids, _ = plain.events("all", 5)
	wantIDs(t, ids, []string{"order.made-1", "other.made-1", "order.made-2", "order.made-3", "other.made-2"})
	for h := some.told(); h.Event.ID != "other.made-2"; h = some.told() {
		if !strings.HasPrefix(h.Event.Type, "config.") {
			t.Fatalf("%+v", h.Event)
		}
	}
	if _, refused := s.socket("gated", "/subscribe"); refused == nil || refused.Status != 401 {
		t.Error(refused)
	}
	if _, refused := s.socket("far", "/subscribe"); refused == nil || refused.Status != 403 {
		t.Error(refused)
	}
	gated := s.connected("gated", "/subscribe", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("u:p")))
	gated.say(`{"action":"subscribe","id":"1"}`, `{"action":"subscribe","id":"2"}`, `{"action":"subscribe","id":"3"}`)
	gated.hears(`{"subscribed":"1",*`, `{"subscribed":"2",*`, `{"error":{"type":"/errors/too-many",*`)
	gated.silent()

	s.apply(map[string]string{"junctor.yaml": strings.Replace(file, "plain: { type: eventing", "plain: { type: eventing, enabled: false", 1)})
	plain.hears("close 1008 The channel is not there any more.")
	if _, refused := s.socket("plain", "/subscribe"); refused == nil || refused.Status != 404 {
		t.Error(refused)
	}
	s.apply(map[string]string{"junctor.yaml": strings.Replace(file, "types: [order", "allow: [192.0.2.0/24], types: [order", 1)})
	got := some.hear()
	for strings.HasPrefix(got, `{"id":"all"`) { // of what was applied before
		got = some.hear()
	}
	if got != "close 1008 This channel does not take messages from the address 127.0.0.1." {
		t.Error(got)
	}
}

// A place before all that the log has is an error with the oldest cursor.
func TestSubscribersWhoComeTooLate(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, map[string]string{"junctor.yaml": "settings: { events: { keep: 1ms } }\nchannels:\n  crm: { type: eventing }\n"})
		w := s.follower("crm")
		w.say(`{"action":"subscribe","id":"s1","types":["order.made"],"name":"n"}`)
		began := w.told().Cursor
		s.publish("order.made", 1, 3)
		w.events("s1", 3)
		w.Close()
		s.until("the events are removed", func() bool {
			if _, err := s.hub.Events().PruneBatch(); err != nil {
				t.Fatal(err)
			}
			status, _ := s.api("GET", "/api/v1/events?after="+began, "")
			return status == 410
		})
		w = s.follower("crm")
		for _, more := range []string{fmt.Sprintf(`"after":%q`, began), `"name":"n"`} {
			w.say(`{"action":"subscribe","id":"s1",` + more + `}`)
			h := w.told()
			if h.Error == nil || h.Error.Status != 410 || h.ID != "s1" || h.Error.Oldest == "" {
				t.Fatalf("heard %+v %+v", h, h.Error)
			}
			w.ask(`{"action":"subscribe","id":"s1","types":["order.made"],"after":%q}`, h.Error.Oldest)
			w.told()
			w.say(`{"action":"unsubscribe","id":"s1"}`)
			w.say(`{"action":"ping"}`)
			for !w.told().Pong { // events that were on their way
			}
		}
	})
}

// Subscribers who are cut off again and again, at any moment, have in the end all
// events once and in order, since they go on after the last cursor that they have.
func TestSubscribersCutOff(t *testing.T) {
	subscribers, cuts, events := 60, 8, 400
	if os.Getenv("JUNCTOR_WHOLE") != "" {
		subscribers, cuts, events = 1000, 100, 5000
	}
	nodes(t, map[string]string{"junctor.yaml": eventing}, func(t *testing.T, nodes []*site) {
		first := nodes[0].events("after", "latest").Next
		var work sync.WaitGroup
		var slowest atomic.Int64
		all := make([][]string, subscribers)
		for n := range subscribers {
			work.Go(func() {
				chance := rand.New(rand.NewPCG(uint64(n), 5))
				after, cut := first, 0
				for len(all[n]) < events {
					w := nodes[chance.IntN(len(nodes))].follower("crm")
					w.SetDeadline(time.Now().Add(10 * time.Minute)) //nolint:errcheck // a connection that was made a moment ago
					w.ask(`{"action":"subscribe","id":"s","types":["order.made"],"after":%q}`, after)
					left := events
					if cut < cuts {
						left = chance.IntN(2*events/cuts + 1)
					}
					for h := w.told(); ; h = w.told() {
						if h.Event != nil {
							all[n], after = append(all[n], h.Event.ID), h.Cursor
						}
						if left--; left <= 0 || len(all[n]) >= events {
							break
						}
					}
					w.Close()
					cut++
				}
				slowest.Store(max(slowest.Load(), int64(cut)))
			})
		}
		for n := 0; n < events; n += 50 { // by several nodes, together
			var some []string
			for i := n + 1; i <= n+50; i++ {
				some = append(some, fmt.Sprintf(`{"specversion":"1.0","id":"order.made-%d","source":"/test","type":"order.made","data":{"n":%d}}`, i, i))
			}
			status, body := nodes[n/50%len(nodes)].api("POST", "/api/v1/events", "["+strings.Join(some, ",")+"]", "Content-Type", "application/cloudevents-batch+json")
			if status != 202 {
				t.Fatalf("%d %s", status, body)
			}
		}
		work.Wait()
		for n, ids := range all {
			if !slices.Equal(ids, numbered("order.made", 1, events)) {
				t.Fatalf("subscriber %d has heard %v", n, ids)
			}
		}
		t.Logf("%d subscribers, up to %d cuts, %d events", subscribers, slowest.Load(), events)
	})
}

// Many who read nothing cost little; the others do not notice; and who begins to
// read in time has everything.
func TestSubscribersWhoReadNothing(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	const idle, rounds, size = 100, 60, 500 << 10
	var silent []*wire
	for range idle {
		w := s.follower("crm")
		w.say(`{"action":"subscribe","id":"s","types":["big.made"]}`)
		w.hears(`{"subscribed":"s",*`)
		silent = append(silent, w)
	}
	good := s.follower("crm")
	good.say(`{"action":"subscribe","id":"s","types":["big.made"]}`)
	good.told()
	before := heap()
	filler := strings.Repeat("x", size)
	for n := 1; n <= rounds; n++ {
		s.event(fmt.Sprintf(`{"specversion":"1.0","id":"big.made-%d","source":"/test","type":"big.made","data":{"n":%d,"filler":%q}}`, n, n, filler))
		ids, _ := good.events("s", 1)
		wantIDs(t, ids, numbered("big.made", n, n))
	}
	if more := heap() - before; more > 120<<20 {
		t.Errorf("%d MiB more are in use", more>>20)
	}
	late := silent[0] // what the system has taken for it, and then from the log
	got := 0
	for range rounds {
		text := late.hear()
		if strings.HasPrefix(text, "close ") {
			if !strings.HasPrefix(text, "close 1013 ") || !strings.Contains(text, "read faster") {
				t.Errorf("%s", text)
			}
			break
		}
		if got++; !strings.Contains(text, fmt.Sprintf(`"id":"big.made-%d"`, got)) {
			t.Fatalf("heard %.200s, not event %d", text, got)
		}
	}
	t.Logf("%d of %d events reached one who began to read late", got, rounds)
	if os.Getenv("JUNCTOR_WHOLE") != "" { // it takes twice 20 s
		ends := s.events("types", "channel.crm.disconnected")
		for over := time.Now().Add(90 * time.Second); len(ends.Items) < idle-1; <-time.After(time.Second) {
			if ends = s.events("types", "channel.crm.disconnected"); time.Now().After(over) {
				t.Fatalf("%d of %d are closed", len(ends.Items), idle-1)
			}
		}
		for _, i := range ends.Items {
			if text := string(i.Event.Data); !strings.Contains(text, `"code":1013`) || !strings.Contains(text, "read faster") {
				t.Errorf("%s", text)
			}
		}
	}
}

// TestSubscribersByNode does what a client does with npm's ws.
func TestSubscribersByNode(t *testing.T) {
	dir := forNode(t, "websocket", "follow.mjs")
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	t.Setenv("TOKEN", s.token["crm"])
	s.client(dir, "node", "follow.mjs")
}
