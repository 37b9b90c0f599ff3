package main

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"junctor/internal/run"
)

// showRun writes all that is known of a run.
func showRun(console *console, info *run.Info) {
	for _, fact := range [][2]string{
		{"run", info.ID}, {"state", string(info.State)}, {"waiting for", info.WaitingFor},
		{"program", info.Program + " " + info.Version}, {"channel", info.Channel}, {"subject", info.Subject},
		{"tags", strings.Join(info.Tags, ", ")}, {"mode", info.Mode}, {"attempt", strconv.Itoa(info.Attempt)},
		{"origin", info.Origin}, {"parent", info.Parent}, {"ordering key", info.Key},
		{"created", local(&info.CreatedAt)}, {"due", local(info.DueAt)}, {"finished", local(info.FinishedAt)},
		{"input", short(string(info.Input), 2000)}, {"output", short(string(info.Output), 2000)},
	} {
		if name, value := fact[0], fact[1]; value != "" && value != "-" {
			console.line("%s%s  %s", console.paint(bold, name), strings.Repeat(" ", 12-len(name)), console.paint(colours()[value], value))
		}
	}
	if e := info.Error; e != nil {
		console.line("\n%s", console.paint(red, strings.TrimPrefix(e.Name+": "+e.Message, ": ")))
		if e.Stack != "" {
			console.line("%s", e.Stack)
		}
	}
	showSteps(console, info.Steps)
	if len(info.Logs) > 0 {
		console.line("")
	}
	for _, l := range info.Logs {
		console.line("%s %-5s %s", local(&l.At), l.Level, l.Text)
	}
}

func showSteps(console *console, steps []run.Step) {
	var rows [][]string
	for _, s := range steps {
		outcome, took := "under way", ""
		switch {
		case len(s.Error) > 0:
			outcome = "failed"
		case s.FinishedAt != nil:
			outcome = "succeeded"
		}
		if s.FinishedAt != nil {
			took = s.FinishedAt.Sub(s.StartedAt).String()
		}
		answer := s.Result
		if len(s.Error) > 0 {
			answer = s.Error
		}
		rows = append(rows, []string{strconv.Itoa(s.Seq), s.Name, outcome, took, short(string(s.Arguments), 60), short(string(answer), 60)})
	}
	console.line("")
	console.table("It has made no step.", []string{"step", "name", "outcome", "took", "arguments", "result"}, rows)
}

// short cuts a text to a length in characters and keeps it on one line.
func short(text string, length int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= length {
		return text
	}
	return string([]rune(text)[:length-1]) + "…"
}
