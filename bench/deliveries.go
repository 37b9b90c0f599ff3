package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	for i := range subscribers {
		if err := subscribe(ctx, n.url("events")+"/subscribe", fmt.Sprintf("%s/%d", g.sink.url(), i)); err != nil {
			return nil, err
		}
	}
	r := row{id: "P4", what: fmt.Sprintf("deliveries of events to %d subscribers, the outcome of each on disk", subscribers), yardstick: "store", unit: "/s", target: 0.25}
	err = g.rounds(ctx, n, r.id,
		func() (float64, error) { return g.rate(ctx, g.store.url) },
		func() (float64, error) { return g.deliver(ctx, n, token) }, &r)
	return []row{r}, err
}

func (g *ground) deliver(ctx context.Context, n *node, token string) (float64, error) {
	target, path, err := load.ParseTarget(n.server.URL + "/api/v1/events")
	if err != nil {
		return 0, err
	}
	events := int64(g.span.Seconds() * perSecond)
	before, begun := g.sink.requests.Load(), time.Now()
	_, err = g.load(ctx, n.server.URL+"/api/v1/events", load.Options{Limit: events, Request: published(target, path, token)})
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
func published(t load.Target, path, token string) func(int64, []byte) []byte {
	raw := t.Bytes(http.MethodPost, path, http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token},
		"Ce-Specversion": {"1.0"}, "Ce-Source": {"/bench"}, "Ce-Type": {"order.made"}, "Ce-Id": {"E000000000"},
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

func subscribe(ctx context.Context, address, to string) error {
	body, err := json.Marshal(map[string]any{"url": to, "types": []string{"order.*"}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return errors.New("subscribe: " + res.Status)
	}
	return nil
}
