package script

import (
	"testing"

	"modernc.org/libquickjs"
)

// endings are the ways in which a run leaves its machine, which the next run
// gets when it is still good for one.
var endings = []struct {
	name, source string
	end          func(e *Exec)
	kind         Kind
}{
	{name: "done", source: `return await call("a", "1");`},
	{name: "done at once", source: `return "x".repeat(1000);`},
	{name: "failed", source: `await call("a", "1"); throw new Error("x".repeat(1000));`, kind: Thrown},
	{name: "failed before it began", source: `return { toJSON() { throw new Error("x".repeat(1000)); } };`, kind: Thrown},
	{name: "stalled", source: `const big = "x".repeat(1000); await new Promise(() => {}); return big;`, kind: Stalled},
	{name: "abandoned", source: `const big = "x".repeat(1000); await call("never", "1"); return big;`, end: (*Exec).Close},
}

// The promise that a run ends with is held from outside of the engine: it, and
// what hangs on it, must go however the run ends.
func TestEndedRunsLeaveNothingInTheirMachine(t *testing.T) {
	for _, ending := range endings {
		t.Run(ending.name, func(t *testing.T) {
			p := pool(t, Config{Size: 1})
			program := compile(t, `import { call } from "junctor"; export default async function () { `+ending.source+` }`)
			var machine *vm
			once := func() {
				e, turn, err := begin(p, program)
				if err != nil {
					t.Fatal(err)
				}
				machine = e.vm
				if !turn.Done && ending.end == nil {
					turn = e.Resume(Settle{ID: 1, OK: true, Value: "1", Now: testNow})
				}
				if ending.end != nil {
					ending.end(e)
				} else if !turn.Done || ending.kind == "" && turn.Err != nil || ending.kind != "" && (turn.Err == nil || turn.Err.Kind != ending.kind) {
					t.Fatalf("the run ended with %+v %v", turn, turn.Err)
				}
				e.Close()
			}
			size := func() int64 {
				size := make(chan int64)
				machine.tasks <- func(v *vm) {
					libquickjs.XJS_RunGC(v.internals.tls, v.internals.context.Frt)
					size <- v.internals.heap()
				}
				return <-size
			}
			once()
			first := machine
			for range 100 {
				once()
			}
			before := size()
			for range 2000 {
				once()
			}
			if machine != first {
				t.Error("the machine was not used again, the test shows nothing")
			}
			if grown := size() - before; grown > 64<<10 {
				t.Errorf("2000 runs leave %d bytes in their machine", grown)
			}
		})
	}
}
