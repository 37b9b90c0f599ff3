package hub_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Whatever a scenario can reach of the module and of what it is handed, apart
// from the objects made for this very run, must be frozen: a run would leave
// traces for the next one otherwise.
func TestNothingOfTheModuleCanBeChanged(t *testing.T) {
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer sink.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  sink: { type: http, url: \"" + sink.URL + "\", allow_private: true }\n" +
			"channels:\n  walk: { type: public, scenario: walk, await: true }\n",
		"scenarios/walk.ts": `import * as junctor from "junctor";
export default async function (request: junctor.Request) {
  const response = await junctor.http.get("sink", "/");
  let error: any;
  try { await junctor.http.get("sink", "/bad"); } catch (e) { error = e; }
  const made = new Set<any>([request, response, error, globalThis, junctor]);
  const seen = new Set<any>(), open: string[] = [];
  function walk(o: any, path: string) {
    if ((typeof o !== "object" && typeof o !== "function") || o === null || seen.has(o)) return;
    seen.add(o);
    if (!made.has(o) && !Object.isFrozen(o)) open.push(path);
    walk(Object.getPrototypeOf(o), path + ".__proto__");
    if (o === request || o === response || o === error) return; // their own members belong to the run
    for (const key of Reflect.ownKeys(o)) {
      const d = Object.getOwnPropertyDescriptor(o, key)!;
      for (const part of ["value", "get", "set"] as const) walk((d as any)[part], path + "." + String(key));
    }
  }
  for (const [name, value] of Object.entries(junctor)) walk(value, "junctor." + name);
  walk(request, "request"); walk(response, "response"); walk(error, "error");
  walk(junctor.decimal("1.5"), "decimal"); walk(Object.getPrototypeOf(globalThis), "global");
  return { seen: seen.size, open };
}`,
	})
	resp, body := s.send("POST", "walk", "", "{}")
	if resp.StatusCode != 200 {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	var got struct {
		Seen int
		Open []string
	}
	decode(t, body, &got)
	if got.Seen < 1000 || len(got.Open) > 0 {
		t.Errorf("walked over %d objects; these can be changed: %q", got.Seen, got.Open)
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
