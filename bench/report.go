package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is one line of the table: a ratio to a yardstick, or a figure by itself.
type row struct {
	id, what  string
	yardstick string  // "" for a figure by itself
	unit      string  // of what was measured: "/s", "ms", "s"
	target    float64 // 0: none, it is only shown
	atMost    bool
	a, b      []float64 // the yardstick's and Junctor's figures, round by round
}

func (r *row) add(theirs, ours float64) {
	r.a = append(r.a, theirs)
	r.b = append(r.b, ours)
}

func (r *row) ours() float64 { return median(r.b) }

// values are what the target is about, round by round.
func (r *row) values() []float64 {
	if r.yardstick == "" {
		return r.b
	}
	ratios := make([]float64, len(r.b))
	for i := range ratios {
		ratios[i] = r.b[i] / r.a[i]
	}
	return ratios
}

func (r *row) reached() bool {
	v := median(r.values())
	if r.atMost {
		return v <= r.target
	}
	return v >= r.target
}

func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(of))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// table is Markdown, readable as it is.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| id | work | yardstick | Junctor | result | rounds | target | |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		if len(r.b) == 0 {
			continue
		}
		theirs, unit, sign := "", "", "at least"
		if r.yardstick != "" {
			theirs, unit = r.yardstick+" "+number(median(r.a), r.unit), " x"
		} else {
			unit = " " + r.unit
		}
		if r.atMost {
			sign = "at most"
		}
		target, verdict := fmt.Sprintf("%s %.2f%s", sign, r.target, unit), "**missed**"
		switch {
		case r.target == 0:
			target, verdict = "", ""
		case r.reached():
			verdict = "reached"
		}
		v := r.values()
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f%s | %.2f to %.2f | %s | %s |\n", r.id, r.what, theirs,
			number(r.ours(), r.unit), median(v), unit, slices.Min(v), slices.Max(v), target, verdict)
	}
	return b.String()
}

func number(v float64, unit string) string {
	if unit == "/s" {
		return fmt.Sprintf("%.0f/s", v)
	}
	return fmt.Sprintf("%.2f %s", v, unit)
}

// describe says on what machine and of what source this was measured.
func describe(ctx context.Context) string {
	commit := output(ctx, "git", "rev-parse", "--short=12", "HEAD")
	if output(ctx, "git", "status", "--porcelain", "--untracked-files=no") != "" {
		commit += " and uncommitted changes"
	}
	cpu := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`).FindSubmatch(info); m != nil {
			cpu = string(m[1])
		}
	}
	load := "unknown"
	if avg, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Join(strings.Fields(string(avg))[:3], " ")
	}
	return fmt.Sprintf("%s, commit %s\n%s, %d cores, %s/%s, %s; load before: %s\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), commit, cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load)
}

func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// record replaces this database's section of the results; what people wrote
// between the sections stays.
func record(file, about string, o options, rows []row) error {
	name := "SQLite"
	if o.postgres != "" {
		name = "PostgreSQL"
	}
	begin, end := "<!-- "+name+" -->", "<!-- end of "+name+" -->"
	section := fmt.Sprintf("%s\n\n%s\n%d rounds of %v, 64 connections, orders of 1 KiB; medians, and the span of all rounds.\n\n%s%s",
		begin, about, o.rounds, o.span, table(rows), end)
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no %s ... %s to replace", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+section+after), 0o644) //nolint:gosec // a public page
}
