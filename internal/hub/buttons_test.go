package hub_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"sync"
	"testing"

	"junctor/internal/run"
)

var buttonFiles = map[string]string{
	"junctor.yaml": `classes:
  customers: { key: code, columns: { code: text! }, buttons: { approve: { scenario: approve } } }
  orders:
    key: number
    columns: { number: text!, customer: ref(customers), total: "decimal(12,2)", secret: text, approve_note: text }
    buttons:
      approve: { scenario: approve, label: Approve it }
      drop: { scenario: approve }
      approve_note: { scenario: approve }
  locked:
    key: [a, b]
    require_match: true
    columns: { a: text!, b: integer!, c: text }
    buttons: { approve: { scenario: approve } }
  approve: { key: a, columns: { a: text! } }
roles:
  clerk: { classes: { orders: { read: "number ne '9'", hide: [secret], buttons: [approve] }, customers: { read: true }, locked: { read: true, buttons: ["*"] } } }
  reader: { classes: { orders: { read: true } } }
  writer: { classes: { orders: { update: true, buttons: ["*"] } } }
applications:
  clerk: { password: open sesame, roles: [clerk] }
  reader: { password: open sesame, roles: [reader] }
  writer: { password: open sesame, roles: [writer] }
  nobody: { password: open sesame }
`,
	"scenarios/approve.ts": `import type { RecordChange } from "junctor";
export default async ({ class: code, action, record, account }: RecordChange) => [code, action, record.number ?? record.a, account?.login];`,
}

func (s *site) fillButtons() {
	s.t.Helper()
	const data = "/api/v1/data"
	for _, c := range [][2]string{
		{"/customers", `{"id":"c1","code":"C1"}`},
		{"/orders", `{"id":"o1","number":"1","customer":"c1","total":1,"secret":"s"}`}, {"/orders", `{"id":"o2","number":"2","total":2}`}, {"/orders", `{"id":"o9","number":"9"}`},
		{"/locked", `{"id":"l1","a":"x","b":5}`},
	} {
		if resp, body := s.call("POST", data+c[0], c[1]); resp.StatusCode != 201 {
			s.t.Fatal(body)
		}
	}
}

