package hub_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const contractAPI = `
settings: { timezone: Europe/Prague }
classes:
  customers: { key: code, columns: { code: text!, name: text } }
  orders:
    key: number
    columns: { number: text!, customer: ref(customers), total: "decimal(12,2)", margin: "decimal(12,2)", received: datetime, day: date, count: integer, state: "enum(new,sent,done)" }
  strict: { key: code, require_match: true, columns: { code: text! } }
functions: { add: { scenario: add } }
packets:
  card:
    params: { code: text! }
    parts:
      customer: { class: customers, filter: "code eq @code", one: true }
      orders: { class: orders, filter: "customer/code eq @code", orderby: "received desc", top: 20 }
roles:
  shop:
    classes:
      customers: { read: true, create: true, update: true, delete: true }
      orders: { read: "state ne 'done'", create: true, update: true, delete: false, hide: [margin], readonly: [state] }
      strict: { read: true, create: true, update: true, delete: true }
    functions: [add]
    packets: [card]
    events: { read: ["order.*"], publish: ["order.*"] }
  clerk: { admin: [runs] }
applications:
  eshop: { password: eshop-password, roles: [shop] }
  alone: { password: alone-password, roles: [shop], sessions: { policy: per-application, on_conflict: reject } }
  far: { password: far-password, allow: [10.0.0.0/8] }
  clerk: { password: clerk-password, roles: [clerk] }
channels:
  shop: { type: public, scenario: steps, await: true, subject: $.number }
  later: { type: public, scenario: steps }
  crm: { type: eventing }
`

// TestContractOfTheAPI holds sections 3 and 4 of the contract, word for word.
func TestContractOfTheAPI(t *testing.T) {
	eachSite(t, map[string]string{
		"junctor.yaml": contractAPI,
		"scenarios/add.ts": `import { Problem } from "junctor";
export const params = { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["a", "b"] };
export default (request: any) => {
  if (request.params.a < 0) throw new Problem({ status: 409, title: "negative", errors: [{ pointer: "/a", detail: "is negative" }] });
  return { status: 201, headers: { "X-A": "1" }, json: { sum: request.params.a + request.params.b, by: request.account.login } };
};`,
		"scenarios/steps.ts": `import { kv, log, run, sleep } from "junctor";
export default async (request: any) => {
  run.tag("contract");
  await kv.increment("n"); await kv.increment("n");
  if (request.query.op === "fail") throw new Error("the inside");
  if (request.query.op === "sleep") await sleep("1h");
  log("done");
  return 1;
};`,
	}, func(t *testing.T, s *site) {
		kept := map[string]string{}
		s.contract(apiClauses, kept)
		s.nouns()
		s.contract(runClauses, kept)
	})
}

