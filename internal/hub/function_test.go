package hub_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"junctor/internal/run"
)

var placeOrder = map[string]string{
	"junctor.yaml": "functions:\n  placeOrder: { scenario: place_order, timeout: 20s }\n  off: { scenario: place_order, enabled: false }\n  free: { scenario: free }\n",
	"scenarios/place_order.ts": `import { kv, run, respond, Problem, type Request } from "junctor";
export const params = {
  type: "object",
  required: ["number", "lines"],
  additionalProperties: false,
  properties: {
    number: { type: "string" },
    lines: { type: "array", items: { type: "object", required: ["qty"], properties: { qty: { type: "integer", minimum: 1 } } } },
  },
} as const;
interface Order { number: string; lines: { qty: number }[] }
export default async function (request: Request<Order>) {
  const order = request.params;
  run.subject(order.number);
  if (order.number === "unknown") throw new Problem({ status: 409, title: "unknown order", detail: order.number });
  if (order.number === "broken") throw new Error("the secret is out");
  const n = await kv.increment("orders");
  const total = order.lines.reduce((sum, line) => sum + line.qty, 0);
  if (order.number === "early") { respond({ status: 201, json: { early: true } }); await kv.set("late", 1); return; }
  return [{ n, total, by: request.account?.login, kind: request.account?.kind, via: request.function, method: request.method, channel: request.channel === undefined }];
}`,
	"scenarios/free.js": `export default (request) => ({ got: request.params, text: request.text(), auth: request.header("authorization"), url: request.url });`,
}

func TestFunctionAnswers(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { functionAnswers(t, "") })
	t.Run("postgres", func(t *testing.T) { functionAnswers(t, database(t)) })
}

func functionAnswers(t *testing.T, database string) {
	t.Helper()
	s := serveOn(t, database, placeOrder)
	resp, body := s.call("POST", "/api/v1/functions/placeOrder", `{"number":"4711","lines":[{"qty":2},{"qty":3}]}`)
	want := `[{"n":1,"total":5,"by":"admin","kind":"admin","via":"placeOrder","method":"POST","channel":true}]`
	if resp.StatusCode != 200 || body != want || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	id := resp.Header.Get("Junctor-Run")
	info := s.ended(id)
	if info.State != run.Succeeded || info.Program != "scenario:place_order" || info.Function != "placeOrder" || info.Account == "" || info.Subject != "4711" {
		t.Errorf("the run is %+v", info)
	}
	for accept, want := range map[string]string{
		"text/csv":        "n,total,by,kind,via,method,channel\r\n2,5,admin,admin,placeOrder,POST,true\r\n",
		"application/xml": "<total>5</total>",
	} {
		kind, _, _ := strings.Cut(accept, ";")
		resp, body := s.call("POST", "/api/v1/functions/placeOrder", `{"number":"4711","lines":[{"qty":2},{"qty":3}]}`, "Accept", accept)
		if resp.StatusCode != 200 || !strings.Contains(body, want) && accept != "text/csv" || !strings.HasPrefix(resp.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", accept, resp.StatusCode, body)
		}
	}
	resp, body = s.call("POST", "/api/v1/functions/placeOrder", `{"number":"1","lines":[]}`, "Accept", "image/png")
	if p := s.problem(resp, body); resp.StatusCode != 406 || p.Run == "" {
		t.Errorf("an image: %d %s", resp.StatusCode, body)
	}
	resp, body = s.call("POST", "/api/v1/functions/free", "")
	if resp.StatusCode != 200 || body != `{"got":{},"text":"{}","auth":"***","url":"`+s.base+`/api/v1/functions/free"}` {
		t.Errorf("without parameters: %d %s", resp.StatusCode, body)
	}
	resp, body = s.call("POST", "/api/v1/functions/placeOrder", `{"number":"early","lines":[]}`)
	if resp.StatusCode != 201 || body != `{"early":true}` {
		t.Errorf("respond(): %d %s", resp.StatusCode, body)
	}
	resp, body = s.call("POST", "/api/v1/functions/placeOrder", `{"number":"unknown","lines":[]}`)
	if p := s.problem(resp, body); resp.StatusCode != 409 || p.Title != "unknown order" {
		t.Errorf("a Problem: %d %s", resp.StatusCode, body)
	}
	resp, body = s.call("POST", "/api/v1/functions/placeOrder", `{"number":"broken","lines":[]}`)
	if p := s.problem(resp, body); resp.StatusCode != 502 || p.Run == "" || strings.Contains(body, "secret") {
		t.Errorf("a failure: %d %s", resp.StatusCode, body)
	}
}

