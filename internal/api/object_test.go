package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/fault"
)

const shop = "/api/v1/admin/channels/shop"

func TestChannels(t *testing.T) {
	f := newFixture(t, nil)
	w := f.admin(t, "PUT", shop, `{"type":"public","scenario":"order"}`)
	wantStatus(t, w, 201)
	if w.Header().Get("ETag") != `"1"` || w.Header().Get("Location") != shop {
		t.Errorf("created with %v", w.Header())
	}
	w = f.admin(t, "GET", shop, "")
	wantStatus(t, w, 200)
	want := map[string]any{
		"type": "public", "scenario": "order", "code": "shop", "version": 1.0, "author": "admin (token ci)", "origin": "api",
		"changed_at": "2026-11-22T08:00:00Z", "token": "token-of-shop",
		"path": "/api/token/v1/token-of-shop", "websocket_path": "/ws/token/v1/token-of-shop",
	}
	if diff := cmp.Diff(want, read[map[string]any](t, w)); diff != "" {
		t.Error(diff)
	}
	wantStatus(t, f.admin(t, "GET", shop, "", `If-None-Match: "1"`), 304)
	wantStatus(t, f.admin(t, "DELETE", shop, "", `If-Match: "1"`), 204)
	wantProblem(t, f.admin(t, "GET", shop, ""), fault.NotFound)
	wantProblem(t, f.admin(t, "DELETE", shop, ""), fault.NotFound)
}

// What was got can be changed and put back; what Junctor gives cannot be
// changed on the way.
func TestWhatIsReadOnlyStays(t *testing.T) {
	f := newFixture(t, nil)
	wantStatus(t, f.admin(t, "PUT", shop, `{"scenario":"order"}`), 201)
	got := f.admin(t, "GET", shop, "").Body.String()
	w := f.admin(t, "PUT", shop, strings.Replace(got, `"order"`, `"invoice"`, 1))
	wantStatus(t, w, 200)
	stored := f.configuration.objects["channels/shop"]
	if string(stored.Body) != `{"scenario":"invoice"}` || stored.Version != 2 {
		t.Errorf("stored %+v", stored)
	}
	wantProblem(t, f.admin(t, "PUT", shop, `{"token":"mine","path":"/mine","websocket_path":"/mine","code":"other"}`),
		fault.Unprocessable, "/code", "/token", "/path", "/websocket_path")
	wantProblem(t, f.admin(t, "PUT", "/api/v1/admin/channels/new", `{"token":"mine"}`), fault.Unprocessable, "/token")
}

func TestConditions(t *testing.T) {
	f := newFixture(t, nil)
	wantProblem(t, f.admin(t, "PUT", shop, "{}", `If-Match: *`), fault.Stale)
	wantProblem(t, f.admin(t, "PUT", shop, "{}", `If-Match: "1"`), fault.Stale)
	wantStatus(t, f.admin(t, "PUT", shop, `{"scenario":"a"}`, `If-None-Match: *`), 201)
	wantStatus(t, f.admin(t, "PUT", shop, `{"scenario":"b"}`, `If-Match: "7", "1"`), 200)
	wantStatus(t, f.admin(t, "PUT", shop, `{"scenario":"c"}`, `If-Match: *`), 200)
	for _, c := range []struct{ method, body, condition string }{
		{"PUT", `{}`, `If-Match: "1"`},
		{"PUT", `{}`, `If-Match: W/"3"`},
		{"PUT", `{}`, `If-None-Match: *`},
		{"PUT", `{"version":2}`, `X-Nothing: 1`},
		{"DELETE", ``, `If-Match: "2"`},
	} {
		w := f.admin(t, c.method, shop, c.body, c.condition)
		wantProblem(t, w, fault.Stale)
		current := read[struct{ Current map[string]any }](t, w).Current
		if current["scenario"] != "c" || current["version"] != 3.0 || w.Header().Get("ETag") != `"3"` {
			t.Errorf("%+v shows %v with ETag %s", c, current, w.Header().Get("ETag"))
		}
	}
	wantProblem(t, f.admin(t, "PUT", shop, "{}", `If-None-Match: "1"`), fault.Invalid)
	wantProblem(t, f.admin(t, "PUT", shop, "{}", `If-None-Match: *`, `If-Match: *`), fault.Invalid)
	wantProblem(t, f.admin(t, "PUT", shop, "[]"), fault.Unprocessable, "")
}

func TestListsGoByPageAndFilter(t *testing.T) {
	f := newFixture(t, nil)
	for i := range 5 {
		body := fmt.Sprintf(`{"scenario":"s%d"}`, i%2)
		wantStatus(t, f.admin(t, "PUT", fmt.Sprintf("/api/v1/admin/channels/c%d", i), body), 201)
	}
	codes := func(query string) string {
		var all []string
		for after := ""; ; {
			p := read[page[map[string]any]](t, f.admin(t, "GET", "/api/v1/admin/channels?limit=2"+query+after, ""))
			for _, o := range p.Items {
				all = append(all, fmt.Sprint(o["code"]))
			}
			if all = append(all, "|"); p.Next == "" {
				return strings.Join(all, " ")
			}
			after = "&after=" + p.Next
		}
	}
	if got := codes(""); got != "c0 c1 | c2 c3 | c4 |" {
		t.Errorf("all: %s", got)
	}
	if got := codes("&scenario=s0"); got != "c0 c2 | c4 |" {
		t.Errorf("filtered: %s", got)
	}
	if got := codes("&type=eventing"); got != "|" {
		t.Errorf("none: %s", got)
	}
}