// nouns is "/{noun} and /{noun}/{code}": lists, pages, one of each, its ETag.
func (s *site) nouns() {
	s.t.Helper()
	safe := regexp.MustCompile(`^[A-Za-z0-9_.~-]+$`)
	s.call("POST", "/api/v1/admin/tokens", `{"name":"ci"}`)
	s.call("PUT", "/api/v1/admin/secrets/one", `{"value":"1"}`)
	s.call("PUT", "/api/v1/admin/units/top", `{}`)
	for noun, member := range map[string]string{
		"channels": "code", "scenarios": "code", "functions": "code", "classes": "code", "views": "name", "packets": "code", "accounts": "login", "applications": "code",
		"roles": "code", "units": "code", "sessions": "id", "tokens": "name", "secrets": "name", "nodes": "id", "events": "id", "audit": "id", "runs": "id",
	} {
		at := "/api/v1/admin/" + noun
		resp, list := s.call("GET", at+"?limit=1", "")
		key, next := memberAt(list, "/items/0/"+member), memberAt(list, "/next")
		if resp.StatusCode != 200 || key == "" || !strings.HasPrefix(list, `{"items":[`) {
			s.t.Errorf("lists {items, next} with ?limit=: %s answers %d %s", noun, resp.StatusCode, list)
			continue
		}
		if next != "" {
			_, second := s.call("GET", at+"?limit=1&after="+next, "")
			if other := memberAt(second, "/items/0/"+member); !safe.MatchString(next) || other == "" || other == key {
				s.t.Errorf("?after= takes the URL-safe next: %s %q: %s", noun, next, second)
			}
		}
		resp, shown := s.call("GET", at+"/"+key, "")
		etag := resp.Header.Get("ETag")
		if resp.StatusCode != 200 || etag == "" || memberAt(shown, "/"+member) != key {
			s.t.Errorf("/{noun}/{code}, with an ETag: %s/%s answers %d %v %s", noun, key, resp.StatusCode, resp.Header, shown)
		}
		if resp, _ := s.call("GET", at+"/"+key, "", "If-None-Match", etag); resp.StatusCode != http.StatusNotModified && noun != "sessions" && noun != "nodes" && noun != "tokens" {
			s.t.Errorf("%s/%s has not kept its ETag: %d", noun, key, resp.StatusCode)
		}
		if resp, body := s.call("GET", at+"/nobody-knows", ""); resp.StatusCode != 404 {
			s.t.Errorf("%s of an unknown code answers %d %s", noun, resp.StatusCode, body)
		}
		if resp, body := s.call("GET", at+"?limit=1001", ""); resp.StatusCode != 400 {
			s.t.Errorf("at most 1,000: %s answers %d %s", noun, resp.StatusCode, body)
		}
		if resp, body := s.call("GET", at+"?colour=red", ""); resp.StatusCode != 400 || !strings.Contains(body, "/query/colour") {
			s.t.Errorf("%s with an unknown filter answers %d %s", noun, resp.StatusCode, body)
		}
	}
	for query, want := range map[string]string{
		"channels?type=eventing": "crm", "channels?await=true": "shop", "applications?roles=clerk": "clerk", "accounts?kind=admin": "admin", "accounts?login=far": "far",
		"functions?scenario=add": "add", "roles?origin=files&limit=1": "clerk", "tokens?name=ci": "ci", "secrets?name=one": "one", "views?class=orders": "api_orders", "channels?enabled=false": "", "channels?author=nobody": "",
	} {
		_, list := s.call("GET", "/api/v1/admin/"+query, "")
		found := memberAt(list, "/items/0/code") + memberAt(list, "/items/0/login")
		if strings.HasPrefix(query, "tokens") || strings.HasPrefix(query, "secrets") || strings.HasPrefix(query, "views") {
			found = memberAt(list, "/items/0/name")
		}
		if found != want {
			s.t.Errorf("filters by field: %s finds %q, not %q: %s", query, found, want, list)
		}
	}
}

const (
	asAdmin = "admin:" + adminPassword
	asShop  = "eshop:eshop-password"
	data    = " /api/v1/data"
	adm     = " /api/v1/admin/"
)

// changed is a PATCH of the order and a look at what came of it.
func changed(says, sent, want string) []clause {
	return []clause{
		{says: says, do: "PATCH" + data + "/orders('{order}')", by: asShop, sent: sent, status: 204},
		{says: says, do: "GET" + data + "/orders('{order}')", by: asShop, status: 200, body: want},
	}
}

