package hub_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"slices"
	"strings"
	"testing"
)

const contractChannels = `
connections: { erp: { type: http, url: "TARGET", allow_private: true } }
channels:
  door: { type: public, scenario: door, await: true }
  patient: { type: public, scenario: door, await: true, retry: { attempts: 3, first: 10ms } }
  brief: { type: public, scenario: door, await: true, timeout: 100ms }
  later: { type: public, scenario: door }
  off: { type: public, scenario: door, enabled: false }
  basic: { type: public, scenario: door, await: true, verify: { basic: { user: u, password: p } } }
  bearer: { type: public, scenario: door, await: true, verify: [{ bearer: old }, { bearer: new }] }
  asked: { type: public, scenario: asked, await: true }
  once: { type: public, scenario: door, await: true, nonce: { header: X-Nonce, window: 1h } }
  near: { type: public, scenario: door, await: true, allow: [10.0.0.0/8] }
  slow: { type: public, scenario: door, await: true, rate: 1/h }
  small: { type: public, scenario: door, await: true, body_limit: 1KiB }
  paused: { type: public, scenario: door, await: true, paused: true }
  crm: { type: eventing }
`

const contractDoor = `import { http, HttpError, sleep, respond, Problem, PermanentError, type Request } from "junctor";
export default async function (request: Request) {
  switch (request.query.op) {
    case "answer": return { status: 201, headers: { "X-A": "1" }, json: { a: 1 } };
    case "fails": throw new Error("the inside");
    case "problem": throw new Problem({ status: 422, title: "unknown customer", detail: "C1", errors: [{ pointer: "/customer", detail: "unknown" }] });
    case "flaky": return (await http.post("erp", "/flaky/" + request.query.key, { json: 1 })).status;
    case "caught": {
      let status = 0;
      try { await http.get("erp", "/status/500?" + request.query.key); } catch (error) { status = (error as HttpError).status; }
      return [status, (await http.post("erp", "/flaky/caught-" + request.query.key)).status];
    }
    case "sleeps": await sleep("1h"); return 1;
    case "responds": respond({ status: 202, json: { id: 1 } }); await sleep("1h"); return 1;
    case "code": return { response_code: 203, response_content: "abc", response_headers: "{\"X-B\":\"2\"}" };
    case "code object": return { response_code: 203, response_content: "abc", response_headers: { "Content-Type": "text/plain" } };
    case "content": return { response_content: "abc" };
    case "text": return { status: 202, text: "abc" };
    case "body": return { body: new Uint8Array([1, 2]) };
    case "xml": return { xml: { a: { b: "1" } } };
    case "list": return [{ a: 1, b: "x" }];
    case "number": return 42;
    case "null": return null;
    case "nothing": return;
  }
  return { method: request.method, path: request.path, text: request.text() };
}`

const contractAsked = `import { kv, Unauthorized, type Request } from "junctor";
export async function validate(request: Request) {
  await kv.set("seen", request.text());
  if (request.text() === "throws") throw new Unauthorized();
  return request.text() !== "false";
}
export default async () => ({ seen: await kv.get("seen") });`

