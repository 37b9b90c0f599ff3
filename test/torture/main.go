// Command torture puts a real server under load, kills it at random moments as
// kill -9 does, starts it again, round after round, and then looks whether every
// promise was kept:
//
//   - every acknowledged message has exactly one run, and that run has ended well;
//   - a message that was refused has none, one of unknown fate at most one;
//   - no step was done again once it was in the journal: the outside system sees
//     a call twice only under the same Idempotency-Key, and only around a kill;
//   - internal effects happened exactly once;
//   - a run that waits for events gets each of its own once, in their order;
//   - a run that asks somebody gets what was decided;
//   - a message of a websocket that was answered has its run, and the answers come
//     in the order of the messages;
//   - who follows the events by websocket and connects again after each kill hears
//     every event, in the order of the log, and each once when it keeps the cursor;
//     every event that was acknowledged is there, in the order of who told it;
//   - a schedule came for every second, and its poll brought every item, once.
//
// With --nodes N that many processes share one PostgreSQL and one of them is
// killed in every round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"
)

func main() {
	err := command(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o, err := parse(args)
	if err != nil {
		return err
	}
	return torture(ctx, o)
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("torture", flag.ContinueOnError)
	f.IntVar(&o.rounds, "rounds", 50, "how often a server is killed")
	f.DurationVar(&o.round, "round", 2*time.Second, "a round's longest time; the kill comes at a random moment of it")
	f.IntVar(&o.nodes, "nodes", 1, "processes on one PostgreSQL; one of them is killed in every round")
	f.StringVar(&o.postgres, "postgres", os.Getenv("JUNCTOR_TEST_POSTGRES"), "URL of a PostgreSQL where a database may be made; needed for several nodes")
	f.BoolVar(&o.onPostgres, "on-postgres", false, "one node, but on PostgreSQL")
	f.IntVar(&o.rate, "rate", 300, "messages per second")
	f.Uint64Var(&o.seed, "seed", rand.Uint64(), "of the random moments; the load itself depends on the machine")
	f.StringVar(&o.dir, "dir", "", "directory for data, kept; a temporary one when empty, kept when something is wrong")
	if err := f.Parse(args); err != nil {
		return o, flag.ErrHelp
	}
	o.onPostgres = o.onPostgres || o.nodes > 1
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("there are no arguments besides flags, and %q is one", f.Arg(0))
	case o.rounds < 1 || o.round <= 0 || o.nodes < 1 || o.rate < 1:
		return o, errors.New("--rounds, --round, --nodes and --rate are at least 1")
	case o.onPostgres && o.postgres == "":
		return o, errors.New("this needs a PostgreSQL: --postgres URL, or put `go run ./internal/db/dbtest/withpg` in front")
	}
	o.out = os.Stdout
	return o, nil
}
