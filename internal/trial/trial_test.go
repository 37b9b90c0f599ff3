package trial_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/channel"
	"junctor/internal/host"
	"junctor/internal/run"
	"junctor/internal/script"
	"junctor/internal/trial"
)

// open makes a lab of the files of a folder.
func open(t *testing.T, files map[string]string) *trial.Lab {
	t.Helper()
	dir := t.TempDir()
	scenarios := map[string]*script.Bundle{}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name := range files {
		code, ok := strings.CutSuffix(filepath.Base(name), ".ts")
		if !ok || strings.HasSuffix(code, ".test") {
			continue
		}
		bundle, mistakes := script.Build(t.Context(), script.BuildOptions{Dir: dir, Entry: name})
		if mistakes != nil {
			t.Fatal(mistakes)
		}
		scenarios[code] = bundle
	}
	lab, err := trial.Open(t.Context(), trial.Options{
		Dir: dir, Scenarios: scenarios, Zone: time.UTC,
		Channels: map[string]channel.Config{"shop": {Code: "eshop", Type: channel.Public, Comment: "orders"}},
		Module:   host.Module(), Pure: host.Pure(), Answered: host.Answered,
		Handlers: func(now func() time.Time) run.Handlers { return host.Handlers(nil, nil, nil, now) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

// play runs a scenario and gives its report.
func play(t *testing.T, lab *trial.Lab, code string, in trial.Input, mocks string) (report *trial.Report) {
	t.Helper()
	m, err := trial.ParseMocks([]byte(mocks), lab.Steps())
	if err != nil {
		t.Fatal(err)
	}
	err = lab.In(t.Context(), trial.Epoch, func(w *trial.World) error {
		r, err := w.Start(t.Context(), code, in)
		if err != nil {
			return err
		}
		err = r.Play(t.Context(), m)
		report = r.Report()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// The order of completions is that of an engine: what is answered at once in
// the order of the calls, sleeps by their ends, and time moves on with them.
func TestOrderAndTime(t *testing.T) {
	lab := open(t, map[string]string{"scenarios/x.ts": `
import { http, now, sleep } from "junctor";
export default async function () {
  const order: string[] = [];
  const note = (name: string) => () => { order.push(name + "@" + Date.now() / 1000 % 100000); };
  await Promise.all([
    sleep("20s").then(note("late")), http.get("erp", "/").then(note("http")), sleep("10s").then(note("early")), now().then(note("now")),
    new Promise((done) => setTimeout(done, 15_000)).then(note("timer")),
  ]);
  return order.join(" ");
}`})
	o := play(t, lab, "x", trial.Input{}, "- step: http.request")
	if got, want := string(o.JSON), `"http@25600 now@25600 early@25610 timer@25615 late@25620"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := o.Steps[0].FinishedAt.Sub(o.Steps[0].StartedAt); got != 20*time.Second {
		t.Errorf("the sleep took %s", got)
	}
}

func TestWorldsDoNotKnowEachOther(t *testing.T) {
	lab := open(t, map[string]string{"scenarios/x.ts": `
import { kv } from "junctor";
export default async function () { return kv.increment("n"); }`})
	for range 2 {
		if got := string(play(t, lab, "x", trial.Input{}, "").JSON); got != "1" {
			t.Errorf("counted %s", got)
		}
	}
}

func TestReports(t *testing.T) {
	cases := map[string]struct {
		source, mocks string
		state         run.State
		status        int
		content       string // JSON, or text
		failure       string
		permanent     bool
	}{
		"nothing":   {source: `export default function () {}`, state: run.Succeeded, status: 200},
		"text":      {source: `export default () => ({ text: "a" })`, state: run.Succeeded, status: 200, content: "a"},
		"problem":   {source: `import { Problem } from "junctor"; export default () => { throw new Problem({ status: 409, title: "t" }); }`, state: run.Succeeded, status: 409, content: `{"type":"about:blank","title":"t","status":409}`},
		"error":     {source: `export default () => { throw new RangeError("far"); }`, state: run.Failed, status: 502, failure: "RangeError: far"},
		"permanent": {source: `import { PermanentError } from "junctor"; export default () => { throw new PermanentError("no"); }`, state: run.Failed, status: 502, failure: "PermanentError: no", permanent: true},
		"stalled":   {source: `export default () => new Promise(() => {})`, state: run.Failed, status: 502, failure: "Limit:stalled: the scenario waits for a promise that nothing settles", permanent: true},
		"endless":   {source: `import { sleep } from "junctor"; export default async () => { for (;;) await sleep("1d"); }`, state: run.Failed, status: 502, failure: "Limit:calls: the scenario made more than 10000 host calls", permanent: true},
		"responded and failed": {
			source: `import { respond } from "junctor"; export default () => { respond({ status: 202 }); respond({ status: 201 }); throw new Error("later"); }`,
			state:  run.Failed, status: 202, failure: "Error: later",
		},
		"no mock": {
			source: `import { runs } from "junctor"; export default async () => { try { await runs.call("price", 1); } catch { return "caught"; } }`,
			state:  run.Failed, status: 502, permanent: true,
			failure: "NoMock: step 1, runs.call, is answered by no mock. This entry of the mock file would:\n- step: runs.call\n  match: { scenario: \"price\" }\n  value: null",
		},
		"caught": {
			source: `import { http, HttpError } from "junctor"; export default async () => { try { await http.get("erp", "/a"); } catch (e) { return [e instanceof HttpError, e.status, e.permanent, e.json().why]; } }`,
			mocks:  `[{"step":"http.request","status":404,"json":{"why":"gone"}}]`, state: run.Succeeded, status: 200, content: `[true,404,true,"gone"]`,
		},
		"network": {
			source: `import { http } from "junctor"; export default async () => { try { await http.get("erp", "/a"); } catch (e) { return [e.name, e.status, e.permanent, e.message]; } }`,
			mocks:  `[{"step":"http.request","error":"reset"}]`, state: run.Succeeded, status: 200, content: `["HttpError",0,false,"reset"]`,
		},
		"external": {
			source: `import { channel } from "junctor"; export default async () => (await channel.external.get("/a")).text()`,
			mocks:  `[{"step":"http.request","match":{"connection":"channel.external"},"text":"b"}]`, state: run.Succeeded, status: 200, content: `"b"`,
		},
		"kv may be mocked, and others of it work": {
			source: `import { kv } from "junctor"; export default async () => [await kv.get("a"), await kv.get("b")]`,
			mocks:  `[{"step":"kv.get","match":{"key":"a"},"value":7}]`, state: run.Succeeded, status: 200, content: `[7,null]`,
		},
		"kv has its limits": {
			source: `import { kv } from "junctor"; export default async () => { await kv.set("n", "x"); try { await kv.increment("n"); } catch (e) { return e.name; } }`,
			state:  run.Succeeded, status: 200, content: `"TypeError"`,
		},
	}
	files := map[string]string{}
	for name, test := range cases {
		files["scenarios/"+name+".ts"] = test.source
	}
	lab := open(t, files)
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			o := play(t, lab, name, trial.Input{}, test.mocks)
			content := string(o.JSON)
			if o.Text != nil {
				content = *o.Text
			}
			failure, permanent := "", false
			if o.Error != nil {
				failure, permanent = o.Error.Name+": "+o.Error.Message, o.Error.Permanent
			}
			if o.State != test.state || o.Status != test.status || content != test.content || failure != test.failure || permanent != test.permanent {
				t.Errorf("got %s %d %s, failure %q (permanent: %v)", o.State, o.Status, content, failure, permanent)
			}
		})
	}
}

const guarded = `
import { http, kv, Problem, respond, run, Unauthorized, type Request } from "junctor";
export async function validate(request: Request) {
  run.subject("validated");
  respond({ status: 299 });
  const seen = await kv.increment("seen");
  switch (request.header("x-try")) {
    case "false": return false;
    case "unauthorized": throw new Unauthorized("who");
    case "problem": throw new Problem({ status: 422, title: "wrong" });
    case "error": throw new RangeError("oh");
    case "http": await http.get("erp", "/"); break;
  }
  return true;
}
export default async function () { return kv.get("seen"); }`

func TestValidate(t *testing.T) {
	lab := open(t, map[string]string{"scenarios/x.ts": guarded})
	for name, test := range map[string]struct {
		state  run.State
		status int
	}{
		"good": {run.Succeeded, 200}, "false": {trial.Refused, 401}, "unauthorized": {trial.Refused, 401},
		"problem": {trial.Refused, 422}, "error": {run.Failed, 502}, "http": {run.Failed, 502},
	} {
		t.Run(name, func(t *testing.T) {
			in, found := trial.DecodeInput([]byte(`{"headers":{"X-Try":"` + name + `"}}`))
			if found != nil {
				t.Fatal(found)
			}
			data, _ := trial.DecodeInput([]byte(`{"value":1}`))
			err := lab.In(t.Context(), trial.Epoch, func(w *trial.World) error {
				r, err := w.Start(t.Context(), "x", in)
				if err != nil {
					return err
				}
				if err := r.Play(t.Context(), nil); err != nil {
					return err
				}
				o := r.Report()
				if o.State != test.state || o.Status != test.status || len(o.Steps) > 1 || o.Subject != "" {
					t.Errorf("got %s %d with %d steps, error %v", o.State, o.Status, len(o.Steps), o.Error)
				}
				// What validate wrote is kept with the run only.
				if r, err = w.Start(t.Context(), "x", data); err != nil {
					return err
				}
				err = r.Play(t.Context(), nil)
				want := ""
				if name == "good" {
					want = "1"
				}
				if got := string(r.Report().JSON); got != want {
					t.Errorf("seen is %q, want %q", got, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestRequestOfAChannel(t *testing.T) {
	lab := open(t, map[string]string{"scenarios/shop.ts": `
import type { Request } from "junctor";
export default (r: Request) => [r.channel, r.method, r.path, r.query, r.headers["x-many"], [...r.body], r.remoteAddress, r.mode, r.url];`})
	in, found := trial.DecodeInput([]byte(`{"method":"PUT","path":"/a b?q=1","query":{"n":[1,"2"]},"headers":{"X-Many":["a","b"]},"base64":"/wA=","remote_address":"10.0.0.1","mode":"test"}`))
	if found != nil {
		t.Fatal(found)
	}
	want := `[{"code":"eshop","type":"public","comment":"orders"},"PUT","/a b",{"q":"1","n":"1"},"a, b",[255,0],"10.0.0.1","test","http://localhost/api/token/v1/***/a%20b?q=1&n=1&n=2"]`
	if got := string(play(t, lab, "shop", in, "").JSON); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWrongInput(t *testing.T) {
	for text, want := range map[string]string{
		``:                        "is empty",
		`[]`:                      "must be an object",
		`{"methd":"GET"}`:         "did you mean",
		`{"json":1,"text":""}`:    "more than one content",
		`{"path":"a"}`:            "begins with /",
		`{"base64":"?"}`:          "is not base64",
		`{"headers":{"a":{}}}`:    "must be a text or a list of texts",
		`{"query":{"a":[true]}}`:  "must be a text or a list of texts",
		`{"headers":{"a":["\n"]`:  "is not JSON",
		`{"value":1,"json":{}}  `: "more than one content",
	} {
		_, found := trial.DecodeInput([]byte(text))
		if len(found) == 0 || !strings.Contains(found[0].Detail, want) {
			t.Errorf("%s: got %v, want %q", text, found, want)
		}
	}
}

func TestACancelledTrialEnds(t *testing.T) {
	lab := open(t, map[string]string{"scenarios/x.ts": `import { sleep } from "junctor"; export default async () => { for (;;) await sleep(1); }`})
	ctx, cancel := context.WithCancel(t.Context())
	err := lab.In(ctx, trial.Epoch, func(w *trial.World) error {
		r, err := w.Start(ctx, "x", trial.Input{})
		if err != nil {
			return err
		}
		cancel()
		return r.Play(ctx, nil)
	})
	if err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
}

func TestALabLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	lab, err := trial.Open(t.Context(), trial.Options{Handlers: func(func() time.Time) run.Handlers { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadDir(temporary)
	if err != nil || len(made) != 1 {
		t.Errorf("in the temporary folder: %v, %v", made, err)
	}
	if err := lab.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestALabThatCannotBeginLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	_, err := trial.Open(t.Context(), trial.Options{Module: "(", Handlers: func(func() time.Time) run.Handlers { return nil }})
	if err == nil {
		t.Error("a module that does not compile was taken")
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
