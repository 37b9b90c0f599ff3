package script

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const leakModule = `
var FACT; try { FACT = arguments.callee } catch (e) { FACT = {} }
let modvar = 0; class K { static count = 0 } const WM = new WeakMap(), MODULE = module, J = require('junctor'), REQUIRE = require;
const RX = /a/g;
const tag = s => s; function TPL() { return tag` + "`a${1}b`" + ` }
module.exports.default = async function (mode) {
  if (mode === 'write') { try { WRITE } catch (e) { if (!(e instanceof Error)) throw e } return 'wrote' }
  READ
};`

// transcript is all that an observer sees of a run that is settled up to the
// calls named park: calls, notices and the answer.
func transcript(t *testing.T, p *Pool, program *Program, mode string) (log []string, machine *vm) {
	t.Helper()
	e, turn, err := p.Start(context.Background(), Start{Program: program, Entry: "default", Seed: 42, Now: testNow, Args: []string{mode}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var open []Call
	for n := 0; ; n++ {
		for _, c := range turn.Calls {
			log = append(log, c.Name+" "+c.Args)
			if !c.Notice && c.Name != "park" {
				open = append(open, c)
			}
		}
		if turn.Done {
			log = append(log, "output "+turn.Output)
			if turn.Err != nil {
				log = append(log, "error "+string(turn.Err.Kind)+" "+turn.Err.Error())
			}
			return log, e.vm
		}
		if len(open) == 0 || n > 100 {
			return append(log, "given up"), e.vm
		}
		turn = e.Resume(Settle{ID: open[0].ID, OK: open[0].Name != "fail", Value: "1", Now: testNow})
		open = open[1:]
	}
}

// TestNothingLeaks makes each attempt in one run and looks for it in the next,
// in the same machine.
func TestNothingLeaks(t *testing.T) {
	p := pool(t, Config{Size: 1, Pure: map[string]Pure{"echo": func(args []any) (any, error) { return args[0], nil }}})
	for _, group := range []struct {
		name     string
		attempts []leakAttempt
	}{{"intrinsics", intrinsicAttempts}, {"code", codeAttempts}, {"world", worldAttempts}, {"left", leftAttempts}} {
		for _, strict := range []string{"", "'use strict';"} {
			for _, a := range group.attempts {
				mode := " sloppy"
				if strict != "" {
					mode = " strict"
				}
				t.Run(group.name+"/"+a.name+mode, func(t *testing.T) { attempt(t, p, strict, a) })
			}
		}
	}
}

func attempt(t *testing.T, p *Pool, strict string, a leakAttempt) {
	t.Helper()
	source := strict + strings.NewReplacer("WRITE", a.write, "READ", a.read).Replace(leakModule)
	b, diagnostics := Build(t.Context(), BuildOptions{Sources: map[string]string{"scenario.js": source}, Entry: "scenario.js"})
	if diagnostics == nil {
		var program *Program
		if program, diagnostics = Compile(b); diagnostics == nil {
			before, first := transcript(t, p, program, "read")
			transcript(t, p, program, "write")
			after, last := transcript(t, p, program, "read")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the next run sees a difference:\n%s", diff)
			}
			if out := before[len(before)-1]; out != "output " {
				t.Errorf("without the attempt the run shows %q", before)
			}
			if first != last {
				t.Error("the machine was not used again, the attempt shows nothing")
			}
			return
		}
	}
	if strict == "" {
		t.Fatalf("the attempt does not compile: %v", diagnostics)
	}
}
