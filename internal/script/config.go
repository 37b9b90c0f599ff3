package script

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is how a pool executes. The zero value of each field stands for the
// default named there.
type Config struct {
	Size        int           // virtual machines at most; 64. One serves one run, also while it waits a moment for a call
	MemoryLimit int64         // bytes of one machine's heap; 64 MiB
	TurnCPU     time.Duration // computing time of one turn; 5 s
	RunCPU      time.Duration // computing time of a run over all its turns; 30 s
	StuckAfter  time.Duration // how long an interrupted turn may take to end before it is given up; 3 s
	Zone        *time.Location
	Module      string          // JavaScript of the module "junctor", see the package's loop.js; one that just calls the export
	Pure        map[string]Pure // synchronous helpers for the module, not journalled
	MaxOutput   int             // characters of the answer, and of one call's arguments; 16 Mi
	MaxCalls    int             // host calls and notices of one run; 10,000
	Log         *slog.Logger
	Metrics     prometheus.Registerer // none when nil
	// OnStuck is called with the number of machines that are given up and
	// still computing whenever it changes.
	OnStuck func(stuck int)
}

// Pure is a helper without effects: strings, float64, bool and nil in and out.
// Its error becomes a TypeError. The same arguments must give the same result.
type Pure func(args []any) (any, error)

// plainModule calls the export with the arguments and answers its string or JSON.
const plainModule = `(function (realm) {
  'use strict';
  const { stringify, parse } = JSON;
  return {
    exports: { call: realm.call, notice: realm.notice, pure: realm.pure, state: realm.state },
    enter(entry, scenario, args) { return scenario[entry](...args); },
    output(value) { return typeof value === 'string' ? value : value === undefined ? '' : stringify(value); },
    error(json) { return new Error(json); },
    fail(error) { return ''; },
  };
})`

func (c Config) withDefaults() Config {
	or(&c.Size, 64)
	or(&c.MemoryLimit, 64<<20)
	or(&c.TurnCPU, 5*time.Second)
	or(&c.RunCPU, 30*time.Second)
	or(&c.StuckAfter, 3*time.Second)
	or(&c.Module, plainModule)
	or(&c.MaxOutput, 16<<20)
	or(&c.MaxCalls, 10_000)
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnStuck == nil {
		c.OnStuck = func(int) {}
	}
	return c
}

func or[T comparable](field *T, otherwise T) {
	var zero T
	if *field == zero {
		*field = otherwise
	}
}
