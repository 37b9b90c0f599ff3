// Command bench measures Junctor against small Go programs that do what is
// unavoidable and no more (bench/limit), side by side on the same machine, and
// prints ratios. A speed alone says more about the machine than about Junctor.
//
//	go run ./bench                          everything, about a quarter of an hour
//	go run ./bench --only P1,P2 --rounds 1  a first look
//	go run ./bench --record                 and write it into bench/RESULTS.md
//	go run ./bench --only "P5 GROWTH"       what takes long by itself and is left out above
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

type options struct {
	only     []string
	rounds   int
	span     time.Duration // how long one load lasts
	profile  string
	postgres string
	record   bool
	dir      string
}

func main() {
	err := command(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
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
	return run(ctx, o)
}

func parse(args []string) (options, error) {
	var o options
	var only string
	var seconds int
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&only, "only", "", "measure only these, like P1,P7")
	f.IntVar(&o.rounds, "rounds", 5, "rounds of yardstick and Junctor in turn; the median counts")
	f.IntVar(&seconds, "seconds", 10, "how long each load lasts")
	f.StringVar(&o.profile, "profile", "", "directory for CPU profiles of the server, one for each measurement")
	f.StringVar(&o.postgres, "postgres", "", "URL of a PostgreSQL where databases may be made, instead of SQLite; \"test\" takes JUNCTOR_TEST_POSTGRES")
	f.BoolVar(&o.record, "record", false, "write what was measured into bench/RESULTS.md")
	f.StringVar(&o.dir, "dir", "bench/out", "directory for data; it must be on a real disk")
	if err := f.Parse(args); err != nil {
		return o, flag.ErrHelp
	}
	if o.rounds < 1 || seconds < 1 || f.NArg() > 0 {
		return o, errors.New("--rounds and --seconds are at least 1, and there are no further arguments")
	}
	o.span = time.Duration(seconds) * time.Second
	if o.postgres == "test" {
		if o.postgres = os.Getenv("JUNCTOR_TEST_POSTGRES"); o.postgres == "" {
			return o, errors.New("JUNCTOR_TEST_POSTGRES is not set: put `go run ./internal/db/dbtest/withpg` in front")
		}
	}
	for name := range strings.SplitSeq(only, ",") {
		if name = strings.ToUpper(strings.TrimSpace(name)); name != "" {
			if !slices.ContainsFunc(measurements, func(m measurement) bool { return m.id == name }) {
				return o, fmt.Errorf("--only %s: there are %s", name, known())
			}
			o.only = append(o.only, name)
		}
	}
	return o, nil
}

func known() string {
	var ids []string
	for _, m := range measurements {
		ids = append(ids, m.id)
	}
	return strings.Join(ids, ", ")
}

func run(ctx context.Context, o options) error {
	measured := fmt.Sprintf("%s, %s, %d x %v", time.Now().UTC().Format("2006-01-02 15:04"), source(ctx), o.rounds, o.span)
	fmt.Printf("%s\n%s; load before: %s\n", measured, machine(), busy())
	g, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer g.close()
	var rows []row
	for _, m := range measurements {
		if !slices.Contains(o.only, m.id) && (len(o.only) > 0 || m.long) {
			continue
		}
		fmt.Printf("\n%s  %s\n", m.id, m.what)
		more, err := g.measure(ctx, m)
		rows = append(rows, more...)
		if err != nil {
			fmt.Print("\n" + table(rows, measured))
			return fmt.Errorf("%s: %w", m.id, err)
		}
	}
	fmt.Print("\n" + table(rows, measured))
	if o.record {
		return record("bench/RESULTS.md", measured, o, rows)
	}
	return nil
}
