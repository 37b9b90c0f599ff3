package script

import (
	"strings"
	"testing"
	"time"
)

// TestWhateverARunReturns ends as the language says, without an engine that
// fails and without a promise that is taken for another.
func TestWhateverARunReturns(t *testing.T) {
	p := pool(t, Config{TurnCPU: 200 * time.Millisecond, MaxOutput: 10_000})
	for _, c := range []struct {
		name, body string // of a function that is not async
		output     string
		kind       Kind
		message    string // begins so
		calls      string
	}{
		{name: "a value", body: `return "v"`, output: "v"},
		{name: "nothing", body: ``},
		{name: "a thenable", body: `return { then(ok) { ok("v") } }`, output: "v"},
		{name: "a thenable that says it twice", body: `return { then(ok, no) { ok("v"); no(1); throw 2 } }`, output: "v"},
		{name: "a thenable in a thenable", body: `return { then(ok) { ok({ then(ok) { queueMicrotask(() => ok("v")) } }) } }`, output: "v"},
		{name: "a thenable that says nothing", body: `return { then() {} }`, kind: Stalled},
		{name: "a thenable that throws", body: `return { then() { throw new Error("then") } }`, kind: Thrown, message: "then"},
		{name: "a getter that throws", body: `return { get then() { throw new Error("get") } }`, kind: Thrown, message: "get"},
		{name: "a proxy of a promise", body: `return new Proxy(Promise.resolve("v"), {})`, kind: Thrown},
		{name: "a proxy that was taken back", body: `const r = Proxy.revocable({}, {}); r.revoke(); return r.proxy`, kind: Thrown},
		{name: "a promise of a subclass", body: `class Mine extends Promise {} return new Mine((ok) => ok("v"))`, output: "v"},
		{name: "a subclass that lies", body: `class Mine extends Promise { then(ok) { return super.then(() => ok("lie")) } } return new Mine((ok) => ok("v"))`, output: "lie"},
		{name: "a promise with a constructor that throws", body: `const q = Promise.resolve("v"); Object.defineProperty(q, "constructor", { get() { throw new Error("who") } }); return q`, kind: Thrown, message: "who"},
		{name: "a promise with a then of its own", body: `const q = Promise.resolve("v"); q.then = () => { throw 1 }; return q`, output: "v"},
		{name: "a promise that never settles", body: `return new Promise(() => {})`, kind: Stalled},
		{name: "a promise of itself", body: `let ok; const q = new Promise((f) => { ok = f }); ok(q); return q`, kind: Thrown},
		{name: "rejected with undefined", body: `return Promise.reject()`, kind: Thrown, message: "undefined"},
		{name: "rejected with null", body: `return Promise.reject(null)`, kind: Thrown, message: "null"},
		{name: "rejected with a number", body: `return Promise.reject(0)`, kind: Thrown, message: "0"},
		{name: "rejected with a symbol", body: `return Promise.reject(Symbol("s"))`, kind: Thrown, message: "Symbol(s)"},
		{name: "rejected with a promise", body: `return Promise.reject(Promise.resolve("v"))`, kind: Thrown},
		{name: "rejected with a proxy", body: `return Promise.reject(new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } }))`, kind: Thrown},
		{name: "two rejections", body: `queueMicrotask(() => { throw new Error("task") }); return Promise.resolve().then(() => { throw new Error("main") })`, kind: Thrown, message: "task"},
		{name: "a call after the end", body: `Promise.resolve().then(() => 1).then(() => call("late", "1")); return "v"`, output: "v", calls: "late"},
		{name: "a call that nobody waits for", body: `call("a", "1"); return "v"`, output: "v", calls: "a"},
		{name: "toJSON that calls", body: `return { toJSON() { call("a", "1"); return 1 } }`, output: "1", calls: "a"},
		{name: "toJSON that answers a promise", body: `return { toJSON() { return Promise.resolve(1) } }`, output: "{}"},
		{name: "toJSON that leaves a job", body: `return { toJSON() { queueMicrotask(() => { call("b", "1"); throw 1 }); return 1 } }`, output: "1", calls: "b"},
		{name: "toJSON that throws", body: `return { toJSON() { throw new Error("json") } }`, kind: Thrown, message: "json"},
		{name: "toJSON that goes on for ever", body: `return { toJSON() { for (;;); } }`, kind: CPU},
		{name: "a message that goes on for ever", body: `return Promise.reject({ get message() { for (;;); } })`, kind: CPU},
		{name: "jobs that go on for ever", body: `const again = () => { Promise.resolve().then(again) }; again(); return "v"`, kind: CPU},
		{name: "a thenable that goes on for ever", body: `return { then() { for (;;); } }`, kind: CPU},
		{name: "too much", body: `return "x".repeat(10_001)`, kind: Output},
		{name: "no data", body: `return 1n`, kind: Thrown},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := compile(t, `import { call } from "junctor"; export default function (): any { `+c.body+` }`)
			_, turn := start(t, p, program)
			if !turn.Done || turn.Output != c.output {
				t.Errorf("done: %v with %q, want %q", turn.Done, turn.Output, c.output)
			}
			var kind Kind
			var message string
			if turn.Err != nil {
				kind, message = turn.Err.Kind, turn.Err.Message
			}
			if kind != c.kind || !strings.HasPrefix(message, c.message) || strings.Contains(message, "panicked") {
				t.Errorf("error %q: %q, want %q: %q", kind, message, c.kind, c.message)
			}
			var calls []string
			for _, call := range turn.Calls {
				calls = append(calls, call.Name)
			}
			if got := strings.Join(calls, " "); got != c.calls {
				t.Errorf("calls %q, want %q", got, c.calls)
			}
			if got := answer(t, p, compileOnce(t)); got != "ok" {
				t.Errorf("the next run answers %q", got)
			}
		})
	}
}
