package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"junctor/internal/load"
	"junctor/test/outside"
)

// cluster is the servers on one database. The shop asks any of them while they
// are killed and started.
type cluster struct {
	options  []outside.Options // of each node
	channels map[string]outside.Channel

	mu      sync.Mutex
	servers []*outside.Server
	deaths  []time.Time
}

func startCluster(ctx context.Context, o options, dir, sink string) (c *cluster, drop func() error, err error) {
	drop = func() error { return nil }
	key := make([]byte, 32)
	rand.Read(key) //nolint:errcheck // never fails
	base := outside.Options{Data: dataOf(dir, 0), Env: []string{
		"TORTURE_SINK=" + sink,
		"JUNCTOR_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key), // nodes of one installation share it
	}}
	if base.Binary, err = build(ctx, dir); err != nil {
		return nil, nil, err
	}
	if o.onPostgres {
		if base.Database, drop, err = outside.FreshDatabase(ctx, o.postgres); err != nil {
			return nil, nil, err
		}
	}
	c = &cluster{servers: make([]*outside.Server, o.nodes)}
	if c.channels, err = outside.Apply(ctx, filepath.Join(dir, "integration"), base); err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	for i := range o.nodes {
		node := base
		node.Data = dataOf(dir, i)
		if node.Listen, err = outside.FreeAddress(); err == nil {
			c.options = append(c.options, node)
			err = c.start(ctx, i)
		}
		if err != nil {
			return nil, nil, errors.Join(err, c.stop(), drop())
		}
	}
	return c, drop, nil
}

func dataOf(dir string, node int) string { return filepath.Join(dir, fmt.Sprintf("data-%d", node+1)) }

func (c *cluster) start(ctx context.Context, i int) error {
	s, err := outside.Start(ctx, c.options[i])
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers[i] = s
	return nil
}

func (c *cluster) kill(i int) {
	c.mu.Lock()
	s := c.servers[i]
	c.mu.Unlock()
	before := time.Now()
	s.Kill()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaths = append(c.deaths, before)
}

// killedBetween reports whether a kill came between two calls that the sink saw.
func (c *cluster) killedBetween(first, second time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.deaths {
		// A call of the dying process may arrive a moment after the decision to kill it.
		if at.After(first.Add(-50*time.Millisecond)) && at.Before(second) {
			return true
		}
	}
	return false
}

// clocksApart is how far the times in a journal may be from this process's. On
// SQLite it is the same clock; on PostgreSQL the nodes reckon the database's
// time. No node repeats a dead one's call before its lease is over, which is
// much later than this.
func (c *cluster) clocksApart() time.Duration {
	if c.options[0].Database == "" {
		return 0
	}
	return time.Second
}

// url of a channel on a node; nodes are chosen by the number of the message.
func (c *cluster) url(n int, channel string) string {
	return "http://" + c.options[n%len(c.options)].Listen + c.channels[channel].Path
}

// websocket opens a websocket of a channel on a node.
func (c *cluster) websocket(ctx context.Context, n int, channel, rest string) (*load.Socket, error) {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	target, path, err := load.ParseTarget("http://" + c.options[n%len(c.options)].Listen + c.channels[channel].WebsocketPath + rest)
	if err != nil {
		return nil, err
	}
	return load.DialSocket(ctx, target, path, nil)
}

func (c *cluster) stop() error {
	var err error
	for _, s := range c.servers {
		if s != nil && s.Running() {
			err = errors.Join(err, s.Stop())
		}
	}
	return err
}
