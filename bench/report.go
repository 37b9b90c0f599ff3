package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
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

// head is the first line of every table.
const head = "| id | work | yardstick | Junctor | result | rounds | target | | measured |\n|---|---|---|---|---|---|---|---|---|\n"

// table is Markdown, readable as it is. measured says when, of what source, and for
// how long.
func table(rows []row, measured string) string {
	var b strings.Builder
	b.WriteString(head)
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
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f%s | %.2f to %.2f | %s | %s | %s |\n", r.id, r.what, theirs,
			number(r.ours(), r.unit), median(v), unit, slices.Min(v), slices.Max(v), target, verdict, measured)
	}
	return b.String()
}

// merged is a table in which new lines stand in the place of old ones of the same
// id, and what was not measured stays. They come in the order of order.
func merged(old, fresh string, order []string) string {
	lines := map[string]string{}
	for _, t := range []string{old, fresh} {
		for line := range strings.Lines(t) {
			if id := idOf(line); id != "" {
				lines[id] = strings.TrimRight(line, "\n") + "\n"
			}
		}
	}
	place := func(id string) int { // a measurement's lines begin with its id
		return slices.IndexFunc(order, func(of string) bool { return id == of || strings.HasPrefix(id, of+" ") })
	}
	var b strings.Builder
	b.WriteString(head)
	for _, id := range slices.SortedStableFunc(maps.Keys(lines), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	}) {
		b.WriteString(lines[id])
	}
	return b.String()
}

// idOf is what a line of a table is about, "" for any other line.
func idOf(line string) string {
	id, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
	if !strings.HasPrefix(line, "| P") {
		return ""
	}
	return id
}

func number(v float64, unit string) string {
	if unit == "/s" {
		return fmt.Sprintf("%.0f/s", v)
	}
	return fmt.Sprintf("%.2f %s", v, unit)
}

// source is the commit that is measured.
func source(ctx context.Context) string {
	commit := output(ctx, "git", "rev-parse", "--short=12", "HEAD")
	if output(ctx, "git", "status", "--porcelain", "--untracked-files=no", "--", ":!bench/RESULTS.md") != "" {
		commit += " and uncommitted changes"
	}
	return commit
}

// machine says on what was measured.
func machine() string {
	cpu := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`).FindSubmatch(info); m != nil {
			cpu = string(m[1])
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// busy is how much the machine had to do already.
func busy() string {
	avg, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(avg))[:3], " ")
}

func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// record puts the rows into this database's section of the results, those that were
// not measured stay; so does what people wrote between the sections.
func record(file, measured string, o options, rows []row) error {
	name := "SQLite"
	if o.postgres != "" {
		name = "PostgreSQL"
	}
	begin, end := "<!-- "+name+" -->", "<!-- end of "+name+" -->"
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(old), begin)
	section, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no %s ... %s to replace", file, begin, end)
	}
	var order []string
	for _, m := range measurements {
		order = append(order, m.id)
	}
	section = fmt.Sprintf("%s\n\n%s. 64 connections, orders of 1 KiB; medians, and the span of all rounds.\n\n%s%s",
		begin, machine(), merged(section, table(rows, measured), order), end)
	return os.WriteFile(file, []byte(before+section+after), 0o644) //nolint:gosec // a public page
}
