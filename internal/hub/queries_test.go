package hub_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func reports() map[string]string {
	files := cards("https://crm.example.com")
	files["junctor.yaml"] = `queries:
  totals:
    comment: what each customer has ordered
    params: { since: date, least: { type: "decimal(12,2)", default: 0 } }
    sql: |
      -- 'total' of it all; :nothing
      SELECT o.customer AS customer, count(*) AS orders, max(o.total) AS total, max(o.received) AS received
      FROM api_orders AS o
      WHERE (:since IS NULL OR o.received >= :since) AND (o.total IS NULL OR o.total >= :least)
      GROUP BY o.customer;
    columns: { received: date, orders: integer }
  mine: { sql: "SELECT code, name FROM api_customers WHERE owner = :account_login" }
  kinds: { sql: "SELECT CAST(1 AS INTEGER) AS counted, CAST('x' AS TEXT) AS word, number, total, received, created_at, state, customer_id FROM api_orders" }
packets:
  report:
    params: { since: date, name: text }
    parts:
      totals:
        query: totals
        params: { since: "@since" }
        filter: "orders ge 1 and contains(customer,'C')"
        orderby: "orders desc,customer"
        top: 5
        select: [customer, orders, total]
        parts:
          orders_of: { class: orders, filter: "customer/code eq @parent.customer", select: number, orderby: number }
      first: { query: totals, orderby: customer, select: customer, one: true }
  table: { parts: { kinds: { query: kinds, orderby: number } } }
  mine: { parts: { mine: { query: mine } } }
` + strings.Replace(files["junctor.yaml"], "packets:\n", "", 1)
	// the packets of both stand under one key
	top, rest, _ := strings.Cut(files["junctor.yaml"], "classes:\n  customers:")
	classes, others, _ := strings.Cut(rest, "  customer_card:\n    comment")
	_, roles, _ := strings.Cut(others, "roles:\n")
	files["junctor.yaml"] = top + "classes:\n  customers:" + classes + "roles:\n" + strings.Replace(roles, "packets: [list, flat]", "packets: [report, mine]\n    queries: [mine]", 1)
	files["junctor.yaml"] = strings.Replace(files["junctor.yaml"], "packets: [customer_card, list, flat, own, guess, sorted, inner, blank]", "packets: [report, mine, table]\n    queries: [\"*\"]", 1)
	return files
}

func TestStoredQueries(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, reports())
		s.fill(database)
		const report = "/api/v1/packets/report"
		want := `{"first":{"customer":"C1"},"totals":[` +
			`{"customer":"C1","orders":2,"total":10.10,"orders_of":[{"number":"N1"},{"number":"N2"}]},{"customer":"C2","orders":1,"total":null,"orders_of":[]}]}` // what the rights of a class leave out a query shows
		if got := s.wantCall(200, "GET", report, "", "anna:open sesame"); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		got := s.wantCall(200, "GET", report+"?since=2026-03-01", "", "anna:open sesame")
		if !strings.Contains(got, `{"customer":"C1","orders":1,"total":10.10,"orders_of"`) {
			t.Errorf("with a parameter: %s", got)
		}
		s.wantCall(403, "GET", report, "", "carl:open sesame")
		if got := s.wantCall(200, "GET", "/api/v1/packets/mine", "", "carl:open sesame"); got != `{"mine":[{"code":"C2","name":"Dora"}]}` {
			t.Errorf("the caller's own: %s", got)
		}
		var table struct {
			Kinds []struct {
				Number, Received, State string
				Total                   json.Number
				CreatedAt               string `json:"created_at"`
				CustomerID              string `json:"customer_id"`
			}
		}
		got = s.wantCall(200, "GET", "/api/v1/packets/table", "", admin)
		if err := json.Unmarshal([]byte(got), &table); err != nil || len(table.Kinds) != 3 {
			t.Fatalf("%v %s", err, got)
		}
		row := table.Kinds[0]
		if row.Number != "N1" || row.Total != "10.10" || row.Received != "2026-01-01" || row.State != "new" || row.CustomerID != "c1" || !strings.HasSuffix(row.CreatedAt, "Z") {
			t.Errorf("the types are not those of the class: %s", got)
		}
		resp, text := s.call("GET", "/api/v1/packets/mine", "", "Accept", "text/csv")
		if resp.StatusCode != 200 || text != "" && text != "code,name\r\n" {
			t.Errorf("nothing as CSV: %d %q", resp.StatusCode, text)
		}
		exported := s.wantCall(200, "GET", "/api/v1/admin/configuration", "", admin)
		if plan := s.wantCall(200, "POST", "/api/v1/admin/configuration/plan", exported, admin); !strings.Contains(plan, `"changes":[]`) {
			t.Errorf("what was exported is something else: %s", plan)
		}
		s.queriesRefused(database)
		s.wantCall(409, "DELETE", "/api/v1/admin/queries/totals", "", admin)
		s.wantCall(409, "DELETE", "/api/v1/admin/packets/report", "", admin) // a role names it
		s.wantCall(200, "GET", "/api/v1/admin/queries/totals", "", admin)
		s.wantCall(201, "PUT", "/api/v1/admin/queries/more", `{"sql":"SELECT 1 AS one"}`, admin)
		if got := s.wantCall(200, "GET", "/api/v1/admin/queries", "", admin); strings.Count(got, `"code"`) != 4 {
			t.Errorf("the list: %s", got)
		}
		s.wantCall(204, "DELETE", "/api/v1/admin/queries/more", "", admin)
		// A class cannot lose a column that a query reads.
		s.wantCall(201, "PUT", "/api/v1/admin/classes/parcels", `{"columns":{"code":"text","weight":"integer"}}`, admin)
		s.wantCall(201, "PUT", "/api/v1/admin/queries/heavy", `{"sql":"SELECT code FROM api_parcels WHERE weight > 9"}`, admin)
		got = s.wantCall(422, "PUT", "/api/v1/admin/classes/parcels?allow_drop=true", `{"columns":{"code":"text"}}`, admin)
		if !strings.Contains(got, "heavy") || !strings.Contains(got, "weight") {
			t.Errorf("a column that a query reads goes: %s", got)
		}
		s.wantCall(409, "DELETE", "/api/v1/admin/classes/parcels?allow_drop=true", "", admin)
		s.wantCall(200, "GET", "/api/v1/packets/mine", "", "carl:open sesame")
	})
}