func TestFunctionRefuses(t *testing.T) {
	s := serve(t, placeOrder)
	const path = "/api/v1/functions/placeOrder"
	for _, c := range []struct {
		name, path, body string
		header           []string
		status           int
		pointers         string
	}{
		{"a missing parameter", path, `{"lines":[]}`, nil, 422, "/number"},
		{"several mistakes", path, `{"number":1,"lines":[{"qty":0},{}],"x":1}`, nil, 422, "/lines/0/qty /lines/1/qty /number /x"},
		{"a parameter twice", path, `{"number":"1","number":"2","lines":[]}`, nil, 422, "/number"},
		{"a list", path, `[]`, nil, 422, ""},
		{"nothing", path, ``, nil, 422, "/lines /number"},
		{"no JSON", path, `{"number"`, nil, 400, ""},
		{"too deep", path, strings.Repeat("[", 5000) + strings.Repeat("]", 5000), nil, 400, ""},
		{"a form", path, `a=1`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, ""},
		{"compressed", path, `{}`, []string{"Content-Encoding", "gzip"}, 415, ""},
		{"too large", path, `{"number":"` + strings.Repeat("x", 11<<20) + `"}`, nil, 413, ""},
		{"an unknown function", "/api/v1/functions/nothing", `{}`, nil, 404, ""},
		{"a disabled function", "/api/v1/functions/off", `{}`, nil, 404, ""},
		{"a query", path + "?a=1", `{}`, nil, 400, "/query/a"},
		{"a long key", path, `{"number":"1","lines":[]}`, []string{"Idempotency-Key", strings.Repeat("k", 300)}, 400, ""},
		{"no credentials", path, `{}`, []string{"Authorization", ""}, 401, ""},
		{"a wrong password", path, `{}`, []string{"Authorization", "Basic YTpi"}, 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := s.call("POST", c.path, c.body, c.header...)
			p := s.problem(resp, body)
			var pointers []string
			for _, e := range p.Errors {
				if e["pointer"] != "" {
					pointers = append(pointers, e["pointer"])
				}
			}
			if resp.StatusCode != c.status || strings.Join(pointers, " ") != c.pointers {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
	if resp, _ := s.call("GET", path, ""); resp.StatusCode != 405 {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	if list, _, err := s.hub.Runs().List(t.Context(), run.Filter{}); err != nil || len(list) > 0 {
		t.Errorf("what was refused has made runs: %v %v", list, err)
	}
}

// ownRun is a run as its caller sees it.
type ownRun struct {
	ID, State, Function string
	Status              int
	Output              json.RawMessage
	Error               *problem
}

func (s *site) ownRun(location string) (own ownRun) {
	s.t.Helper()
	resp, body := s.call("GET", location, "")
	if err := json.Unmarshal([]byte(body), &own); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return own
}

func TestFunctionsThatAreNotWaitedFor(t *testing.T) {
	release := make(chan struct{})
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer sink.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  erp: { type: http, url: \"" + sink.URL + "\", allow_private: true }\n" +
			"functions:\n  slow: { scenario: slow }\n  short: { scenario: slow, timeout: 100ms }\n",
		"scenarios/slow.ts": `import { http, type Request } from "junctor";
export default async function (request: Request) {
  await http.get("erp", "/");
  if (request.params.fail) throw new Error("inner");
  return { sum: request.params.a + request.params.b };
}`,
	})
	const params = `{"a":1,"b":2}`
	resp, body := s.call("POST", "/api/v1/functions/slow", params, "Prefer", "respond-async", "Idempotency-Key", "k")
	location := resp.Header.Get("Location")
	if resp.StatusCode != 202 || location != "/api/v1/runs/"+resp.Header.Get("Junctor-Run") || resp.Header.Get("Preference-Applied") != "respond-async" {
		t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	if own := s.ownRun(location); own.Function != "slow" || own.Output != nil || run.State(own.State).Ended() {
		t.Errorf("under way it is %+v", own)
	}
	again, _ := s.call("POST", "/api/v1/functions/slow", params, "Prefer", "respond-async", "Idempotency-Key", "k")
	if again.StatusCode != 202 || again.Header.Get("Location") != location || again.Header.Get("Junctor-Duplicate") != "true" {
		t.Errorf("the same again: %d %v", again.StatusCode, again.Header)
	}
	if resp, body := s.call("POST", "/api/v1/functions/slow", params, "Idempotency-Key", "k"); resp.StatusCode != 409 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the same again, awaited: %d %s", resp.StatusCode, body)
	}
	if resp, body := s.call("POST", "/api/v1/functions/slow", `{"a":2,"b":2}`, "Idempotency-Key", "k"); resp.StatusCode != 422 {
		t.Errorf("the key with other parameters: %d %s", resp.StatusCode, body)
	}
	resp, body = s.call("POST", "/api/v1/functions/short", params)
	late := s.problem(resp, body)
	if resp.StatusCode != 504 || late.Run == "" {
		t.Errorf("over the timeout: %d %s", resp.StatusCode, body)
	}
	resp, body = s.call("POST", "/api/v1/functions/slow", params, "Prefer", "wait=1")
	if resp.StatusCode != 504 {
		t.Errorf("over the caller's time: %d %s", resp.StatusCode, body)
	}
	resp, body = s.call("POST", "/api/v1/functions/slow", `{"fail":true}`, "Prefer", `respond-async, wait="1"`)
	failing := resp.Header.Get("Location")
	if resp.StatusCode != 202 || failing == "" {
		t.Errorf("over the caller's time, who does not insist: %d %s", resp.StatusCode, body)
	}
	close(release)
	for _, id := range []string{strings.TrimPrefix(location, "/api/v1/runs/"), late.Run} {
		s.ended(id)
		if own := s.ownRun("/api/v1/runs/" + id); own.State != "succeeded" || own.Status != 200 || string(own.Output) != `{"sum":3}` {
			t.Errorf("in the end it is %+v", own)
		}
	}
	s.ended(strings.TrimPrefix(failing, "/api/v1/runs/"))
	if own := s.ownRun(failing); own.State != "failed" || own.Status != 502 || own.Error == nil || own.Error.Run != own.ID || strings.Contains(own.Error.Detail, "inner") {
		t.Errorf("failed it is %+v", own)
	}
	resp, body = s.call("POST", "/api/v1/functions/slow", params, "Idempotency-Key", "k")
	if resp.StatusCode != 200 || body != `{"sum":3}` || resp.Header.Get("Junctor-Duplicate") != "true" {
		t.Errorf("the first answer again: %d %s", resp.StatusCode, body)
	}
	if resp, body := s.call("GET", "/api/v1/runs/run_nothing", ""); resp.StatusCode != 404 {
		t.Errorf("no run: %d %s", resp.StatusCode, body)
	}
}

// What is wrong with the params of a scenario is said when it is applied, with
// its place.
func TestMistakesInParams(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": "domain: default\n"})
	for source, want := range map[string]string{
		"export default () => 1;\n\nexport const params = { type: \"object\", properties: { a: { type: \"txt\" } } };": "scenarios/f.ts:3:14: params.properties.a.type",
		"export const params = 1;\nexport default () => 1;":                                                            "scenarios/f.ts:1:14: params: must be an object",
		"const p = { type: \"array\" };\nexport { p as params };\nexport default () => 1;":                             "scenarios/f.ts: params.type: must be \"object\"",
		"export const params = undefined;\nexport default () => 1;":                                                    "params: must be an object",
		"export const params = (() => { throw new Error(\"no\"); })();\nexport default () => 1;":                       "its params cannot be read",
	} {
		text, err := json.Marshal(map[string]any{"sources": map[string]string{"scenarios/f.ts": source}})
		if err != nil {
			t.Fatal(err)
		}
		resp, body := s.call("PUT", "/api/v1/admin/scenarios/f", string(text))
		p := s.problem(resp, body)
		if resp.StatusCode != 422 || len(p.Errors) == 0 || !strings.Contains(p.Errors[0]["detail"], want) {
			t.Errorf("%s\n gives %d %s\n want  %s", source, resp.StatusCode, body, want)
		}
	}
}

// Parameters are those of the version that is in use, also after going back.
func TestParamsOfVersions(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": "functions:\n  f: { scenario: f }\n", "scenarios/f.ts": `export const params = { type: "object", required: ["a"] };
export default () => "first";`})
	status := func(params string) int {
		resp, _ := s.call("POST", "/api/v1/functions/f", params)
		return resp.StatusCode
	}
	first, _ := s.call("GET", "/api/v1/admin/scenarios/f", "")
	if status(`{"a":1}`) != 200 || status(`{"b":1}`) != 422 {
		t.Error("the first version's parameters are not checked")
	}
	s.call("PUT", "/api/v1/admin/scenarios/f", `{"sources":{"scenarios/f.ts":"export const params = { required: ['b'] }; export default () => 2"}}`)
	if status(`{"a":1}`) != 422 || status(`{"b":1}`) != 200 {
		t.Error("the second version's parameters are not checked")
	}
	s.call("PUT", "/api/v1/admin/scenarios/f", `{"version":`+first.Header.Get("ETag")+`}`)
	if status(`{"a":1}`) != 200 || status(`{"b":1}`) != 422 {
		t.Error("after going back the parameters are not those of the first version")
	}
	if resp, body := s.call("DELETE", "/api/v1/admin/scenarios/f", ""); resp.StatusCode != 409 || !strings.Contains(body, "functions f") {
		t.Errorf("a scenario that a function runs: %d %s", resp.StatusCode, body)
	}
	if resp, body := s.call("PUT", "/api/v1/admin/functions/g", `{"scenario":"F"}`); resp.StatusCode != 422 || !strings.Contains(body, `did you mean \"f\"`) {
		t.Errorf("a function of no scenario: %d %s", resp.StatusCode, body)
	}
	if resp, body := s.call("PUT", "/api/v1/admin/functions/g", `{"scenario":"f"}`, "If-None-Match", "*"); resp.StatusCode != 201 || resp.Header.Get("ETag") != `"1"` {
		t.Errorf("a function by the API: %d %s", resp.StatusCode, body)
	}
	if resp, _ := s.call("PUT", "/api/v1/admin/functions/g", `{"scenario":"f","timeout":"1s"}`, "If-Match", `"7"`); resp.StatusCode != 412 {
		t.Errorf("a stale write: %d", resp.StatusCode)
	}
	if resp, body := s.call("POST", "/api/v1/functions/g", `{"a":1}`); resp.StatusCode != 200 {
		t.Errorf("a function made by the API: %d %s", resp.StatusCode, body)
	}
	if resp, body := s.call("GET", "/api/v1/admin/functions", ""); resp.StatusCode != 200 || strings.Count(body, `"code"`) != 2 {
		t.Errorf("the list: %d %s", resp.StatusCode, body)
	}
}
