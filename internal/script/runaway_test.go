package script

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// quick limits, so that a test of a runaway ends soon.
var quick = Config{
	Size: 8, MemoryLimit: 32 << 20, TurnCPU: 150 * time.Millisecond, RunCPU: 400 * time.Millisecond,
	StuckAfter: time.Second, MaxOutput: 1 << 20, MaxCalls: 100,
}

// runaways are scenarios that would not end by themselves, and how they end.
var runaways = []struct {
	name, body string
	kinds      []Kind
}{
	{"endless loop", `for (;;) {}`, []Kind{CPU}},
	{"endless promises", `for (;;) await null;`, []Kind{CPU}},
	{"endless promises without await", `(function f() { Promise.resolve().then(f) })(); await new Promise(() => {});`, []Kind{CPU}},
	{"caught loop", `try { for (;;) {} } catch { J.call("after", "1") } finally { J.call("after", "2") } J.call("after", "3")`, []Kind{CPU}},
	{"caught endless function", `const endless = async () => { for (;;) {} };
		try { await endless() } catch { } await J.call("after", "1")`, []Kind{CPU}},
	{"caught again and again", `const endless = async () => { for (;;) {} };
		for (;;) { try { await endless() } catch { await J.call("after", "1") } }`, []Kind{CPU}},
	{"caught in a promise", `new Promise(() => { for (;;) {} }).catch(() => J.call("after", "1")); await null; J.call("after", "2")`, []Kind{CPU}},
	{"thenable that loops", `await { then() { for (;;) {} } }`, []Kind{CPU}},
	{"answer's getter loops", `return { get a() { for (;;) {} } }`, []Kind{CPU}},
	{"error's getter loops", `throw { get message() { for (;;) {} }, get stack() { for (;;) {} } }`, []Kind{CPU}},
	{"generator loops", `for (const x of (function* () { try { for (;;) yield 1 } finally { J.call("after", "1") } })()) {}`, []Kind{CPU}},
	{"timers for ever", `await new Promise(() => { (function f() { queueMicrotask(f) })() })`, []Kind{CPU}},
	{"backtracking pattern", `/^(a+)+$/.test("a".repeat(34) + "b")`, []Kind{CPU}},
	{"backtracking pattern with lookahead", `/^(?=(a+)+$)/.test("a".repeat(34) + "b")`, []Kind{CPU}},
	{"huge sort", `Array.from({ length: 300000 }, (_, i) => (i * 7919) % 1000003).sort((a, b) => { let x = 0; for (let i = 0; i < 50; i++) x += i; return a - b })`, []Kind{CPU, Memory}},
	{"huge array", `new Array(5e7).fill(0).sort()`, []Kind{Memory, CPU}},
	{"memory bomb", `const a: string[] = []; for (;;) a.push("x".repeat(1e5) + a.length)`, []Kind{Memory}},
	{"caught memory bomb", `let all: any[] | null = []; try { for (;;) all.push(new Array(1000).fill(1)) } catch { all = null; J.call("after", "1"); } return "survived"`, []Kind{Memory}},
	{"caught memory bomb, async", `for (let i = 0; i < 3; i++) { try { await (async () => { const a: any[] = []; for (;;) a.push("x".repeat(1e4) + a.length) })() } catch { await null } } J.call("after", "1"); return "survived"`, []Kind{Memory}},
	{"huge string", `return "x".repeat(5e8) + "y"`, []Kind{Memory}},
	{"huge typed array", `try { new Uint8Array(1e9) } catch {} J.call("after", "1")`, []Kind{Memory}},
	{"100 MB answer", `return "x".repeat(1e8)`, []Kind{Memory, Output}},
	{"answer over the limit", `return "x".repeat(2e6)`, []Kind{Output}},
	{"BigInt bomb", `let x = 3n; for (;;) x = x * x`, []Kind{CPU, Memory, Thrown}},
	{"BigInt multiplications", `const b = (1n << 100000n) - 1n; for (;;) b * b`, []Kind{CPU}},
	{"deep recursion", `(function f() { f() })()`, []Kind{Stack}},
	{"deep async recursion", `const f = async (): Promise<void> => { await f() }; await f()`, []Kind{Stack}},
	{"deep recursion through JSON", `const o: any = { toJSON() { return JSON.stringify(o) } }; return JSON.stringify(o)`, []Kind{Stack}},
	{"too many calls", `for (;;) J.call("x", "1")`, []Kind{Calls}},
	{"too many calls, caught", `for (let i = 0; i < 200; i++) { try { J.notice("x", "1") } catch {} } return "survived"`, []Kind{Calls}},
	{"proxy chain", `let p: any = {}; for (;;) p = new Proxy(p, {})`, []Kind{CPU, Memory}},
	{"strings searched", `const s = "x".repeat(4e6); for (;;) s.indexOf("yy")`, []Kind{CPU}},
	{"strings split", `const s = "x".repeat(1e5); for (;;) s.split("q")`, []Kind{CPU}},
	{"JSON parsed", `const o = JSON.stringify(new Array(20000).fill({ a: 1 })); for (;;) JSON.parse(o)`, []Kind{CPU}},
	{"patterns compiled", "for (let i = 0; ; i++) new RegExp('[\\\\p{L}\\\\P{Lu}\\\\p{Script=Greek}]' + i, 'iu')", []Kind{CPU}},
	{"arrays copied", `const a = new Array(100000).fill(1); for (;;) a.slice()`, []Kind{CPU}},
	{"typed arrays searched", `const a = new Uint8Array(8e6); for (;;) a.indexOf(7)`, []Kind{CPU}},
	{"eval", `for (;;) (0, eval)("1+1")`, []Kind{CPU}},
	{"long pattern", `new RegExp(Array.from({ length: 2e4 }, (_, i) => "a" + i).join("|"))`, []Kind{Thrown}},
	{"long pattern in match", `"x".match(Array.from({ length: 2e4 }, (_, i) => "a" + i).join("|") as any)`, []Kind{Thrown}},
	{"long code", `Function("return 1;".repeat(1e5))()`, []Kind{Thrown}},
	{"nested code", `Function("(".repeat(1e5) + ")".repeat(1e5))`, []Kind{Thrown, Stack}},
	{"null thrown", `throw null`, []Kind{Thrown}},
	{"revoked proxy thrown", `const r = Proxy.revocable({}, {}); r.revoke(); throw r.proxy`, []Kind{Thrown}},
	{"a promise nobody settles", `await new Promise(() => {})`, []Kind{Stalled}},
}

