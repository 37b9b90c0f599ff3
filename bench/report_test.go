package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/load"
)

func TestVerdictIsOfTheMedianRatio(t *testing.T) {
	atLeast := row{id: "P1", yardstick: "echo", unit: "/s", target: 0.4}
	for _, pair := range [][2]float64{{100, 10}, {100, 50}, {200, 90}} { // ratios 0.10, 0.50, 0.45
		atLeast.add(pair[0], pair[1])
	}
	atMost := row{id: "P11", unit: "s", target: 2, atMost: true}
	atMost.add(0, 2.5)
	got := table([]row{atLeast, atMost, {id: "P9"}}, "today")
	for _, want := range []string{
		"| P1 |  | echo 100/s | 50/s | 0.45 x | 0.10 to 0.50 | at least 0.40 x | reached | today |",
		"| P11 |  |  | 2.50 s | 2.50 s | 2.50 to 2.50 | at most 2.00 s | **missed** | today |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table has no line\n%s\nbut is\n%s", want, got)
		}
	}
	if strings.Contains(got, "P9") {
		t.Error("a row without figures is in the table")
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 5}, 5}} {
		if got := median(c.of); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.of, got, c.want)
		}
	}
}

func TestRecordReplacesItsSectionOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "RESULTS.md")
	text := "top\n<!-- SQLite -->\nold\n| P2 rest | kept line |\n| P11 | old line |\n<!-- end of SQLite -->\nnotes by people\n<!-- PostgreSQL -->\nkept\n<!-- end of PostgreSQL -->\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := row{id: "P11", unit: "s", target: 2, atMost: true}
	r.add(0, 1)
	for range 2 { // the second time finds what the first has written
		if err := record(file, "today", options{rounds: 5, span: time.Second}, []row{r}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(got); strings.Contains(s, "old") || !strings.Contains(s, "notes by people") || !strings.Contains(s, "kept") || strings.Count(s, "P11") != 1 || !strings.Contains(s, "|\n| P2 rest | kept line |\n| P11 |") {
		t.Errorf("recorded as:\n%s", s)
	}
	if err := os.WriteFile(file, []byte("no sections"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := record(file, "", options{}, nil); err == nil {
		t.Error("a file without the section was accepted")
	}
}

func TestOrdersAreValidAndDiffer(t *testing.T) {
	if len(order) != 1024 {
		t.Errorf("the order has %d bytes, want 1024", len(order))
	}
	next := orders(load.Target{Host: "x"}, "/")
	seen := map[string]bool{}
	for n := range int64(20) {
		_, body, _ := bytes.Cut(next(n, nil), []byte("\r\n\r\n"))
		var o struct{ Number string }
		if err := json.Unmarshal(body, &o); err != nil || len(body) != 1024 {
			t.Fatalf("%v in %d bytes: %s", err, len(body), body)
		}
		seen[o.Number] = true
	}
	if len(seen) != 20 {
		t.Errorf("20 orders have %d numbers", len(seen))
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range [][]string{{"--only", "P99"}, {"--rounds", "0"}, {"--seconds", "-1"}, {"more"}, {"--nonsense"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
	o, err := parse([]string{"--only", "p1, P7", "--seconds", "3"})
	if err != nil || strings.Join(o.only, " ") != "P1 P7" || o.span != 3*time.Second {
		t.Errorf("parsed as %+v, %v", o, err)
	}
}

func TestSinkAnswersEveryRequestOnOneConnection(t *testing.T) {
	s, err := startSink()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	target, path, err := load.ParseTarget(s.url() + "/orders")
	if err != nil {
		t.Fatal(err)
	}
	r, err := load.Run(t.Context(), load.Options{Target: target, Connections: 3, Limit: 100,
		Request: target.Request("POST", path, nil, order)})
	if err != nil || r.OK() != 100 || s.requests.Load() != 100 {
		t.Errorf("%v, %+v, seen %d", err, r, s.requests.Load())
	}
}
