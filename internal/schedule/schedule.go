// Package schedule starts runs at the times that schedules come at, once across
// any number of nodes, and keeps how far scenarios have polled other systems.
//
// It must not know how a run is executed, nor by which door a schedule is changed.
package schedule

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // zones by name, also where the system has none

	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// Config is one schedule as configured, with every default filled in.
type Config struct {
	Code     string
	Scenario string // the scenario's code
	Comment  string
	Enabled  bool // false: it never comes
	Paused   bool // it does not come by itself
	Jitter   time.Duration
	Overlap  Overlap
	Missed   Missed
	Input    json.RawMessage // what the scenario is handed besides; nil for none
	Policy   run.Policy      // of its runs

	zone  *time.Location // its own; nil: the domain's
	cron  *Cron          // one of these three
	every time.Duration
	at    *when
	start *when // of every; nil: from when it was applied
}

// Overlap says what happens when a schedule comes while its last run is going on.
type Overlap string

// The values of overlap.
const (
	Skip  Overlap = "skip"  // no run
	Queue Overlap = "queue" // the run waits for the one before
	Allow Overlap = "allow" // both go on
)

// Missed says what becomes of the times at which no node was there.
type Missed string

// The values of missed.
const (
	MissedSkip Missed = "skip" // nothing
	MissedOnce Missed = "once" // one run for all of them
	MissedAll  Missed = "all"  // a run for each
)

// DefaultPolicy is how runs of schedules are treated that say nothing. Trying
// again is soon over: a schedule comes again anyway.
var DefaultPolicy = func() run.Policy {
	p := run.DefaultPolicy
	p.Attempts, p.First, p.Skip = 5, 10*time.Second, true
	return p
}()

// Limits of what may be written.
const (
	shortestEvery = time.Second
	longestEvery  = 3650 * day
	longestJitter = day
	lastYear      = 9999 // that RFC 3339 has
)

