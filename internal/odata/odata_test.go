package odata_test

import (
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// exchange is a line of a protocol table: what is sent and what has to come.
type exchange struct {
	request string
	body    string
	headers []string
	status  int
	want    []string // parts of the answer's body, or of its header as "Name: value"
	not     []string // what must not be in it
}

func (s *site) play(table []exchange) {
	s.Helper()
	for _, x := range table {
		got := s.do(x.request, x.body, x.headers...)
		text := got.body
		for name, values := range got.header {
			text += "\n" + name + ": " + strings.Join(values, ", ")
		}
		text += "\n"
		if got.status != x.status {
			s.Errorf("%s %s %v: %d, want %d: %s", x.request, x.body, x.headers, got.status, x.status, text)
			continue
		}
		for _, part := range x.want {
			if !strings.Contains(text, strings.ReplaceAll(part, "BASE", s.base)) {
				s.Errorf("%s %s %v: no %q in %s", x.request, x.body, x.headers, part, text)
			}
		}
		for _, part := range x.not {
			if strings.Contains(text, part) {
				s.Errorf("%s %s %v: %q in %s", x.request, x.body, x.headers, part, text)
			}
		}
	}
}

func each(t *testing.T, body func(s *site)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newSite(t, open())
		s.fill()
		body(s)
	})
}

func TestRead(t *testing.T) {
	each(t, func(s *site) {
		const full = "application/json;odata.metadata=full"
		s.play([]exchange{
			{request: "GET /", status: 200, want: []string{`"@odata.context":"BASE/$metadata"`, `{"name":"orders","kind":"EntitySet","url":"orders"}`, "Odata-Version: 4.0\n", "Content-Type: application/json;odata.metadata=minimal"}},
			{request: "GET ", status: 200, want: []string{`"orders"`}},
			{request: "GET /", headers: []string{"OData-MaxVersion", "4.01"}, status: 200, want: []string{"Odata-Version: 4.01"}},
			{request: "GET /", headers: []string{"OData-MaxVersion", "3.0"}, status: 400, want: []string{`"code":"invalid"`}},
			{request: "GET /", headers: []string{"OData-Version", "5.0"}, status: 400},
			{request: "GET /orders?$top=1", status: 200, want: []string{`"@odata.context":"BASE/$metadata#orders"`, `"@odata.etag":"W/\"1\""`, `"total":10.10`, `"customer_id":"c1"`, `"doubled":20.20`}, not: []string{"nextLink", "@odata.count", "navigationLink"}},
			{request: "GET /orders?$count=true&$top=2&$select=number", status: 200, want: []string{`"@odata.count":5`, `#orders(number)`, `{"@odata.etag":"W/\"1\"","number":"1"}`}, not: []string{`"total"`}},
			{request: "GET /orders?$filter=customer/code%20eq%20%27C1%27%20and%20total%20gt%2020&$select=number", status: 200, want: []string{`"number":"3"`}, not: []string{`"number":"1"`}},
			{request: "GET /orders?$filter=total%20gt%20@min&@min=25&$select=number", status: 200, want: []string{`"number":"3"`, `"number":"4"`}, not: []string{`"number":"2"`}},
			{request: "GET /orders?$orderby=total%20desc&$select=number,total&$skip=1&$top=1", status: 200, want: []string{`"total":30.30`}, not: []string{"40.00", "20.20"}},
			{request: "GET /orders?$expand=customer($select=name;$expand=region($select=code))&$filter=number%20eq%20'1'&$select=number", headers: []string{"OData-MaxVersion", "4.01"}, status: 200, want: []string{`#orders(number,customer(name,region(code)))`, `"name":"Ann"`, `"region":{`, `"code":"north"`}},
			{request: "GET /orders?$expand=customer&$filter=number%20eq%20%274%27", status: 200, want: []string{`"customer":null`, `$metadata#orders"`}},
			{request: "GET /orders?$expand=*&$top=1", status: 200, want: []string{`"customer":{`}},
			{request: "GET /orders?expand=customer&top=1&custom=1", headers: []string{"OData-MaxVersion", "4.01"}, status: 200, want: []string{`"customer":{`, `#orders(*,customer())`}},
			{request: "GET /orders?expand=customer&custom=1", status: 200, not: []string{`"customer":{`}},
			{request: "GET /orders/$count", status: 200, want: []string{"5\n", "Content-Type: text/plain"}},
			{request: "GET /orders/$count?$filter=paid%20eq%20true", status: 200, want: []string{"1\n"}},
			{request: "GET /orders('o1')", status: 200, want: []string{`#orders/$entity`, `"number":"1"`, `Etag: W/"1"`, `"received":"2027-01-01T10:00:00Z"`, `"due":"2027-02-01"`, `"paid":true`}},
			{request: "GET /orders(id='o1')?$select=number", status: 200, want: []string{`#orders(number)/$entity`}},
			{request: "GET /orders/o1", status: 200, want: []string{`"number":"1"`}},
			{request: "GET /orders(number='2')", status: 200, want: []string{`"id":"o2"`, `"lines":9007199254740993`}},
			{request: "GET /orders/o2", headers: []string{"Accept", "application/json;IEEE754Compatible=true"}, status: 200, want: []string{`"lines":"9007199254740993"`, `"total":"20.20"`, `"version":"1"`, "IEEE754Compatible=true"}},
			{request: "GET /orders/o1", headers: []string{"If-None-Match", `W/"1"`}, status: 304, want: []string{`Etag: W/"1"`}},
			{request: "GET /orders/o1", headers: []string{"If-None-Match", `W/"2"`}, status: 200},
			{request: "GET /orders/o1?$select=number,total,customer", headers: []string{"Accept", full}, status: 200, want: []string{`"@odata.type":"#junctor.orders"`, `"@odata.id":"BASE/orders('o1')"`, `"@odata.editLink":"orders('o1')"`, `"total@odata.type":"#Decimal"`, `"customer@odata.navigationLink":"orders('o1')/customer"`}},
			{request: "GET /orders/o1", headers: []string{"Accept", "application/json;odata.metadata=none"}, status: 200, not: []string{"@odata"}},
			{request: "GET /orders/o1?$format=application/json;odata.metadata=none", status: 200, not: []string{"@odata"}},
			{request: "GET /orders/o1?$format=xml", status: 200, want: []string{"<number>1</number>", "Content-Type: application/xml"}},
			{request: "GET /orders/o1/total", status: 200, want: []string{`#orders('o1')/total`, `"value":10.10`}},
			{request: "GET /orders/o1/total/$value", status: 200, want: []string{"10.10\n", "Content-Type: text/plain"}},
			{request: "GET /orders/o1/note", status: 204},
			{request: "GET /orders/o1/customer", status: 200, want: []string{`#customers/$entity`, `"name":"Ann"`}},
			{request: "GET /orders/o1/customer/region/name", status: 200, want: []string{`"value":"North"`}},
			{request: "GET /orders/o2/customer/region", status: 204},
			{request: "GET /orders/o2/customer/region/name", status: 404},
			{request: "GET /orders/o1/customer/$ref", status: 200, want: []string{`#$ref`, `"@odata.id":"BASE/customers('c1')"`}},
			{request: "GET /$entity?$id=orders('o1')&$select=number", status: 200, want: []string{`"number":"1"`}},
			{request: "POST /orders/$query", body: "$filter=number eq '3'&$select=number", headers: []string{"Content-Type", "text/plain"}, status: 200, want: []string{`"number":"3"`}, not: []string{`"number":"1"`}},
			{request: "GET /orders?$apply=groupby((customer/code),aggregate(total%20with%20sum%20as%20sum,$count%20as%20n))", status: 200, want: []string{`"sum":40.40`, `"n":2`, `"code":"C1"`}},
			{request: "HEAD /orders/o1", status: 200, want: []string{`Etag: W/"1"`}, not: []string{"number"}},
		})
	})
}

