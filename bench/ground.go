package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"junctor/test/outside"
)

// ground is what a measurement stands on: the binaries, the yardsticks, the
// sink, and one Junctor at a time.
type ground struct {
	options
	dir         string // of this run, removed at its end
	junctor     string // the binary
	echo, store yardstick
	sink        *sink
	peak        map[string]float64 // Junctor's best rate by measurement, for P7
	drops       []func() error     // the databases made on PostgreSQL
	counted     bool               // the round that is measured is no warm-up
}

// yardstick is one running program of bench/limit.
type yardstick struct {
	url string
	cmd *exec.Cmd
}

func prepare(ctx context.Context, o options) (*ground, error) {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.dir, "run-")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	g := &ground{options: o, dir: dir, peak: map[string]float64{}}
	if err := g.start(ctx); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *ground) start(ctx context.Context) (err error) {
	if g.sink, err = startSink(); err != nil {
		return err
	}
	if g.junctor, err = outside.Build(ctx, g.dir, "./cmd/junctor"); err != nil {
		return err
	}
	echo, err := outside.Build(ctx, g.dir, "./bench/limit/echo")
	if err != nil {
		return err
	}
	store, err := outside.Build(ctx, g.dir, "./bench/limit/store")
	if err != nil {
		return err
	}
	if g.echo, err = startYardstick(ctx, echo); err != nil {
		return err
	}
	args := []string{"--file", filepath.Join(g.dir, "store.db")}
	if g.postgres != "" {
		database, err := g.database(ctx)
		if err != nil {
			return err
		}
		args = []string{"--postgres", database}
	}
	g.store, err = startYardstick(ctx, store, args...)
	return err
}

func startYardstick(ctx context.Context, binary string, args ...string) (yardstick, error) {
	address, err := outside.FreeAddress()
	if err != nil {
		return yardstick{}, err
	}
	cmd := exec.Command(binary, append([]string{"--listen", address}, args...)...) //nolint:gosec // built here
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return yardstick{}, err
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			c.Close()
			return yardstick{"http://" + address + "/", cmd}, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			cmd.Process.Kill() //nolint:errcheck // it did not come up anyway
			return yardstick{}, fmt.Errorf("%s did not listen within 10s: %w", filepath.Base(binary), err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// database makes a fresh database on PostgreSQL, dropped at the end.
func (g *ground) database(ctx context.Context) (string, error) {
	database, drop, err := outside.FreshDatabase(ctx, g.postgres)
	if err == nil {
		g.drops = append(g.drops, drop)
	}
	return database, err
}

func (g *ground) close() {
	for _, y := range []yardstick{g.echo, g.store} {
		if y.cmd != nil {
			y.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
			y.cmd.Wait()         //nolint:errcheck // it was killed
		}
	}
	if g.sink != nil {
		g.sink.close()
	}
	var err error
	for _, drop := range g.drops {
		err = errors.Join(err, drop())
	}
	if err = errors.Join(err, os.RemoveAll(g.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "bench: cleaning up:", err)
	}
}

// fetchProfile saves a CPU profile of the server over the given span.
func fetchProfile(ctx context.Context, address, file string, span time.Duration) error {
	u := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, max(1, int(span.Seconds())-1))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server's profile answered %s", resp.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, resp.Body)
	return err
}