// TestRunaways: each ends with a clear error and makes no call after its
// death, and another run on the same pool goes on meanwhile.
func TestRunaways(t *testing.T) {
	c := quick
	c.TurnCPU, c.RunCPU = time.Minute, time.Minute
	p, patient := pool(t, quick), pool(t, c) // memory must run out before the time does
	other := compile(t, `import * as J from "junctor"; export default async function () { return await J.call("x", "1"); }`)
	waiting, _ := start(t, p, other)
	for _, r := range runaways {
		t.Run(r.name, func(t *testing.T) {
			program := compile(t, `import * as J from "junctor"; export default async function (): Promise<any> { `+r.body+` }`)
			began := time.Now()
			on := p
			if !slices.Contains(r.kinds, CPU) {
				on = patient
			}
			e, turn := start(t, on, program)
			for n := 0; !turn.Done && n < 1000; n++ {
				id := turn.Calls[len(turn.Calls)-1].ID
				turn = e.Resume(Settle{ID: id, OK: true, Value: "1", Now: testNow})
			}
			took := time.Since(began)
			if turn.Err == nil {
				t.Fatalf("it ended well: %.100q", turn.Output)
			}
			if !slices.Contains(r.kinds, turn.Err.Kind) && (!racing || turn.Err.Kind != Stuck) {
				t.Errorf("it ended as %s, want %v: %v", turn.Err.Kind, r.kinds, turn.Err)
			}
			if turn.Err.Message == "" {
				t.Error("the error says nothing")
			}
			for _, c := range turn.Calls {
				if c.Name == "after" {
					t.Errorf("a dead run made the call %s %s", c.Name, c.Args)
				}
			}
			if took > 5*time.Second && !racing {
				t.Errorf("it took %s", took)
			}
			if got := answer(t, p, compileOnce(t)); got != "ok" {
				t.Errorf("another run answers %q", got)
			}
			t.Logf("%s after %s: %s", turn.Err.Kind, took.Round(time.Millisecond), turn.Err.Message)
		})
	}
	if turn := waiting.Resume(Settle{ID: 1, OK: true, Value: "still here", Now: testNow}); turn.Output != "still here" {
		t.Errorf("the run that waited meanwhile: %+v", turn)
	}
}

func compileOnce(t *testing.T) *Program {
	t.Helper()
	return compile(t, `export default async function () { return "ok"; }`)
}

// stuckShapes compute in natives that never look whether they are interrupted.
var stuckShapes = map[string]string{
	"indexOf":  `Array.prototype.indexOf.call({ length: N }, 5)`,
	"includes": `Array.prototype.includes.call({ length: N }, 5)`,
	"reverse":  `Array.prototype.reverse.call({ length: N })`,
	"join":     `Array.prototype.join.call({ length: N }, "")`,
}

