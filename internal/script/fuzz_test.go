package script

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzExportsLine: the names of the exports survive their way through the code.
func FuzzExportsLine(f *testing.F) {
	f.Add("default", "validate")
	f.Add("a \"quoted\" \\ name\n", "\u2028")
	f.Add("", "\x00\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		want := []string{a, b}
		line := exportsLine(want)
		if strings.Count(string(line), "\n") != 1 {
			t.Fatalf("%q is not one line", line)
		}
		if diff := cmp.Diff(want, exportsOf(append(line, "\n\"use strict\""...))); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzPositions: any stack text, which scripts can make up, is taken as it is
// or rewritten, and never shows the engine's own names of places.
func FuzzPositions(f *testing.F) {
	f.Add("    at f (<eval>:100003:5)\n    at g (<eval>:7:1)\n    at map (native)\n")
	f.Add("at (<eval>:99999999999999999999:0) <eval>:100005:-1")
	f.Add("<eval>:100002:1<eval>:100002:1")
	b, diagnostics := Build(f.Context(), BuildOptions{Sources: map[string]string{"a.ts": "export default () => { throw new Error('x') }"}, Entry: "a.ts"})
	if diagnostics != nil {
		f.Fatal(diagnostics)
	}
	program, diagnostics := Compile(b)
	if diagnostics != nil {
		f.Fatal(diagnostics)
	}
	f.Fuzz(func(t *testing.T, stack string) {
		out := program.Positions(stack)
		for line := range strings.Lines(out) {
			if frame.MatchString(strings.TrimRight(line, "\n")) {
				t.Errorf("%q became %q", stack, out)
			}
		}
	})
}

// FuzzAnswer: what the realm answers is understood or refused, never a panic.
func FuzzAnswer(f *testing.F) {
	f.Add("D0\x00out")
	f.Add("P2\x001\x00http\x00{}\x000\x00log\x00\"x\"\x00")
	f.Add("F0\x00{\"name\":\"E\"}")
	f.Add("L0\x00Calls")
	f.Add("P9\x00")
	p := pool(f, Config{})
	program := compile(f, waits)
	f.Fuzz(func(t *testing.T, text string) {
		e := &Exec{pool: p, program: program}
		turn := e.read(text)
		if turn.Done && turn.Err == nil && !strings.HasSuffix(text, turn.Output) {
			t.Errorf("%q gives the output %q", text, turn.Output)
		}
	})
}
