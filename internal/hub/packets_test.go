package hub_test

import (
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// crm is a system outside, which packets ask.
func crm(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/notes/C1":
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`[{"text":"calls on Mondays","limit":` + r.URL.Query().Get("limit") + `}]`)) //nolint:errcheck // a test's
		case r.URL.Path == "/plain":
			w.Write([]byte("hello")) //nolint:errcheck // a test's
		case r.URL.EscapedPath() == "/notes/a%2Fb":
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`"escaped"`)) //nolint:errcheck // a test's
		case r.URL.Path == "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func cards(outside string) map[string]string {
	return map[string]string{
		"junctor.yaml": `classes:
  customers: { key: code, columns: { code: text!, name: text, owner: text, margin: "decimal(12,2)" } }
  orders:
    key: number
    columns: { number: text!, customer: ref(customers), total: "decimal(12,2)", received: date, state: "enum(new,sent,done)" }
  lines: { key: [order, item], columns: { order: ref(orders), item: text!, qty: integer } }
connections:
  crm: { type: http, url: "` + outside + `", allow_private: true }
functions:
  rating: { scenario: rating }
packets:
  customer_card:
    comment: all about one customer
    params: { code: text!, since: date, states: "text[]", limit: { type: integer, default: 5, max: 10 } }
    parts:
      customer: { class: customers, filter: "code eq @code", one: true }
      orders:
        class: orders
        filter: "customer/code eq @code and (@since eq null or received ge @since)"
        orderby: "received desc"
        top: 20
        select: [id, number, total]
        parts:
          lines: { class: lines, filter: "order_id eq @parent.id", select: "item,qty", orderby: item }
      picked: { class: orders, filter: "state in @states", select: number, orderby: number }
      outside:
        parts:
          rating: { function: rating, params: { code: "@code", weights: [1, 2], mail: "@@x", limit: "@limit" } }
          notes: { connection: crm, path: "/notes/{code}", params: { limit: "@limit" } }
  list: { parts: { orders: { class: orders, select: [number, total], orderby: number, expand: customer } } }
  flat: { parts: { customers: { class: customers, select: [code, name], orderby: code } } }
  own: { parts: { customers: { class: customers, filter: "owner eq @account.login", select: [code, margin] } } }
  plain: { parts: { text: { connection: crm, path: /plain }, none: { connection: crm, path: /nothing } } }
  broken: { parts: { notes: { connection: crm, path: /broken } } }
  patient: { parts: { notes: { connection: crm, path: /broken, optional: true }, rating: { function: rating, optional: true } } }
  failing: { parts: { rating: { function: rating, params: { code: broken } } } }
roles:
  sales:
    classes:
      customers: { read: "owner eq @account.login", hide: [margin] }
      orders: { read: true }
      lines: { read: true }
    functions: [rating]
    packets: [customer_card, list, flat, own]
  clerk:
    classes: { customers: { read: true } }
    packets: [list, flat]
applications:
  anna: { password: open sesame, roles: [sales] }
  carl: { password: open sesame, roles: [clerk] }
`,
		"scenarios/rating.ts": `import type { Request } from "junctor";
export const params = { type: "object", required: ["code"], properties: { code: { type: "string" } } } as const;
export default async (request: Request<any>) => {
  if (request.params.code === "broken") throw new Error("no");
  return { ...request.params, by: request.account?.login };
};`,
		"scenarios/ask.ts": `import { packets } from "junctor";
export default async () => {
  const card = await packets("customer_card", { code: "C1", limit: 3, states: ["new"] });
  let refused = "";
  try { await packets("nothing"); } catch (e) { refused = (e as Error).message; }
  return { name: card.customer.name, margin: card.customer.margin, limit: card.outside.rating.limit, refused };
};`,
	}
}

// fill writes what the tests of packets read, as a foreign program does.
func (s *site) fill(database string) {
	s.t.Helper()
	amount, schema := "1010", ""
	if database != "" {
		amount, schema = "10.10", "junctor_default."
	}
	for _, statement := range []string{
		`class_customers (id, code, name, owner, margin) VALUES ('c1', 'C1', '=Cora & <sons>', 'anna', ` + amount + `), ('c2', 'C2', 'Dora', 'carl', NULL)`,
		`class_orders (id, number, customer_id, total, received, state) VALUES ('o1', 'N1', 'c1', ` + amount + `, '2026-01-01', 'new'),
			('o2', 'N2', 'c1', ` + amount + `, '2026-06-01', 'done'), ('o3', 'N3', 'c2', NULL, '2026-06-01', 'sent')`,
		`class_lines (id, order_id, item, qty) VALUES ('l1', 'o1', 'b', 2), ('l2', 'o1', 'a', 1)`,
	} {
		s.execute(database, `INSERT INTO `+schema+statement)
	}
}

// execute is one statement of a foreign program.
func (s *site) execute(database, statement string) {
	s.t.Helper()
	if database == "" {
		d, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(s.data, "junctor.db"))+"?_pragma=busy_timeout(10000)")
		if err != nil {
			s.t.Fatal(err)
		}
		defer d.Close()
		if _, err := d.ExecContext(s.t.Context(), statement); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	conn, err := pgx.Connect(s.t.Context(), database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // what matters is what Exec says
	if _, err := conn.Exec(s.t.Context(), statement); err != nil {
		s.t.Fatal(err)
	}
}

