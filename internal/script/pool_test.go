package script

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

const waits = `import { call } from "junctor"; export default async function () { return await call("x", "1"); }`

func begin(p *Pool, program *Program) (*Exec, *Turn, error) {
	return p.Start(context.Background(), Start{Program: program, Entry: "default", Now: testNow})
}

func TestStartWaitsForAMachine(t *testing.T) {
	p := pool(t, Config{Size: 1})
	program := compile(t, waits)
	e, _ := start(t, p, program)
	if p.Idle() {
		t.Error("a full pool says that it is idle")
	}
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, _, err := p.Start(ctx, Start{Program: program, Entry: "default"})
		gaveUp <- err
	}()
	until(t, func() bool { return p.Waiting() == 1 })
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("a Start whose context ended: %v", err)
	}
	if p.Waiting() != 0 {
		t.Error("a Start that gave up still counts as waiting")
	}
	second := make(chan *Exec)
	go func() {
		e, _, err := begin(p, program)
		if err != nil {
			t.Error(err)
		}
		second <- e
	}()
	until(t, func() bool { return p.Waiting() == 1 })
	e.Close()
	e.Close()
	(<-second).Close()
	until(t, p.Idle)
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about in half a minute")
		}
		<-time.After(time.Millisecond)
	}
}

func TestCloseOfThePool(t *testing.T) {
	defer goleak.VerifyNone(t)
	p, err := NewPool(Config{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	program := compile(t, waits)
	e, _, err := begin(p, program)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() {
		_, _, err := begin(p, program)
		waiting <- err
	}()
	until(t, func() bool { return p.Waiting() == 1 })
	closed := make(chan struct{})
	go func() { p.Close(); close(closed) }()
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("a Start that waited: %v", err)
	}
	if turn := e.Resume(Settle{ID: 1, OK: true, Value: "v", Now: testNow}); turn.Output != "v" {
		t.Errorf("the run that was under way: %+v", turn)
	}
	<-closed
	if _, _, err := begin(p, program); !errors.Is(err, ErrClosed) {
		t.Errorf("a Start after Close: %v", err)
	}
	p.Close()
}

func TestManyRunsAtOnce(t *testing.T) {
	p := pool(t, Config{Size: 4})
	program := compile(t, `import { call } from "junctor";
		let mine = ""; export default async function (name: string) { mine = name; for (let i = 0; i < 5; i++) mine += await call("x", mine); return mine; }`)
	var wg sync.WaitGroup
	for n := range 32 {
		wg.Go(func() {
			e, turn, err := p.Start(context.Background(), Start{Program: program, Entry: "default", Now: testNow, Args: []string{fmt.Sprint(n)}})
			if err != nil {
				t.Error(err)
				return
			}
			defer e.Close()
			for !turn.Done {
				turn = e.Resume(Settle{ID: turn.Calls[0].ID, OK: true, Value: "+", Now: testNow})
			}
			if want := fmt.Sprint(n) + "+++++"; turn.Output != want {
				t.Errorf("answer %q, want %q: %v", turn.Output, want, turn.Err)
			}
		})
	}
	wg.Wait()
	if n := len(p.all); n > 4 {
		t.Errorf("%d machines, at most 4 were allowed", n)
	}
}

// A run that is given up in the middle leaves its machine to the next, with
// nothing on its heap.
func TestMachinesOfRunsGivenUpAreUsedAgain(t *testing.T) {
	p := pool(t, Config{Size: 1, MemoryLimit: 32 << 20})
	program := compile(t, `import { call } from "junctor";
		const kept: any[] = [];
		export default async function () {
			const g = (async function* () { try { for (;;) yield await call("in", "1"); } finally { call("leak", "1"); } })();
			g.next(); g.next();
			kept.push(g, new Array(10000).fill({ kept }), setTimeout(() => call("leak", "2"), 5));
			const race = Promise.race([call("a", "1"), call("b", "1")]).finally(() => call("leak", "3"));
			await Promise.all([race, call("c", "1")]);
		}`)
	ok := compileOnce(t)
	var machine *vm
	var settled int64
	for i := range 3000 {
		e, turn, err := begin(p, program)
		if err != nil || turn.Done {
			t.Fatal(i, err, turn)
		}
		if i%2 == 0 {
			e.Resume(Settle{ID: 3, OK: i%4 == 0, Value: "1", Now: testNow})
		}
		if machine == nil {
			machine = e.vm
		}
		if e.vm != machine {
			t.Fatalf("after %d runs another machine was made", i)
		}
		e.Close()
		if i%100 == 0 {
			if got := answer(t, p, ok); got != "ok" {
				t.Fatalf("after %d runs another one answers %q", i, got)
			}
		}
		if i == 500 {
			settled = machine.internals.heap()
		}
	}
	if heap := machine.internals.heap(); heap > settled+collectAt {
		t.Errorf("the heap grew from %d KiB to %d KiB", settled>>10, heap>>10)
	}
}

func TestInterrupt(t *testing.T) {
	p := pool(t, Config{})
	waiting, _ := start(t, p, compile(t, waits))
	waiting.Interrupt()
	if turn := waiting.Resume(Settle{ID: 1, OK: true, Now: testNow}); turn.Err == nil || turn.Err.Kind != Interrupted {
		t.Errorf("a run interrupted while it waited: %+v", turn)
	}
	if turn := waiting.Resume(Settle{ID: 1, OK: true, Now: testNow}); turn.Err == nil {
		t.Error("a run that ended was resumed")
	}

	program := compile(t, `import { call } from "junctor"; export default async function () { await call("x", "1"); try { for (;;) {} } catch { call("after", "1") } }`)
	e, _ := start(t, p, program)
	ended := make(chan *Turn)
	go func() { ended <- e.Resume(Settle{ID: 1, OK: true, Now: testNow}) }()
	until(t, func() bool { e.vm.mu.Lock(); defer e.vm.mu.Unlock(); return e.vm.turn == e })
	e.Interrupt()
	if turn := <-ended; turn.Err == nil || turn.Err.Kind != Interrupted || len(turn.Calls) > 0 {
		t.Errorf("a run interrupted while it executed: %+v", turn)
	}
}

func TestOneBudgetOverAllTurns(t *testing.T) {
	p := pool(t, Config{TurnCPU: time.Second, RunCPU: 300 * time.Millisecond})
	program := compile(t, `import { call } from "junctor"; export default async function () {
		for (;;) { for (let i = 0; i < 20000; i++) {} await call("x", "1"); } }`)
	e, turn := start(t, p, program)
	turns := 1
	for ; !turn.Done; turns++ {
		turn = e.Resume(Settle{ID: turn.Calls[0].ID, OK: true, Now: testNow})
	}
	if turn.Err == nil || turn.Err.Kind != CPU || turns < 3 || e.CPU() < 300*time.Millisecond {
		t.Errorf("after %d turns and %s: %+v", turns, e.CPU(), turn.Err)
	}
	_, turn, err := p.Start(t.Context(), Start{Program: program, Entry: "default", Now: testNow, Spent: time.Hour})
	if err != nil || turn.Err == nil || turn.Err.Kind != CPU {
		t.Errorf("a run that had used up its time before: %+v %v", turn, err)
	}
}

func TestAPanicCostsTheMachineOnly(t *testing.T) {
	p := pool(t, Config{Size: 1, Pure: map[string]Pure{
		"boom": func([]any) (any, error) { panic("boom") },
		"fail": func([]any) (any, error) { return nil, errors.New("not with " + "this") },
	}})
	_, turn := start(t, p, compile(t, `import { pure } from "junctor"; export default () => { try { pure.boom() } catch { return "caught" } }`))
	if turn.Err == nil || !strings.Contains(turn.Err.Message, "panicked: boom") {
		t.Errorf("%+v", turn)
	}
	if got := answer(t, p, compile(t, `import { pure } from "junctor"; export default () => { try { pure.fail() } catch (e) { return String(e) } }`)); got != "TypeError: not with this" {
		t.Errorf("an error of a helper is %q", got)
	}
}

func TestTurningIsToldOfEachTurn(t *testing.T) {
	p := pool(t, Config{})
	var told []bool
	e, turn, err := p.Start(t.Context(), Start{Program: compile(t, waits), Entry: "default", Now: testNow, Turning: func(on bool) { told = append(told, on) }})
	if err != nil || turn.Done {
		t.Fatal(err, turn)
	}
	e.Resume(Settle{ID: 1, OK: true, Now: testNow})
	if fmt.Sprint(told) != "[true false true false]" {
		t.Errorf("told %v", told)
	}
}

func TestResumeOfNothing(t *testing.T) {
	p := pool(t, Config{})
	e, _ := start(t, p, compile(t, waits))
	if turn := e.Resume(Settle{ID: 7, OK: true, Now: testNow}); turn.Err == nil || !strings.Contains(turn.Err.Message, "no host call 7") {
		t.Errorf("%+v", turn)
	}
}

func TestMeasure(t *testing.T) {
	p := pool(t, Config{Size: 1})
	d, err := p.Measure(compile(t, `let n = 0; for (let i = 0; i < 20000; i++) n += i; export default () => n`))
	if err != nil || d <= 0 || d > time.Second {
		t.Errorf("%s %v", d, err)
	}
	if _, err := p.Measure(compile(t, `throw new Error("at the top")`)); err == nil || !strings.Contains(err.Error(), "at the top") {
		t.Errorf("a scenario that throws at its top: %v", err)
	}
	if _, err := p.Measure(compile(t, `import { call } from "junctor"; call("x", "1"); export default 1`)); err != nil {
		t.Errorf("a scenario that calls at its top: %v", err)
	}
	if got := answer(t, p, compileOnce(t)); got != "ok" {
		t.Errorf("afterwards a run answers %q", got)
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	for name, c := range map[string]Config{
		"module with a syntax error": {Module: "(function ( {"},
		"module that throws":         {Module: "(function () { throw new Error('no') })"},
	} {
		if p, err := NewPool(c); err == nil {
			p.Close()
			t.Errorf("%s: no error", name)
		}
	}
	registry := prometheus.NewRegistry()
	p := pool(t, Config{Metrics: registry})
	if _, err := NewPool(Config{Metrics: registry}); err == nil {
		t.Error("two pools count into one registry")
	}
	answer(t, p, compileOnce(t))
	families, err := registry.Gather()
	if err != nil || len(families) != 5 {
		t.Errorf("%d metrics, %v", len(families), err)
	}
}

func TestFactoriesAreBounded(t *testing.T) {
	p := pool(t, Config{Size: 1})
	for i := range maxFactories + 10 {
		if got := answer(t, p, compile(t, fmt.Sprintf(`export default () => "%d"`, i))); got != fmt.Sprint(i) {
			t.Fatalf("program %d answers %s", i, got)
		}
	}
	if n := len(p.idle[0].factories.loaded); n != maxFactories {
		t.Errorf("%d programs are kept", n)
	}
}
