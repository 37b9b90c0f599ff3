package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"junctor/test/outside"
)

// node is the Junctor of one measurement.
type node struct {
	server     *outside.Server
	admin      *outside.Admin
	channels   map[string]outside.Channel
	debug      string // address of its profiles
	profileDir string
}

// startNode applies bench/integration to fresh data and serves it.
func (g *ground) startNode(ctx context.Context, id string) (*node, error) {
	address, err := outside.FreeAddress()
	if err != nil {
		return nil, err
	}
	o := outside.Options{
		Binary: g.junctor, Data: filepath.Join(g.dir, "data-"+id), Listen: address,
		Env: []string{"BENCH_PORTAL=" + outside.Password, "BENCH_SINK=" + g.sink.url(), "BENCH_WEBHOOKS=" + base64.StdEncoding.EncodeToString(webhooksKey)},
	}
	n := &node{profileDir: g.profile}
	if n.debug, err = outside.FreeAddress(); err != nil {
		return nil, err
	}
	o.Env = append(o.Env, "JUNCTOR_PPROF="+n.debug)
	if g.postgres != "" {
		if o.Database, err = g.database(ctx); err != nil {
			return nil, err
		}
	}
	if n.channels, err = outside.Apply(ctx, "bench/integration", o); err != nil {
		return nil, err
	}
	if n.server, err = outside.Start(ctx, o); err != nil {
		return nil, err
	}
	if n.admin, err = n.server.Login(ctx); err != nil {
		n.server.Kill()
		return nil, err
	}
	return n, nil
}

func (n *node) stop() {
	if err := n.server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

func (n *node) log() string { return n.server.Log() }

// url of a channel's token endpoint.
func (n *node) url(channel string) string { return n.server.URL + n.channels[channel].Path }

// profile starts to record a CPU profile of the server; the returned function
// waits for it.
func (n *node) profile(ctx context.Context, id string, span time.Duration) func() error {
	if n.profileDir == "" {
		return func() error { return nil }
	}
	file := filepath.Join(n.profileDir, strings.ReplaceAll(id, " ", "-")+".pprof")
	done := make(chan error, 1)
	go func() {
		err := os.MkdirAll(n.profileDir, 0o755)
		if err == nil {
			err = fetchProfile(ctx, n.debug, file, span)
		}
		done <- err
	}()
	return func() error { return <-done }
}
