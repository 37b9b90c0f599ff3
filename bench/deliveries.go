package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"junctor/internal/load"
)

const (
	// subscribers get every event.
	subscribers = 100
	// perSecond is how many events a round has for each second of its span.
	perSecond = 40
)

// deliveries sends every event to a hundred subscribers, each by a run of its own
// with its outcome on disk.
func deliveries(ctx context.Context, g *ground, n *node) ([]row, error) {
	token, err := session(ctx, n.server.URL)
	if err != nil {
		return nil, err
	}
	told := row{id: "P4 publish", what: "publish an event, answered once it is on disk", yardstick: "store", unit: "/s", target: 0.60}
	err = g.rounds(ctx, n, told.id,
		func() (float64, error) { return g.rate(ctx, g.store.url) },
		func() (float64, error) { return g.publishing(ctx, n, token) }, &told)
	if err != nil {
		return []row{told}, err
	}
	for i := range subscribers {
		if _, err := subscribe(ctx, n.url("events")+"/subscribe", fmt.Sprintf("%s/%d", g.sink.url(), i), "order.*"); err != nil {
			return nil, err
		}
	}
	r := row{id: "P4", what: fmt.Sprintf("deliveries of events to %d subscribers, the outcome of each on disk", subscribers), yardstick: "store", unit: "/s", target: 0.25}
	err = g.rounds(ctx, n, r.id,
		func() (float64, error) { return g.rate(ctx, g.store.url) },
		func() (float64, error) { return g.deliver(ctx, n, token) }, &r)
	if err != nil {
		return []row{told, r}, err
	}
	hang, err := g.beside(ctx, n, token)
	return []row{told, r, hang}, err
}

// publishing is how many events a second are taken, to which nobody has subscribed.
func (g *ground) publishing(ctx context.Context, n *node, token string) (float64, error) {
	address := n.server.URL + "/api/v1/events"
	target, path, err := load.ParseTarget(address)
	if err != nil {
		return 0, err
	}
	result, err := g.load(ctx, address, load.Options{Duration: g.span, Request: published(target, path, token, "bench.made")})
	if err != nil {
		return 0, err
	}
	return result.Rate(), nil
}

// beside compares how fast 99 subscribers get events while a hundredth hangs with
// how fast they do when there is none.
func (g *ground) beside(ctx context.Context, n *node, token string) (row, error) {
	r := row{id: "P4 hang", what: "p99 from an event to its arrival at 99 subscribers, while one hangs", yardstick: "without", unit: "ms", target: 1.5, atMost: true}
	w, err := startWatch()
	if err != nil {
		return r, err
	}
	defer w.close()
	stuck := ""
	for i := range subscribers {
		code, err := subscribe(ctx, n.url("watched")+"/subscribe", fmt.Sprintf("%s/%d", w.url(), i), "watch.made")
		if err != nil {
			return r, err
		}
		if i == 0 {
			stuck = code
		}
	}
	once := func(action string) func() (float64, error) {
		return func() (float64, error) {
			if err := n.admin.Call(ctx, http.MethodPost, "/api/v1/admin/subscriptions/"+stuck+"/"+action, nil, nil); err != nil {
				return 0, err
			}
			return w.p99(ctx, g, n, token)
		}
	}
	return r, g.rounds(ctx, n, r.id, once("disable"), once("enable"), &r)
}

// watch is where 100 subscribers get events, of which the first never answers.
type watch struct {
	server *http.Server
	listen net.Listener
	hang   chan struct{}
	mu     sync.Mutex
	sent   map[string]time.Time
	took   []time.Duration
}

func startWatch() (*watch, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &watch{listen: l, hang: make(chan struct{}), sent: map[string]time.Time{}}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: time.Minute}
	go w.server.Serve(l) //nolint:errcheck // it ends with close
	return w, nil
}

func (w *watch) url() string { return "http://" + w.listen.Addr().String() }

func (w *watch) close() {
	close(w.hang)
	w.server.Close() //nolint:errcheck // the measurement is over
}