func TestPackets(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, cards(crm(t)))
		s.fill(database)
		const card = "/api/v1/packets/customer_card"
		answer := s.wantCall(200, "GET", card+"?code=C1&states=new&states=sent", "", "anna:open sesame")
		without := func(text string, cut ...string) string {
			for _, c := range cut {
				text = strings.ReplaceAll(text, c, "")
			}
			return text
		}
		answer = without(answer, `"id":"c1","version":1,`, `"created_by":"test",`, `"modified_by":"test",`)
		for _, want := range []string{
			`"customer":{`, `"name":"=Cora & <sons>","owner":"anna"`,
			`"orders":[{"id":"o2","number":"N2","total":10.10,"lines":[]},{"id":"o1","number":"N1","total":10.10,"lines":[{"item":"a","qty":1},{"item":"b","qty":2}]}]`,
			`"picked":[{"number":"N1"},{"number":"N3"}]`,
			`"outside":{"notes":[{"text":"calls on Mondays","limit":5}],"rating":{"code":"C1","limit":5,"mail":"@x","weights":[1,2],"by":"anna"}}`,
		} {
			if !strings.Contains(answer, want) {
				t.Errorf("the card has no %s: %s", want, answer)
			}
		}
		if strings.Contains(answer, "margin") {
			t.Errorf("the hidden column is there: %s", answer)
		}
		s.wantCall(200, "GET", card+"?code=C1", "", admin)
		for _, c := range []struct{ path, want string }{
			{card + "?code=C1&since=2026-03-01", `"orders":[{"id":"o2"`},
			{card + "?code=C2", `"customer":null`}, // another's: the row is not there
			{card + "?code=none", `"notes":null`},
			{card + "?code=a%2Fb", `"notes":"escaped"`},
			{"/api/v1/packets/own", `{"customers":[{"code":"C1"}]}`},
			{"/api/v1/packets/list", `{"orders":[{"number":"N1","total":10.10,"customer":{`},
		} {
			if got := s.wantCall(200, "GET", c.path, "", "anna:open sesame"); !strings.Contains(got, c.want) {
				t.Errorf("%s: %s", c.path, got)
			}
		}
		if got := s.wantCall(200, "GET", "/api/v1/packets/plain", "", admin); got != `{"none":null,"text":"hello"}` {
			t.Errorf("content that is no JSON: %s", got)
		}
		if got := s.wantCall(200, "GET", "/api/v1/packets/patient", "", admin); got != `{"notes":null,"rating":null}` {
			t.Errorf("optional parts: %s", got)
		}
		s.packetsRefuse(card)
		s.packetForms()
	})
}

func (s *site) packetsRefuse(card string) {
	s.t.Helper()
	for _, c := range []struct {
		path, who string
		status    int
		pointer   string
	}{
		{card, "anna", 422, "/code"},
		{card + "?code=C1&code=C2", "anna", 422, "/code"},
		{card + "?code=C1&since=yesterday", "anna", 422, "/since"},
		{card + "?code=C1&limit=11", "anna", 422, "/limit"},
		{card + "?code=C1&limt=1", "anna", 422, "/limt"},
		{card + "?code=%zz", "anna", 400, ""},
		{card + "?code=..", "anna", 422, ""},
		{card + "?code=C1", "carl", 403, ""},
		{"/api/v1/packets/nothing", "carl", 403, ""},
		{"/api/v1/packets/list", "carl", 403, ""}, // no right for its class
		{"/api/v1/packets/flat", "carl", 200, ""},
	} {
		resp, body := s.as(c.who, "GET", c.path, "")
		if resp.StatusCode != c.status || !strings.Contains(body, c.pointer) {
			s.t.Errorf("%s as %s: %d %s", c.path, c.who, resp.StatusCode, body)
		}
	}
	s.wantCall(404, "GET", "/api/v1/packets/nothing", "", admin)
	s.wantCall(405, "POST", "/api/v1/packets/flat", "{}", admin)
	s.wantCall(401, "GET", "/api/v1/packets/flat", "", "")
	if got := s.wantCall(503, "GET", "/api/v1/packets/broken", "", admin); !strings.Contains(got, "crm") {
		s.t.Errorf("a source that fails: %s", got)
	}
	if got := s.wantCall(502, "GET", "/api/v1/packets/failing", "", admin); !strings.Contains(got, `"run":"run_`) || strings.Contains(got, "no\"") {
		s.t.Errorf("a function that fails: %s", got)
	}
}

