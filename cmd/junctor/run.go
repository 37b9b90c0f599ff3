package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/trial"
)

type runOne struct {
	Dir      string `arg:"" help:"The integration's folder: junctor.yaml and scenarios/." type:"path"`
	Scenario string `arg:"" help:"The scenario: order for scenarios/order.ts."`
	Input    string `help:"The message: this file is the content of a POST; its extension says of which type." type:"path" placeholder:"FILE"`
	Request  bool   `help:"The input file describes the whole message: a JSON object with method, path, query, headers, and json, text or base64; or with value, which is data instead of a message; or with params of a function; or with schedule, as a schedule hands over ({} is the usual)."`
	Mock     string `help:"Answers to the steps, in YAML or JSON." type:"path" placeholder:"FILE"`
	Full     bool   `help:"Whole texts, one block for each step, instead of a table that cuts them."`
	JSON     bool   `name:"json" help:"Write JSON, for a machine."`
}

// Help teaches by examples.
func (runOne) Help() string {
	return `No server is needed and nothing is reached. kv begins empty and works, sleep passes at once, and what would leave the machine is answered from the mock file; the first answer that fits is taken.

Examples:
  junctor run ./shop order --input order.json --mock answers.yaml
  junctor run ./shop order --request --input request.json

A mock file:

  # answers.yaml
  - step: http.request
    match: { connection: erp, method: POST, path: /orders* }
    status: 201
    json: { id: 17 }
    times: 1
  - step: http.request
    error: connection refused
  - step: runs.call
    match: { scenario: price }
    value: 91`
}

// Run runs the scenario.
func (r runOne) Run(ctx context.Context, console *console) error {
	in, err := r.input()
	if err != nil {
		return err
	}
	return inLab(ctx, console, r.Dir, func(lab *trial.Lab) error {
		var mocks trial.Mocks
		if r.Mock != "" {
			text, err := os.ReadFile(r.Mock)
			if err == nil {
				mocks, err = trial.ParseMocks(text, lab.Steps())
			}
			if err != nil {
				return named("--mock", r.Mock, err)
			}
		}
		var report *trial.Report
		err := lab.In(ctx, time.Now().UTC().Truncate(time.Millisecond), func(w *trial.World) error {
			started, err := w.Start(ctx, r.Scenario, in)
			if err != nil {
				return err
			}
			err = started.Play(ctx, mocks)
			report = started.Report()
			return err
		})
		if err != nil {
			return err
		}
		return r.show(console, report)
	})
}

// input reads the message.
func (r runOne) input() (trial.Input, error) {
	if r.Input == "" {
		if r.Request {
			return trial.Input{}, usage("--request says how --input is read; give --input FILE")
		}
		return trial.Input{}, nil
	}
	text, err := os.ReadFile(r.Input)
	if err != nil {
		return trial.Input{}, fmt.Errorf("read --input: %w", err)
	}
	if !r.Request {
		return trial.Content(text, filepath.Ext(r.Input)), nil
	}
	in, found := trial.DecodeInput(text)
	if len(found) > 0 {
		err = named("--input", r.Input, fault.New(fault.Unprocessable, "It describes no message.").WithFields(found...))
	}
	return in, err
}

// named says which file an error is about.
func named(flag, file string, err error) error {
	var wrong *fault.Error
	if errors.As(err, &wrong) {
		return fault.New(wrong.Code, "%s %s: %s", flag, file, wrong.Detail).WithFields(wrong.Fields...)
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// errFailed ends the command with 1; what failed has been shown.
var errFailed = errors.New("the scenario failed")

func (r runOne) show(console *console, report *trial.Report) error {
	if r.JSON {
		if err := console.json(report); err != nil {
			return err
		}
	} else {
		showReport(console, report, r.Full)
	}
	if report.State == run.Failed {
		return errFailed
	}
	return nil
}

// showReport writes what came of a scenario, for a person; long texts only in
// full.
func showReport(console *console, report *trial.Report, full bool) {
	stepList{steps: report.Steps, none: "It made no step.", full: full}.show(console)
	if len(report.Logs) > 0 {
		console.line("")
	}
	for _, l := range report.Logs {
		console.line("%-5s %s", l.Level, strings.ReplaceAll(l.Text, "\n", "\n      "))
	}
	console.line("")
	if e := report.Error; e != nil {
		showError(console, e, report.Steps, full)
		console.line("")
	}
	if report.Subject != "" {
		console.line("subject  %s", report.Subject)
	}
	if len(report.Tags) > 0 {
		console.line("tags     %s", strings.Join(report.Tags, ", "))
	}
	console.line("%s, answered %d %s", console.paint(colours()[string(report.State)], string(report.State)), report.Status, report.Headers["content-type"])
	switch {
	case report.JSON != nil:
		console.line("%s", spread(report.JSON))
	case report.Text != nil:
		console.line("%s", *report.Text)
	case report.Base64 != nil:
		console.line("%s", *report.Base64)
	}
}
