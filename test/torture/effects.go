package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"

	"junctor/test/outside"
)

// effects asks the server for the counters of every message: one for a message
// with a run, none for one without.
func (f *findings) effects(ctx context.Context, c *cluster, messages []*message, runs map[string][]outside.Run) error {
	var keys []string
	want, counters := map[string]int{}, map[string][]string{}
	for _, c := range channels {
		counters[c.code] = c.effects
	}
	for _, m := range messages {
		for _, counter := range counters[m.channel] {
			key := m.number + ":" + counter
			keys = append(keys, key)
			want[key] = min(len(runs[m.number]), 1)
		}
	}
	for chunk := range slices.Chunk(keys, 200) {
		counts, err := ask(ctx, c.url(0, "count"), chunk)
		if err != nil {
			return fmt.Errorf("asking for the counters: %w", err)
		}
		for _, key := range chunk {
			if counts[key] != want[key] {
				f.add("the internal effect %s happened %d times, want %d", key, counts[key], want[key])
			}
		}
	}
	return nil
}

func ask(ctx context.Context, url string, keys []string) (map[string]int, error) {
	body, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the channel count answered %s: %s", resp.Status, answer)
	}
	var counts map[string]int
	return counts, json.Unmarshal(answer, &counts)
}
