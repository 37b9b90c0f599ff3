package hub_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
)

// one serves a single awaited scenario; body is what its function does.
func one(t *testing.T, imports, body string) *site {
	t.Helper()
	return serve(t, map[string]string{
		"junctor.yaml":     "channels:\n  one: { type: public, scenario: one, await: true }\n",
		"scenarios/one.ts": "import { " + imports + ", type Request } from \"junctor\";\nexport default async function (request: Request): Promise<any> {\n" + body + "\n}\n",
	})
}

func (s *site) json(channel, sent string) any {
	s.t.Helper()
	resp, body := s.send("POST", channel, "", sent)
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil || resp.StatusCode != 200 {
		id := resp.Header.Get("Junctor-Run")
		s.t.Fatalf("%d %s: %+v", resp.StatusCode, body, s.ended(id).Error)
	}
	return v
}

func TestKVFromScenarios(t *testing.T) {
	s := one(t, "kv", `
  const text = async (f: () => any) => { try { return await f(); } catch (e) { return (e as Error).name + ": " + (e as Error).message; } };
  await kv.set("o", { a: [1, "ž"] });
  await kv.set("null", null);
  await kv.set("text", "t");
  await kv.set("short", 1, { ttl: "1ms" });
  await new Promise((r) => setTimeout(r, 20));
  return {
    object: await kv.get("o"), null: await kv.get("null"), absent: (await kv.get("absent")) === undefined, short: (await kv.get("short")) === undefined,
    counted: [await kv.increment("n"), await kv.increment("n", 5), await kv.increment("n", -1)],
    deleted: [await kv.delete("o"), await kv.delete("o"), (await kv.get("o")) === undefined],
    wrong: [
      await text(() => kv.increment("text")), await text(() => kv.set("u", undefined)), await text(() => kv.set("f", () => 1)), await text(() => kv.get("")),
      await text(() => kv.get(7 as any)), await text(() => kv.increment("n", 0.5)), await text(() => kv.set("x", 1, { ttl: "soon" as any })),
      await text(() => kv.get("a\0b")), await text(() => kv.set("long".repeat(200), 1)), await text(() => kv.set("big", "x".repeat(2_000_000))),
    ].map((m) => String(m).slice(0, 60)),
  };`)
	got := s.json("one", "").(map[string]any)
	wrong := got["wrong"].([]any)
	delete(got, "wrong")
	want := map[string]any{
		"object": map[string]any{"a": []any{1.0, "ž"}}, "null": nil, "absent": true, "short": true,
		"counted": []any{1.0, 6.0, 5.0}, "deleted": []any{true, false, true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for i, says := range []string{
		`TypeError: The value of "text" cannot be counted on`, "TypeError: kv.set takes a value", "TypeError: kv.set takes a value",
		"TypeError: a kv key", "TypeError: a kv key", "TypeError: kv.increment adds a whole number", `TypeError: "soon" is not a duration`,
		"TypeError: A name in kv", "TypeError: A name in kv", `TypeError: The value of "big" has`,
	} {
		if message, _ := wrong[i].(string); !strings.HasPrefix(message, says) {
			t.Errorf("%d: %v, not %s", i, wrong[i], says)
		}
	}
}

func TestRunsFromScenarios(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  one: { type: public, scenario: one, await: true, timeout: 20s }\n",
		"scenarios/one.ts": `import { runs, run } from "junctor";
const text = async (f: () => Promise<any>) => { try { return await f(); } catch (e) { return (e as Error).name + ": " + (e as Error).message; } };
export default async () => {
  run.subject("parent");
  run.tag("red", 7);
  const { id } = await runs.start("child", { n: 1 }, { subject: "started", tags: ["a", "b"] });
  return [
    id.startsWith("run_"),
    await runs.call("child", { n: 2 }), await runs.call("child", "text"), await runs.call("child"), (await runs.call("child", [])) ,
    await text(() => runs.call("child", { fail: true })), await text(() => runs.call("nobody")), await text(() => runs.start("")),
    await text(() => runs.start("child", 1, { subject: 5 as any, tags: "no list" as any })),
    await text(() => runs.start("child", { n: 3 }, { subject: "a\0b", tags: ["c\0d"] }).then(() => "started")),
    await Promise.all([runs.call("child", { n: 4 }), runs.call("child", { n: 5 })]),
  ];
};`,
		"scenarios/child.ts": `import { channel, run } from "junctor";
export default async (input: any) => {
  if (input?.fail) throw new TypeError("as told");
  if (Array.isArray(input)) return { status: 201, json: { answer: true } };
  return { got: input ?? "nothing", channel: channel.code ?? null, attempt: run.attempt };
};`,
	})
	got := s.json("one", "")
	child := func(input any) map[string]any { return map[string]any{"got": input, "channel": nil, "attempt": 1.0} }
	want := []any{
		true, child(map[string]any{"n": 2.0}), child("text"), child("nothing"), map[string]any{"answer": true},
		"RunError: ", `TypeError: There is no scenario "nobody".`, "TypeError: runs takes the name of a scenario",
		"TypeError: ", "started", []any{child(map[string]any{"n": 4.0}), child(map[string]any{"n": 5.0})},
	}
	list := got.([]any)
	if message, _ := list[5].(string); strings.Contains(message, "as told") {
		list[5] = "RunError: "
	}
	if message, _ := list[8].(string); strings.HasPrefix(message, "TypeError: ") && strings.Contains(message, "tags") && !strings.Contains(message, "Go ") {
		list[8] = "TypeError: "
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	info := s.endedSubject("started")
	if info.State != run.Succeeded || !slices.Equal(info.Tags, []string{"a", "b"}) {
		t.Errorf("the started run: %+v", info)
	}
	if parent := s.endedSubject("parent"); !slices.Equal(parent.Tags, []string{"7", "red"}) && !slices.Equal(parent.Tags, []string{"red", "7"}) {
		t.Errorf("the parent's tags: %v", parent.Tags)
	}
}

func TestLogsOfARun(t *testing.T) {
	s := one(t, "log, run", `
  log("plain", 1, { a: "ž" }, null, undefined);
  log.debug("d"); log.info("i"); log.warn("w"); log.error(new TypeError("e"));
  console.log("console", { deep: [1] }); console.error("console error"); console.warn("cw"); console.debug("cd");
  log("x".repeat(20000));
  log("nul \0 in it");
  log(10n, Symbol("s"), () => 1);
  const circle: any = {}; circle.c = circle;
  log("circle", circle);
  return run.id;`)
	resp, body := s.send("POST", "one", "", "")
	info := s.ended(resp.Header.Get("Junctor-Run"))
	if info.State != run.Succeeded || body != `"`+info.ID+`"` {
		t.Fatalf("%s %+v", body, info.Error)
	}
	var got []string
	for _, l := range info.Logs {
		got = append(got, l.Level+" "+l.Text)
	}
	want := []string{
		`info plain 1 {"a":"ž"} null undefined`, "debug d", "info i", "warn w", "error TypeError: e",
	}
	if len(got) != 13 {
		t.Fatalf("%d lines: %.200q", len(got), got)
	}
	if d := cmp.Diff(want, got[:5]); d != "" {
		t.Error(d)
	}
	for i, level := range []string{"info console", "error console error", "warn cw", "debug cd"} {
		if !strings.HasPrefix(got[5+i], level) {
			t.Errorf("%q, not %s", got[5+i], level)
		}
	}
	if n := len(got[9]); n > 9000 || n < 1000 {
		t.Errorf("a line of %d bytes is kept", n)
	}
	if strings.Contains(got[10], "\x00") || !strings.HasPrefix(got[10], "info nul") {
		t.Errorf("%q", got[10])
	}
}

func TestTime(t *testing.T) {
	s := one(t, "now, sleep", `
  const text = async (f: () => any) => { try { await f(); return "no error"; } catch (e) { return (e as Error).name; } };
  const began = new Date();
  const same = new Date().getTime() === began.getTime();
  const seen = await now();
  await sleep("30ms");
  const slept = (await now()).getTime() - seen.getTime();
  let fired: string[] = [];
  await new Promise<void>((done) => {
    setTimeout((a: string) => { fired.push(a); done(); }, 20, "late");
    const never = setTimeout(() => fired.push("never"), 5);
    clearTimeout(never);
    setTimeout(() => fired.push("soon"), 1);
  });
  await sleep(0);
  return {
    same, near: Math.abs(seen.getTime() - began.getTime()) < 5000, slept: slept >= 30 && slept < 10000, fired, moved: new Date() > began,
    date: seen instanceof Date,
    wrong: [await text(() => sleep("soon" as any)), await text(() => sleep(-1)), await text(() => sleep(NaN)), await text(() => sleep(undefined as any)),
      await text(() => sleep("20y" as any)), await text(() => sleep("5000d"))],
  };`)
	want := map[string]any{
		"same": true, "near": true, "slept": true, "fired": []any{"soon", "late"}, "moved": true, "date": true,
		"wrong": []any{"TypeError", "TypeError", "TypeError", "TypeError", "TypeError", "RangeError"},
	}
	if d := cmp.Diff(want, s.json("one", "")); d != "" {
		t.Error(d)
	}
}

// TestErrorsOfTimers: what nobody waits for fails the run all the same.
func TestErrorsNobodyWaitsFor(t *testing.T) {
	s := one(t, "sleep", `
  if (request.text() === "timer") { setTimeout(() => { throw new TypeError("in a timer"); }, 1); await sleep("50ms"); }
  if (request.text() === "microtask") { queueMicrotask(() => { throw new TypeError("in a microtask"); }); await sleep("50ms"); }
  if (request.text() === "null") throw null;
  if (request.text() === "text") throw "just text";
  if (request.text() === "stalls") await new Promise(() => {});
  return "through";`)
	for sent, says := range map[string]string{
		"timer": "in a timer", "microtask": "in a microtask", "null": "null was thrown", "text": "just text was thrown", "stalls": "waits for",
	} {
		resp, body := s.send("POST", "one", "", sent)
		if resp.StatusCode != 502 {
			t.Errorf("%s: %d %s", sent, resp.StatusCode, body)
			continue
		}
		if info := s.ended(resp.Header.Get("Junctor-Run")); info.Error == nil || !strings.Contains(info.Error.Message, says) {
			t.Errorf("%s: %+v", sent, info.Error)
		}
	}
}