// TestContractOfChannels holds the token endpoints to the contract, word for word.
func TestContractOfChannels(t *testing.T) {
	p := newCounterpart(t)
	files := map[string]string{
		"junctor.yaml":      strings.ReplaceAll(contractChannels, "TARGET", p.URL),
		"scenarios/door.ts": contractDoor, "scenarios/asked.ts": contractAsked,
	}
	eachSite(t, files, func(t *testing.T, s *site) {
		key := strings.ReplaceAll(t.Name(), "/", "-")
		kept := map[string]string{"key": key}
		s.contract(channelClauses, kept)
		if sent := p.asked("/flaky/" + key); len(sent) != 3 || sent[0] != kept["flaky"]+".1" || sent[1] != sent[0] || sent[2] != sent[0] {
			t.Errorf("every request carries Idempotency-Key: RUN.SEQ, the same on every try: %v of %s", sent, kept["flaky"])
		}
		if sent := p.asked("/flaky/" + key + "-again"); len(sent) != 3 || sent[2] != sent[0] {
			t.Errorf("failures are not kept as the answer, the same run is retried: %v", sent)
		}
		if sent := p.asked("/status/500"); len(sent) == 0 || sent[len(sent)-1] != kept["caught"]+".1" || len(p.asked("/flaky/caught-"+key)) != 3 {
			t.Errorf("a failure that the scenario catches is the step's journalled result: %v of %s", sent, kept["caught"])
		} else if slices.Contains(sent[:len(sent)-1], kept["caught"]+".1") {
			t.Errorf("a failure that was caught has been made again: %v", sent)
		}
		_, unknown := s.do("POST", "/api/token/v1/unknown", "", nil)
		for _, path := range []string{s.token["off"], "-", s.token["crm"], s.token["door"] + "/subscribe"} {
			if _, body := s.do("POST", "/api/token/v1/"+path, "", nil); body != unknown {
				t.Errorf("an unknown or disabled token answers 404, the same body for both: %s", body)
			}
		}
		for _, method := range strings.Fields("GET POST PUT PATCH DELETE OPTIONS REPORT") {
			if resp, body := s.send(method, "door", "/a/b", ""); resp.StatusCode != 200 || !strings.Contains(body, `"method":"`+method+`","path":"/a/b"`) {
				t.Errorf("/api/token/v1/{token} and any path below it; every method: %s %d %s", method, resp.StatusCode, body)
			}
		}
		s.packed("gzip", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
		s.packed("deflate", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	})
}

// packed is "bodies in gzip and deflate are decoded (bounded)".
func (s *site) packed(encoding string, with func(io.Writer) io.WriteCloser) {
	s.t.Helper()
	pack := func(text string) string {
		var b bytes.Buffer
		w := with(&b)
		io.WriteString(w, text) //nolint:errcheck // into memory
		w.Close()
		return b.String()
	}
	if resp, body := s.send("POST", "door", "", pack("hello"), "Content-Encoding", encoding); resp.StatusCode != 200 || !strings.Contains(body, `"text":"hello"`) {
		s.t.Errorf("%s is decoded: %d %s", encoding, resp.StatusCode, body)
	}
	if resp, body := s.send("POST", "small", "", pack(strings.Repeat("x", 5000)), "Content-Encoding", encoding); resp.StatusCode != 413 {
		s.t.Errorf("413 over body_limit, also after decompression: %d %s", resp.StatusCode, body)
	}
	resp, body := s.send("POST", "door", "", strings.Repeat("y", 5000), "Accept-Encoding", encoding)
	if resp.Header.Get("Content-Encoding") != encoding || len(body) > 2500 {
		s.t.Errorf("answers are compressed by Accept-Encoding: %v, %d bytes", resp.Header, len(body))
	}
}

const run502 = `^\{"type":"/errors/scenario-failed",.*"run":"run_`

var channelClauses = []clause{
	{says: "the token as Authorization: Bearer on /api/token/v1/-", do: "POST /api/token/v1/-/x", by: "{token:door}", sent: "hi", status: 200, body: `"path":"/x","text":"hi"`},
	{says: "completion not awaited: 200 after the run is on disk; empty body; Junctor-Run: run_...", do: "POST /api/token/v1/{token:later}", sent: "hi", status: 200, has: []string{"Junctor-Run: run_"}, body: "^$"},
	{says: "completion awaited: the scenario's status, headers, body; Junctor-Run", do: "POST /api/token/v1/{token:door}?op=answer", status: 201, has: []string{"Junctor-Run: run_", "X-A: 1", "Content-Type: application/json"}, body: `^\{"a":1\}$`},
	{says: "scenario fails, awaited: 502 problem+json with the run's id and no inner detail", do: "POST /api/token/v1/{token:door}?op=fails", status: 502, has: []string{"Junctor-Run: run_"}, body: run502, keep: map[string]string{"failed": "Junctor-Run"}},
	{says: "awaited channels have attempts: 1 unless set", do: "POST /api/token/v1/{token:door}?op=flaky&key={key}-door", status: 502, body: run502, keep: map[string]string{"one": "Junctor-Run"}},
	{says: "awaited channels have attempts: 1 unless set", do: "GET /api/v1/admin/runs/{one}", by: "admin:" + adminPassword, status: 200, body: `"attempt":1,`},
	{says: "further attempts happen inside timeout", do: "POST /api/token/v1/{token:patient}?op=flaky&key={key}", status: 200, body: "^200$", keep: map[string]string{"flaky": "Junctor-Run"}},
	{says: "a failure that the scenario catches is the step's journalled result; one that it does not catch is made again", do: "POST /api/token/v1/{token:patient}?op=caught&key={key}", status: 200, body: `^\[500,200\]$`, keep: map[string]string{"caught": "Junctor-Run"}},
	{says: "awaited, over timeout: 504; the run goes on", do: "POST /api/token/v1/{token:brief}?op=sleeps", with: []string{"Idempotency-Key", "slow"}, status: 504, has: []string{"Junctor-Run: run_"}, keep: map[string]string{"slow": "Junctor-Run"}},
	{says: "the run goes on", do: "GET /api/v1/admin/runs/{slow}", by: "admin:" + adminPassword, status: 200, body: `"state":"waiting"`},
	{says: "while the first is unfinished, also after its 504: 409 with Retry-After", do: "POST /api/token/v1/{token:brief}?op=sleeps", with: []string{"Idempotency-Key", "slow"}, status: 409, has: []string{"Retry-After"}},
	{says: "scenario throws new Problem: that problem, as is", do: "POST /api/token/v1/{token:patient}?op=problem", status: 422, has: []string{"Junctor-Run: run_"}, body: `"title":"unknown customer".*"detail":"C1","errors":\[\{"pointer":"/customer","detail":"unknown"\}\]`, keep: map[string]string{"problem": "Junctor-Run"}},
	{says: "the run is succeeded, no retry", do: "GET /api/v1/admin/runs/{problem}", by: "admin:" + adminPassword, status: 200, body: `"state":"succeeded".*"attempt":1,`},
	{says: "respond(): the caller has its answer; the run goes on", do: "POST /api/token/v1/{token:door}?op=responds", status: 202, body: `^\{"id":1\}$`, keep: map[string]string{"on": "Junctor-Run"}},
	{says: "respond(): the caller has its answer; the run goes on", do: "GET /api/v1/admin/runs/{on}", by: "admin:" + adminPassword, status: 200, body: `"state":"(running|waiting)"`},

	{says: "400 (a body that cannot be decoded: compression)", do: "POST /api/token/v1/{token:door}", with: []string{"Content-Encoding", "gzip"}, sent: "no gzip", status: 400, has: []string{"-Junctor-Run"}},
	{says: "400 (a body that cannot be decoded: encoding)", do: "POST /api/token/v1/{token:door}", with: []string{"Content-Type", "application/json; charset=utf-8"}, sent: "\xff\xfe", status: 400, has: []string{"-Junctor-Run"}},
	{says: "401 (credentials)", do: "POST /api/token/v1/{token:basic}", status: 401, has: []string{"WWW-Authenticate", "-Junctor-Run"}},
	{says: "401 (credentials)", do: "POST /api/token/v1/{token:basic}", by: "u:wrong", status: 401},
	{says: "verify: basic {user,password}", do: "POST /api/token/v1/{token:basic}", by: "u:p", status: 200},
	{says: "a list means any of them, for rotation", do: "POST /api/token/v1/{token:bearer}", by: "old", status: 200},
	{says: "a list means any of them, for rotation", do: "POST /api/token/v1/{token:bearer}", by: "new", status: 200},
	{says: "401 (credentials)", do: "POST /api/token/v1/{token:bearer}", by: "other", status: 401},
	{says: "401 (validate returned false)", do: "POST /api/token/v1/{token:asked}", sent: "false", status: 401, has: []string{"-Junctor-Run"}},
	{says: "401 (validate threw Unauthorized)", do: "POST /api/token/v1/{token:asked}", sent: "throws", status: 401, has: []string{"-Junctor-Run"}},
	{says: "kv, whose writes commit in the run's own transaction", do: "POST /api/token/v1/{token:asked}", sent: "first", status: 200, body: `^\{"seen":"first"\}$`},
	{says: "or not at all", do: "POST /api/token/v1/{token:asked}", sent: "throws", status: 401},
	{says: "kv, whose writes commit in the run's own transaction", do: "POST /api/token/v1/{token:asked}", sent: "second", status: 200, body: `^\{"seen":"second"\}$`},
	{says: "403 (address)", do: "POST /api/token/v1/{token:near}", status: 403},
	{says: "nonce {header, window}", do: "POST /api/token/v1/{token:once}", with: []string{"X-Nonce", "1"}, status: 200},
	{says: "409 (nonce used)", do: "POST /api/token/v1/{token:once}", with: []string{"X-Nonce", "1"}, status: 409},
	{says: "413 (over body_limit)", do: "POST /api/token/v1/{token:small}", sent: strings.Repeat("x", 1025), status: 413},
	{says: "413 (over body_limit, default 10 MiB)", do: "POST /api/token/v1/{token:later}", sent: strings.Repeat("x", 10<<20), status: 200},
	{says: "413 (over body_limit, default 10 MiB)", do: "POST /api/token/v1/{token:later}", sent: strings.Repeat("x", 10<<20+1), status: 413},
	{says: "415", do: "POST /api/token/v1/{token:door}", with: []string{"Content-Encoding", "br"}, sent: "x", status: 415},
	{says: "rate", do: "POST /api/token/v1/{token:slow}", status: 200},
	{says: "429 with Retry-After", do: "POST /api/token/v1/{token:slow}", status: 429, has: []string{"Retry-After"}},
	{says: "503 with Retry-After; nothing was accepted", do: "POST /api/token/v1/{token:paused}", status: 503, has: []string{"Retry-After", "-Junctor-Run"}},

	{says: "same Idempotency-Key: the first answer again", do: "POST /api/token/v1/{token:door}?op=answer", with: []string{"Idempotency-Key", "k"}, sent: "1", status: 201, has: []string{"-Junctor-Duplicate"}, keep: map[string]string{"first": "Junctor-Run"}},
	{says: "the first answer again with Junctor-Duplicate: true, no second run", do: "POST /api/token/v1/{token:door}?op=answer", with: []string{"Idempotency-Key", "k"}, sent: "1", status: 201, has: []string{"Junctor-Duplicate: true", "Junctor-Run: {first}", "X-A: 1"}, body: `^\{"a":1\}$`},
	{says: "the same key with another body: 422", do: "POST /api/token/v1/{token:door}?op=answer", with: []string{"Idempotency-Key", "k"}, sent: "2", status: 422},
	{says: "or webhook-id", do: "POST /api/token/v1/{token:door}?op=answer", with: []string{"webhook-id", "w"}, sent: "1", status: 201, has: []string{"-Junctor-Duplicate"}},
	{says: "or webhook-id", do: "POST /api/token/v1/{token:door}?op=answer", with: []string{"webhook-id", "w"}, sent: "1", status: 201, has: []string{"Junctor-Duplicate: true"}},
	{says: "failures are not kept as the answer", do: "POST /api/token/v1/{token:door}?op=flaky&key={key}-again", with: []string{"Idempotency-Key", "f"}, status: 502, keep: map[string]string{"again": "Junctor-Run"}},
	{says: "the same run is retried", do: "POST /api/token/v1/{token:door}?op=flaky&key={key}-again", with: []string{"Idempotency-Key", "f"}, status: 502, has: []string{"Junctor-Run: {again}"}},
	{says: "the same run is retried", do: "POST /api/token/v1/{token:door}?op=flaky&key={key}-again", with: []string{"Idempotency-Key", "f"}, status: 200, has: []string{"Junctor-Run: {again}"}},

	{says: "{response_code, response_content, response_headers} (headers as a JSON string)", do: "POST /api/token/v1/{token:door}?op=code", status: 203, has: []string{"X-B: 2", "Content-Type: application/octet-stream"}, body: "^abc$"},
	{says: "(headers as an object)", do: "POST /api/token/v1/{token:door}?op=code+object", status: 203, has: []string{"Content-Type: text/plain"}, body: "^abc$"},
	{says: "response_code (200 by default); content without a Content-Type is application/octet-stream", do: "POST /api/token/v1/{token:door}?op=content", with: []string{"Accept", "image/png"}, status: 200, has: []string{"Content-Type: application/octet-stream"}, body: "^abc$"},
	{says: "{status, headers, text}", do: "POST /api/token/v1/{token:door}?op=text", status: 202, has: []string{"Content-Type: text/plain"}, body: "^abc$"},
	{says: "{status, headers, body}", do: "POST /api/token/v1/{token:door}?op=body", status: 200, has: []string{"Content-Type: application/octet-stream"}, body: "^\x01\x02$"},
	{says: "{status, headers, xml}", do: "POST /api/token/v1/{token:door}?op=xml", status: 200, has: []string{"Content-Type: application/xml"}, body: "<a><b>1</b></a>"},
	{says: "any other returned value is JSON data", do: "POST /api/token/v1/{token:door}?op=list", status: 200, has: []string{"Content-Type: application/json"}, body: `^\[\{"a":1,"b":"x"\}\]$`},
	{says: "any other returned value is JSON data", do: "POST /api/token/v1/{token:door}?op=number", status: 200, has: []string{"Content-Type: application/json"}, body: `^42$`},
	{says: "any other returned value is JSON data", do: "POST /api/token/v1/{token:door}?op=null", status: 200, has: []string{"Content-Type: application/json"}, body: `^null$`},
	{says: "undefined an empty 200", do: "POST /api/token/v1/{token:door}?op=nothing", status: 200, body: "^$"},
	{says: "data is negotiated by Accept: XML", do: "POST /api/token/v1/{token:door}?op=answer", with: []string{"Accept", "application/xml"}, status: 201, has: []string{"Content-Type: application/xml"}, body: "<a>1</a>"},
	{says: "Accept decides JSON, XML or CSV", do: "POST /api/token/v1/{token:door}?op=list", with: []string{"Accept", "text/csv"}, status: 200, has: []string{"Content-Type: text/csv"}, body: "^a,b\r\n1,x\r\n$"},
	{says: "406 otherwise", do: "POST /api/token/v1/{token:door}?op=list", with: []string{"Accept", "image/png"}, status: 406},

	{says: "type: a URI of the documented list of error codes, served by the installation", do: "GET /errors/scenario-failed", with: []string{"Accept", "application/json"}, status: 200, body: `"scenario-failed"`},
	{says: "POST .../subscribe -> 201 {id,url,types,filter,secret,links} (the secret whsec_... is shown here only)", do: "POST /api/token/v1/{token:crm}/subscribe", sent: `{"url":"https://example.com/hook","types":["record.orders.*","order.**"],"filter":"data/n gt 5"}`, status: 201, json: []string{"id", "url", "types", "filter", "secret", "links"}, body: `"secret":"whsec_`, keep: map[string]string{"sub": "/id"}},
	{says: "GET .../subscribe/{id}, without the secret", do: "GET /api/token/v1/{token:crm}/subscribe/{sub}", status: 200, body: `^[^s]*"id":"{sub}","url":"https://example.com/hook","types":\["record.orders.\*","order.\*\*"\],"filter":"data/n gt 5"`},
	{says: "the pointer names the offending member, also when it is missing", do: "POST /api/token/v1/{token:crm}/subscribe", sent: `{"types":["a"]}`, status: 422, body: `"pointer":"/url"`},
	{says: "filter is the OData $filter grammar", do: "POST /api/token/v1/{token:crm}/subscribe", sent: `{"url":"https://example.com/hook","types":["a"],"filter":"nope eq"}`, status: 422, body: `"pointer":"/filter"`},
	{says: "DELETE .../subscribe/{id} (204)", do: "DELETE /api/token/v1/{token:crm}/subscribe/{sub}", status: 204, body: "^$"},
	{says: "DELETE .../subscribe/{id} (204)", do: "GET /api/token/v1/{token:crm}/subscribe/{sub}", status: 404},
}
