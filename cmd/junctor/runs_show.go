package main

import (
	"strconv"
	"strings"

	"junctor/internal/run"
)

// showRun writes all that is known of a run; long texts only in full.
func showRun(console *console, info *run.Info, full bool) {
	input, output := legible(info.Input), legible(info.Output)
	tooLong := !full && (longer(input, inBlock) || longer(output, inBlock))
	if !full {
		input, output = short(input, inBlock), short(output, inBlock)
	}
	for _, fact := range [][2]string{
		{"run", info.ID}, {"state", string(info.State)}, {"waiting for", info.WaitingFor},
		{"program", info.Program + " " + info.Version}, {"channel", info.Channel}, {"function", info.Function}, {"account", info.Account}, {"source", info.Source}, {"webhook-id", info.WebhookID}, {"subject", info.Subject},
		{"tags", strings.Join(info.Tags, ", ")}, {"mode", info.Mode}, {"attempt", strconv.Itoa(info.Attempt)},
		{"origin", info.Origin}, {"parent", info.Parent}, {"ordering key", info.Key},
		{"created", local(&info.CreatedAt)}, {"due", local(info.DueAt)}, {"finished", local(info.FinishedAt)},
		{"input", input}, {"output", output},
	} {
		if name, value := fact[0], fact[1]; value != "" && value != "-" {
			console.line("%s%s  %s", console.paint(bold, name), strings.Repeat(" ", 12-len(name)), console.paint(colours()[value], value))
		}
	}
	if tooLong {
		console.line("%s", cutHint)
	}
	if info.Error != nil {
		console.line("")
		showError(console, info.Error, info.Steps, full)
	}
	console.line("")
	stepList{steps: info.Steps, none: noSteps(info), timed: true, full: full}.show(console)
	if len(info.Logs) > 0 {
		console.line("")
	}
	for _, l := range info.Logs {
		console.line("%s %-5s %s", local(&l.At), l.Level, l.Text)
	}
}

// noSteps says why there is no step to show.
func noSteps(info *run.Info) string {
	switch {
	case info.Erased:
		return "Its content was erased: input, output, steps, log, subject and tags."
	case info.State.Ended() && len(info.Input) == 0 && len(info.Output) > 0: // the same message may ask for it again
		return "Its input, steps and log were not kept: the channel's capture says so."
	case info.State.Ended() && len(info.Input) == 0:
		return "Its input, output, steps and log were not kept: the channel's capture says so."
	}
	return "It has made no step."
}