func TestReadRefuses(t *testing.T) {
	each(t, func(s *site) {
		s.play([]exchange{
			{request: "GET /order", status: 404, want: []string{`"code":"not-found"`, "orders"}},
			{request: "GET /orders('nobody')", status: 404},
			{request: "GET /orders(number='99')", status: 404},
			{request: "GET /orders(total=1)", status: 400},
			{request: "GET /orders('o1", status: 400},
			{request: "GET /orders('o1'')", status: 400},
			{request: "GET /orders//total", status: 404},
			{request: "GET /orders/o1/%00", status: 404},
			{request: "GET /orders/o1/%ff", status: 404},
			{request: "GET /orders/o1/totl", status: 404, want: []string{"total"}},
			{request: "GET /orders/o1/total/more", status: 404},
			{request: "GET /orders/$each", status: 404},
			{request: "GET /$crossjoin(orders)", status: 404},
			{request: "GET /orders?$filter=", status: 400},
			{request: "GET /orders?$filter=totl%20eq%201", status: 400, want: []string{"total"}},
			{request: "GET /orders?$filter=number%20eq%201", status: 400},
			{request: "GET /orders?$filter=number%20eq%20%27x", status: 400},
			{request: "GET /orders?$filter=total%20gt%20@x", status: 400},
			{request: "GET /orders?$filte=1", status: 400, want: []string{"$filter"}},
			{request: "GET /orders?$search=x", status: 400},
			{request: "GET /orders?$top=-1", status: 400},
			{request: "GET /orders?$top=x", status: 400},
			{request: "GET /orders?$skip=1.5", status: 400},
			{request: "GET /orders?$top=1&$top=2", status: 400},
			{request: "GET /orders?$count=yes", status: 400},
			{request: "GET /orders?$select=nothing", status: 400},
			{request: "GET /orders?$select=customer/name", status: 400, want: []string{"$expand"}},
			{request: "GET /orders?$expand=total", status: 400},
			{request: "GET /orders?$expand=customer($filter=name%20eq%20%27x%27)", status: 400},
			{request: "GET /orders?$expand=customer(", status: 400},
			{request: "GET /orders?$orderby=extra", status: 400},
			{request: "GET /orders?$skiptoken=nonsense", status: 400},
			{request: "GET /orders?$skiptoken=1.nonsense", status: 400},
			{request: "GET /orders?$deltatoken=0.nonsense", status: 400},
			{request: "GET /orders?$apply=nonsense", status: 400},
			{request: "GET /orders?$apply=aggregate($count%20as%20n)&$filter=total%20gt%201", status: 400},
			{request: "GET /orders/o1?$filter=total%20gt%201", status: 400},
			{request: "GET /orders?%zz", status: 400},
			{request: "GET /orders", headers: []string{"Accept", "application/atom+xml"}, status: 406, want: []string{`"code":"not-acceptable"`}},
			{request: "GET /orders?$format=atom", status: 406},
			{request: "GET /orders", headers: []string{"Accept", "application/json;odata.metadata=some"}, status: 406},
			{request: "GET /$metadata", headers: []string{"Accept", "text/csv"}, status: 406},
			{request: "PUT /orders", body: "{}", status: 405, want: []string{"Allow: GET, POST, HEAD", `"code":"method-not-allowed"`}},
			{request: "POST /orders/o1", body: "{}", status: 405},
			{request: "DELETE /$metadata", status: 405},
			{request: "GET /$batch", status: 405},
			{request: "POST /orders/$query", body: "{}", status: 415},
		})
		if got := s.as("nobody", "GET /orders", ""); got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
			s.Errorf("without credentials: %d %s", got.status, got.body)
		} else if code, _, _ := got.failure(s); code != "unauthorized" {
			s.Error(code)
		}
	})
}