// TestStuck: a machine that does not come back is given up, its run ends at
// once, and others go on; when it comes back it is closed. The natives are of a
// size that ends after some seconds, so that the test leaves nothing behind.
func TestStuck(t *testing.T) {
	var stuck atomic.Int64
	c := quick
	c.TurnCPU, c.StuckAfter = 100*time.Millisecond, 150*time.Millisecond
	c.OnStuck = func(n int) { stuck.Store(int64(n)) }
	patient := pool(t, Config{Size: 1})
	for name, body := range stuckShapes {
		t.Run(name, func(t *testing.T) {
			sized := func(n int) *Program {
				return compile(t, `import * as J from "junctor"; const N = `+strconv.Itoa(n)+`;
					export default async function () { try { `+body+` } finally { J.call("after", "1") } }`)
			}
			const sample = 200_000
			began := time.Now()
			start(t, patient, sized(sample))
			program := sized(int(sample * 2 * time.Second / time.Since(began)))

			p := pool(t, c)
			_, turn := start(t, p, program)
			if turn.Err == nil || turn.Err.Kind != Stuck || len(turn.Calls) != 0 {
				t.Fatalf("%+v", turn)
			}
			if stuck.Load() != 1 {
				t.Errorf("%d machines are counted as stuck", stuck.Load())
			}
			if got := answer(t, p, compileOnce(t)); got != "ok" {
				t.Errorf("another run answers %q", got)
			}
			until(t, func() bool { return stuck.Load() == 0 })
		})
	}
}

// endlessNatives would take centuries.
var endlessNatives = []string{
	`Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 5)`,
	`Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 5)`,
	`Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 5)`,
	`Array.prototype.reverse.call({ length: 2 ** 53 - 1 })`,
}

// inOwnProcess executes the test again in a process of its own, which is left
// with its machines still computing. It reports whether this is that process.
func inOwnProcess(t *testing.T) bool {
	t.Helper()
	const child = "JUNCTOR_TEST_OWN_PROCESS"
	if os.Getenv(child) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	return false
}

// TestEndlessNatives: the same with shapes that never end.
func TestEndlessNatives(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	c := quick
	c.TurnCPU, c.StuckAfter = 100*time.Millisecond, 150*time.Millisecond
	p, err := NewPool(c) // not closed: its machines do not come back
	if err != nil {
		t.Fatal(err)
	}
	runtime.GOMAXPROCS(len(endlessNatives) + 2)
	for _, body := range endlessNatives {
		_, turn := start(t, p, compile(t, `export default async function () { try { `+body+` } catch {} return "ended" }`))
		if turn.Err == nil || turn.Err.Kind != Stuck {
			t.Fatalf("%s: %+v", body, turn)
		}
		if got := answer(t, p, compileOnce(t)); got != "ok" {
			t.Fatalf("another run answers %q", got)
		}
		t.Log("given up, others go on")
	}
}

// TestKilledMachinesLeaveNoMemory kills a thousand machines in the middle of
// their runs, and looks at the process.
func TestKilledMachinesLeaveNoMemory(t *testing.T) {
	c := quick
	c.Size, c.TurnCPU = 4, 3*time.Millisecond
	p := pool(t, c)
	program := compile(t, `import * as J from "junctor";
		export default async function (how: string) {
			J.call("open", "1").then(() => 1);
			const g = (async function* () { try { yield 1 } finally { J.notice("x", "1") } })(); g.next();
			if (how === "loop") { try { for (;;) {} } catch {} }
			await J.call("wait", "1");
		}`)
	kill := func(i int) {
		how := "loop"
		if i%10 != 0 {
			how = "wait"
		}
		e, turn, err := p.Start(context.Background(), Start{Program: program, Entry: "default", Now: testNow, Args: []string{how}})
		if err != nil {
			t.Fatal(err)
		}
		if !turn.Done {
			e.Interrupt()
			if turn = e.Resume(Settle{ID: 1, OK: true, Now: testNow}); turn.Err == nil || turn.Err.Kind != Interrupted && turn.Err.Kind != CPU {
				t.Fatalf("%+v", turn) // on a busy machine 3 ms may be over first
			}
		}
		e.Close()
	}
	for i := range 100 {
		kill(i)
	}
	before := residentMiB(t)
	for i := range 1000 {
		kill(i)
	}
	after := residentMiB(t)
	t.Logf("resident memory %d MiB, after 1,000 killed machines %d MiB", before, after)
	if after > before+12 {
		t.Errorf("1,000 killed machines left %d MiB", after-before)
	}
}

func residentMiB(t *testing.T) int {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("needs /proc/self/status: ", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err != nil {
				t.Fatal(err)
			}
			return kB >> 10
		}
	}
	t.Fatal("no VmRSS in /proc/self/status")
	return 0
}
