package hub_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The failure of a step names the line of the scenario that made the call.
func TestFailedStepNamesItsLine(t *testing.T) {
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	defer sink.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  sink: { type: http, url: \"" + sink.URL + "\", allow_private: true }\n" +
			"channels:\n  go: { type: public, scenario: go, await: true }\n",
		"scenarios/go.ts": `import { http } from "junctor";
async function fetchPrice() {
  const before = 1;
  return await http.get("sink", "/price"); // line 4
}
export default async function () {
  return (await fetchPrice()).status;
}`,
	})
	resp, _ := s.send("POST", "go", "", "{}")
	info := s.ended(resp.Header.Get("Junctor-Run"))
	if info.Error == nil || !strings.Contains(info.Error.Stack, "scenarios/go.ts:4:") {
		t.Errorf("the error does not name the line: %+v", info.Error)
	}
}