// A button is a bound action: pressed for a record in every way that an address
// names it, and for several.
func TestButtonsByOData(t *testing.T) {
	eachDatabase(t, buttonFiles, func(s *site) {
		s.fillButtons()
		const data = "/api/v1/data"
		for _, path := range []string{"/orders('o1')/approve", "/orders('o1')/junctor.approve", "/orders(number='1')/approve", "/orders/o1/approve", "/orders/o1/junctor.approve?x=y"} {
			resp, body := s.as("clerk", "POST", data+path, "")
			var got struct {
				Context string `json:"@odata.context"`
				Value   string
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 202 || !strings.HasSuffix(got.Context, "/$metadata#Edm.String") {
				t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
			}
			where := resp.Header.Get("Location")
			if where != "/api/v1/runs/"+got.Value {
				t.Errorf("%s: Location is %q, the run %q", path, where, got.Value)
			}
			if info := s.ended(got.Value); info.State != run.Succeeded || info.Subject != "1" || string(info.Output) != `{"value":["orders","approve","1","clerk"]}` {
				t.Errorf("the run is %+v %s", info, info.Output)
			}
			if _, body := s.as("clerk", "GET", where, ""); !strings.Contains(body, `"output":["orders","approve","1","clerk"]`) {
				t.Errorf("who pressed sees %s", body)
			}
			s.wantCall(404, "GET", where, "", "reader:open sesame")
		}
		for body, want := range map[string][]string{
			`{"records":["o1","o2"]}`: {"1", "2"},
			`{"records":[{"number":"2"},{"id":"o1"},{"@odata.id":"orders(number='2')"}]}`:       {"2", "1", "2"},
			`{"records":[{"@odata.etag":"W/\"1\"","id":"o2","number":"2","total":2,"x":null}]}`: {"2"},
		} {
			for _, path := range []string{"/orders/approve", "/orders/junctor.approve"} {
				resp, answer := s.as("clerk", "POST", data+path, body)
				var got struct{ Value []string }
				if err := json.Unmarshal([]byte(answer), &got); err != nil || resp.StatusCode != 202 || len(got.Value) != len(want) || (resp.Header.Get("Location") == "") != (len(want) > 1) {
					t.Errorf("%s %s: %d %s", path, body, resp.StatusCode, answer)
					continue
				}
				for i, id := range got.Value {
					if info := s.ended(id); info.Subject != want[i] {
						t.Errorf("%s: the run %d is about %q", body, i, info.Subject)
					}
				}
			}
		}
		// Over a ref, and where a column has the button's name.
		resp, body := s.call("POST", data+"/orders/o1/customer/approve", "{}")
		if resp.StatusCode != 202 || s.ended(resp.Header.Get("Junctor-Run")).Subject != "C1" {
			t.Errorf("over a ref: %d %s", resp.StatusCode, body)
		}
		s.wantCall(202, "POST", data+"/orders/o1/approve_note", "{}", admin)
		// Refused, and nothing begins.
		_, before := s.call("GET", "/api/v1/admin/runs?limit=1000", "")
		many := `{"records":["o1"` + strings.Repeat(`,"o1"`, 100) + `]}`
		for _, c := range []struct {
			login, path, body string
			status            int
			want              string
		}{
			{"clerk", "/orders/o9/approve", "", 404, "There is no record orders('o9')."},
			{"clerk", "/orders/none/approve", "", 404, "There is no record orders('none')."},
			{"clerk", "/orders/approve", `{"records":["o1","o9"]}`, 404, "There is no record orders('o9')."},
			{"clerk", "/orders/approve", `{"records":["o1","none"]}`, 404, "There is no record orders('none')."},
			{"clerk", "/orders/o1/drop", "", 404, `There is no button \"drop\", possible: approve.`},
			{"clerk", "/orders/o1/none", "", 404, `There is no button \"none\", possible: approve.`},
			{"clerk", "/orders/o1/aprove", "", 404, `did you mean \"approve\"?`},
			{"clerk", "/orders/o1/junctor.none", "", 404, "There is no button"},
			{"clerk", "/orders/drop", `{"records":["o1"]}`, 404, "There is no button"},
			{"clerk", "/orders/o1/secret", "", 404, `There is no button \"secret\"`},
			{"clerk", "/orders/o1/total", "", 405, "does not take"},
			{"clerk", "/orders/o1/approve_note", "", 405, "does not take"},
			{"clerk", "/orders/o1/customer/approve", "", 404, "There is no button"},
			{"reader", "/orders/o1/approve", "", 404, `There is no button \"approve\".`},
			{"reader", "/orders/approve", `{"records":["o1"]}`, 405, "does not take"},
			{"reader", "/orders/junctor.approve", `{"records":["o1"]}`, 404, `There is no button \"approve\".`},
			{"writer", "/orders/o1/approve", "", 404, `There is no class \"orders\".`},
			{"nobody", "/orders/o1/approve", "", 404, `There is no class \"orders\".`},
			{"clerk", "/orders/o1/approve", `{"x":1}`, 400, "no parameters"},
			{"clerk", "/orders/o1/approve", `nothing`, 400, "no parameters"},
			{"clerk", "/orders/approve", ``, 400, "records"},
			{"clerk", "/orders/approve", `{}`, 422, `"target":"records"`},
			{"clerk", "/orders/approve", `{"records":[]}`, 400, "1 to 100"},
			{"clerk", "/orders/approve", many, 400, "not for 101"},
			{"clerk", "/orders/approve", `{"records":["o1"],"more":1}`, 422, "more"},
			{"clerk", "/orders/approve", `{"records":[5,{"total":1},{"@odata.id":"customers('c1')"},{"number":5},null,"",{"secret":"s"}]}`, 422, `"target":"records/6"`},
			{"clerk", "/orders/o1/approve?$filter=x", "", 400, "takes no option"},
		} {
			resp, body := s.as(c.login, "POST", data+c.path, c.body)
			if resp.StatusCode != c.status || !strings.Contains(body, c.want) || c.status == 405 && !strings.Contains(resp.Header.Get("Allow"), "GET") {
				t.Errorf("%s %s %s: %d %s, want %d %s", c.login, c.path, c.body, resp.StatusCode, body, c.status, c.want)
			}
		}
		for path, want := range map[string]int{"/orders/o1/approve": 405, "/orders/o1/junctor.approve": 405, "/orders/o1/drop": 404, "/orders/o1/customer/approve": 404, "/orders/o1/approve_note": 204,
			"/orders/approve": 405, "/orders/junctor.approve": 405, "/orders/drop": 404, "/orders('approve')": 404} {
			resp, body := s.as("clerk", "GET", data+path, "")
			if resp.StatusCode != want || want == 405 && (resp.Header.Get("Allow") != "POST" || !strings.Contains(body, "it takes POST.")) {
				t.Errorf("GET %s: %d %s, want %d", path, resp.StatusCode, body, want)
			}
		}
		if _, after := s.call("GET", "/api/v1/admin/runs?limit=1000", ""); strings.Count(after, `"id":"run_`) != strings.Count(before, `"id":"run_`) {
			t.Errorf("runs have begun: %s", after)
		}
	})
}

// What a class demands of a change it demands of a button.
func TestButtonsNeedTheVersion(t *testing.T) {
	eachDatabase(t, buttonFiles, func(s *site) {
		s.fillButtons()
		const one, several = "/api/v1/data/locked(a='x',b=5)/approve", "/api/v1/data/locked/approve"
		for _, c := range []struct {
			path, body string
			status     int
			header     []string
		}{
			{one, "", 428, nil},
			{one, "", 412, []string{"If-Match", `W/"7"`}},
			{one, "", 202, []string{"If-Match", `W/"1"`}},
			{one, "", 202, []string{"If-Match", `*`}},
			{one, "", 400, []string{"If-None-Match", `*`}},
			{several, `{"records":["l1"]}`, 428, nil},
			{several, `{"records":["l1"]}`, 202, []string{"If-Match", "*"}},
			{several, `{"records":["l1"]}`, 400, []string{"If-Match", `W/"1"`}},
			{several, `{"records":[{"a":"x","b":5,"@odata.etag":"W/\"1\""}]}`, 202, nil},
			{several, `{"records":[{"a":"x","b":5,"@odata.etag":"W/\"2\""}]}`, 412, nil},
		} {
			resp, body := s.as("clerk", "POST", c.path, c.body, c.header...)
			if resp.StatusCode != c.status || c.status == 412 && (resp.Header.Get("Etag") != `W/"1"` || !strings.Contains(body, `"@junctor.current"`)) {
				t.Errorf("%s %s %v: %d %s", c.path, c.body, c.header, resp.StatusCode, body)
			}
		}
	})
}

// What is sent again with its key starts nothing, though the record has changed.
func TestButtonsOnce(t *testing.T) {
	eachDatabase(t, buttonFiles, func(s *site) {
		s.fillButtons()
		press := func(status int, login, path, body, key string) (answer, again string) {
			t.Helper()
			resp, answer := s.as(login, "POST", "/api/v1/data"+path, body, "Idempotency-Key", key, "If-Match", "*")
			if resp.StatusCode != status {
				t.Errorf("%s %s: %d %s", path, body, resp.StatusCode, answer)
			}
			return answer, resp.Header.Get("Junctor-Duplicate")
		}
		const both = `{"records":["o1","o2"]}`
		first, again := press(202, "clerk", "/orders/approve", both, "k")
		if again != "" {
			t.Error("the first is a duplicate")
		}
		s.call("PATCH", "/api/v1/data/orders/o1", `{"total":5}`)
		if second, again := press(202, "clerk", "/orders/approve", both, "k"); second != first || again != "true" {
			t.Errorf("%s\n%s", first, second)
		}
		if refused, _ := press(422, "clerk", "/orders/approve", `{"records":["o2","o1"]}`, "k"); !strings.Contains(refused, `\"k\" was used`) {
			t.Error(refused)
		}
		press(400, "clerk", "/orders/approve", both, strings.Repeat("k", 300))
		if other, _ := press(202, "clerk", "/orders/approve", both, "l"); other == first {
			t.Error("another key has started nothing")
		}
		if _, other := s.call("POST", "/api/v1/data/orders/approve", both, "Idempotency-Key", "k"); other == first {
			t.Error("another's key counts")
		}
		var answers [4]string
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() { answers[i], _ = press(202, "clerk", "/locked/approve", `{"records":["l1"]}`, "m") })
		}
		group.Wait()
		for _, a := range answers {
			if a != answers[0] {
				t.Errorf("at the same moment: %v", answers)
			}
		}
	})
}

