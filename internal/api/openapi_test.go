package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type openAPI struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		Summary, OperationID string
		Parameters           []struct{ Name, In string }
		RequestBody          *struct {
			Required bool
			Content  map[string]any
		}
		Responses map[string]any
		Security  []map[string]any
	}
	Components struct{ Schemas map[string]any }
}

func TestTheDocumentHasEveryRoute(t *testing.T) {
	f := newFixture(t, nil)
	w := f.call(t, "GET", "/openapi.json", "")
	wantStatus(t, w, 200)
	doc := read[openAPI](t, w)
	if doc.OpenAPI != "3.1.0" || doc.Info.Title != "Junctor" || doc.Info.Version != "1.2.3" {
		t.Errorf("the document is %s %+v", doc.OpenAPI, doc.Info)
	}
	var want, got []string
	for _, r := range f.door.routes {
		want = append(want, r.method+" "+strings.ReplaceAll(r.pattern, "{$}", ""))
	}
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			got = append(got, strings.ToUpper(method)+" "+path)
			if op.Summary == "" || ids[op.OperationID] {
				t.Errorf("%s %s has the summary %q and the id %q", method, path, op.Summary, op.OperationID)
			}
			ids[op.OperationID] = true
			if n := len(op.Responses); n < 2 || n > 3 || op.Responses["default"] == nil {
				t.Errorf("%s %s has the responses %v", method, path, op.Responses)
			}
			if strings.HasPrefix(path, adm) != (len(op.Security) == 2) && (strings.HasPrefix(path, adm) || !strings.HasPrefix(path, v1+"/") && !strings.HasPrefix(path, "/docs")) {
				t.Errorf("%s %s wants %v", method, path, op.Security)
			}
			for _, p := range op.Parameters {
				if in := strings.Contains(path, "{"+p.Name+"}"); in != (p.In == "path") {
					t.Errorf("%s %s: parameter %+v", method, path, p)
				}
			}
			if n := strings.Count(path, "{"); n > len(op.Parameters) {
				t.Errorf("%s %s names %d parameters only", method, path, len(op.Parameters))
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryReferenceResolves(t *testing.T) {
	f := newFixture(t, nil)
	var doc map[string]any
	if err := json.Unmarshal(f.door.openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	references := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				references++
				var target any = doc
				for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
					target, _ = target.(map[string]any)[name].(map[string]any)
				}
				if target == nil || reflect.ValueOf(target).Len() == 0 {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(v[name])
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(doc)
	if references < 50 {
		t.Errorf("there are %d references only", references)
	}
}

// The schemas say what is sent: an answer has no member that its schema does
// not know, and every one that it requires.
func TestAnswersAreAsDescribed(t *testing.T) {
	f := newFixture(t, nil)
	doc := read[openAPI](t, f.call(t, "GET", "/openapi.json", ""))
	for component, target := range map[string]string{
		"PageOfRunInfo": "/api/v1/admin/runs", "PageOfAccessToken": "/api/v1/admin/tokens",
		"RunInfo": "/api/v1/admin/runs/run_0000", "PageOfRunNodeInfo": "/api/v1/admin/nodes", "Health": "/healthz",
	} {
		schema, ok := doc.Components.Schemas[component].(map[string]any)
		if !ok {
			t.Errorf("there is no %s among %v", component, slices.Sorted(maps.Keys(doc.Components.Schemas)))
			continue
		}
		answer := read[map[string]any](t, f.admin(t, "GET", target, ""))
		properties, _ := schema["properties"].(map[string]any)
		for name := range answer {
			if properties[name] == nil {
				t.Errorf("%s answers %q, of which %s does not know", target, name, component)
			}
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := answer[fmt.Sprint(name)]; !ok {
				t.Errorf("%s does not answer %q, which %s requires", target, name, component)
			}
		}
	}
}

// What a caller must send is what the strict reader demands, no more.
func TestWhatMustBeSent(t *testing.T) {
	doc := read[openAPI](t, newFixture(t, nil).call(t, "GET", "/openapi.json", ""))
	for component, want := range map[string]string{
		"Credentials": "[login password]", "NewToken": "[name]", "Actions": "[action filter]", "ScenarioBody": "<nil>",
		"RunFilter": "<nil>", "RunRerunOptions": "<nil>", "NewPassword": "<nil>", "Purge": "[older_than]",
	} {
		schema, _ := doc.Components.Schemas[component].(map[string]any)
		if got := fmt.Sprint(schema["required"]); schema == nil || got != want {
			t.Errorf("%s requires %s, want %s", component, got, want)
		}
	}
}
