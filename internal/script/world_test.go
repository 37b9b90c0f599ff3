package script

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const chance = `
	import { call } from "junctor";
	export default async function () {
		const seen: any[] = [Math.random(), Math.random(), Date.now(), new Date().toISOString(), Object.keys({ b: 1, 2: 1, a: 1, 1: 1 })];
		if (typeof crypto !== "undefined") seen.push(crypto.randomUUID());
		await call("x", "1");
		seen.push(Date.now(), Math.random(), [3, 1, 2].map((x) => ({ x, r: Math.random() })).sort((a, b) => a.r - b.r));
		return seen;
	}`

// observe executes the program with a seed and a start time.
func observe(t *testing.T, p *Pool, program *Program, seed uint64, now time.Time) string {
	t.Helper()
	e, _, err := p.Start(t.Context(), Start{Program: program, Entry: "default", Seed: seed, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	turn := e.Resume(Settle{ID: 1, OK: true, Now: now.Add(time.Hour)})
	if turn.Err != nil {
		t.Fatal(turn.Err)
	}
	return turn.Output
}

func TestSameSeedAndTimeSameRun(t *testing.T) {
	p, another := pool(t, Config{}), pool(t, Config{Size: 1})
	program := compile(t, chance)
	one := observe(t, p, program, 7, testNow)
	for range 3 {
		if diff := cmp.Diff(one, observe(t, another, program, 7, testNow)); diff != "" {
			t.Errorf("the same run differs:\n%s", diff)
		}
	}
	if observe(t, p, program, 8, testNow) == one || observe(t, p, program, 7|1<<40, testNow) == one {
		t.Error("another seed gives the same run")
	}
	if observe(t, p, program, 7, testNow.Add(time.Millisecond)) == one {
		t.Error("another time gives the same run")
	}
	if !strings.Contains(one, "2026-11-20T10:00:00.000Z") || !strings.Contains(one, "1795172400000") {
		t.Errorf("Date does not show the turns' time: %s", one)
	}
}

func TestRandomIsEven(t *testing.T) {
	p := pool(t, Config{})
	got := answer(t, p, compile(t, `export default () => {
		const buckets = new Array(10).fill(0); let low = 0;
		for (let i = 0; i < 20000; i++) { const r = Math.random(); if (r < 0 || r >= 1) return "out of range"; buckets[Math.floor(r * 10)]++; if ((r * 2 ** 53) % 2 === 1) low++; }
		return buckets.every((n) => n > 1800 && n < 2200) && low > 9500 && low < 10500 ? "even" : buckets.join() + " " + low;
	}`))
	if got != "even" {
		t.Error(got)
	}
}

func TestTimers(t *testing.T) {
	p := pool(t, Config{})
	e, turn := start(t, p, compile(t, `import { call } from "junctor";
		export default async function () {
			const log: string[] = [];
			const never = setTimeout(() => log.push("never"), 20);
			setTimeout((a, b) => log.push(a + b), 10, "x", "y");
			clearTimeout(never); clearTimeout(99); clearTimeout(undefined);
			queueMicrotask(() => log.push("micro"));
			await new Promise((r) => setTimeout(r, -5));
			await call("x", "1");
			return log;
		}`))
	want := []Call{{1, "sleep", `{"ms":20}`, false}, {2, "sleep", `{"ms":10}`, false}, {3, "sleep", `{"ms":0}`, false}}
	if diff := cmp.Diff(want, turn.Calls); diff != "" {
		t.Fatal(diff)
	}
	for _, id := range []int{3, 2, 1, 4} {
		turn = e.Resume(Settle{ID: id, OK: true, Now: testNow})
	}
	if turn.Output != `["micro","xy"]` {
		t.Errorf("%q %v", turn.Output, turn.Err)
	}
}

// An error in a timer or a microtask has nobody to catch it: the run fails.
func TestErrorsInTimersEndTheRun(t *testing.T) {
	p := pool(t, Config{})
	for _, code := range []string{`queueMicrotask(() => { throw new RangeError("left") })`, `setTimeout(() => { throw new RangeError("left") }, 1)`} {
		e, turn := start(t, p, compile(t, `import { call } from "junctor"; export default async function () { `+code+`; await call("wait", "1"); }`))
		if !turn.Done {
			turn = e.Resume(Settle{ID: 1, OK: true, Now: testNow})
		}
		if turn.Err == nil || turn.Err.Name != "RangeError" {
			t.Errorf("%s: %+v", code, turn)
		}
	}
}

// A frozen prototype would forbid what ordinary code does.
func TestOrdinaryAssignmentsWork(t *testing.T) {
	p := pool(t, Config{})
	for _, code := range []string{
		`class E extends Error { constructor(m: string) { super(m); this.name = "E"; this.message = m + "!"; } } const e = new E("x"); return String(e) === "E: x!"`,
		`const o: any = {}; o.toString = () => "q"; o.constructor = 1; o.hasOwnProperty = 2; return String(o) === "q" && Object.keys(o).length === 3`,
		`function F(this: any) {} F.prototype.toString = function () { return "f" }; F.prototype.constructor = F; return String(new (F as any)()) === "f"`,
		`function S(this: any) {} S.prototype = Object.create(Array.prototype); S.prototype.constructor = S; S.prototype.at = () => 9; return new (S as any)().at(0) === 9`,
		`function B(this: any) {} Object.setPrototypeOf(B.prototype, Uint8Array.prototype); B.prototype.fill = () => 1; B.prototype.slice = () => 2; return B.prototype.fill() + B.prototype.slice() === 3`,
		`const f: any = () => 1; f.bind = 1; f.call = 2; f.apply = 3; return f.bind + f.call + f.apply === 6`,
		`const m: any = new Map(); m.get = () => 5; return m.get(1) === 5`,
		`const p: any = Promise.resolve(1); p.then = (f: any) => f(2); return await p === 1 || true`,
		`const it: any = Object.create(Object.getPrototypeOf(Object.getPrototypeOf([].values()))); it.next = () => ({ done: true }); it[Symbol.iterator] = () => it; return [...it].length === 0`,
		`class A { static name2 = "x"; toString() { return "a" } } return String(new A()) === "a"`,
		`class R extends RegExp { test(s: string) { return !super.test(s) } } return new R("a").test("b") && new R("a") instanceof RegExp && /x/ instanceof RegExp && new R("a", "g").flags === "g"`,
		`return RegExp("a", "g") instanceof RegExp && RegExp(/a/) instanceof RegExp && new RegExp(/a/g, "i").flags === "i" && RegExp.prototype.constructor === RegExp && "aXa".split(new RegExp("x", "i")).length === 2`,
		`const r = /a/; return RegExp(r) === r && RegExp(undefined as any).source === "(?:)"`,
		`return Function("a", "b", "return a + b")(1, 2) === 3 && new Function("return this.JSON")() === JSON && Function().name === "anonymous" && (() => 1) instanceof Function`,
		`const A = Object.getPrototypeOf(async function () {}).constructor; return await A("x", "return await x")(Promise.resolve(4)) === 4`,
		`return [...Object.getPrototypeOf(function* () {}).constructor("yield 1; yield 2")()].length === 2`,
		`return (0, eval)("var z = 2; z * 3") === 6 && (0, eval)("({a: 1})").a === 1 && eval(5 as any) === 5`,
		`(globalThis as any).mine = 5; return (globalThis as any).mine === 5 && (globalThis as any).global === undefined`,
		`return structuredClone === undefined || structuredClone({ a: [1] }).a[0] === 1`,
	} {
		got := answer(t, p, compile(t, `export default async function () { `+code+` }`))
		if got != "true" {
			t.Errorf("%s\n\tanswers %s", code, got)
		}
	}
}

func TestEntries(t *testing.T) {
	p := pool(t, Config{})
	program := compile(t, `export default () => "d"; export function validate(x: string) { return x + "v" }`)
	_, turn, err := p.Start(t.Context(), Start{Program: program, Entry: "validate", Now: testNow, Args: []string{"é\u0000😀"}})
	if err != nil || turn.Output != "é\u0000😀v" {
		t.Errorf("%+v %v", turn, err)
	}
	if _, turn, err = p.Start(t.Context(), Start{Program: program, Entry: "nope", Now: testNow}); err != nil || turn.Err == nil {
		t.Errorf("an entry that does not exist: %+v %v", turn, err)
	}
}

func TestDeepCausesAreBounded(t *testing.T) {
	p := pool(t, Config{})
	program := compile(t, `import { call } from "junctor"; export default async function () {
		let e: any; try { await call("x", "1") } catch (x) { e = x }
		for (let i = 0; i < 5; i++) e = new Error("level " + i, { cause: e });
		const loop: any = new Error("loop", { cause: e }); loop.errors = [loop, e, null, 5]; throw loop; }`)
	e, _ := start(t, p, program)
	turn := e.Resume(Settle{ID: 1, Value: "no", Now: testNow})
	if turn.Err == nil || len(turn.Err.Origins) != 1 {
		t.Fatalf("%+v", turn.Err)
	}
	_, turn = start(t, p, compile(t, `export default () => { let e: any = null; for (let i = 0; i < 1e5; i++) e = new Error("x", { cause: e }); throw e }`))
	if turn.Err == nil || len(turn.Err.Stack) > 10_000 {
		t.Errorf("a chain of 100,000 causes: %d bytes of stack", len(turn.Err.Stack))
	}
}
