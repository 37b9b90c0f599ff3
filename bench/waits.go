package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"junctor/internal/load"
)

// publishedAtOnce is how many events one request carries.
const publishedAtOnce = 200

// eventsCome lets runs wait for an event each, publishes all of these, and reads
// from the runs themselves when the last of them had ended.
func eventsCome(ctx context.Context, g *ground, n *node) ([]row, error) {
	r := row{id: "P11 events", what: "10,000 runs that wait for an event each, from the last event to the end of the last run", unit: "s", target: 2, atMost: true}
	token, err := session(ctx, n.server.URL)
	if err != nil {
		return []row{r}, err
	}
	for i := range g.options.rounds {
		took, publishing, err := g.eventsComeOnce(ctx, n, token, fmt.Sprintf("events-%d", i+1))
		if err != nil {
			return []row{r}, err
		}
		r.add(0, took.Seconds())
		fmt.Printf("  P11 events all published within %.2f s, the last run had ended %.2f s later\n", publishing.Seconds(), took.Seconds())
	}
	return []row{r}, nil
}

func (g *ground) eventsComeOnce(ctx context.Context, n *node, token, round string) (took, publishing time.Duration, err error) {
	target, path, err := load.ParseTarget(n.url("awaiting"))
	if err != nil {
		return 0, 0, err
	}
	raw := target.Bytes(http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, fmt.Appendf(nil, `{"round":%q,"number":"N000000000"}`, round))
	at := bytes.LastIndex(raw, []byte("N000000000")) + 1
	_, err = g.load(ctx, n.url("awaiting"), load.Options{Limit: sleepers, Request: func(n int64, buf []byte) []byte {
		buf = append(buf, raw...)
		digits(buf[at:at+9], n)
		return buf
	}})
	if err == nil {
		err = n.awaitAsleep(ctx, time.Now().Add(time.Minute))
	}
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := n.publish(ctx, token, round); err != nil {
		return 0, 0, err
	}
	published := time.Now()
	timer := time.NewTimer(3 * time.Second) // nobody asks the server while it works
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	if _, err := n.admin.AwaitFinished(ctx, time.Minute); err != nil {
		return 0, 0, err
	}
	took, err = n.lastEnd(ctx, round, published)
	return took, published.Sub(began), err
}

// publish tells the events of a round, in batches, four at a time.
func (n *node) publish(ctx context.Context, token, round string) error {
	var publishing sync.WaitGroup
	errs := make(chan error, sleepers/publishedAtOnce)
	slots := make(chan struct{}, 4)
	for first := 0; first < sleepers; first += publishedAtOnce {
		body := []byte{'['}
		for i := range publishedAtOnce {
			body = fmt.Appendf(body, `{"specversion":"1.0","id":"%[1]s-%[2]d","source":"/bench","type":"bench.paid","subject":"%[1]s/N%09[2]d","data":{"amount":1234.50}},`, round, first+i)
		}
		body[len(body)-1] = ']'
		publishing.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs <- n.post(ctx, token, "/api/v1/events", "application/cloudevents-batch+json", body)
		})
	}
	publishing.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (n *node) post(ctx context.Context, token, path, kind string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.server.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("events were answered with %s", resp.Status)
	}
	return nil
}