func (s *site) packetForms() {
	s.t.Helper()
	for _, c := range []struct {
		path, accept string
		status       int
		want         string
	}{
		{"flat", "text/csv", 200, "code,name\r\nC1,'=Cora & <sons>\r\n"},
		{"flat", "application/xml", 200, "<customers><code>C1</code><name>=Cora &amp; &lt;sons&gt;</name></customers>"},
		{"customer_card?code=C1", "text/csv", 406, "not-acceptable"},
		{"customer_card?code=C1", "application/xml", 200, "<lines><item>a</item><qty>1</qty></lines>"},
		{"flat", "image/png", 406, "not-acceptable"},
	} {
		resp, body := s.as("anna", "GET", "/api/v1/packets/"+c.path, "", "Accept", c.accept)
		if resp.StatusCode != c.status || !strings.Contains(body, c.want) {
			s.t.Errorf("%s as %s: %d %s", c.path, c.accept, resp.StatusCode, body)
		}
	}
}

func TestPacketsInScenarios(t *testing.T) {
	files := cards(crm(t))
	files["junctor.yaml"] = strings.Replace(files["junctor.yaml"], "  rating: {", "  ask: { scenario: ask }\n  rating: {", 1)
	s := serve(t, files)
	s.fill("")
	want := `{"name":"=Cora & <sons>","margin":10.1,"limit":3,"refused":"There is no packet \"nothing\"."}`
	if got := s.wantCall(200, "POST", "/api/v1/functions/ask", "{}", admin); got != want {
		t.Error(got)
	}
}

// Everything that is wrong with a packet is said where it stands.
func TestPacketsThatCannotBe(t *testing.T) {
	s := serve(t, cards("https://crm.example.com"))
	for body, want := range map[string]string{
		`{}`:                 "/parts",
		`{"parts":{}}`:       "/parts",
		`{"parts":{"a":{}}}`: "/parts/a",
		`{"parts":{"a":{"class":"orders","query":"q"}}}`:                                      "/parts/a",
		`{"parts":{"a":{"class":"order"}}}`:                                                   `/parts/a/class`,
		`{"parts":{"a":{"class":"orders","fitler":"x"}}}`:                                     "/parts/a/fitler",
		`{"parts":{"a":{"class":"orders","filter":"x"}}}`:                                     "/parts/a/filter",
		`{"parts":{"a":{"class":"orders","filter":"total eq"}}}`:                              "/parts/a/filter",
		`{"parts":{"a":{"class":"orders","filter":"number eq @n"}}}`:                          "/parts/a/filter",
		`{"parts":{"a":{"class":"orders","filter":"number eq @parent.id"}}}`:                  "/parts/a/filter",
		`{"params":{"n":"integer"},"parts":{"a":{"class":"orders","filter":"number eq @n"}}}`: "/parts/a/filter",
		`{"params":{"n":"ref(orders)"},"parts":{"a":{"class":"orders"}}}`:                     "/params/n",
		`{"params":{"a b":"text"},"parts":{"a":{"class":"orders"}}}`:                          "/params/a b",
		`{"parts":{"a":{"class":"orders","orderby":"totl"}}}`:                                 "/parts/a/orderby",
		`{"parts":{"a":{"class":"orders","select":["totl"]}}}`:                                "/parts/a/select",
		`{"parts":{"a":{"class":"orders","expand":["total"]}}}`:                               "/parts/a/expand",
		`{"parts":{"a":{"class":"orders","top":0}}}`:                                          "/parts/a/top",
		`{"parts":{"a":{"class":"orders","top":5,"one":true}}}`:                               "/parts/a/top",
		`{"parts":{"a":{"class":"orders","path":"/x"}}}`:                                      "/parts/a/path",
		`{"parts":{"a":{"function":"rating","params":{"x":"@y"}}}}`:                           "/parts/a/params/x",
		`{"parts":{"a":{"function":"rating","parts":{"b":{"class":"orders"}}}}}`:              "/parts/a/parts",
		`{"parts":{"a":{"connection":"crm","path":"/{y}"}}}`:                                  "/parts/a/path",
		`{"parts":{"a":{"class":"orders","parts":{"total":{"class":"lines"}}}}}`:              "/parts/a/parts/total",
		`{"parts":{"a":{"query":"none"}}}`:                                                    "/parts/a/query",
	} {
		resp, answer := s.call("PUT", "/api/v1/admin/packets/p", body)
		if p := s.problem(resp, answer); resp.StatusCode != 422 || !pointed(p, want) {
			t.Errorf("%s: %d %s", body, resp.StatusCode, answer)
		}
	}
	for _, noun := range []string{"classes/lines", "functions/rating", "connections/crm"} {
		s.wantCall(409, "DELETE", "/api/v1/admin/"+noun, "", admin)
	}
	s.wantCall(201, "PUT", "/api/v1/admin/packets/p", `{"parts":{"a":{"class":"orders"}}}`, admin)
	s.wantCall(422, "PUT", "/api/v1/admin/roles/r", `{"packets":["q"]}`, admin)
	s.wantCall(201, "PUT", "/api/v1/admin/roles/r", `{"packets":["p"]}`, admin)
	s.wantCall(409, "DELETE", "/api/v1/admin/packets/p", "", admin)
}

func pointed(p problem, pointer string) bool {
	return slices.ContainsFunc(p.Errors, func(f map[string]string) bool { return f["pointer"] == pointer })
}