func TestButtonsInBatch(t *testing.T) {
	eachDatabase(t, buttonFiles, func(s *site) {
		s.fillButtons()
		press := func(body string) (statuses []int, text string) {
			_, text = s.call("POST", "/api/v1/data/$batch", body, "Prefer", "odata.continue-on-error")
			var all struct{ Responses []struct{ Status int } }
			if err := json.Unmarshal([]byte(text), &all); err != nil {
				t.Fatal(text)
			}
			for _, r := range all.Responses {
				statuses = append(statuses, r.Status)
			}
			return statuses, text
		}
		runs := func() int {
			_, body := s.call("GET", "/api/v1/admin/runs?limit=1000", "")
			return strings.Count(body, `"id":"run_`)
		}
		got, text := press(`{"requests":[
			{"id":"1","atomicityGroup":"g","method":"POST","url":"orders","body":{"number":"7"}},
			{"id":"2","atomicityGroup":"g","method":"POST","url":"$1/approve","body":{}},
			{"id":"3","method":"POST","url":"orders/approve","body":{"records":["o1",{"@odata.id":"$1"}]}}]}`)
		if len(got) != 3 || got[0] != 201 || got[1] != 202 || got[2] != 202 || runs() != 3 {
			t.Errorf("%v %d runs: %s", got, runs(), text)
		}
		got, text = press(`{"requests":[
			{"id":"1","atomicityGroup":"g","method":"POST","url":"orders/o1/approve"},
			{"id":"2","atomicityGroup":"g","method":"POST","url":"orders/none/approve"}]}`)
		if len(got) != 2 || got[0] != 424 || got[1] != 404 || runs() != 3 {
			t.Errorf("a group that fails: %v %d runs: %s", got, runs(), text)
		}
	})
}

