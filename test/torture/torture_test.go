package main

import (
	"strings"
	"testing"
	"time"

	"junctor/internal/db/dbtest"
	"junctor/test/outside"
)

func TestKilledServerKeepsItsPromises(t *testing.T) {
	short(t, options{rounds: 5, nodes: 1})
}

func TestOneOfThreeNodesIsKilled(t *testing.T) {
	short(t, options{rounds: 3, nodes: 3, onPostgres: true, postgres: dbtest.URL(t)})
}

func short(t *testing.T, o options) {
	t.Helper()
	o.round, o.rate, o.seed, o.dir, o.out = time.Second, 150, 1, t.TempDir(), t.Output()
	if err := torture(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// The examination must find what it looks for: each case is one broken promise.
func TestExaminationFindsWhatIsWrong(t *testing.T) {
	t0 := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	after := func(d time.Duration) *time.Time { at := t0.Add(d); return &at }
	sent := func(number string, f fate, key string) []*message {
		return []*message{{number: number, channel: "awaited", fate: f, key: key}}
	}
	good := map[string][]outside.Run{"a": {{ID: "run_1", State: "succeeded"}}}
	twice := map[string][]outside.Run{"a": {{ID: "run_1", State: "succeeded"}, {ID: "run_2", State: "succeeded"}}}
	for name, c := range map[string]struct {
		messages []*message
		runs     map[string][]outside.Run
		want     string
	}{
		"lost":            {sent("a", acknowledged, ""), nil, "was acknowledged and has 0 runs"},
		"doubled":         {sent("a", acknowledged, ""), twice, "was acknowledged and has 2 runs"},
		"doubled quiet":   {sent("a", unknown, ""), twice, "has 2 runs"},
		"taken anyway":    {sent("a", refused, ""), good, "was refused and has 1 runs"},
		"never told":      {sent("a", unknown, "k"), good, "was never acknowledged"},
		"failed":          {sent("a", acknowledged, ""), map[string][]outside.Run{"a": {{ID: "run_1", State: "failed"}}}, "run_1 is failed"},
		"out of thin air": {nil, good, "which nobody has sent"},
	} {
		f := &findings{}
		f.fates(c.messages, c.runs)
		if got := strings.Join(f.wrong, "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}

	cl := &cluster{deaths: []time.Time{t0.Add(10 * time.Second)}}
	for name, c := range map[string]struct {
		calls    []call
		finished *time.Time
		want     string // "" when all is well
	}{
		"once":                   {[]call{{at: t0}}, after(time.Second), ""},
		"told to come again":     {[]call{{t0, true}, {t0.Add(time.Second), false}}, after(2 * time.Second), ""},
		"around a kill":          {[]call{{t0.Add(9 * time.Second), false}, {t0.Add(11 * time.Second), false}}, after(12 * time.Second), ""},
		"without a kill":         {[]call{{t0, false}, {t0.Add(time.Second), false}}, after(2 * time.Second), "without a kill"},
		"again after completion": {[]call{{t0.Add(9 * time.Second), false}, {t0.Add(11 * time.Second), false}}, after(10 * time.Second), "done again"},
		"never seen":             {nil, after(time.Second), "never saw it"},
		"open":                   {[]call{{at: t0}}, nil, "its step 1 has not"},
	} {
		f := &findings{}
		k := &sink{calls: map[string][]call{"run_1.1": c.calls}}
		f.repeats(k, cl)
		f.journal(outside.Run{ID: "run_1", Steps: []outside.Step{{Seq: 1, Name: "http.request", FinishedAt: c.finished}}}, k, 0)
		got := strings.Join(f.wrong, "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
}

func TestExaminationFindsWhatSchedulesLose(t *testing.T) {
	for name, c := range map[string]struct {
		seconds, numbers []string
		want             string
	}{
		"a second is missing":  {[]string{"2027-01-01T00:00:02", "2027-01-01T00:00:00"}, nil, "came for 2027-01-01T00:00:00 and then for 2027-01-01T00:00:02"},
		"a second comes twice": {[]string{"2027-01-01T00:00:00", "2027-01-01T00:00:00"}, nil, "came for"},
		"a number is missing":  {nil, []string{"0", "2"}, "wrong from 1 on"},
		"a number comes twice": {nil, []string{"0", "1", "1"}, "wrong from 2 on"},
	} {
		f := &findings{}
		f.everySecond(c.seconds)
		f.everyNumber(c.numbers)
		if got := strings.Join(f.wrong, "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
	f := &findings{}
	f.everySecond([]string{"2027-01-01T00:00:01", "2027-01-01T00:00:00"})
	f.everyNumber([]string{"2", "0", "1"})
	if len(f.wrong) > 0 {
		t.Errorf("found %q", f.wrong)
	}
}