var apiClauses = join([]clause{
	{says: "POST /api/v1/session {login,password}: 201 {token, expires_at}", do: "POST /api/v1/session", sent: `{"login":"eshop","password":"eshop-password"}`, status: 201, json: []string{"token", "expires_at"}, body: `"expires_at":"\d{4}-\d\d-\d\dT[0-9:.]+Z"`, keep: map[string]string{"session": "/token"}},
	{says: "or Basic", do: "POST /api/v1/session", by: asShop, status: 201, json: []string{"token", "expires_at"}},
	{says: "401", do: "POST /api/v1/session", sent: `{"login":"eshop","password":"wrong"}`, status: 401},
	{says: "403 by address", do: "POST /api/v1/session", sent: `{"login":"far","password":"far-password"}`, status: 403},
	{says: "401: no credential", do: "GET /api/v1/data", status: 401, has: []string{"WWW-Authenticate"}},
	{says: "per-application", do: "POST /api/v1/session", sent: `{"login":"alone","password":"alone-password"}`, status: 201, keep: map[string]string{"alone": "/token"}},
	{says: "409 by policy with holder {login, since, address}", do: "POST /api/v1/session", sent: `{"login":"alone","password":"alone-password"}`, status: 409, body: `"holder":\{"login":"alone","since":"[^"]+Z","address":"127.0.0.1"\}`},
	{says: "Credentials are checked before policy", do: "POST /api/v1/session", sent: `{"login":"alone","password":"wrong"}`, status: 401},
	{says: "GET shows it", do: "GET /api/v1/session", by: "{alone}", status: 200, body: `"login":"alone"`},
	{says: "DELETE ends it (204)", do: "DELETE /api/v1/session", by: "{alone}", status: 204},
	{says: "DELETE ends it (204)", do: "GET /api/v1/session", by: "{alone}", status: 401},

	{says: "service document", do: "GET" + data, by: "{session}", status: 200, has: []string{"Odata-Version: 4.0"}, body: `"@odata.context".*"name":"customers".*"name":"orders"`},
	{says: "4.01 on OData-MaxVersion: 4.01; annotations always with their odata. prefix", do: "GET" + data + "/", by: asShop, with: []string{"OData-MaxVersion", "4.01"}, status: 200, has: []string{"Odata-Version: 4.01"}, body: `"@odata.context"`},
	{says: "$metadata (XML); hidden columns are not there", do: "GET" + data + "/$metadata", by: asShop, status: 200, has: []string{"Content-Type: application/xml"}},
	{says: "text Edm.String; integer Edm.Int64; decimal Edm.Decimal; date, datetime", do: "GET" + data + "/$metadata", by: asShop, status: 200, body: `Name="count" Type="Edm.Int64".*Name="customer_id" Type="Edm.String".*Name="day" Type="Edm.Date".*Name="number" Type="Edm.String".*Name="received" Type="Edm.DateTimeOffset".*Name="state" Type="Edm.String".*Name="total" Type="Edm.Decimal".*<NavigationProperty Name="customer"`},
	{says: "POST 201", do: "POST" + data + "/customers", by: asShop, sent: `{"code":"C1","name":"Ann"}`, status: 201, has: []string{"ETag", "Location"}, keep: map[string]string{"customer": "/id"}},
	{says: `customer: {"code": "C1"} (by key); decimal: a JSON number with its full scale`, do: "POST" + data + "/orders", by: asShop, sent: `{"number":"4711","customer":{"code":"C1"},"total":10.1}`, status: 201, body: `"customer_id":"{customer}".*"total":10\.10[,}]`, keep: map[string]string{"order": "/id", "etag": "ETag"}},
	{says: "/{class}/{id}", do: "GET" + data + "/orders/{order}", by: asShop, status: 200, body: `"number":"4711"`},
	{says: "by key /{class}(number='4711')", do: "GET" + data + "/orders(number='4711')", by: asShop, status: 200, body: `"id":"{order}"`},
	{says: "a string under IEEE754Compatible=true", do: "GET" + data + "/orders/{order}", by: asShop, with: []string{"Accept", "application/json;IEEE754Compatible=true"}, status: 200, body: `"total":"10\.10"`},
	{says: "PATCH merges (404 when absent)", do: "PATCH" + data + "/orders(number='0')", by: asShop, sent: `{"count":1}`, status: 404},
},
	changed("both accepted: a string", `{"total":"11.50"}`, `"customer_id":"{customer}".*"total":11\.50`),
	changed("null clears", `{"customer":null}`, `"customer_id":null.*"total":11\.50`),
	changed("writes accept customer_id", `{"customer_id":"{customer}"}`, `"customer_id":"{customer}"`),
	changed(`writes accept customer: "id"`, `{"customer":"{customer}"}`, `"customer_id":"{customer}"`),
	changed("writes accept customer@odata.bind", `{"customer@odata.bind":"customers('{customer}')"}`, `"customer_id":"{customer}"`),
	changed("times in JSON are RFC 3339 UTC", `{"received":"2026-11-23T02:00:00+01:00"}`, `"received":"2026-11-23T01:00:00Z"`),
	[]clause{
		{says: "Null as in OData (null ne 'x' is true)", do: "GET" + data + "/orders?$filter=state%20ne%20'x'&$select=number&$orderby=number%20desc&$top=1&$skip=0&$count=true&$expand=customer", by: asShop, status: 200, body: `"@odata.count":1,.*"number":"4711".*"customer":\{[^}]*"code":"C1"`},
		{says: "hide: [margin]", do: "PATCH" + data + "/orders/{order}", by: asShop, sent: `{"margin":1}`, status: 422},
		{says: "readonly: [state]", do: "PATCH" + data + "/orders/{order}", by: asShop, sent: `{"state":"sent"}`, status: 422},
		{says: "delete: false", do: "DELETE" + data + "/orders/{order}", by: asShop, status: 403},
		{says: "ETag, If-Match (412 with the current record)", do: "PATCH" + data + "/orders/{order}", by: asShop, with: []string{"If-Match", "{etag}"}, sent: `{"count":1}`, status: 412, body: `"number":"4711"`},
		{says: "PUT by key creates (201)", do: "PUT" + data + "/orders(number='4712')", by: asShop, sent: `{"total":1,"count":4}`, status: 201},
		{says: "or replaces (absent columns reset)", do: "PUT" + data + "/orders(number='4712')", by: asShop, sent: `{"total":2}`, status: 204},
		{says: "or replaces (absent columns reset)", do: "GET" + data + "/orders(number='4712')", by: asShop, status: 200, body: `"count":null.*"total":2\.00`},
		{says: "PATCH with Prefer: upsert merges or creates", do: "PATCH" + data + "/orders(number='4713')", by: asShop, with: []string{"Prefer", "upsert"}, sent: `{"count":4}`, status: 201},
		{says: "PATCH with Prefer: upsert merges or creates", do: "PATCH" + data + "/orders(number='4713')", by: asShop, with: []string{"Prefer", "upsert"}, sent: `{"total":3}`, status: 204},
		{says: "428 where the class demands it", do: "POST" + data + "/strict", by: asShop, sent: `{"id":"s1","code":"1"}`, status: 201},
		{says: "428 where the class demands it", do: "DELETE" + data + "/strict('s1')", by: asShop, status: 428},
		{says: "DELETE 204", do: "DELETE" + data + "/strict('s1')", by: asShop, with: []string{"If-Match", "*"}, status: 204},
		{says: "a row filter", do: "PATCH" + data + "/orders(number='4713')", by: asAdmin, sent: `{"state":"done"}`, status: 204},
		{says: "a row filter", do: "GET" + data + "/orders(number='4713')", by: asShop, status: 404},
		{says: "$batch in JSON (atomicityGroup, dependsOn, $1 references)", do: "POST" + data + "/$batch", by: asShop, status: 200, body: `"id":"1"[^}]*"status":201.*"id":"2".*"status":201.*"id":"3".*"status":200.*"code":"G"`,
			sent: `{"requests":[{"id":"1","atomicityGroup":"g","method":"POST","url":"customers","body":{"code":"G"}},{"id":"2","atomicityGroup":"g","method":"POST","url":"orders","body":{"number":"G","customer@odata.bind":"$1"}},{"id":"3","method":"GET","url":"$1","dependsOn":["g"]}]}`},
		{says: "atomicityGroup", do: "POST" + data + "/$batch", by: asShop, status: 200, body: `"status":42[24].*"status":42[24]`,
			sent: `{"requests":[{"id":"1","atomicityGroup":"g","method":"POST","url":"customers","body":{"code":"H"}},{"id":"2","atomicityGroup":"g","method":"POST","url":"orders","body":{"nope":1}}]}`},
		{says: "atomicityGroup", do: "GET" + data + "/customers(code='H')", by: asShop, status: 404},
		{says: "multipart", do: "POST" + data + "/$batch", by: asShop, with: []string{"Content-Type", "multipart/mixed; boundary=b"}, status: 200, has: []string{"Content-Type: multipart/mixed"}, body: "HTTP/1.1 200",
			sent: "--b\r\nContent-Type: application/http\r\n\r\nGET customers(code='G') HTTP/1.1\r\n\r\n\r\n--b--\r\n"},
		{says: "server paging by @odata.nextLink", do: "GET" + data + "/customers", by: asShop, with: []string{"Prefer", "odata.maxpagesize=1"}, status: 200, body: `"@odata.nextLink":"`},
		{says: "$deltatoken", do: "GET" + data + "/customers", by: asShop, with: []string{"Prefer", "odata.track-changes"}, status: 200, body: `"@odata.deltaLink":"[^"]*deltatoken`},

		{says: "packets: an object with a member per part", do: "GET /api/v1/packets/card?code=C1", by: asShop, status: 200, json: []string{"customer", "orders"}, body: `"customer":\{.*"orders":\[\{`},
		{says: "with one: true the record or null", do: "GET /api/v1/packets/card?code=none", by: asShop, status: 200, body: `^\{"customer":null,"orders":\[\]\}`},
		{says: "functions: the returned value is answered as in 5, Answer", do: "POST /api/v1/functions/add", by: "{session}", sent: `{"a":1,"b":2}`, status: 201, has: []string{"X-A: 1"}, body: `^\{"sum":3,"by":"eshop"\}$`},
		{says: "checked against the schema (422); the pointer names the missing member: /b", do: "POST /api/v1/functions/add", by: asShop, sent: `{"a":1}`, status: 422, body: `"errors":\[\{"pointer":"/b",`},
		{says: "a Problem, as is", do: "POST /api/v1/functions/add", by: asShop, sent: `{"a":-1,"b":2}`, status: 409, body: `"title":"negative"`},
		{says: "Prefer: respond-async gives 202 and Location: /api/v1/runs/{id}", do: "POST /api/v1/functions/add", by: asShop, with: []string{"Prefer", "respond-async"}, sent: `{"a":1,"b":2}`, status: 202, has: []string{"Location: /api/v1/runs/run_"}, keep: map[string]string{"async": "Location"}},
		{says: "GET /api/v1/runs/{id}: state and output of a run", do: "GET {async}", by: asShop, status: 200, body: `"state":"(queued|running|succeeded)"`},
		{says: "for the caller who started it", do: "GET {async}", by: "alone:alone-password", status: 404},

		{says: "POST /api/v1/events CloudEvents, structured: 202", do: "POST /api/v1/events", by: asShop, with: []string{"Content-Type", "application/cloudevents+json"}, sent: `{"specversion":"1.0","id":"1","source":"/t","type":"order.paid","data":{"n":1}}`, status: 202},
		{says: "binary", do: "POST /api/v1/events", by: asShop, with: []string{"Content-Type", "application/json", "ce-specversion", "1.0", "ce-id", "2", "ce-source", "/t", "ce-type", "order.paid"}, sent: `{"n":2}`, status: 202},
		{says: "or batch", do: "POST /api/v1/events", by: asShop, with: []string{"Content-Type", "application/cloudevents-batch+json"}, sent: `[{"specversion":"1.0","id":"3","source":"/t","type":"order.paid","data":{"n":3}}]`, status: 202},
		{says: "publish: [order.*]", do: "POST /api/v1/events", by: asShop, with: []string{"Content-Type", "application/cloudevents+json"}, sent: `{"specversion":"1.0","id":"4","source":"/t","type":"stock.low"}`, status: 403},
		{says: "GET /api/v1/events: {items:[{event,cursor}],next}; without after from the oldest", do: "GET /api/v1/events?types=order.paid,x&filter=data/n%20lt%203&limit=1", by: asShop, status: 200, json: []string{"items", "next"}, body: `^\{"items":\[\{"event":\{"specversion":"1.0","id":"1",[^]]*\},"cursor":"[A-Za-z0-9_-]+"\}\]`, keep: map[string]string{"cursor": "/next"}},
		{says: "?after=CURSOR", do: "GET /api/v1/events?types=order.paid&after={cursor}", by: asShop, status: 200, body: `"id":"2".*"id":"3"`},
		{says: "a change record's event: subject the external key, data {id, key, changed[], before?, after?}", do: "GET /api/v1/events?types=record.orders.created&limit=1", by: asAdmin, status: 200, body: `"subject":"4711",.*"data":\{"id":"{order}","key":"4711","changed":\[.*"after":\{`},

		{says: "/soap/v1?wsdl by Basic or Bearer, made for the caller's rights", do: "GET /soap/v1?wsdl", by: "{session}", status: 200, body: `definitions`},
		{says: "/soap/v1?wsdl by Basic or Bearer", do: "GET /soap/v1?wsdl", status: 401},
		{says: "/openapi.json for the caller's rights", do: "GET /openapi.json", by: asShop, status: 200, body: `"openapi": ?"3\.1`},
		{says: "/docs", do: "GET /docs", by: asShop, status: 200},
		{says: "/healthz: no credential", do: "GET /healthz", status: 200},
		{says: "/readyz: no credential", do: "GET /readyz", status: 200},
		{says: "/metrics: Prometheus", do: "GET /metrics", status: 200, body: `# TYPE`},
	})

