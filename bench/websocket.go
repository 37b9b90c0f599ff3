package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"junctor/internal/load"
)

// idleConnections is how many websockets the memory of one is measured with.
const idleConnections = 5000

// websockets compares messages on 64 websockets with the same orders as requests,
// and weighs connections on which nothing happens.
func websockets(ctx context.Context, g *ground, n *node) ([]row, error) {
	idle := row{id: "P6 idle", what: fmt.Sprintf("memory of each of %d idle websockets", idleConnections), unit: "KiB", target: 20, atMost: true}
	if err := n.idle(ctx, &idle); err != nil {
		return []row{idle}, err
	}
	if err := n.ended(ctx); err != nil {
		return []row{idle}, err
	}
	r := row{id: "P6", what: "a scenario sums an order, by websocket", yardstick: "by request:", unit: "/s", target: 1}
	err := g.rounds(ctx, n, r.id,
		func() (float64, error) { return g.rate(ctx, n.url("total")) },
		func() (float64, error) {
			result, err := g.load(ctx, n.url("talk"), load.Options{Duration: g.span, Websocket: n.channels["talk"].WebsocketPath, Request: messages})
			if err != nil {
				return 0, err
			}
			return result.Rate(), nil
		}, &r)
	return []row{r, idle}, err
}

// messages are the orders without their requests.
func messages(_ int64, buf []byte) []byte {
	at := bytes.Index(order, []byte("B000000000")) + 1
	buf = append(buf, order...)
	digits(buf[at:at+9], issued.Add(1))
	return buf
}

// idle opens websockets at a server that has just started, and divides what its
// process takes more by their number.
func (n *node) idle(ctx context.Context, r *row) error {
	target, _, err := load.ParseTarget(n.server.URL)
	if err != nil {
		return err
	}
	before, err := n.inUse(ctx)
	if err != nil {
		return err
	}
	var all []*load.Socket
	defer func() {
		for _, c := range all {
			c.Close() //nolint:errcheck // the server notices it
		}
	}()
	for range idleConnections {
		c, err := load.DialSocket(ctx, target, n.channels["talk"].WebsocketPath, nil)
		if err != nil {
			return fmt.Errorf("with %d websockets: %w", len(all), err)
		}
		all = append(all, c)
	}
	after, err := n.inUse(ctx)
	if err != nil {
		return err
	}
	r.add(0, max(0, after-before)/idleConnections/1024)
	fmt.Printf("  %-10s %.0f MiB before, %.0f MiB with %d websockets: %.1f KiB each\n", r.id, before/(1<<20), after/(1<<20), len(all), r.ours())
	return nil
}

// ended waits until the server has no websockets any more.
func (n *node) ended(ctx context.Context) error {
	for ctx.Err() == nil {
		open, err := n.metric(ctx, "junctor_websocket_connections")
		if err != nil || open == 0 {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

// inUse is what the server needs of its memory, in bytes: its heap when what
// nobody uses has been collected, and its stacks.
func (n *node) inUse(ctx context.Context) (float64, error) {
	if _, err := get(ctx, "http://"+n.debug+"/debug/pprof/heap?gc=1"); err != nil {
		return 0, err
	}
	heap, err := n.metric(ctx, "go_memstats_heap_inuse_bytes")
	if err != nil {
		return 0, err
	}
	stacks, err := n.metric(ctx, "go_memstats_stack_inuse_bytes")
	return heap + stacks, err
}

func get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// metric is a figure that the server tells of itself.
func (n *node) metric(ctx context.Context, name string) (float64, error) {
	text, err := get(ctx, n.server.URL+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the server has no metric %s", name)
}