// Parse reads a schedule's body as it stands under its code in junctor.yaml, as
// JSON. What is wrong has pointers into the body; the Config is of use only when
// nothing is. Whether the scenario exists is for the caller to check.
func Parse(code string, body json.RawMessage) (Config, []fault.Field) {
	var w struct {
		Scenario string          `json:"scenario" strict:"required"`
		Comment  string          `json:"comment"`
		Cron     *string         `json:"cron"`
		Every    *unit.Duration  `json:"every"`
		At       *string         `json:"at"`
		Start    *string         `json:"start"`
		Timezone string          `json:"timezone"`
		Jitter   *unit.Duration  `json:"jitter"`
		Overlap  string          `json:"overlap"`
		Missed   string          `json:"missed"`
		Enabled  *bool           `json:"enabled"`
		Paused   bool            `json:"paused"`
		Input    json.RawMessage `json:"input"`
		run.WrittenPolicy
	}
	found := strict.Decode(body, &w)
	c := Config{Code: code, Scenario: w.Scenario, Comment: w.Comment, Enabled: w.Enabled == nil || *w.Enabled, Paused: w.Paused, Input: w.Input}
	if len(found) > 0 {
		return c, found
	}
	add := func(pointer, format string, args ...any) {
		found = append(found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
	if w.Scenario == "" {
		add("/scenario", "must not be empty")
	}
	given := 0
	for _, is := range []bool{w.Cron != nil, w.Every != nil, w.At != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		add("", "needs one of cron, every and at, which say when it comes; there are %d", given)
	}
	if w.Timezone != "" {
		var err error
		if c.zone, err = time.LoadLocation(w.Timezone); err != nil || w.Timezone == "Local" {
			add("/timezone", "%q is not a time zone like Europe/Prague or UTC", w.Timezone)
		}
	}
	if w.Cron != nil {
		var err error
		if c.cron, err = ParseCron(*w.Cron); err != nil {
			add("/cron", "%s", err)
		}
	}
	if w.Every != nil {
		if c.every = time.Duration(*w.Every); c.every < shortestEvery || c.every > longestEvery {
			add("/every", "must be from %s to %s", unit.FormatDuration(shortestEvery), unit.FormatDuration(longestEvery))
		}
	}
	moments := func(pointer string, text *string) *when {
		if text == nil {
			return nil
		}
		w, err := parseWhen(*text)
		if err != nil {
			add(pointer, "%s", err)
		}
		return w
	}
	c.at, c.start = moments("/at", w.At), moments("/start", w.Start)
	if w.Start != nil && w.Every == nil {
		add("/start", "goes with every; cron and at say by themselves when they come")
	}
	if w.Jitter != nil {
		if c.Jitter = time.Duration(*w.Jitter); c.Jitter < 0 || c.Jitter > longestJitter {
			add("/jitter", "must be from 0s to %s", unit.FormatDuration(longestJitter))
		}
	}
	c.Overlap = Skip
	if w.Missed == string(MissedAll) {
		c.Overlap = Queue // several come at once
	}
	word(&found, "/overlap", w.Overlap, &c.Overlap, Skip, Queue, Allow)
	c.Missed = MissedOnce
	word(&found, "/missed", w.Missed, &c.Missed, MissedSkip, MissedOnce, MissedAll)
	if c.Missed == MissedAll && c.Overlap == Skip {
		add("/overlap", "skip would leave out all but the first run of missed: all; queue and allow are possible with it")
	}
	policy, wrong := w.Policy(DefaultPolicy)
	c.Policy = policy
	c.Policy.Beside = c.Overlap != Queue
	return c, append(found, wrong...)
}

// word takes one of several, where one is given.
func word[T ~string](found *[]fault.Field, pointer, given string, into *T, possible ...T) {
	if given == "" {
		return
	}
	var names []string
	for _, p := range possible {
		if names = append(names, string(p)); given == string(p) {
			*into = p
			return
		}
	}
	*found = append(*found, fault.Field{Pointer: pointer, Detail: strict.Unknown(given, names)})
}

// when is a moment as it is written: with an offset, or a wall time.
type when struct {
	wall  time.Time // as UTC
	exact bool      // it was written with an offset, and is that moment
}

var local = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?)?$`)

// parseWhen reads 2027-01-04T08:00, with seconds and an offset if wanted, or a
// day alone, which is its first moment.
func parseWhen(text string) (*when, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil && t.Year() >= 1970 && t.Year() < lastYear {
		return &when{wall: t.UTC(), exact: true}, nil
	}
	if m := local.FindStringSubmatch(text); m != nil {
		clock := m[2] + m[3]
		if m[2] == "" {
			clock = "00:00"
		}
		if m[3] == "" {
			clock += ":00"
		}
		if t, err := time.Parse("2006-01-02 15:04:05", m[1]+" "+clock); err == nil && t.Year() >= 1970 && t.Year() < lastYear {
			return &when{wall: t}, nil
		}
	}
	return nil, fmt.Errorf("%q is no time like 2027-01-04T08:00 (in the time zone) or 2027-01-04T07:00:00Z", strings.ToValidUTF8(text, "?"))
}

// in is the moment in a zone.
func (w *when) in(zone *time.Location) time.Time {
	if w.exact {
		return w.wall
	}
	return moment(w.wall, zone)
}

// Zone is the schedule's own time zone, or else the domain's.
func (c *Config) Zone(domain *time.Location) *time.Location {
	if c.zone != nil {
		return c.zone
	}
	return domain
}

// Times are when the schedule comes. anchor is when it was applied, from which an
// interval without a start counts.
func (c *Config) Times(zone *time.Location, anchor time.Time) Times {
	switch {
	case c.cron != nil:
		return c.cron.in(zone)
	case c.at != nil:
		return once(c.at.in(zone))
	}
	start := anchor.Truncate(time.Second)
	if c.start != nil {
		start = c.start.in(zone)
	}
	if c.every%day != 0 {
		return elapsed{start, c.every}
	}
	wall := onWall(start.In(zone))
	if c.start != nil && !c.start.exact {
		wall = c.start.wall // also one that is missing on its own day
	}
	return days(wall, int(c.every/day), zone)
}

// Caution is what a correct schedule is warned of, "" for nothing.
func (c *Config) Caution(now time.Time) string {
	if c.at == nil {
		return ""
	}
	zone, doubt := c.zone, time.Duration(0)
	if zone == nil { // the domain's is not known here; clocks differ by less than a day
		zone, doubt = time.UTC, day
	}
	if c.at.in(zone).Add(doubt).After(now) {
		return ""
	}
	return "has an at that has passed: it does not come any more"
}
