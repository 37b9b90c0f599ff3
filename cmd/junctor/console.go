package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"junctor/internal/fault"
)

// console is where a command reads and writes.
type console struct {
	in       *os.File
	out, err *os.File
	colour   bool // out is a terminal that shows colours
}

func newConsole(in, out, err *os.File) *console {
	colour := isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return &console{in: in, out: out, err: err, colour: colour}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// log writes to stderr: text for a person, JSON for what collects logs.
func (c *console) log(level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if isTerminal(c.err) {
		return slog.New(slog.NewTextHandler(c.err, options))
	}
	return slog.New(slog.NewJSONHandler(c.err, options))
}

// report says what went wrong and returns the exit code.
func (c *console) report(err error) int {
	var wrong usageError
	var refused *fault.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintf(c.err, "junctor: %v\n", wrong.error)
		fmt.Fprintf(c.err, "`%s --help` shows how it is written.\n", strings.TrimSpace("junctor "+wrong.command))
		return 2
	case errors.As(err, &refused) && len(refused.Fields) > 0:
		fmt.Fprintf(c.err, "junctor: %s\n", refused.Detail)
		for _, f := range refused.Fields {
			fmt.Fprintf(c.err, "  %s: %s\n", orWhole(f.Pointer), f.Detail)
		}
	default:
		fmt.Fprintf(c.err, "junctor: %v\n", err)
	}
	return 1
}

func orWhole(pointer string) string {
	if pointer == "" {
		return "(as a whole)"
	}
	return pointer
}

// json writes a value for a machine.
func (c *console) json(value any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

// line writes a line for a person.
func (c *console) line(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }

// table writes rows under a header, in columns as wide as need be. An empty
// one says so.
func (c *console) table(none string, header []string, rows [][]string) {
	if len(rows) == 0 {
		c.line("%s", none)
		return
	}
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	write := func(row []string, colour func(string) string) {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
			b.WriteString(colour(cell) + pad)
		}
		c.line("%s", strings.TrimRight(b.String(), " "))
	}
	write(header, func(cell string) string { return c.paint(bold, strings.ToUpper(cell)) })
	for _, row := range rows {
		write(row, func(cell string) string { return c.paint(colours()[cell], cell) })
	}
}

// The colours of a terminal.
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// colours are those of words that people look for in tables.
func colours() map[string]string {
	return map[string]string{
		"failed": red, "delete": red, "succeeded": green, "create": green, "waiting": yellow, "update": yellow, "revoked": red, "expired": red,
	}
}

func (c *console) paint(colour, text string) string {
	if !c.colour || colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// secret reads what must not be seen: from a terminal without showing it, else
// all of stdin without the line's end.
func (c *console) secret(prompt string) (string, error) {
	if !isTerminal(c.in) {
		raw, err := io.ReadAll(io.LimitReader(c.in, 1<<20))
		if err != nil {
			return "", fmt.Errorf("read stdin: %w", err)
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r"), nil
	}
	fmt.Fprintf(c.err, "%s: ", prompt)
	raw, err := term.ReadPassword(int(c.in.Fd()))
	fmt.Fprintln(c.err)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	return string(raw), nil
}
