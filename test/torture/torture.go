package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"junctor/test/outside"
)

type options struct {
	rounds     int
	round      time.Duration
	nodes      int
	onPostgres bool
	postgres   string // a server where a database can be made
	rate       int
	seed       uint64
	dir        string
	out        io.Writer
}

//go:embed integration
var integration embed.FS

// torture runs it all. The error lists what was wrong, or says what could not
// be done at all.
func torture(ctx context.Context, o options) (err error) {
	dir := o.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "junctor-torture-"); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				fmt.Fprintln(o.out, "the data is kept in", dir)
				return
			}
			err = os.RemoveAll(dir)
		}()
	}
	if err := unpack(filepath.Join(dir, "integration")); err != nil {
		return err
	}
	sink := startSink()
	defer sink.close()
	c, drop, err := startCluster(ctx, o, dir, sink.url())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop(), drop()) }()
	fmt.Fprintf(o.out, "%d rounds of up to %v, %d node(s), seed %d\n", o.rounds, o.round, o.nodes, o.seed)

	feed := openFeed(ctx, c)
	defer feed.close()
	shop := openShop(ctx, o.rate, c)
	if err := kills(ctx, o, c, feed); err != nil {
		shop.close()
		return err
	}
	shop.close() // every message that may be repeated gets its acknowledgement first
	return examine(ctx, o.out, c, shop, feed, sink)
}

// kills runs the rounds: wait for a random moment, kill, start again.
func kills(ctx context.Context, o options, c *cluster, e *feed) error {
	moments := rand.New(rand.NewPCG(o.seed, 1))
	for round := range o.rounds {
		victim := moments.IntN(o.nodes)
		if err := pause(ctx, time.Duration(moments.Int64N(int64(o.round)))); err != nil {
			return err
		}
		c.kill(victim)
		e.scatter()
		if o.nodes > 1 { // the others have time to notice and take over
			if err := pause(ctx, time.Duration(moments.Int64N(int64(o.round)))); err != nil {
				return err
			}
		}
		begun := time.Now()
		if err := c.start(ctx, victim); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		fmt.Fprintf(o.out, "round %d: node %d killed, ready again after %v\n", round+1, victim+1, time.Since(begun).Round(time.Millisecond))
	}
	return pause(ctx, o.round/2) // the last one gets some load as well
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func unpack(dir string) error {
	files, err := fs.Sub(integration, "integration")
	if err != nil {
		return err
	}
	return os.CopyFS(dir, files)
}

// build compiles the server into dir.
func build(ctx context.Context, dir string) (string, error) {
	return outside.Build(ctx, dir, "./cmd/junctor")
}