func (w *watch) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	at := time.Now()
	if r.URL.Path == "/0" {
		select {
		case <-w.hang:
		case <-r.Context().Done():
		}
		return
	}
	var e struct{ ID string }
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took = append(w.took, at.Sub(w.sent[e.ID]))
}

// p99 publishes ten events a second, in even distances.
func (w *watch) p99(ctx context.Context, g *ground, n *node, token string) (float64, error) {
	w.mu.Lock()
	w.took = nil
	w.mu.Unlock()
	const distance = 100 * time.Millisecond
	events := int(g.span / distance)
	pace := time.NewTicker(distance)
	defer pace.Stop()
	for range events {
		<-pace.C
		id := fmt.Sprintf("W%09d", issued.Add(1))
		w.mu.Lock()
		w.sent[id] = time.Now()
		w.mu.Unlock()
		if err := publish(ctx, n.server.URL, token, id); err != nil {
			return 0, err
		}
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		w.mu.Lock()
		took := slices.Clone(w.took)
		w.mu.Unlock()
		if len(took) >= events*(subscribers-1) {
			slices.Sort(took)
			return float64(took[len(took)*99/100]) / float64(time.Millisecond), nil
		}
		if time.Since(begun) > time.Minute {
			return 0, fmt.Errorf("of %d deliveries %d arrived in a minute", events*(subscribers-1), len(took))
		}
	}
}

func publish(ctx context.Context, base, token, id string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/events", bytes.NewReader(order))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer " + token, "Ce-Specversion": "1.0", "Ce-Source": "/bench", "Ce-Type": "watch.made", "Ce-Id": id,
	} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return errors.New("publish: " + res.Status)
	}
	return nil
}

func (g *ground) deliver(ctx context.Context, n *node, token string) (float64, error) {
	target, path, err := load.ParseTarget(n.server.URL + "/api/v1/events")
	if err != nil {
		return 0, err
	}
	events := int64(g.span.Seconds() * perSecond)
	before, begun := g.sink.requests.Load(), time.Now()
	_, err = g.load(ctx, n.server.URL+"/api/v1/events", load.Options{Limit: events, Request: published(target, path, token, "order.made")})
	if err != nil {
		return 0, err
	}
	for g.sink.requests.Load()-before < events*subscribers {
		if time.Since(begun) > 10*g.span+time.Minute || ctx.Err() != nil {
			return 0, fmt.Errorf("of %d deliveries %d arrived in time", events*subscribers, g.sink.requests.Load()-before)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := n.admin.AwaitFinished(ctx, time.Minute); err != nil {
		return 0, err
	}
	took := time.Since(begun)
	if seen := g.sink.requests.Load() - before; seen != events*subscribers {
		return 0, fmt.Errorf("%d deliveries were to be made, the sink saw %d", events*subscribers, seen)
	}
	return float64(events*subscribers) / took.Seconds(), nil
}

// published makes events that carry orders, each with its own number.
func published(t load.Target, path, token, kind string) func(int64, []byte) []byte {
	raw := t.Bytes(http.MethodPost, path, http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token},
		"Ce-Specversion": {"1.0"}, "Ce-Source": {"/bench"}, "Ce-Type": {kind}, "Ce-Id": {"E000000000"},
	}, order)
	id, number := bytes.Index(raw, []byte("E000000000"))+1, bytes.Index(raw, []byte("B000000000"))+1
	return func(_ int64, buf []byte) []byte {
		buf = append(buf, raw...)
		n := issued.Add(1)
		digits(buf[id:id+9], n)
		digits(buf[number:number+9], n)
		return buf
	}
}

func subscribe(ctx context.Context, address, to, kind string) (code string, err error) {
	body, err := json.Marshal(map[string]any{"url": to, "types": []string{kind}})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return "", errors.New("subscribe: " + res.Status)
	}
	var made struct{ ID string }
	err = json.NewDecoder(res.Body).Decode(&made)
	return made.ID, err
}
