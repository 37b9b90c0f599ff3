package hub_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// rowsOf reads rows of a stored query by OData, as the administrator.
func (s *site) rowsOf(path string) (rows []map[string]any, next string) {
	s.t.Helper()
	resp, body := s.call("GET", path, "")
	var page struct {
		Value []map[string]any
		Next  string `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
	}
	_, next, _ = strings.Cut(page.Next, s.base)
	return page.Value, next
}

func odataQuery(path, options string) string {
	return "/api/v1/data" + path + strings.NewReplacer(" ", "%20", "'", "%27").Replace(options)
}

// A stored query is read like a class: as a function of OData.
func TestStoredQueriesByOData(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, reports())
		s.fill(database)
		const all = `[{"customer":"C1","orders":2,"total":10.10,"received":"2026-06-01"},{"customer":"C2","orders":1,"total":null,"received":"2026-06-01"}]`
		const first, none = `[{"customer":"C1","orders":1,"total":10.10,"received":"2026-06-01"},{"customer":"C2","orders":1,"total":null,"received":"2026-06-01"}]`, `[]`
		for path, want := range map[string]string{
			"/totals?$orderby=customer":                                          all,
			"/totals()?$orderby=customer":                                        all,
			"/totals?since=2026-03-01&$orderby=customer":                         first,
			"/totals?since='2026-03-01'&$orderby=customer":                       first,
			"/totals?@since=2026-03-01&$orderby=customer":                        first,
			"/totals(since=2026-03-01)?$orderby=customer":                        first,
			"/totals(since=2026-03-01,least=0)?$orderby=customer":                first,
			"/totals(since=@s,least=@l)?@s=2026-03-01&@l=0.00&$orderby=customer": first,
			"/totals(since=@since)?@since=2026-03-01&$orderby=customer":          first,
			"/totals(since=@none)?$orderby=customer":                             all,
			"/totals(since=null)?$orderby=customer":                              all,
			"/totals(since=2027-01-01)":                                          none,
			"/totals?$filter=orders gt 1&$select=customer,total":                 `[{"customer":"C1","total":10.10}]`,
			"/totals?$filter=customer eq @c&@c='C2'&$select=customer":            `[{"customer":"C2"}]`,
			"/totals?$orderby=customer desc&$select=customer":                    `[{"customer":"C2"},{"customer":"C1"}]`,
			"/totals?$orderby=customer&$select=customer&$skip=1":                 `[{"customer":"C2"}]`,
			"/totals?$orderby=customer&$select=customer&$top=1":                  `[{"customer":"C1"}]`,
			"/totals?$top=0": none,
		} {
			path, options, _ := strings.Cut(path, "?")
			resp, body := s.call("GET", odataQuery(path, "?"+options), "")
			if resp.StatusCode != 200 || !strings.Contains(body, `"value":`+want+`}`) {
				t.Errorf("%s?%s: %d %s", path, options, resp.StatusCode, body)
			}
		}
		_, body := s.call("GET", odataQuery("/totals", "?$count=true&$top=1&$orderby=customer"), "")
		if !strings.Contains(body, `"@odata.context":"`+s.base+`/api/v1/data/$metadata#Collection(junctor.totals_row)","@odata.count":2,`) {
			t.Errorf("the envelope: %s", body)
		}
		for path, want := range map[string]string{
			"/totals/$count": "2", "/totals(since=2027-01-01)/$count": "0", "/totals/$count?$filter=orders gt 1": "1",
			"/totals?$orderby=customer&$format=csv":                  "customer,orders,total,received\r\nC1,2,10.10,2026-06-01\r\nC2,1,,2026-06-01\r\n",
			"/totals?$orderby=customer&$format=csv&$select=customer": "customer\r\nC1\r\nC2\r\n",
			"/totals?$filter=orders gt 1&$format=xml":                "<answer><item><customer>C1</customer><orders>2</orders><total>10.10</total><received>2026-06-01</received></item></answer>",
		} {
			path, options, _ := strings.Cut(path, "?")
			if _, body := s.call("GET", odataQuery(path, "?"+options), ""); !strings.HasSuffix(strings.TrimSpace(body), strings.TrimSpace(want)) {
				t.Errorf("%s?%s: %q", path, options, body)
			}
		}
		if _, body := s.call("GET", odataQuery("/totals", "?$orderby=customer&$top=1"), "", "Accept", "application/json;IEEE754Compatible=true;odata.metadata=none"); body != `{"value":[{"customer":"C1","orders":"2","total":"10.10","received":"2026-06-01"}]}`+"\n" {
			t.Errorf("numbers as texts: %s", body)
		}
		s.wrongRows()
		s.rowsByRight()
	})
}

func (s *site) wrongRows() {
	s.t.Helper()
	for _, c := range []struct {
		request string
		status  int
		want    string
	}{
		{"GET /totals?sience=2026-03-01", 422, `"target":"sience"`},
		{"GET /totals?since=yesterday", 422, `"target":"since"`},
		{"GET /totals?since=2026-03-01&since=2026-03-02", 422, "more than once"},
		{"GET /totals(since=2026-03-01)?since=2026-03-01", 422, "more than once"},
		{"GET /totals(none=1)", 422, `"target":"none"`},
		{"GET /totals(least='x')", 422, `"target":"least"`},
		{"GET /totals(since=orders)", 422, "must be a value"},
		{"GET /totals('x')", 400, "cannot be read"},
		{"GET /totals(since=2026-03-01", 400, "cannot be read"},
		{"GET /totals?$filter=none eq 1", 400, "none"},
		{"GET /totals?$filter=orders eq @o", 400, "@o"},
		{"GET /totals?$select=none", 400, "none"},
		{"GET /totals?$orderby=none", 400, "none"},
		{"GET /totals?$expand=customer", 400, "$expand"},
		{"GET /totals?$apply=aggregate($count as n)", 400, "$apply"},
		{"GET /totals?$skiptoken=1.x", 400, "cursor"},
		{"GET /totals?$skiptoken=x", 400, "$skiptoken"},
		{"GET /totals/C1", 404, "nothing at this address"},
		{"GET /totals/$query", 404, "nothing at this address"},
		{"POST /totals", 405, ""}, {"PUT /totals('x')", 405, ""}, {"PATCH /totals/x", 405, ""}, {"DELETE /totals(since=2026-03-01)", 405, ""}, {"POST /totals/x/y", 405, ""},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		path, options, _ := strings.Cut(path, "?")
		resp, body := s.call(method, odataQuery(strings.ReplaceAll(path, "'", "%27"), "?"+options), "{}")
		if resp.StatusCode != c.status || !strings.Contains(body, c.want) || c.status == 405 && resp.Header.Get("Allow") != "GET, HEAD" {
			s.t.Errorf("%s: %d %s %v", c.request, resp.StatusCode, body, resp.Header)
		}
	}
	_, body := s.call("POST", "/api/v1/data/$batch", `{"requests":[{"id":"1","method":"GET","url":"totals?$top=1"},{"id":"2","atomicityGroup":"g","method":"GET","url":"totals"}]}`)
	if !strings.Contains(body, `"id":"1","status":200`) || !strings.Contains(body, `not in a group`) {
		s.t.Errorf("in a batch: %s", body)
	}
}

// Who may not use a query hears what he hears of one that is invented.
func (s *site) rowsByRight() {
	s.t.Helper()
	if got := s.wantCall(200, "GET", "/api/v1/data/mine", "", "carl:open sesame"); !strings.Contains(got, `"value":[{"code":"C2","name":"Dora"}]`) {
		s.t.Errorf("the caller's own: %s", got)
	}
	hidden := s.wantCall(404, "GET", "/api/v1/data/totals", "", "carl:open sesame")
	invented := s.wantCall(404, "GET", "/api/v1/data/tetals", "", "carl:open sesame")
	if strings.ReplaceAll(hidden, "totals", "tetals") != invented {
		s.t.Errorf("%s\n%s", hidden, invented)
	}
	for login, want := range map[string]string{"carl": "mine", "anna": "kinds mine totals"} {
		var document struct {
			Value []struct{ Name, Kind, URL string }
		}
		if err := json.Unmarshal([]byte(s.wantCall(200, "GET", "/api/v1/data", "", login+":open sesame")), &document); err != nil {
			s.t.Fatal(err)
		}
		var listed, imported []string
		for _, v := range document.Value {
			if v.Kind == "FunctionImport" && v.URL == v.Name {
				listed = append(listed, v.Name)
			}
		}
		var edmx struct {
			Imports []struct {
				Name     string `xml:",attr"`
				Function string `xml:",attr"`
			} `xml:"DataServices>Schema>EntityContainer>FunctionImport"`
			Rows []struct {
				Name string `xml:",attr"`
			} `xml:"DataServices>Schema>ComplexType"`
		}
		metadata := s.wantCall(200, "GET", "/api/v1/data/$metadata", "", login+":open sesame")
		if err := xml.Unmarshal([]byte(metadata), &edmx); err != nil {
			s.t.Fatal(err)
		}
		for i, f := range edmx.Imports {
			if imported = append(imported, f.Name); f.Function != "junctor."+f.Name || edmx.Rows[i].Name != f.Name+"_row" {
				s.t.Errorf("%s: %s", login, metadata)
			}
		}
		if strings.Join(listed, " ") != want || strings.Join(imported, " ") != want {
			s.t.Errorf("%s sees %v and %v", login, listed, imported)
		}
		if login == "anna" && !strings.Contains(metadata, `<Parameter Name="least" Type="Edm.Decimal"`) {
			s.t.Errorf("the parameters: %s", metadata)
		}
	}
}

// Pages follow each other without a gap, whatever comes and goes between them.
func TestPagesOfStoredQueries(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, map[string]string{"junctor.yaml": `classes:
  things: { key: code, columns: { code: text!, size: integer } }
queries:
  sorted: { sql: "SELECT code, size FROM api_things ORDER BY code" }
`})
		add := func(numbers ...int) {
			for _, n := range numbers {
				s.wantCall(201, "POST", "/api/v1/data/things", fmt.Sprintf(`{"id":"t%03d","code":"t%03d","size":%d}`, n, n, n%3), admin)
			}
		}
		for n := 10; n < 250; n += 10 {
			add(n)
		}
		page := func(path string, size int) ([]string, string) {
			rows, next := s.rowsOf(path)
			var codes []string
			for _, r := range rows {
				codes = append(codes, r["code"].(string)) //nolint:errcheck // a test's
			}
			if len(codes) > size {
				t.Errorf("%s has %d rows", path, len(codes))
			}
			return codes, next
		}
		_, list := s.call("GET", "/api/v1/data/sorted?$top=12", "", "Prefer", "odata.maxpagesize=5")
		var begun struct {
			Value []struct{ Code string }
			Next  string `json:"@odata.nextLink"`
		}
		if err := json.Unmarshal([]byte(list), &begun); err != nil || len(begun.Value) != 5 || begun.Next == "" {
			t.Fatal(list)
		}
		_, next, _ := strings.Cut(begun.Next, s.base)
		add(11, 45, 65) // before, before and behind where the page ended
		codes, after := page(next, 5)
		if strings.Join(codes, " ") != "t060 t065 t070 t080 t090" || after == "" {
			t.Errorf("the second page is %v", codes)
		}
		if codes, last := page(after, 5); strings.Join(codes, " ") != "t100 t110" || last != "" {
			t.Errorf("the third page is %v %s", codes, last)
		}
		s.wantCall(204, "DELETE", "/api/v1/data/things/t010", "", admin)
		if codes, _ := page(next, 5); strings.Join(codes, " ") != "t060 t065 t070 t080 t090" {
			t.Errorf("the second page is %v", codes)
		}
		s.wantCall(204, "DELETE", "/api/v1/data/things/t050", "", admin)
		if got := s.wantCall(410, "GET", next, "", admin); !strings.Contains(got, "begin again") {
			t.Error(got)
		}
		s.wantCall(400, "GET", strings.Replace(next, "?", "?$orderby=size&", 1), "", admin)
		resp, _ := s.call("GET", "/api/v1/data/sorted?$format=csv", "", "Prefer", "maxpagesize=20")
		if link := resp.Header.Get("Link"); !strings.HasSuffix(link, `; rel="next"`) || !strings.Contains(link, url.QueryEscape("$skiptoken")[3:]) {
			t.Errorf("the link of CSV: %q", link)
		}
		if all, next := page("/api/v1/data/sorted", 100); len(all) != 25 || next != "" {
			t.Errorf("%v %s", all, next)
		}
	})
}

// A stored query cannot have the code of a class: both are read at one address.
func TestStoredQueriesAndClassesShareTheirNames(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": "classes:\n  things: { key: code, columns: { code: text! } }\nqueries:\n  all: { sql: \"SELECT code FROM api_things\" }\n"})
	for path, body := range map[string]string{"queries/things": `{"sql":"SELECT code FROM api_things"}`, "classes/all": `{"columns":{"code":"text"}}`} {
		if got := s.wantCall(422, "PUT", "/api/v1/admin/"+path, body, admin); !strings.Contains(got, "choose another") {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// By SOAP a stored query is read like a class, with its parameters in an element of
// their own.
func TestStoredQueriesBySOAP(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, reports())
		s.fill(database)
		const c1, c2 = "<row><customer>C1</customer><orders>2</orders><total>10.10</total><received>2026-06-01</received></row>", `<row><customer>C2</customer><orders>1</orders><total xsi:nil="true"/><received>2026-06-01</received></row>`
		for body, want := range map[string]string{
			`<getTotals><orderby>customer</orderby><count>true</count></getTotals>`:                              "<page>" + c1 + c2 + "<count>2</count></page>",
			`<getTotals><params><since>2026-03-01</since></params><filter>customer eq 'C1'</filter></getTotals>`: "<row><customer>C1</customer><orders>1</orders>",
			`<getTotals><select>customer</select><orderby>customer desc</orderby><top>1</top></getTotals>`:       "<page><row><customer>C2</customer></row></page>",
			`<getTotals><select>customer</select><orderby>customer</orderby><pageSize>1</pageSize></getTotals>`:  "<page><row><customer>C1</customer></row><next>",
			`<getTotals><params><sience>2026-03-01</sience></params></getTotals>`:                                "<pointer>/params/sience</pointer>",
			`<getTotals><params><since>yesterday</since><least>x</least></params></getTotals>`:                   "<pointer>/params/least</pointer>",
			`<getTotals><select>customer/name</select></getTotals>`:                                              "<pointer>/select</pointer>",
			`<getTotals><expand>customer</expand></getTotals>`:                                                   "<pointer>/expand</pointer>",
			`<getTotals><filter>none eq 1</filter></getTotals>`:                                                  "<code>invalid</code>",
			`<getTotals><cursor>x</cursor></getTotals>`:                                                          "The cursor is damaged",
		} {
			name, _, _ := strings.Cut(body[1:], ">")
			envelope := `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><` + name + ` xmlns="urn:junctor:v1">` + strings.TrimPrefix(body, "<"+name+">") + `</Body></Envelope>`
			if _, answer := s.call("POST", "/soap/v1", envelope, "Content-Type", "text/xml"); !strings.Contains(answer, want) {
				t.Errorf("%s: %s", body, answer)
			}
		}
	})
}