// What does more than read the classes is refused by the database itself, before
// anything is stored.
// A plan says of stored queries what apply would, of the tables that there will be
// too, and leaves nothing.
func TestPlanAsksTheDatabase(t *testing.T) {
	const files = `classes: { orders: { columns: { number: text, total: integer } } }
queries: { totals: { sql: "SELECT total FROM api_orders" } }
`
	const orders = `"orders":{"columns":{"number":"text","total":"integer"}}`
	const totals = `"totals":{"sql":"SELECT total FROM api_orders"}`
	eachDatabase(t, map[string]string{"junctor.yaml": files}, func(s *site) {
		for _, c := range []struct {
			set     string
			status  int
			pointer string
		}{
			{`{"classes":{` + orders + `},"queries":{"totals":{"sql":"SELEC total FROM api_orders"}}}`, 422, "/queries/totals/sql"},
			{`{"classes":{` + orders + `},"queries":{` + totals + `,"none":{"sql":"SELECT nothing FROM api_orders"}}}`, 422, "/queries/none/sql"},
			{`{"classes":{` + orders + `},"queries":{"totals":{"sql":"SELECT login AS total FROM accounts"}}}`, 422, "/queries/totals/sql"},
			{`{"classes":{"orders":{"columns":{"number":"text"}}},"queries":{` + totals + `}}`, 422, "/queries/totals/sql"},
			{`{"classes":{` + orders + `,"more":{"columns":{"a":"text"}}},"queries":{` + totals + `,"mores":{"sql":"SELECT a, b FROM api_more"}}}`, 422, "/queries/mores/sql"},
			{`{"classes":{` + orders + `,"more":{"columns":{"a":"text"}}},"queries":{` + totals + `,"mores":{"sql":"SELECT a FROM api_more"}}}`, 200, ""},
			{`{"classes":{` + orders + `},"queries":{` + totals + `}}`, 200, ""},
			{`{"classes":{},"queries":{}}`, 200, ""},
		} {
			resp, body := s.call("POST", "/api/v1/admin/configuration/plan", `{"objects":`+c.set+"}")
			if resp.StatusCode != c.status || c.pointer != "" && !pointed(s.problem(resp, body), c.pointer) {
				s.t.Errorf("%s: %d %s", c.set, resp.StatusCode, body)
			}
			if c.status == 422 { // as apply says
				if resp, applied := s.call("POST", "/api/v1/admin/configuration/apply?allow_drop=true", `{"objects":`+c.set+"}"); resp.StatusCode != 422 || !pointed(s.problem(resp, applied), c.pointer) {
					s.t.Errorf("apply %s: %d %s", c.set, resp.StatusCode, applied)
				}
			}
		}
		s.wantCall(201, "POST", "/api/v1/data/orders", `{"number":"1","total":5}`, admin)
		if got := s.wantCall(200, "GET", "/api/v1/data/totals", "", admin); !strings.Contains(got, `"total":5`) {
			s.t.Error(got)
		}
		if got := s.wantCall(404, "GET", "/api/v1/data/more", "", admin); !strings.Contains(got, `There is no class \"more\", possible: orders, totals.`) {
			s.t.Error(got)
		}
		s.wantCall(201, "PUT", "/api/v1/admin/queries/all", `{"sql":"SELECT 1 AS one"}`, admin)
		if got := s.wantCall(404, "GET", "/api/v1/data/more", "", admin); !strings.Contains(got, "possible: all, orders, totals.") {
			s.t.Error(got)
		}
	})
}