// Who may not press a button is not told of it.
func TestButtonsInMetadata(t *testing.T) {
	s := serve(t, buttonFiles)
	s.fillButtons()
	for login, want := range map[string]string{
		"clerk":  "approve(junctor.locked) approve(Collection(junctor.locked),Collection(Edm.String)) approve(junctor.orders) approve(Collection(junctor.orders),Collection(Edm.String))",
		"reader": "", "writer": "", "nobody": "",
	} {
		var edmx struct {
			Actions []struct {
				Name       string `xml:",attr"`
				IsBound    bool   `xml:",attr"`
				Parameters []struct {
					Type string `xml:",attr"`
				} `xml:"Parameter"`
			} `xml:"DataServices>Schema>Action"`
		}
		_, body := s.as(login, "GET", "/api/v1/data/$metadata", "")
		if err := xml.Unmarshal([]byte(body), &edmx); err != nil {
			t.Fatal(err, body)
		}
		var all []string
		for _, a := range edmx.Actions {
			var types []string
			for _, p := range a.Parameters {
				types = append(types, p.Type)
			}
			all = append(all, a.Name+"("+strings.Join(types, ",")+")")
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("%s: %s", login, got)
		}
		var csdl struct {
			Junctor map[string]json.RawMessage `json:"junctor"`
		}
		_, body = s.as(login, "GET", "/api/v1/data/$metadata?$format=json", "")
		var overloads []struct {
			Kind  string `json:"$Kind"`
			Bound bool   `json:"$IsBound"`
		}
		if err := json.Unmarshal([]byte(body), &csdl); err != nil || csdl.Junctor["approve"] != nil && json.Unmarshal(csdl.Junctor["approve"], &overloads) != nil {
			t.Fatal(err, body)
		}
		if len(overloads) != len(edmx.Actions) {
			t.Errorf("%s: in JSON: %s", login, csdl.Junctor["approve"])
		}
	}
	// A class that is called like a button gives way in the names of types alone.
	_, body := s.call("GET", "/api/v1/data/$metadata", "")
	if !strings.Contains(body, `<EntityType Name="approve_">`) || !strings.Contains(body, `<EntitySet Name="approve" EntityType="junctor.approve_"`) {
		t.Error(body)
	}
	_, body = s.as("clerk", "GET", "/api/v1/data/orders('o1')", "", "Accept", "application/json;odata.metadata=full")
	if !strings.Contains(body, `"#junctor.approve":{"title":"Approve it","target":"`+s.base+`/api/v1/data/orders('o1')/junctor.approve"}`) || strings.Contains(body, "drop") {
		t.Error(body)
	}
	for login, want := range map[string]int{"clerk": http.StatusOK, "reader": http.StatusNotFound} {
		envelope := `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><pressOrdersApprove xmlns="urn:junctor:v1"><record><number>1</number></record><record><id>o2</id></record></pressOrdersApprove></Body></Envelope>`
		_, body := s.as(login, "POST", "/soap/v1", envelope, "Content-Type", "text/xml")
		if (strings.Count(body, "<run>run_") == 2) != (want == http.StatusOK) || want != http.StatusOK && !strings.Contains(body, "There is no operation") {
			t.Errorf("%s by SOAP: %s", login, body)
		}
		_, wsdl := s.as(login, "GET", "/soap/v1?wsdl", "")
		if strings.Contains(wsdl, `"pressOrdersApprove"`) != (want == http.StatusOK) || strings.Contains(wsdl, "Drop") {
			t.Errorf("%s: the WSDL: %s", login, wsdl)
		}
	}
}
