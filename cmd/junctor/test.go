package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"junctor/internal/trial"
)

type testAll struct {
	Dir  string `arg:"" help:"The integration's folder: junctor.yaml and scenarios/." default:"." type:"path"`
	Only string `help:"Only tests whose name contains this." placeholder:"TEXT"`
	JSON bool   `name:"json" help:"Write JSON, for a machine."`
}

// Help teaches by examples.
func (testAll) Help() string {
	return `Runs scenarios/**/*.test.ts (and .js). Nothing is reached, kv is empty at the start of each test, and time passes only when a scenario sleeps.

Examples:
  junctor test ./shop
  junctor test ./shop --only "unknown customer"

A test file:

  import { expect, mock, run, test } from "junctor/test";

  test("an order goes to the ERP", async () => {
    const erp = mock("http.request", (call) => ({ status: 201, json: { id: 17 } }));
    const answer = await run("order", { json: { number: "4711" } });
    expect(answer.status).toBe(201);
    expect(erp.calls[0].path).toBe("/orders");
  });`
}

// Run runs the tests.
func (t testAll) Run(ctx context.Context, console *console) error {
	outcomes, failed := []trial.Outcome{}, 0
	err := inLab(ctx, console, t.Dir, func(lab *trial.Lab) error {
		return lab.Test(ctx, t.Only, func(o trial.Outcome) {
			outcomes = append(outcomes, o)
			if !o.OK {
				failed++
			}
			if !t.JSON {
				showOutcome(console, o)
			}
		})
	})
	if err != nil {
		return err
	}
	if t.JSON {
		err = console.json(map[string]any{"tests": outcomes, "passed": len(outcomes) - failed, "failed": failed})
		if err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d tests failed", failed, len(outcomes))
	}
	return t.summary(console, len(outcomes))
}

func (t testAll) summary(console *console, count int) error {
	switch {
	case count == 0 && t.Only != "":
		return errors.New("there is no test whose name contains " + t.Only)
	case t.JSON:
	case count == 0:
		console.line("There are no tests. They are files such as scenarios/order.test.ts; `junctor test --help` shows one.")
	case count == 1:
		console.line("1 test passed.")
	default:
		console.line("%d tests passed.", count)
	}
	return nil
}

func showOutcome(console *console, o trial.Outcome) {
	mark := console.paint(green, "ok  ")
	if !o.OK {
		mark = console.paint(red, "FAIL")
	}
	console.line("%s", strings.TrimRight(fmt.Sprintf("%s  %8.1f ms  %s  %s", mark, o.Took, o.File, o.Name), " "))
	const indent = "      "
	for _, l := range o.Logs {
		console.line(indent+"%s: %s", l.Level, strings.ReplaceAll(l.Text, "\n", "\n      "))
	}
	if o.Failure == nil {
		return
	}
	text := o.Failure.Message
	if o.Failure.Place != "" {
		text = o.Failure.Place + ": " + text
	}
	if o.Failure.Stack != "" && o.Failure.Place == "" {
		text += "\n" + o.Failure.Stack
	}
	console.line("%s", indent+strings.ReplaceAll(text, "\n", "\n"+indent))
}