func (s *site) queriesRefused(database string) {
	s.t.Helper()
	bad := []string{
		``, `SELEC 1`, `SELECT 1 AS a; SELECT 2 AS b`, `SELECT 'a`, `SELECT "a`, `SELECT /* a`, `SELECT :none AS a`, `SELECT ? AS a`, `SELECT $1 AS a`,
		`SELECT nothing FROM api_orders`, `SELECT * FROM api_none`, `SELECT number, number FROM api_orders`, `SELECT number AS "a b" FROM api_orders`,
		`DELETE FROM class_orders`, `WITH x AS (SELECT 1 AS a) DELETE FROM class_orders`, `INSERT INTO class_orders (id) VALUES ('x') RETURNING id`,
		`UPDATE class_orders SET number = '1' RETURNING id`, `DROP TABLE class_orders`, `PRAGMA table_info(accounts)`, `ATTACH 'x' AS y`,
		`SELECT login FROM accounts`, `SELECT name FROM secrets`, `SELECT number FROM api_orders WHERE EXISTS (SELECT 1 FROM secrets)`,
		`SELECT (SELECT count(*) FROM runs) AS n FROM api_orders`, `WITH a AS (SELECT login FROM accounts) SELECT login FROM a`,
		"SELECT 1 AS [a]", "SELECT 1 AS `a`", "SELECT '\x00' AS a", `SELECT 1 AS a) AS q; DROP TABLE class_orders; --`, `EXPLAIN SELECT 1`, `VACUUM`,
	}
	if database == "" {
		bad = append(bad, `SELECT name FROM sqlite_schema`, `SELECT name FROM pragma_table_list()`, `SELECT load_extension('x') AS a`,
			`SELECT junctor_call(1) AS a`, `SELECT value FROM json_each('{}')`, `SELECT junctor_call(1, number) AS a FROM api_orders`)
	} else {
		bad = append(bad, `SELECT relname FROM pg_class`, `SELECT usename FROM pg_catalog.pg_user`, `SELECT pg_read_file('/etc/passwd') AS a`,
			`SELECT pg_sleep(1)::text AS a`, `SELECT query_to_xml('select 1', true, true, '')::text AS a`, `SELECT table_to_xml('accounts', true, true, '')::text AS a`,
			`SELECT set_config('a.b', 'c', false) AS a`, `SELECT nextval('x') AS a`, `SELECT table_name::text AS a FROM information_schema.tables`,
			`WITH x AS (DELETE FROM class_orders RETURNING id) SELECT id FROM x`, `SELECT number FROM class_orders FOR UPDATE OF secrets`,
			`SELECT E'\'; DROP TABLE class_orders; --' AS a`, `SELECT $x$a$x$ AS a`, `SELECT number INTO TEMP x FROM api_orders`,
			`SELECT a.n FROM api_orders, LATERAL (SELECT lo_create(0)::text AS n) AS a`, `SELECT current_setting('data_directory') AS a`)
	}
	for _, sql := range bad {
		body, err := json.Marshal(map[string]string{"sql": sql})
		if err != nil {
			s.t.Fatal(err)
		}
		resp, answer := s.call("PUT", "/api/v1/admin/queries/bad", string(body))
		if p := s.problem(resp, answer); resp.StatusCode != 422 || !pointed(p, "/sql") {
			s.t.Errorf("%s: %d %s", sql, resp.StatusCode, answer)
		}
	}
	for body, pointer := range map[string]string{
		`{"sql":"SELECT :a AS a","params":{"a":"text","b":"text"}}`:         "/params/b",
		`{"sql":"SELECT :a AS a","params":{"a":"text[]"}}`:                  "/params/a",
		`{"sql":"SELECT 1 AS a","columns":{"b":"text"}}`:                    "/sql",
		`{"sql":"SELECT 1 AS a","columns":{"a":"nothing"}}`:                 "/columns/a",
		`{"sql":"SELECT :account_id AS a","params":{"account_id":"text!"}}`: "/params/account_id",
		`{"slq":"SELECT 1 AS a"}`:                                           "/slq",
	} {
		resp, answer := s.call("PUT", "/api/v1/admin/queries/bad", body)
		if p := s.problem(resp, answer); resp.StatusCode != 422 || !pointed(p, pointer) {
			s.t.Errorf("%s: %d %s", body, resp.StatusCode, answer)
		}
	}
	for body, pointer := range map[string]string{
		`{"parts":{"a":{"query":"totals","filter":"nothing eq 1"}}}`:                "/parts/a/filter",
		`{"parts":{"a":{"query":"totals","select":"nothing"}}}`:                     "/parts/a/select",
		`{"parts":{"a":{"query":"totals","orderby":"nothing"}}}`:                    "/parts/a/orderby",
		`{"parts":{"a":{"query":"totals","params":{"nothing":1}}}}`:                 "/parts/a/params/nothing",
		`{"parts":{"a":{"query":"totals","expand":"customer"}}}`:                    "/parts/a/expand",
		`{"parts":{"a":{"query":"totals","parts":{"customer":{"class":"lines"}}}}}`: "/parts/a/parts/customer",
	} {
		resp, answer := s.call("PUT", "/api/v1/admin/packets/bad", body)
		if p := s.problem(resp, answer); resp.StatusCode != 422 || !pointed(p, pointer) {
			s.t.Errorf("%s: %d %s", body, resp.StatusCode, answer)
		}
	}
}
