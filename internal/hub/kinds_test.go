package hub_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"junctor/internal/run"
)

var brokerage = map[string]string{
	"junctor.yaml": `classes:
  orders: { key: number, columns: { number: text!, total: "decimal(12,2)" } }
functions:
  placeOrder: { scenario: place }
  cancelOrder: { scenario: place }
roles:
  shop: { functions: [placeOrder] }
  nothing: {}
applications:
  eshop: { password: open sesame, roles: [shop] }
  other: { password: open sesame, roles: [shop] }
  blind: { password: open sesame, roles: [nothing] }
`,
	"scenarios/place.ts": `import type { Request } from "junctor";
export default async (request: Request) => ({ by: request.account?.login, kind: request.account?.kind, got: request.params });`,
}

// as calls by Basic with the password that all applications here have.
func (s *site) as(login, method, path, body string, header ...string) (*http.Response, string) {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(login, "open sesame")
	return s.call(method, path, body, append(header, "Authorization", r.Header.Get("Authorization"))...)
}

// What a role does not name cannot be called, whether it is there or not, and a run
// is there for who has started it.
func TestFunctionsByRole(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { functionsByRole(t, "") })
	t.Run("postgres", func(t *testing.T) { functionsByRole(t, database(t)) })
}

func functionsByRole(t *testing.T, database string) {
	t.Helper()
	s := serveOn(t, database, brokerage)
	resp, body := s.as("eshop", "POST", "/api/v1/functions/placeOrder", `{"a":1}`, "Idempotency-Key", "k")
	if resp.StatusCode != 200 || body != `{"by":"eshop","kind":"application","got":{"a":1}}` {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	own := "/api/v1/runs/" + resp.Header.Get("Junctor-Run")
	for _, c := range []struct {
		login, method, path string
		status              int
	}{
		{"eshop", "POST", "/api/v1/functions/cancelOrder", 403},
		{"eshop", "POST", "/api/v1/functions/nothing", 403},
		{"blind", "POST", "/api/v1/functions/placeOrder", 403},
		{"eshop", "GET", own, 200},
		{"other", "GET", own, 404},
		{"blind", "GET", own, 404},
		{"admin", "GET", own, 401}, // with another's password
		{"eshop", "GET", "/api/v1/admin/functions", 403},
	} {
		if resp, body := s.as(c.login, c.method, c.path, ""); resp.StatusCode != c.status {
			t.Errorf("%s %s %s: %d %s", c.login, c.method, c.path, resp.StatusCode, body)
		}
	}
	// Another account's key is another key.
	resp, body = s.as("other", "POST", "/api/v1/functions/placeOrder", `{"a":2}`, "Idempotency-Key", "k")
	if resp.StatusCode != 200 || !strings.Contains(body, `"by":"other"`) || resp.Header.Get("Junctor-Duplicate") != "" {
		t.Errorf("the same key of another account: %d %s", resp.StatusCode, body)
	}
	if resp, _ := s.as("eshop", "POST", "/api/v1/functions/placeOrder", `{"a":1}`, "Idempotency-Key", "k"); resp.Header.Get("Junctor-Duplicate") != "true" {
		t.Errorf("the same key of the same account: %d %v", resp.StatusCode, resp.Header)
	}
	// A role's change holds at once.
	if resp, body := s.call("PUT", "/api/v1/admin/roles/shop", `{"functions":["cancelOrder"]}`); resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := s.as("eshop", "POST", "/api/v1/functions/placeOrder", ""); resp.StatusCode != 403 {
		t.Errorf("what the role has lost: %d", resp.StatusCode)
	}
	if resp, _ := s.as("eshop", "POST", "/api/v1/functions/cancelOrder", ""); resp.StatusCode != 200 {
		t.Errorf("what the role has gained: %d", resp.StatusCode)
	}
}

// The admin API has the nouns that junctor.yaml has, with versions.
func TestNounsOfTheConfiguration(t *testing.T) {
	s := serve(t, brokerage)
	for noun, body := range map[string]string{
		"classes/customers": `{"key":"code","columns":{"code":"text!","name":"text"}}`, "functions/f": `{"scenario":"place"}`,
		"units/company": `{"label":"Company"}`, "roles/clerk": `{"classes":{"orders":{"read":"total gt 5"}}}`,
		"applications/crm": `{"password":"open sesame","roles":["shop"]}`, "accounts/eve": `{"password":"open sesame"}`,
	} {
		path := "/api/v1/admin/" + noun
		resp, answer := s.call("PUT", path, body, "If-None-Match", "*")
		if resp.StatusCode != 201 || resp.Header.Get("ETag") != `"1"` || resp.Header.Get("Location") != path || strings.Contains(answer, "sesame") {
			t.Errorf("PUT %s: %d %v %s", noun, resp.StatusCode, resp.Header, answer)
		}
		resp, answer = s.call("GET", path, "")
		if resp.StatusCode != 200 || resp.Header.Get("ETag") != `"1"` || strings.Contains(answer, "sesame") {
			t.Errorf("GET %s: %d %s", noun, resp.StatusCode, answer)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(answer), &got); err != nil || got["version"] != 1.0 || got["origin"] != "api" {
			t.Errorf("GET %s: %s", noun, answer)
		}
		if resp, _ := s.call("PUT", path, answer); resp.StatusCode != 200 || resp.Header.Get("ETag") != `"1"` {
			t.Errorf("PUT %s of what was got: %d %v", noun, resp.StatusCode, resp.Header)
		}
		if resp, answer := s.call("PUT", path, body, "If-Match", `"9"`); resp.StatusCode != 412 || !strings.Contains(answer, `"current"`) {
			t.Errorf("a stale PUT %s: %d %s", noun, resp.StatusCode, answer)
		}
		if resp, answer := s.call("PUT", path, `{"unknown":1}`); resp.StatusCode != 422 || !strings.Contains(answer, `"/unknown"`) {
			t.Errorf("PUT %s of nonsense: %d %s", noun, resp.StatusCode, answer)
		}
		kind, code, _ := strings.Cut(noun, "/")
		if resp, answer := s.call("GET", "/api/v1/admin/"+kind, ""); resp.StatusCode != 200 || !strings.Contains(answer, `"`+code+`"`) {
			t.Errorf("GET %s: %d %s", kind, resp.StatusCode, answer)
		}
		if resp, answer := s.call("DELETE", path, "", "If-Match", `"1"`); resp.StatusCode != 204 {
			t.Errorf("DELETE %s: %d %s", noun, resp.StatusCode, answer)
		}
		if resp, _ := s.call("GET", path, ""); resp.StatusCode != 404 {
			t.Errorf("GET %s when it is gone: %d", noun, resp.StatusCode)
		}
	}
}

// A class with records is changed by a run that can be seen, and loses nothing by
// mistake.
func TestClassesWithRecords(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { classesWithRecords(t, "") })
	t.Run("postgres", func(t *testing.T) { classesWithRecords(t, database(t)) })
}