func TestSettings(t *testing.T) {
	f := newFixture(t, nil)
	const settings = "/api/v1/admin/settings"
	w := f.admin(t, "GET", settings, "")
	wantStatus(t, w, 200)
	if diff := cmp.Diff(map[string]any{"code": "default", "version": 0.0}, read[map[string]any](t, w)); diff != "" {
		t.Errorf("settings never set: %s", diff)
	}
	wantStatus(t, f.admin(t, "PUT", settings, `{"timezone":"Europe/Prague"}`, `If-Match: "0"`), 200)
	if got := read[map[string]any](t, f.admin(t, "GET", settings, "")); got["timezone"] != "Europe/Prague" || got["version"] != 1.0 {
		t.Errorf("settings are %v", got)
	}
	wantProblem(t, f.admin(t, "PUT", settings, `{}`, `If-Match: "0"`), fault.Stale)
}

func TestScenarios(t *testing.T) {
	f := newFixture(t, nil)
	const order = "/api/v1/admin/scenarios/order"
	source := func(text string) string { return `{"sources":{"scenarios/order.ts":"` + text + `"}}` }
	wantStatus(t, f.admin(t, "PUT", order, source("one"), `If-Match: "v1"`), 412)
	wantStatus(t, f.admin(t, "PUT", order, source("one")), 201)
	wantProblem(t, f.admin(t, "GET", order+"/diff", ""), fault.NotFound)
	w := f.admin(t, "PUT", order, source("two"), `If-Match: "v1"`)
	wantStatus(t, w, 200)
	if w.Header().Get("ETag") != `"v2"` {
		t.Errorf("ETag is %s", w.Header().Get("ETag"))
	}
	w = f.admin(t, "PUT", order, source("three"), `If-Match: "v1"`)
	wantProblem(t, w, fault.Stale)
	if current := read[struct{ Current Scenario }](t, w).Current; current.Version != "v2" || w.Header().Get("ETag") != `"v2"` {
		t.Errorf("the present one is shown as %+v", current)
	}
	wantProblem(t, f.admin(t, "PUT", order, source("syntax error")), fault.Unprocessable, "/sources/scenarios~1order.ts")
	if s := read[Scenario](t, f.admin(t, "GET", order, "")); s.Sources["scenarios/order.ts"] != "two" {
		t.Errorf("the present one is %+v", s)
	}
	if s := read[Scenario](t, f.admin(t, "GET", order+"?version=v1", "")); s.Sources["scenarios/order.ts"] != "one" {
		t.Errorf("the first is %+v", s)
	}
	if p := read[page[Scenario]](t, f.admin(t, "GET", order+"/versions", "")); len(p.Items) != 2 || p.Items[0].Version != "v2" {
		t.Errorf("the versions are %+v", p)
	}
	for _, query := range []string{"", "?from=v1", "?to=v2", "?from=v1&to=v2"} {
		w := f.admin(t, "GET", order+"/diff"+query, "")
		if got := w.Body.String(); !strings.Contains(got, "-one") || !strings.Contains(got, "+two") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/x-diff") {
			t.Errorf("the difference by %q is %q", query, got)
		}
	}
	wantProblem(t, f.admin(t, "GET", order+"/diff?from=v7", ""), fault.NotFound)
	if p := read[page[Scenario]](t, f.admin(t, "GET", "/api/v1/admin/scenarios", "")); len(p.Items) != 1 || p.Items[0].Version != "v2" || p.Items[0].Sources != nil {
		t.Errorf("the list is %+v", p)
	}
	wantStatus(t, f.admin(t, "DELETE", order, "", `If-Match: *`), 204)
	wantProblem(t, f.admin(t, "GET", order, ""), fault.NotFound)
}

// What was got can be changed and put back, and an earlier version be taken up
// again.
func TestScenariosGoRound(t *testing.T) {
	f := newFixture(t, nil)
	const order = "/api/v1/admin/scenarios/order"
	wantStatus(t, f.admin(t, "PUT", order, `{"sources":{"scenarios/order.ts":"one"}}`), 201)
	got := f.admin(t, "GET", order, "").Body.String()
	wantStatus(t, f.admin(t, "PUT", order, strings.Replace(got, "one", "two", 1)), 200)
	wantProblem(t, f.admin(t, "PUT", order, strings.Replace(got, "one", "three", 1)), fault.Stale)
	w := f.admin(t, "PUT", order, `{"version":"v1"}`)
	wantStatus(t, w, 200)
	if s := read[Scenario](t, w); s.Version != "v1" || s.Sources["scenarios/order.ts"] != "one" {
		t.Errorf("went back to %+v", s)
	}
	wantProblem(t, f.admin(t, "PUT", order, `{"version":"v9"}`), fault.NotFound)
}

func TestConfiguration(t *testing.T) {
	f := newFixture(t, nil)
	const path = "/api/v1/admin/configuration"
	big := `{"scenarios":"` + strings.Repeat("x", 2*bodyLimit) + `"}`
	wantStatus(t, f.admin(t, "POST", path+"/plan?prune=true", big), 200)
	if want := (ChangeOptions{Author: "admin (token ci)", Prune: true}); f.configuration.options != want {
		t.Errorf("planned with %+v", f.configuration.options)
	}
	w := f.admin(t, "POST", path+"/apply", big)
	wantStatus(t, w, 200)
	if string(f.configuration.set) != big || f.configuration.options.Prune {
		t.Errorf("applied with %+v", f.configuration.options)
	}
	if r := read[map[string]json.RawMessage](t, w); string(r["changes"]) != "[]" || string(r["channels"]) != "[]" {
		t.Errorf("answered %s", w.Body)
	}
	wantProblem(t, f.admin(t, "POST", path+"/apply", `{"mistake":1}`), fault.Unprocessable, "/channels/shop/scenario")
	wantProblem(t, f.admin(t, "POST", path+"/apply", ``), fault.Invalid, "")
	wantStatus(t, f.admin(t, "GET", path, ""), 200)
}
