package trial

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/channel"
	"junctor/internal/fault"
	"junctor/internal/run"
)

var steps = []string{"http.request", "kv.get", "runs.call", "runs.start", "sleep"}

func TestMocksAreTakenInOrder(t *testing.T) {
	mocks, err := ParseMocks([]byte(`
- { step: http.request, match: { connection: erp, path: /orders/* }, status: 201, times: 2 }
- { step: http.request, match: { method: GET, throw: false, timeout: 5000 }, status: 202 }
- { step: http.request, match: { connection: channel.external }, status: 203 }
- { step: http.request, match: { query: [[a, "1"]] }, status: 204 }
`), steps)
	if err != nil {
		t.Fatal(err)
	}
	for _, ask := range []struct {
		args string
		want int // 0: no mock
	}{
		{`{"connection":"erp","method":"PUT","path":"/orders/1"}`, 201},
		{`{"connection":"crm","method":"PUT","path":"/orders/1"}`, 0},
		{`{"connection":"erp","method":"PUT","path":"/orders/2"}`, 201},
		{`{"connection":"erp","method":"PUT","path":"/orders/3"}`, 0},
		{`{"connection":"erp","method":"GET","path":"/","throw":false,"timeout":5000}`, 202},
		{`{"connection":"erp","method":"GET","path":"/","timeout":5000}`, 0},
		{`{"method":"PUT","path":"/"}`, 203},
		{`{"connection":"erp","query":[["a","1"]]}`, 204},
		{`{"connection":"erp","query":[["a","2"]]}`, 0},
	} {
		reply, ok := mocks.Reply(&run.Call{Name: "http.request", Args: []byte(ask.args)})
		if ok != (ask.want != 0) || reply.Status != ask.want {
			t.Errorf("%s: answered %d (%v), want %d", ask.args, reply.Status, ok, ask.want)
		}
	}
}

func TestWrongMocks(t *testing.T) {
	for text, want := range map[string][]fault.Field{
		`- step: http.reqest`:            {{Pointer: "/0/step", Detail: `"http.reqest" is not known here, did you mean "http.request"?`}},
		`- stp: sleep`:                   {{Pointer: "/0/stp", Detail: `"stp" is not known here, did you mean "step"?`}, {Pointer: "/0/step", Detail: "is required"}},
		`-`:                              {{Pointer: "/0", Detail: "is empty"}},
		`step: sleep`:                    {{Detail: "must be a list, not an object"}},
		`- { step: sleep, status: 200 }`: {{Pointer: "/0", Detail: "has members for http.request only; sleep is answered with value"}},
		`- { step: http.request, value: 1, status: 600, times: -1 }`: {
			{Pointer: "/0/value", Detail: "is for other steps; http.request is answered with status, headers, json or text"},
			{Pointer: "/0/status", Detail: "is a number from 200 to 599"},
			{Pointer: "/0/times", Detail: "is a number from 1"},
		},
		`- { step: http.request, text: a, json: 1, base64: "?" }`: {
			{Pointer: "/0", Detail: "has more than one content: give one of json, text, base64"},
			{Pointer: "/0/base64", Detail: "is not base64"},
		},
	} {
		_, err := ParseMocks([]byte(text), steps)
		var wrong *fault.Error
		if !errors.As(err, &wrong) || wrong.Code != fault.Unprocessable {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, wrong.Fields); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"/a", "/a", true}, {"/a", "/ab", false}, {"*", "", true}, {"/a*", "/a/b", true}, {"*b", "/a/b", true}, {"/*/b", "/a/b", true},
		{"/*/*", "/a", false}, {"a*a", "a", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"", "", true}, {"", "a", false}, {"**", "x", true},
	} {
		if got := like(c.pattern, c.text); got != c.want {
			t.Errorf("like(%q, %q) = %v", c.pattern, c.text, got)
		}
	}
}

// A mock file is wrong or it answers; nothing in it makes the lab fail, and
// the entry that Missing proposes is a right one that answers the call.
func FuzzMocks(f *testing.F) {
	f.Add([]byte("- step: http.request\n  match: { path: /a* }\n  json: {}"), "erp", "/a")
	f.Add([]byte(`[{"step":"sleep","value":null,"times":1}]`), "\"\n", "*{")
	f.Add([]byte("- &a { step: kv.get }\n- *a"), "", "")
	f.Fuzz(func(t *testing.T, file []byte, connection, path string) {
		call := &run.Call{Name: httpStep, Args: mustJSON(t, map[string]string{"connection": connection, "method": "GET", "path": path})}
		if mocks, err := ParseMocks(file, steps); err == nil {
			if reply, ok := mocks.Reply(call); ok && reply.Error == nil {
				if _, err := reply.response(); err != nil {
					t.Errorf("%q parses, and answers nothing: %v", file, err)
				}
			}
		}
		mocks, err := ParseMocks([]byte(proposal(call)), steps)
		if err != nil {
			t.Fatalf("%s\n%v", proposal(call), err)
		}
		if _, ok := mocks.Reply(call); !ok {
			t.Errorf("the proposal does not answer %s:\n%s", call.Args, proposal(call))
		}
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Whatever describes a message becomes one that the module can read.
func FuzzInput(f *testing.F) {
	f.Add([]byte(`{"method":"PUT","path":"/a%2f?b=%zz","query":{"a":["1",2]},"headers":{"X y":"\u0000"},"json":{"a":1}}`))
	f.Add([]byte(`{"base64":"/wA=","remote_address":"::1","mode":"test"}`))
	f.Add([]byte(`{"value":null}`))
	f.Add([]byte("{\"value\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		in, found := DecodeInput(text)
		if len(found) > 0 {
			return
		}
		started, _, err := in.started(&channel.Config{Code: "c", Type: channel.Public})
		if err != nil {
			t.Fatal(err)
		}
		source, content, form := started.Arguments()
		if source == "" {
			if !json.Valid([]byte(content)) {
				t.Errorf("the data is %q", content)
			}
			return
		}
		var message map[string]any
		if err := json.Unmarshal([]byte(source), &message); err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if (message["binary"] == true) != (form == "base64") {
			t.Errorf("%s comes as %q", source, form)
		}
	})
}
