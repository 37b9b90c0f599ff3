package trial_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/host"
	"junctor/internal/trial"
)

// tests runs the tests of files and gives their outcomes, one line each:
// "ok NAME", or "NAME: PLACE: MESSAGE".
func tests(t *testing.T, files map[string]string, only string) (lines []string) {
	t.Helper()
	lab := open(t, files)
	err := lab.Test(t.Context(), only, func(o trial.Outcome) {
		line := "ok " + o.Name
		if !o.OK {
			line = strings.TrimPrefix(fmt.Sprintf("%s: %s: %s", o.Name, o.Failure.Place, o.Failure.Message), ": ")
		}
		for _, l := range o.Logs {
			line += " [" + l.Text + "]"
		}
		lines = append(lines, line)
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

const head = `import { expect, mock, run, test } from "junctor/test";
import { decimal, http, kv, now, PermanentError, Problem, sleep } from "junctor";
`

// each runs a test with each of the bodies and compares "ok", or "@COLUMN
// MESSAGE" of its failure.
func each(t *testing.T, bodies map[string]string) {
	t.Helper()
	var file strings.Builder
	file.WriteString(head)
	for body := range bodies {
		fmt.Fprintf(&file, "test(%s, async () => {\n%s\n});\n", strconv.Quote(body), body)
	}
	files := maps.Clone(scenarios)
	files["scenarios/a.test.ts"] = file.String()
	err := open(t, files).Test(t.Context(), "", func(o trial.Outcome) {
		got := "ok"
		if !o.OK {
			got = place.ReplaceAllString(o.Failure.Place, "@$1 ") + o.Failure.Message
		}
		if want := bodies[o.Name]; got != want {
			t.Errorf("%s\ngot  %s\nwant %s", o.Name, got, want)
		}
		delete(bodies, o.Name)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(bodies) > 0 {
		t.Errorf("not run: %v", bodies)
	}
}

var place = regexp.MustCompile(`^scenarios/a\.test\.ts:\d+:(\d+)$`)

var scenarios = map[string]string{
	"scenarios/order.ts": `
import { http, kv, log, run, type Request } from "junctor";
export default async function (request: Request) {
  run.subject("S");
  run.tag("new");
  await kv.increment("orders");
  const answer = await http.post("erp", "/orders", { json: request.json(), query: { a: "1" }, headers: { "X-A": "b" }, timeout: "5s" });
  log.warn("sent");
  return { status: 201, headers: { "x-erp": "1" }, json: { id: answer.json().id, at: Date.now() } };
}`,
	"scenarios/price.ts": `export default (data: any) => data === undefined ? "nothing" : data;`,
	"scenarios/echo.ts":  `import type { Request } from "junctor"; export default (r: Request) => ({ method: r.method, text: r.text(), type: r.header("content-type") });`,
	"scenarios/certified.ts": `import type { Request } from "junctor";
export const validate = (r: Request) => r.clientCertificate?.subject === "CN=partner";
export default (r: Request) => r.clientCertificate!.sha256;`,
	"scenarios/bytes.ts":   `export default () => ({ body: Uint8Array.of(255, 1) });`,
	"scenarios/sleeps.ts":  `import { sleep } from "junctor"; export default async () => { await sleep("1d"); };`,
	"scenarios/parents.ts": `import { runs } from "junctor"; export default async (n: number) => [await runs.call("price", n), (await runs.start("price", n)).id.slice(0, 9)];`,
	"scenarios/bad.ts":     `export default () => { throw new RangeError("too far"); };`,
}

func TestTests(t *testing.T) {
	each(t, map[string]string{
		// A scenario and its mocks.
		`const erp = mock("http.request", (call) => ({ status: 201, json: { id: call.json.n + 1 } }));
		 const a = await run("order", { json: { n: 16 } });
		 expect(a).toMatchObject({ state: "succeeded", status: 201, json: { id: 17, at: 1767225600000 }, subject: "S", tags: ["new"] });
		 expect(a.headers["x-erp"]).toBe("1");
		 expect(a.text).toBe('{"id":17,"at":1767225600000}');
		 expect(a.steps.map((s) => s.name)).toEqual(["kv.increment", "http.request"]);
		 expect(a.logs).toMatchObject([{ level: "warn", text: "sent" }]);
		 expect(a.error).toBeUndefined();
		 expect(erp.calls).toEqual([{ connection: "erp", method: "POST", path: "/orders", query: { a: "1" },
		   headers: { "x-a": "b", "content-type": "application/json" }, text: '{"n":16}', json: { n: 16 }, timeout: 5000 }]);
		 expect(await kv.get("orders")).toBe(1);`: "ok",
		`mock("http.request", () => { throw new Error("reset"); });
		 const a = await run("order", { json: {} });
		 expect([a.status, a.state, a.error.name, a.error.message, a.error.permanent]).toEqual([502, "failed", "HttpError", "reset", false]);`: "ok",
		`mock("http.request", () => { throw new PermanentError("never"); });
		 expect((await run("order", { json: {} })).error.permanent).toBe(true);`: "ok",
		`mock("http.request", { status: 503 });
		 expect((await run("order", { json: {} })).error.message).toBe('connection "erp" answered 503 Service Unavailable to POST /orders');`: "ok",
		`mock("http.request", { xml: { a: 1 } }); mock("http.request", async (c) => { await sleep("1h"); return { body: "1" }; });
		 expect((await run("order", { json: {} })).status).toBe(201);`: "ok",
		`mock("runs.call", 91); const started = mock("runs.start");
		 expect((await run("parents", 7)).json).toEqual([91, "run_trial"]);
		 expect(started.calls).toMatchObject([{ scenario: "price", input: 7 }]);`: "ok",
		`mock("runs.call", async (call) => (await run(call.scenario, { value: call.input * 2 })).json); mock("runs.start", { id: "run_child_1" });
		 expect((await run("parents", 7)).json).toEqual([14, "run_child"]);`: "ok",
		`mock("now", 1000); mock("sleep"); mock("kv.get", { a: 1 });
		 expect((await run("sleeps")).state).toBe("succeeded"); expect(Date.now()).toBe(1767225600000);`: "ok",
		`expect((await run("bad")).error.stack).toMatch("scenarios/bad.ts:1:");`: "ok",

		// What a scenario is run with.
		`expect((await run("certified", { clientCertificate: { subject: "CN=partner", sha256: "00" } })).json).toBe("00");
		 expect((await run("certified", { clientCertificate: { subject: "CN=other" } })).status).toBe(401);
		 expect((await run("certified", { json: {} })).status).toBe(401);`: "ok",
		`expect((await run("price", [1])).json).toEqual([1]);
		 expect((await run("price", { a: 1 })).json).toEqual({ a: 1 });
		 expect((await run("price", null)).json).toBe(null);
		 expect((await run("price", { value: { text: "x" } })).json).toBeUndefined();`: "ok",
		`expect((await run("echo")).json).toEqual({ method: "POST", text: "", type: undefined });
		 expect((await run("echo", { method: "PUT", form: { a: "b c" } })).json).toEqual({ method: "PUT", text: "a=b+c", type: "application/x-www-form-urlencoded" });
		 expect((await run("echo", { xml: { a: 1 } })).json.text).toMatch("<a>1</a>");
		 expect((await run("echo", { body: Uint8Array.of(65) })).json.text).toBe("A");
		 expect((await run("echo", { text: "x", headers: { "Content-Type": "text/x" } })).json.type).toBe("text/x");`: "ok",
		`expect((await run("bytes")).body).toEqual(Uint8Array.of(255, 1));`: "ok",
		`await Promise.all([run("price", 1), run("price", 2)]);`:            "ok",

		// Time is the world's.
		`const before = await now(); await run("sleeps"); expect((await now()).getTime() - before.getTime()).toBe(86_400_000);
		 expect(new Date().toISOString()).toBe("2026-01-02T00:00:00.000Z");`: "ok",

		// A scenario that fails where nobody expected it is shown.
		`expect((await run("bad")).status).toBe(200);`: "@35 expected 502 to be 200\nscenario \"bad\" failed: RangeError: too far\n  at bad_default (scenarios/bad.ts:1:34)",

		// What a test does wrongly.
		`await run("ordr");`:                   `@7 There is no scenario "ordr" in the folder; there is bad, bytes, certified, echo, order, parents, price, sleeps.`,
		`await run("order", { json: {} });`:    `@7 scenario "order" calls http.request erp POST /orders, and nothing answers it: mock("http.request", (call) => ({ status: 200, json: {} }))`,
		`await run("parents", 1);`:             `@7 scenario "parents" calls runs.call price, and nothing answers it: mock("runs.call", (call) => value)`,
		`await run("echo", { path: "x" });`:    "@7 the message for scenario \"echo\" is not valid\n/path: begins with /",
		`await run(7 as any);`:                 `@7 TypeError: run takes the name of a scenario`,
		`run("price", 1);`:                     `the test ended while something it began was under way: await each run() and each expect(...).rejects`,
		`await http.get("erp", "/");`:          `@12 HttpError: http.request is a step of scenarios; a test itself may use kv, sleep, now and the pure helpers`,
		`test("inner", () => {});`:             `@1 a test cannot be inside of another`,
		`await new Promise(() => {});`:         `the test waits for a promise that nothing settles`,
		`throw new Problem({ title: "p" });`:   `@11 Problem: p`,
		`mock("http.get", {}); console.log(1)`: `@1 there is no step "http.get"; there is ` + strings.Join(slices.Sorted(maps.Keys(host.Handlers(nil, nil, nil, time.Now))), ", "),
		`mock("http.request", { code: 1 }); await run("order", { json: {} });`:                  `@42 the mock of http.request answered "code"; it can answer status, headers, json, text, xml, body`,
		`mock("http.request", { status: 1 }); await run("order", { json: {} });`:                "@44 what the mock of http.request answered is not valid\n/status: is a number from 200 to 599",
		`mock("http.request", () => 7); await run("order", { json: {} });`:                      `@38 the mock of http.request answers an object such as { status: 201, json: {} }`,
		`mock("http.request", () => { expect(1).toBe(2); }); await run("order", { json: {} });`: `@40 expected 1 to be 2`,
	})
}

func TestExpect(t *testing.T) {
	bodies := map[string]string{
		`expect(1).toBe(1); expect(NaN).toBe(NaN); expect("a").not.toBe("b");`:                                                        "ok",
		`expect({ a: [1, { b: 2 }], c: undefined }).toEqual({ a: [1, { b: 2 }] });`:                                                   "ok",
		`expect(new Date(0)).toEqual(new Date(0)); expect(new Map([[1, 2]])).toEqual(new Map([[1, 2]]));`:                             "ok",
		`expect(decimal("1.10")).toEqual(decimal("1.10")); expect(decimal(1)).not.toEqual(decimal(2));`:                               "ok",
		`expect({ a: 1, b: 2 }).toMatchObject({ a: 1 }); expect([1, 2]).toContain(2); expect("abc").toContain("b");`:                  "ok",
		`expect([{ a: 1 }]).toContain({ a: 1 }); expect("abc").toMatch(/b/); expect([1]).toHaveLength(1);`:                            "ok",
		`expect(() => { throw new RangeError("far"); }).toThrow(); expect(() => 1).not.toThrow();`:                                    "ok",
		`expect(() => { throw new RangeError("far"); }).toThrow("fa"); expect(() => { throw 1; }).toThrow(/1/);`:                      "ok",
		`expect(2).toBeGreaterThan(1); expect(1).toBeLessThan(2); expect(null).toBeNull(); expect(0).toBeFalsy();`:                    "ok",
		`expect(1).toBeDefined(); expect(1).toBeTruthy(); expect(undefined).toBeUndefined(); expect([]).toBeInstanceOf(Array);`:       "ok",
		`await expect(Promise.reject(new Error("no"))).rejects.toThrow("no"); await expect(Promise.resolve()).not.rejects.toThrow();`: "ok",
		`const a: any = { n: 1 }; a.self = a; const b: any = { n: 1 }; b.self = b; expect(a).toEqual(b);`:                             "ok",

		`expect(1).toBe(2);`:     "expected 1 to be 2",
		`expect(1).not.toBe(1);`: "expected 1 not to be 1",
		`expect("a").toBe("b");`: `expected "a" to be "b"`,
		`expect({}).toBe({});`:   "expected {} to be {}\nthey are equal, but not the same object: use toEqual",
		`expect({ a: [{ b: 1 }] }).toEqual({ a: [{ b: "1" }] });`:      "expected { a: [{ b: 1 }] } to equal { a: [{ b: \"1\" }] }\nat .a[0].b: expected \"1\", got 1",
		`expect({ "x-y": 1 }).toEqual({ "x-y": 2 });`:                  "expected { \"x-y\": 1 } to equal { \"x-y\": 2 }\nat [\"x-y\"]: expected 2, got 1",
		`expect([1]).toEqual([1, 2]);`:                                 "expected [1] to equal [1, 2]\nat .length: expected 2, got 1",
		`expect([]).toEqual({});`:                                      "expected [] to equal {}",
		`expect(new Date(0)).toEqual(new Date(1));`:                    `expected "1970-01-01T00:00:00.000Z" to equal "1970-01-01T00:00:00.001Z"`,
		`expect({ a: 1 }).toMatchObject({ b: 1 });`:                    "expected { a: 1 } to have the members of { b: 1 }\nat .b: expected 1, got undefined",
		`expect("abc").toMatch(/x/);`:                                  `expected "abc" to match /x/`,
		`expect(undefined).toContain(1);`:                              "expected undefined to contain 1",
		`expect([1]).toHaveLength(2);`:                                 "expected [1] to have the length 2\nits length is 1",
		`expect(() => {}).toThrow("x");`:                               `expected the function to throw "x"; nothing was thrown`,
		`expect(() => { throw new Error("a"); }).toThrow("b");`:        `expected the function to throw an error that contains "b"; it threw Error: a`,
		`expect(() => { throw new Error("a"); }).toThrow(RangeError);`: "expected the function to throw a RangeError; it threw Error: a",
		`expect(() => { throw new Error("a"); }).not.toThrow();`:       "expected the function not to throw; it threw Error: a",
		`expect(async () => {}).toThrow();`:                            "TypeError: the function gave a promise: use expect(promise).rejects.toThrow()",
		`expect(Promise.resolve()).toThrow();`:                         "TypeError: toThrow is for functions: expect(() => ...).toThrow(); for promises expect(promise).rejects.toThrow()",
		`await expect(Promise.resolve(1)).rejects.toThrow("x");`:       `expected the function to throw "x"; nothing was thrown`,
		`expect(1).toBeUndefined();`:                                   "expected 1 to be undefined",
		`expect("x".repeat(1000)).toBe("");`:                           `expected "` + strings.Repeat("x", 399) + `... to be ""`,
	}
	for body, want := range bodies { // the place is that of the matcher
		if want != "ok" {
			bodies[body] = fmt.Sprintf("@%d %s", strings.LastIndex(body, ".to")+2, want)
		}
	}
	each(t, bodies)
}

func TestFiles(t *testing.T) {
	files := maps.Clone(scenarios)
	files["scenarios/one.test.ts"] = head + `
let count = 0;
mock("http.request", { json: { id: 1 } });
const order = (json: any) => run("order", { json });
test("first", async () => { count++; await order({}); await kv.set("left", 1); console.log("said", count); });
test("second", async () => { count++; expect(count).toBe(1); expect(await kv.get("left")).toBeUndefined(); await order({}); });
`
	files["scenarios/deep/two.test.js"] = `import { test, expect } from "junctor/test"; test("third", () => { expect(1).toBe(1); });`
	files["scenarios/empty.test.ts"] = `import { test } from "junctor/test";`
	files["scenarios/broken.test.ts"] = "import { test } from \"junctor/test\";\nimport { x } from \"./nowhere\";\nlet ("
	files["scenarios/throws.test.ts"] = `import { test } from "junctor/test"; test("t", () => {}); throw new Error("top");`
	files["scenarios/unknown.test.ts"] = `import { fetch } from "junctor"; import { test } from "junctor/test"; test("t", () => { fetch(); });`
	files["scenarios/twice.test.ts"] = `import { test } from "junctor/test"; test("t", () => {}); test("t", () => {});`
	want := []string{
		`: scenarios/broken.test.ts:3:6: Unexpected end of file`,
		"ok third",
		`: has no test: test("name", async () => { ... })`,
		"ok first [said 1]",
		"ok second",
		`scenarios/throws.test.ts:1:69: top`,
		`scenarios/twice.test.ts:1:59: there are two tests "t"`,
		`: scenarios/unknown.test.ts:1:89: "junctor" has no export "fetch"`,
	}
	if diff := cmp.Diff(want, tests(t, files, "")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ok second"}, tests(t, map[string]string{
		"scenarios/order.ts": scenarios["scenarios/order.ts"], "scenarios/one.test.ts": files["scenarios/one.test.ts"],
	}, "sec")); diff != "" {
		t.Error(diff)
	}
	if got := tests(t, scenarios, ""); got != nil {
		t.Errorf("without test files: %v", got)
	}
}