var runClauses = []clause{
	{says: "admin: []", do: "GET" + adm + "channels", by: asShop, status: 403},
	{says: "areas of the admin API", do: "GET" + adm + "runs", by: "clerk:clerk-password", status: 200},
	{says: "the body is the YAML entry as JSON", do: "PUT" + adm + "channels/new", by: asAdmin, sent: `{"type":"public","scenario":"steps","comment":"a"}`, status: 201, has: []string{"ETag"}, body: `"version":1`, keep: map[string]string{"v1": "ETag"}},
	{says: "writes take If-Match", do: "PUT" + adm + "channels/new", by: asAdmin, with: []string{"If-Match", "{v1}"}, sent: `{"type":"public","scenario":"steps","comment":"b"}`, status: 200, body: `"version":2`},
	{says: "412 and the current object when stale", do: "PUT" + adm + "channels/new", by: asAdmin, with: []string{"If-Match", "{v1}"}, sent: `{"type":"public","scenario":"steps"}`, status: 412, body: `"current":\{.*"comment":"b"`},
	{says: "412 and the current object when stale", do: "DELETE" + adm + "channels/new", by: asAdmin, with: []string{"If-Match", "{v1}"}, status: 412},
	{says: "writes take If-Match", do: "GET" + adm + "secrets/one", by: asAdmin, status: 200, keep: map[string]string{"secret": "ETag"}},
	{says: "writes take If-Match", do: "PUT" + adm + "secrets/one", by: asAdmin, with: []string{"If-Match", "{secret}"}, sent: `{"value":"2"}`, status: 204},
	{says: "412 and the current object when stale", do: "PUT" + adm + "secrets/one", by: asAdmin, with: []string{"If-Match", "{secret}"}, sent: `{"value":"3"}`, status: 412, body: `"current":\{"name":"one"`},
	{says: "412 when there is one already", do: "PUT" + adm + "secrets/one", by: asAdmin, with: []string{"If-None-Match", "*"}, sent: `{"value":"3"}`, status: 412},
	{says: "412 when it is gone", do: "DELETE" + adm + "secrets/other", by: asAdmin, with: []string{"If-Match", "*"}, status: 412},
	{says: "If-None-Match: *", do: "PUT" + adm + "secrets/other", by: asAdmin, with: []string{"If-None-Match", "*"}, sent: `{"value":"3"}`, status: 204},

	{says: "one run", do: "POST /api/token/v1/{token:shop}", sent: `{"number":"4711"}`, status: 200, keep: map[string]string{"run": "Junctor-Run"}},
	{says: "one run has id, state, program, version, channel, subject, tags, mode, attempt, input, output, steps[], logs[]", do: "GET" + adm + "runs/{run}", by: asAdmin, status: 200,
		json: []string{"id", "state", "program", "version", "channel", "subject", "tags", "mode", "attempt", "created_at", "finished_at", "input", "output", "steps", "logs"},
		body: `"program":"scenario:steps".*"subject":"4711","tags":\["contract"\].*"steps":\[\{"seq":1,"name":"kv.increment","arguments":.*"result":1,"started_at":.*"finished_at":.*\{"seq":2,`},
	{says: "error {message, stack, permanent}", do: "POST /api/token/v1/{token:shop}?op=fail", status: 502, keep: map[string]string{"failed": "Junctor-Run"}},
	{says: "error {message, stack, permanent}; logs[]", do: "GET" + adm + "runs/{failed}", by: asAdmin, status: 200, body: `"error":\{"name":"Error","message":"the inside","stack":"[^"]+","permanent":false.*"logs":\[\]`},
	{says: "POST runs/{id}/retry (200 with the run)", do: "POST" + adm + "runs/{failed}/retry", by: asAdmin, status: 200, body: `^\{"id":"{failed}"`},
	{says: "/rerun (201 with a new run, Location, origin)", do: "POST" + adm + "runs/{run}/rerun", by: asAdmin, sent: `{"from_step":2,"version":"same"}`, status: 201, has: []string{"Location: /api/v1/admin/runs/run_"}, body: `"origin":"{run}"`},
	{says: `"input"`, do: "POST" + adm + "runs/{run}/rerun", by: asAdmin, sent: `{"version":"latest","input":{"number":"1"}}`, status: 201},
	{says: "a run that waits", do: "POST /api/token/v1/{token:later}?op=sleep", status: 200, keep: map[string]string{"cancelled": "Junctor-Run"}},
	{says: "/cancel (200 with the run)", do: "POST" + adm + "runs/{cancelled}/cancel", by: asAdmin, status: 200, body: `^\{"id":"{cancelled}"`},
	{says: "a run that waits", do: "POST /api/token/v1/{token:later}?op=sleep", status: 200, keep: map[string]string{"terminated": "Junctor-Run"}},
	{says: "/terminate (200 with the run)", do: "POST" + adm + "runs/{terminated}/terminate", by: asAdmin, status: 200, body: `^\{"id":"{terminated}","state":"cancelled"`},
	{says: `"version":"same|latest"`, do: "POST" + adm + "runs/{run}/rerun", by: asAdmin, sent: `{"version":"older"}`, status: 422, body: `"pointer":"/version"`},
	{says: "?state=&program=&channel=&subject=&tag=&since=&until=&q=", do: "GET" + adm + "runs?state=succeeded&program=scenario:steps&channel=shop&subject=4711&tag=contract&since=2020-01-01T00:00:00Z&until=2099-01-01T00:00:00Z&q=4711", by: asAdmin, status: 200, body: `"id":"{run}"`},
	{says: "q: id by prefix", do: "GET" + adm + "runs?q={run}", by: asAdmin, status: 200, body: `"id":"{run}"`},
	{says: "POST runs/actions {action,filter,dry_run}, the count first", do: "POST" + adm + "runs/actions", by: asAdmin, sent: `{"action":"rerun","filter":{"state":"succeeded","subject":"4711"},"dry_run":true}`, status: 200, body: `"count":\d,.*"dry_run":true`},
	{says: "POST runs/actions {action,filter,dry_run}", do: "POST" + adm + "runs/actions", by: asAdmin, sent: `{"action":"rerun","filter":{"state":["succeeded","failed"]},"dry_run":true}`, status: 200, body: `"done":0`},
	{says: "POST runs/actions {action,filter,dry_run}", do: "POST" + adm + "runs/actions", by: asAdmin, sent: `{"action":"rerun","filter":{"state":7},"dry_run":true}`, status: 422, body: `"pointer":"/filter/state"`},
}

func join(parts ...[]clause) (all []clause) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
