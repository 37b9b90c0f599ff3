package hub_test

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/run"
)

// runaways are scenarios that would never end, or take everything. `after` is a
// request to the outside that none of them may live to make.
var runaways = map[string]struct{ body, kinds string }{
	"loop":            {`for (;;);`, "CPU"},
	"promises":        {`for (;;) await null;`, "CPU"},
	"pattern":         {`/^(a+)+$/.test("a".repeat(40) + "b"); await after();`, "CPU"},
	"sort":            {`const a = Array.from({ length: 1e6 }, (_, i) => (i * 7919) % 1000003); for (;;) a.slice().sort((x, y) => x - y);`, "CPU Memory"},
	"memory":          {`const a: string[] = []; for (;;) a.push("x".repeat(1e5) + a.length);`, "Memory"},
	"caught-memory":   {`try { const a: any[] = []; for (;;) a.push(new Array(1e4).fill(1)); } catch { await after(); }`, "Memory"},
	"bigint":          {`let n = 3n; for (;;) n = n * n;`, "CPU Memory Thrown"},
	"recursion":       {`const f = (n: number): number => f(n + 1) + 1; f(0); await after();`, "Stack Thrown"},
	"answer":          {`return "x".repeat(1e8);`, "Memory Output"},
	"caught":          {`const endless = async () => { for (;;); }; try { await endless(); } catch { await after(); } await after();`, "CPU"},
	"caught-for-ever": {`for (;;) { try { (() => { for (;;); })(); } catch { await after(); } }`, "CPU"},
	"native":          {`Array.prototype.indexOf.call({ length: 3e8 }, 5); await after();`, "Stuck CPU"},
	"calls":           {`for (;;) kv.get("x");`, "Calls Memory CPU"},
	"logs":            {`for (;;) log("x".repeat(1e4));`, "Calls Memory CPU"},
	"headers":         {`return { headers: { get a() { for (;;); } } };`, "CPU"},
	"error":           {`throw { get message() { for (;;); } };`, "CPU"},
}

// chosen are the runaways of this test; under the race detector those that need
// the fewest computations to be one.
func chosen() (names []string, patience time.Duration) {
	if racing {
		return []string{"loop", "caught", "answer"}, time.Minute
	}
	return slices.Sorted(maps.Keys(runaways)), 5 * time.Second
}

// TestRunaways starts them all at once and sees what else goes on.
func TestRunaways(t *testing.T) {
	names, patience := chosen()
	// As on a machine with many cores: one stuck machine is no reason to restart.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	out := newSink(t, nil)
	files := map[string]string{"scenarios/fine.ts": `import { kv } from "junctor"; export default () => kv.increment("n");`}
	files["scenarios/checked.ts"] = "export const validate = async () => { for (;;) { try { for (;;); } catch {} } };\nexport default () => 1;"
	config := out.connection() + "channels:\n  fine: { type: public, scenario: fine, await: true }\n  checked: { type: public, scenario: checked }\n"
	for _, name := range names {
		code := strings.ReplaceAll(name, "-", "_")
		config += "  " + name + ": { type: public, scenario: " + code + ", retry: { attempts: 3, first: 1ms } }\n"
		files["scenarios/"+code+".ts"] = "import { http, kv, log } from \"junctor\";\nconst after = () => http.get(\"erp\", \"/" + name +
			"\");\nexport default async function (): Promise<any> {\n  " + runaways[name].body + "\n}\n"
	}
	files["junctor.yaml"] = config
	s := serve(t, files)
	before := resident(t)
	ids := map[string]string{}
	for _, name := range names {
		resp, body := s.send("POST", name, "", "")
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %d %s", name, resp.StatusCode, body)
		}
		ids[name] = resp.Header.Get("Junctor-Run")
	}
	var over atomic.Bool
	var peak, answered int64
	meanwhile := make(chan error, 1)
	go func() {
		defer close(meanwhile)
		for !over.Load() {
			began := time.Now()
			if resp, body := s.send("POST", "fine", "", ""); resp.StatusCode != 200 {
				meanwhile <- fmt.Errorf("another channel answered %d %s", resp.StatusCode, body)
				return
			}
			if took := time.Since(began); took > patience {
				meanwhile <- fmt.Errorf("another channel answered after %s", took)
				return
			}
			answered++
			peak = max(peak, resident(t))
		}
	}()
	if resp, body := s.send("POST", "checked", "", ""); resp.StatusCode != 502 || resp.Header.Get("Junctor-Run") != "" {
		t.Errorf("an endless check: %d %s", resp.StatusCode, body)
	}
	for name, id := range ids {
		info := s.endedWithin(id, time.Minute)
		if info.State != run.Failed || info.Attempt != 1 || info.Error == nil {
			t.Errorf("%s: %s in attempt %d, %+v", name, info.State, info.Attempt, info.Error)
			continue
		}
		kind := strings.TrimPrefix(info.Error.Name, "Limit:")
		if info.Error.Name == kind {
			kind = "Thrown"
		}
		if !strings.Contains(strings.ToLower(runaways[name].kinds), strings.ToLower(kind)) || info.Error.Message == "" {
			t.Errorf("%s ended with %s: %s", name, info.Error.Name, info.Error.Message)
		}
	}
	over.Store(true)
	if err := <-meanwhile; err != nil {
		t.Error(err)
	}
	if answered == 0 {
		t.Error("nothing else was answered")
	}
	if got := out.all(); len(got) != 0 {
		t.Errorf("dead runs have made requests: %+v", got)
	}
	t.Logf("%d other messages meanwhile, %d MiB at most", answered, peak>>20)
	if grown := peak - before; grown > int64(len(runaways))*2*64<<20 {
		t.Errorf("the runaways have taken %d MiB", grown>>20)
	}
	// What was left behind does not hold up what comes now.
	if resp, body := s.send("POST", "fine", "", ""); resp.StatusCode != 200 {
		t.Errorf("afterwards: %d %s", resp.StatusCode, body)
	}
}

// resident is the memory of this process, where the system tells.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Error(err)
	}
	return pages * int64(os.Getpagesize())
}
