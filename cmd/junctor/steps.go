package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"junctor/internal/run"
)

// How much of a text is shown without --full, in characters.
const (
	inTable = 60
	inBlock = 2000
)

// cutHint stands below what was cut.
const cutHint = "What ends in … is cut: --full shows all of it."

// stepList shows the steps of a run.
type stepList struct {
	steps []run.Step
	none  string // what to say when there are none
	timed bool   // with how long each took
	full  bool   // whole texts, one block for each step
}

func (l stepList) show(console *console) {
	if l.full && len(l.steps) > 0 {
		l.blocks(console)
		return
	}
	header := []string{"step", "name", "outcome", "took", "arguments", "result"}
	if !l.timed {
		header = slices.Delete(header, 3, 4)
	}
	var rows [][]string
	cut := false
	for _, s := range l.steps {
		outcome, answer := outcomeOf(s)
		given, got := legible(s.Arguments), legible(answer)
		cut = cut || longer(given, inTable) || longer(got, inTable)
		row := []string{strconv.Itoa(s.Seq), s.Name, outcome, took(s), short(given, inTable), short(got, inTable)}
		if !l.timed {
			row = slices.Delete(row, 3, 4)
		}
		rows = append(rows, row)
	}
	console.table(l.none, header, rows)
	if cut {
		console.line("%s", cutHint)
	}
}

// blocks shows the steps one below the other, nothing of them cut.
func (l stepList) blocks(console *console) {
	for i, s := range l.steps {
		if i > 0 {
			console.line("")
		}
		outcome, answer := outcomeOf(s)
		title := []string{console.paint(bold, "step "+strconv.Itoa(s.Seq)), s.Name, console.paint(colours()[outcome], outcome)}
		if l.timed {
			title = append(title, took(s))
		}
		console.line("%s", strings.TrimRight(strings.Join(title, "  "), " "))
		for _, part := range []struct {
			name string
			text json.RawMessage
		}{{"arguments", s.Arguments}, {"result", answer}} {
			if len(part.text) > 0 {
				console.line("  %s\n    %s", part.name, strings.ReplaceAll(spread(part.text), "\n", "\n    "))
			}
		}
	}
}

// outcomeOf is how a step stands, and its result or its error.
func outcomeOf(s run.Step) (outcome string, answer json.RawMessage) {
	switch {
	case len(s.Error) > 0:
		return "failed", s.Error
	case s.FinishedAt != nil:
		return "succeeded", s.Result
	}
	return "under way", s.Result
}

func took(s run.Step) string {
	if s.FinishedAt == nil {
		return ""
	}
	return s.FinishedAt.Sub(s.StartedAt).String()
}

// showError writes why a run failed, and what the far end said where it failed
// because of an answer.
func showError(console *console, e *run.ErrorInfo, steps []run.Step, full bool) {
	console.line("%s", console.paint(red, strings.TrimPrefix(e.Name+": "+e.Message, ": ")))
	for _, s := range steps {
		if len(e.Steps) > 0 && !slices.Contains(e.Steps, s.Seq) {
			continue
		}
		status, text, answered := answerOf(s)
		if !answered {
			continue
		}
		console.line("step %d was answered %d:", s.Seq, status)
		shown := text
		if !full {
			shown = cut(text, inBlock)
		}
		console.line("  %s", strings.ReplaceAll(strings.TrimRight(printable(shown), "\n"), "\n", "\n  "))
		if shown != text {
			console.line("%s", cutHint)
		}
	}
	if e.Stack != "" {
		console.line("%s", e.Stack)
	}
}

// answerOf is the answer with which a step failed.
func answerOf(s run.Step) (status int, text string, answered bool) {
	var wrong struct {
		Data struct {
			Status int    `json:"status"`
			Text   string `json:"text"`
		} `json:"data"`
	}
	if len(s.Error) == 0 || json.Unmarshal(s.Error, &wrong) != nil {
		return 0, "", false
	}
	return wrong.Data.Status, wrong.Data.Text, wrong.Data.Status > 0 && wrong.Data.Text != ""
}

// escape is one escape sequence of JSON.
var escape = regexp.MustCompile(`\\(u003c|u003e|u0026|.)`)

// legible is JSON with <, > and & as they are: they come escaped for the sake
// of web pages, and XML cannot be read so.
func legible(raw json.RawMessage) string {
	return escape.ReplaceAllStringFunc(string(raw), func(found string) string {
		switch found {
		case `\u003c`:
			return "<"
		case `\u003e`:
			return ">"
		case `\u0026`:
			return "&"
		}
		return found
	})
}

// spread is JSON over several lines.
func spread(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return legible(b.Bytes())
}

// printable takes the characters out that would command the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// short cuts a text to a length in characters and keeps it on one line. Spaces
// stay as many as they are: they may be what is wrong with it.
func short(text string, length int) string {
	return cut(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(strings.TrimSpace(text)), length)
}

func longer(text string, length int) bool { return utf8.RuneCountInString(text) > length }

// cut ends a text that is longer than so many characters with an ellipsis.
func cut(text string, length int) string {
	if !longer(text, length) {
		return text
	}
	return string([]rune(text)[:length-1]) + "…"
}
