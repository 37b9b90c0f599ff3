package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"junctor/internal/channel"
	"junctor/internal/config"
	"junctor/internal/host"
	"junctor/internal/run"
	"junctor/internal/trial"
)

// inLab builds the integration in a folder, hands a lab for it to f and closes it.
func inLab(ctx context.Context, console *console, dir string, f func(*trial.Lab) error) error {
	set, problems := config.Load(ctx, dir)
	if len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintln(console.err, p)
		}
		return fmt.Errorf("mistakes in %s: %d", dir, len(problems))
	}
	settings, _ := config.ParseSettings(set.Settings) // Load has checked it
	records := recordsOf(set)
	lab, err := trial.Open(ctx, trial.Options{
		Dir: dir, Scenarios: set.Scenarios, Channels: channelsOf(set), Schedules: schedulesOf(set), Zone: settings.Timezone,
		Module: host.Module(), Pure: host.Pure(), Answered: host.Answered,
		Handlers: func(now func() time.Time) run.Handlers {
			all := host.Handlers(nil, nil, records.world(now), now)
			maps.Copy(all, host.PollHandlers(&polledRuns{}, labScenarios(set.Scenarios), now))
			maps.Copy(all, mockedSchedules())
			return all
		},
		Prepare: records.prepare, Recorded: records.recorded, Change: records.change,
	})
	if err != nil {
		return err
	}
	records.lab = lab
	return errors.Join(f(lab), lab.Close())
}

// channelsOf finds a channel for each scenario that has one: the first by code.
func channelsOf(set *config.Set) map[string]channel.Config {
	byScenario := map[string]channel.Config{}
	for _, code := range slices.Sorted(maps.Keys(set.Objects[config.Channels])) {
		c, found := channel.Parse(code, config.Whole(config.Channels, code, set.Objects[config.Channels][code]))
		for _, scenario := range []string{c.Scenario, c.WebsocketScenario} {
			if _, taken := byScenario[scenario]; len(found) == 0 && !taken && scenario != "" {
				byScenario[scenario] = c
			}
		}
	}
	return byScenario
}