func classesWithRecords(t *testing.T, database string) {
	t.Helper()
	s := serveOn(t, database, brokerage)
	const orders = "/api/v1/admin/classes/orders"
	fill(t, s, database)
	for _, c := range []struct{ method, path, body string }{
		{"PUT", orders, `{"key":"number","columns":{"number":"text!"}}`},
		{"DELETE", orders, ""},
	} {
		resp, body := s.call(c.method, c.path, c.body)
		if resp.StatusCode != 409 || !strings.Contains(body, "--allow-drop") {
			t.Errorf("%s %s: %d %s", c.method, c.body, resp.StatusCode, body)
		}
	}
	resp, body := s.call("PUT", orders, `{"key":"number","columns":{"number":"text!","total":"text"}}`)
	if resp.StatusCode != 200 {
		t.Fatalf("another type: %d %s", resp.StatusCode, body)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		list, _, err := s.hub.Runs().List(t.Context(), run.Filter{Program: "table", Subject: "orders"})
		if err == nil && len(list) == 1 && list[0].State == run.Succeeded {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run that changes the table: %+v %v", list, err)
		}
		<-time.After(5 * time.Millisecond)
	}
	if resp, body := s.call("DELETE", orders+"?allow_drop=true", ""); resp.StatusCode != 204 {
		t.Errorf("dropped: %d %s", resp.StatusCode, body)
	}
}

// fill writes a record as a foreign program does.
func fill(t *testing.T, s *site, database string) {
	t.Helper()
	const insert = `INSERT INTO class_orders (id, number, total) VALUES ('rec_1', 'A1', `
	if database == "" {
		d, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(s.data, "junctor.db"))+"?_pragma=busy_timeout(10000)")
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, err := d.ExecContext(t.Context(), insert+`1050)`); err != nil { // cents
			t.Fatal(err)
		}
		return
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // what matters is what Exec says
	if _, err := conn.Exec(t.Context(), strings.Replace(insert, "class_orders", "junctor_default.class_orders", 1)+`10.50)`); err != nil {
		t.Fatal(err)
	}
}
