package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"junctor/internal/channel"
	"junctor/internal/class/table"
	"junctor/internal/config"
)

type plan struct{ change }

type apply struct{ change }

// change is what plan and apply have in common.
type change struct {
	Dir       string `arg:"" help:"The integration's folder: junctor.yaml and scenarios/." type:"path"`
	Prune     bool   `help:"Also remove what was not made from files."`
	AllowDrop bool   `help:"Also change classes so that they lose data."`
	JSON      bool   `name:"json" help:"Write JSON, for a machine."`
	target
}

// Help teaches by examples.
func (plan) Help() string {
	return `Nothing is changed. Mistakes are shown all at once with file, line and column.

Examples:
  junctor plan ./shop --server https://junctor.example.com --token TOKEN
  junctor plan ./shop --data ./junctor-data`
}

// Help teaches by examples.
func (apply) Help() string {
	return `All of it is changed in one transaction, or nothing. What is missing from the files and was applied before is removed; what was made by the API stays, unless --prune. A class that has records is dropped, and loses columns, with --allow-drop only.

Examples:
  junctor apply ./shop --server https://junctor.example.com --token TOKEN
  junctor apply ./shop --data ./junctor-data        (the server is stopped, or there was none)
  JUNCTOR_SERVER=... JUNCTOR_TOKEN=... junctor apply ./shop --json | jq -r '.channels[].path'`
}

// Run shows what would change.
func (p plan) Run(ctx context.Context, console *console) error {
	return p.do(ctx, console, configuration.Plan, "Nothing would change.")
}

// Run changes it.
func (a apply) Run(ctx context.Context, console *console) error {
	return a.do(ctx, console, configuration.Apply, "Nothing had to be changed.")
}

type changing func(configuration, context.Context, *config.Set, config.Options) (*config.Result, error)

func (c change) do(ctx context.Context, console *console, act changing, none string) error {
	set, problems := config.Load(ctx, c.Dir)
	if len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintln(console.err, p)
		}
		return fmt.Errorf("mistakes in %s: %d; nothing was changed", c.Dir, len(problems))
	}
	return c.use(ctx, console, func(i *installation) error {
		result, err := act(i.configuration, ctx, set, config.Options{Author: terminal, Prune: c.Prune, AllowDrop: c.AllowDrop})
		if err != nil {
			return err
		}
		if c.JSON {
			return console.json(result)
		}
		showResult(console, set, result, none)
		return nil
	})
}

func showResult(console *console, set *config.Set, result *config.Result, none string) {
	var rows [][]string
	for _, c := range result.Changes {
		rows = append(rows, []string{c.Action, c.Kind, c.Code})
	}
	console.table(none, []string{"action", "kind", "code"}, rows)
	showTables(console, result.Tables)
	rows = nil
	for _, c := range result.Channels {
		for _, path := range paths(set, c) {
			rows = append(rows, []string{c.Code, c.Type, path})
		}
	}
	console.line("")
	console.table("There are no channels.", []string{"channel", "type", "path"}, rows)
	showScenarios(console, result.Scenarios)
	if len(result.Warnings)+len(result.Notes) > 0 {
		console.line("")
	}
	for _, n := range result.Notes {
		console.line("Note: %s", n)
	}
	for _, w := range result.Warnings {
		console.line("Warning: %s", w)
	}
}

// paths are where a channel takes something: requests, websockets, or both. Of
// one that is not in the files it is not known here.
func paths(set *config.Set, c config.Endpoint) []string {
	body := set.Objects[config.Channels][c.Code]
	parsed, problems := channel.Parse(c.Code, body)
	switch {
	case c.Path == "" || body == nil || len(problems) > 0 || parsed.WebsocketScenario == "":
		return []string{c.Path}
	case parsed.Scenario == "":
		return []string{c.WebsocketPath}
	}
	return []string{c.Path, c.WebsocketPath}
}

// showTables says what becomes of the tables of classes.
func showTables(console *console, tables []table.Alteration) {
	if len(tables) > 0 {
		console.line("")
	}
	for _, t := range tables {
		text := "Table: " + t.Text
		if t.Loses {
			text += "; only with --allow-drop"
		}
		if t.ByRun {
			text += " (by a run that follows)"
		}
		console.line("%s", text)
	}
}

// dear is what a run may pay before its first line without anyone minding.
const dear = 3 * time.Millisecond

func showScenarios(console *console, scenarios []config.ScenarioState) {
	var rows, advice = [][]string{}, []string{}
	for _, s := range scenarios {
		cost := time.Duration(s.InstantiationUS) * time.Microsecond
		shown := ""
		if cost > 0 {
			shown = cost.String()
		}
		rows = append(rows, []string{s.Code, s.Version, shown})
		if cost > dear {
			advice = append(advice, fmt.Sprintf("%s pays %s for its libraries in every run; a lighter variant (zod/mini, lodash-es, date-fns) pays less.", s.Code, cost))
		}
		for _, w := range s.Warnings {
			advice = append(advice, s.Code+": "+w)
		}
	}
	if len(rows) > 0 {
		console.line("")
		console.table("", []string{"scenario", "version", "cost per run"}, rows)
	}
	for _, line := range advice {
		console.line("%s", line)
	}
}

type export struct {
	Dir string `arg:"" help:"Folder to write to; it is made if need be." type:"path"`
	target
}

// Help teaches by examples.
func (export) Help() string {
	return `Secrets are written as the references they are, never as values. Applying the folder again changes nothing.

Example:
  junctor export ./shop --server https://junctor.example.com --token TOKEN`
}

// Run writes the folder.
func (e export) Run(ctx context.Context, console *console) error {
	return e.use(ctx, console, func(i *installation) error {
		set, err := i.configuration.Export(ctx)
		if err != nil {
			return err
		}
		leftover, err := config.Write(set, e.Dir)
		if err != nil {
			return err
		}
		console.line("Written to %s: junctor.yaml and %d scenarios.", e.Dir, len(set.Scenarios))
		var errs []error
		for _, file := range leftover {
			errs = append(errs, fmt.Errorf("%s is not in the installation; remove the file, or the next apply makes it a scenario again", file))
		}
		return errors.Join(errs...)
	})
}
