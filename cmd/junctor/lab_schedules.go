package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/host"
	"junctor/internal/run"
	"junctor/internal/schedule"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// schedulesOf finds a schedule for each scenario that has one: the first by code.
func schedulesOf(set *config.Set) map[string]schedule.Config {
	byScenario := map[string]schedule.Config{}
	for _, code := range slices.Sorted(maps.Keys(set.Objects[config.Schedules])) {
		c, found := schedule.Parse(code, set.Objects[config.Schedules][code])
		if _, taken := byScenario[c.Scenario]; len(found) == 0 && !taken {
			byScenario[c.Scenario] = c
		}
	}
	return byScenario
}

// labScenarios are those of a folder.
type labScenarios map[string]*script.Bundle

// Version implements host.Scenarios.
func (s labScenarios) Version(code string) (string, error) {
	if _, ok := s[code]; !ok {
		return "", fault.New(fault.NotFound, "%s", strict.None("scenario", code, slices.Sorted(maps.Keys(s))))
	}
	return "trial", nil
}

// polledRuns are the runs that a poll would start: in a trial they have an id, and
// nothing more.
type polledRuns struct{ n int }

// Insert implements host.Starter.
func (p *polledRuns) Insert(*db.Tx, run.Start) (string, error) {
	p.n++
	return "run_polled" + strconv.Itoa(p.n), nil
}

// mockedSchedules are the steps on schedules, which only mocks answer: none comes
// in a trial.
func mockedSchedules() run.Handlers {
	all := run.Handlers{}
	for name := range host.ScheduleHandlers(nil) {
		all[name] = run.Handler{External: func(context.Context, *run.Call) ([]byte, error) {
			return nil, errors.New("there are no schedules in a trial")
		}}
	}
	return all
}
