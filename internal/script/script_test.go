package script

import (
	"context"
	"strings"
	"testing"
	"time"
)

// compile builds and compiles one TypeScript source.
func compile(t testing.TB, source string) *Program {
	t.Helper()
	return compileAll(t, map[string]string{"scenario.ts": source}, "scenario.ts")
}

func compileAll(t testing.TB, sources map[string]string, entry string) *Program {
	t.Helper()
	b, diagnostics := Build(t.Context(), BuildOptions{Sources: sources, Entry: entry})
	if diagnostics != nil {
		t.Fatalf("build: %v", diagnostics)
	}
	p, diagnostics := Compile(b)
	if diagnostics != nil {
		t.Fatalf("compile: %v", diagnostics)
	}
	return p
}

func pool(t testing.TB, c Config) *Pool {
	t.Helper()
	p, err := NewPool(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

var testNow = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func start(t testing.TB, p *Pool, program *Program, args ...string) (*Exec, *Turn) {
	t.Helper()
	e, turn, err := p.Start(context.Background(), Start{Program: program, Entry: "default", Seed: 42, Now: testNow, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e, turn
}

// answer is the output of a run that must end well in its first turn.
func answer(t testing.TB, p *Pool, program *Program, args ...string) string {
	t.Helper()
	e, turn := start(t, p, program, args...)
	defer e.Close()
	if !turn.Done || turn.Err != nil {
		t.Fatalf("the run did not end well: %+v %v\n%s", turn, turn.Err, stackText(turn))
	}
	return turn.Output
}

func stackText(turn *Turn) string {
	if turn.Err == nil {
		return ""
	}
	return turn.Err.Stack
}

func TestAnswer(t *testing.T) {
	p := pool(t, Config{})
	program := compile(t, `
		type Order = { items: { qty: number; price: number }[] };
		export default async function (text: string) {
			const order: Order = JSON.parse(text);
			let total = 0;
			for (const i of order.items) total += i.qty * i.price;
			return { total };
		}`)
	if got, want := answer(t, p, program, `{"items":[{"qty":2,"price":3.5},{"qty":1,"price":1}]}`), `{"total":8}`; got != want {
		t.Errorf("answer %s, want %s", got, want)
	}
	if got := program.Exports(); len(got) != 1 || got[0] != "default" {
		t.Errorf("exports %q", got)
	}
}

func TestCallsAreSettledOneByOne(t *testing.T) {
	p := pool(t, Config{})
	program := compile(t, `
		import { call, notice } from "junctor";
		export default async function () {
			notice("log", '"hello"');
			const both = Promise.all([call("a", "1"), call("b", "2")]);
			const [a, b] = await both;
			try { await call("c", a + b); } catch (e) { return "caught " + (e as Error).message; }
			return "not caught";
		}`)
	e, turn := start(t, p, program)
	want := []Call{{0, "log", `"hello"`, true}, {1, "a", "1", false}, {2, "b", "2", false}}
	if turn.Done || len(turn.Calls) != 3 || turn.Calls[0] != want[0] || turn.Calls[1] != want[1] || turn.Calls[2] != want[2] {
		t.Fatalf("first turn %+v", turn)
	}
	if turn = e.Resume(Settle{ID: 2, OK: true, Value: "B", Now: testNow}); turn.Done || len(turn.Calls) != 0 {
		t.Fatalf("second turn %+v", turn)
	}
	if turn = e.Resume(Settle{ID: 1, OK: true, Value: "A", Now: testNow}); len(turn.Calls) != 1 || turn.Calls[0] != (Call{3, "c", "AB", false}) {
		t.Fatalf("third turn %+v", turn)
	}
	if turn = e.Resume(Settle{ID: 3, Value: "boom", Now: testNow}); !turn.Done || turn.Output != "caught boom" {
		t.Fatalf("last turn %+v", turn)
	}
}

func TestErrorsNameTheSource(t *testing.T) {
	p := pool(t, Config{})
	program := compile(t, `interface Unused { a: string }
import { call } from "junctor";

function check(qty: number): void {
  if (qty < 0) throw new RangeError("bad qty " + qty);
}
export default async function () {
  try { await call("x", "1"); } catch (e) {
    throw new Error("wrapped", { cause: new AggregateError([e]) });
  }
  check(-1);
}`)
	e, _ := start(t, p, program)
	turn := e.Resume(Settle{ID: 1, OK: true, Now: testNow})
	if turn.Err == nil || turn.Err.Kind != Thrown || turn.Err.Name != "RangeError" || turn.Err.Message != "bad qty -1" {
		t.Fatalf("error %+v", turn.Err)
	}
	if !strings.Contains(turn.Err.Stack, "scenario.ts:5:") || !strings.Contains(turn.Err.Stack, "scenario.ts:11:") {
		t.Errorf("stack without the source's positions:\n%s", turn.Err.Stack)
	}
	if strings.Contains(turn.Err.Stack, "<eval>") {
		t.Errorf("stack with frames of the realm:\n%s", turn.Err.Stack)
	}

	e, _ = start(t, p, program)
	turn = e.Resume(Settle{ID: 1, Value: "refused", Now: testNow})
	if turn.Err == nil || len(turn.Err.Origins) != 1 || turn.Err.Origins[0] != 1 {
		t.Fatalf("origins of %+v", turn.Err)
	}
	if !strings.Contains(turn.Err.Stack, "Caused by: Error: refused") {
		t.Errorf("stack without the cause:\n%s", turn.Err.Stack)
	}
}
