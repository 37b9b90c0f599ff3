package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"junctor/test/outside"
)

// feed is who tells events by the API, and who follows them by websocket.
type feed struct {
	cluster   *cluster
	client    *http.Client
	followers []*follower
	connected atomic.Int64
	publish   sync.WaitGroup
	follow    sync.WaitGroup
	silence   chan struct{} // closed when no more is told
	ended     chan struct{} // closed when nobody follows any more
	once      [2]sync.Once

	mu    sync.Mutex
	told  map[string]bool // "SOURCE ID" of what was acknowledged
	wrong []string
}

const publishers = 2

func openFeed(ctx context.Context, c *cluster) *feed {
	e := &feed{
		cluster: c, client: &http.Client{Timeout: 20 * time.Second}, silence: make(chan struct{}), ended: make(chan struct{}), told: map[string]bool{},
	}
	for n, name := range []string{"", "", "", "first", "second"} {
		f := &follower{feed: e, name: name, number: n}
		e.followers = append(e.followers, f)
		e.follow.Go(func() { f.run(ctx) })
	}
	for who := range publishers {
		e.publish.Go(func() { e.tell(ctx, who) })
	}
	return e
}

// scatter breaks the connections of every other follower, wherever they are: the
// rest stay as long as their nodes.
func (e *feed) scatter() {
	for n := 1; n < len(e.followers); n += 2 {
		e.followers[n].leave()
	}
}

// quiet ends the telling, when what was begun is acknowledged.
func (e *feed) quiet() {
	e.once[0].Do(func() { close(e.silence) })
	e.publish.Wait()
}

func (e *feed) close() {
	e.quiet()
	e.once[1].Do(func() { close(e.ended) })
	for _, f := range e.followers {
		f.leave()
	}
	e.follow.Wait()
	e.client.CloseIdleConnections()
}

// tell publishes one event after another, each as often as it takes.
func (e *feed) tell(ctx context.Context, who int) {
	for n := 0; ; n++ {
		select {
		case <-e.silence:
			return
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
		id := fmt.Sprintf("%d-%d", who, n)
		for try := 0; !e.send(ctx, n+try, who, id); try++ {
			if pause(ctx, 50*time.Millisecond) != nil {
				return
			}
		}
		e.mu.Lock()
		e.told["/torture "+id] = true
		e.mu.Unlock()
	}
}

// send reports whether an event was acknowledged.
func (e *feed) send(ctx context.Context, node, who int, id string) bool {
	url := "http://" + e.cluster.options[node%len(e.cluster.options)].Listen + "/api/v1/events"
	body := fmt.Appendf(nil, `{"specversion":"1.0","source":"/torture","type":"torture.published","id":%q,"subject":"publisher %d"}`, id, who)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		e.complain("%s: %v", id, err)
		return true
	}
	req.SetBasicAuth("admin", outside.Password)
	req.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := e.client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	switch {
	case resp.StatusCode == http.StatusAccepted:
		return true
	case err == nil && resp.StatusCode != http.StatusServiceUnavailable:
		e.complain("the event %s was answered %d %s", id, resp.StatusCode, text)
	}
	return false
}

func (e *feed) complain(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wrong = append(e.wrong, fmt.Sprintf(format, args...))
}