func TestWrite(t *testing.T) {
	each(t, func(s *site) {
		rep := []string{"Prefer", "return=representation"}
		s.play([]exchange{
			{request: "POST /orders", body: `{"number":"10","total":"1.5","customer":{"code":"C1"}}`, status: 201, want: []string{`#orders/$entity`, `"total":1.50`, `"customer_id":"c1"`, `"state":"new"`, "Location: BASE/orders('rec_", `Etag: W/"1"`, "Junctor-Result: created"}},
			{request: "POST /orders", body: `{"id":"o11","number":"11","customer@odata.bind":"BASE/customers('c2')"}`, headers: []string{"Prefer", "return=minimal"}, status: 204, want: []string{"Odata-Entityid: BASE/orders('o11')", "Location: BASE/orders('o11')", "Preference-Applied: return=minimal"}},
			{request: "POST /orders?$select=number&$expand=customer($select=name)", body: `{"id":"o12","number":"12","customer_id":"c2"}`, status: 201, want: []string{`"customer":{"@odata.etag":"W/\"1\"","name":"Bob"}`}, not: []string{"total"}},
			{request: "POST /orders", body: `{"number":"1"}`, status: 409, want: []string{`"code":"conflict"`, `"target":"number"`}},
			{request: "POST /orders", body: `{"total":1.555,"lines":"x","nothing":1}`, status: 422, want: []string{`"target":"total"`, `"target":"lines"`, `"target":"nothing"`, `"target":"number"`, `"details":[`}},
			{request: "POST /orders", body: `{"number":"13","customer":{"code":"C9"}}`, status: 422, want: []string{`"target":"customer"`}},
			{request: "POST /orders", body: `[]`, status: 400},
			{request: "POST /orders", body: `{"number"`, status: 400},
			{request: "POST /orders", body: `<a/>`, headers: []string{"Content-Type", "application/xml"}, status: 415},
			{request: "POST /orders", body: `{"number":"14"}`, headers: []string{"Content-Encoding", "gzip"}, status: 415},

			{request: "PATCH /orders/o1", body: `{"note":"x"}`, status: 204, want: []string{`Etag: W/"2"`, "Junctor-Result: updated"}},
			{request: "PATCH /orders/o1", body: `{"note":"x"}`, headers: rep, status: 200, want: []string{`"note":"x"`, `Etag: W/"2"`, "Junctor-Result: unchanged", "Preference-Applied: return=representation"}},
			{request: "PATCH /orders/o1", body: `{"note":null}`, headers: []string{"If-Match", `W/"1"`}, status: 412, want: []string{`"code":"stale"`, `"@junctor.current":{`, `"number":"1"`, `Etag: W/"2"`}},
			{request: "PATCH /orders/o1", body: `{"note":null}`, headers: []string{"If-Match", `W/"1", W/"2"`}, status: 204, want: []string{`Etag: W/"3"`}},
			{request: "PATCH /orders/o1", body: `{"note":"y"}`, headers: []string{"If-Match", `"nonsense"`}, status: 412},
			{request: "PATCH /orders/o1", body: `{"note":"y"}`, headers: []string{"If-Match", `*`}, status: 204},
			{request: "PATCH /orders/nobody", body: `{"note":"y"}`, status: 404},
			{request: "PATCH /orders/o1", body: `{"doubled":7}`, status: 422, want: []string{`"target":"doubled"`}},

			{request: "PATCH /orders(number='20')", body: `{"total":1}`, headers: []string{"Prefer", "upsert"}, status: 201, want: []string{`"number":"20"`, "Junctor-Result: created", "Preference-Applied: upsert"}},
			{request: "PATCH /orders(number='20')", body: `{"note":"again"}`, headers: []string{"Prefer", "upsert, return=representation"}, status: 200, want: []string{`"total":1.00`, "Junctor-Result: updated"}},
			{request: "PATCH /orders(number='20')", body: `{"note":"again"}`, headers: []string{"Prefer", "upsert"}, status: 204, want: []string{"Junctor-Result: unchanged"}},
			{request: "PATCH /orders(number='21')", body: `{}`, headers: []string{"Prefer", "upsert", "If-Match", "*"}, status: 412},
			{request: "PUT /orders(number='20')", body: `{"lines":3}`, headers: rep, status: 200, want: []string{`"total":null`, `"lines":3`, `"number":"20"`}},
			{request: "PUT /orders(number='22')", body: `{"lines":3}`, status: 201, want: []string{"Location: "}},
			{request: "PUT /orders(number='22')", body: `{"lines":3}`, headers: []string{"If-None-Match", "*"}, status: 412, want: []string{`"@junctor.current"`}},
			{request: "PUT /orders(number='23')", body: `{"lines":3}`, headers: []string{"If-None-Match", "*"}, status: 201},
			{request: "PUT /orders(number='23')", body: `{"lines":3}`, headers: []string{"If-None-Match", "*", "If-Match", "*"}, status: 400},

			{request: "PUT /orders/o1/total", body: `{"value":77.7}`, status: 204},
			{request: "GET /orders/o1/total", status: 200, want: []string{"77.70"}},
			{request: "PUT /orders/o1/total/$value", body: `88.8`, headers: []string{"Content-Type", "text/plain"}, status: 204},
			{request: "PUT /orders/o1/total/$value", body: `x`, headers: []string{"Content-Type", "text/plain"}, status: 422},
			{request: "PUT /orders/o1/total", body: `{"valu":1}`, status: 400},
			{request: "DELETE /orders/o1/total", status: 204},
			{request: "GET /orders/o1/total", status: 204},
			{request: "DELETE /orders/o1/number", status: 422},
			{request: "PUT /orders/o1/customer/$ref", body: `{"@odata.id":"customers('c2')"}`, status: 204},
			{request: "GET /orders/o1/customer_id/$value", status: 200, want: []string{"c2"}},
			{request: "PUT /orders/o1/customer/$ref", body: `{"@odata.id":"regions('rg')"}`, status: 422},
			{request: "DELETE /orders/o1/customer/$ref", status: 204},
			{request: "GET /orders/o1/customer", status: 204},
			{request: "PUT /orders/o1/$ref", body: `{"@odata.id":"customers('c2')"}`, status: 400},
			{request: "PATCH /orders/o3/customer", body: `{"name":"Anna"}`, status: 204},
			{request: "GET /customers/c1/name/$value", status: 200, want: []string{"Anna"}},

			{request: "DELETE /orders/o5", headers: []string{"If-Match", `W/"9"`}, status: 412},
			{request: "DELETE /orders/o5", headers: []string{"If-Match", `W/"1"`}, status: 204},
			{request: "DELETE /orders/o5", status: 404},
			{request: "GET /orders/o5", status: 404},

			{request: "POST /locked", body: `{"id":"l1","a":"x","b":1}`, status: 201},
			{request: "GET /locked(a='x',b=1)", status: 200},
			{request: "GET /locked(a='x')", status: 400},
			{request: "PATCH /locked/l1", body: `{"c":"y"}`, status: 428, want: []string{`"code":"version-required"`}},
			{request: "DELETE /locked/l1", status: 428},
			{request: "PATCH /locked/l1", body: `{"c":"y"}`, headers: []string{"If-Match", `W/"1"`}, status: 204},
		})
	})
}
