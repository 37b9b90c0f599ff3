package hub_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"junctor/internal/odata"
)

// The matrix: every door with every role, on rows that are its own and that are
// not, with a column that is hidden from it. What is hidden is nowhere, and an
// answer about it is word for word the answer about what does not exist.
//
// A probe names what is hidden by a token. It is sent twice, with the real thing
// in the token's place and with an invented one.
var tokens = map[string][2]string{ // real, invented
	"{hidden}": {"margin", "nigram"},       // a column
	"{value}":  {"987654.32", "987654.99"}, // of it, in the foreign row
	"{id}":     {"rec-foreign-1", "rec-unknown-1"},
	"{number}": {"F-7001", "F-7999"},
	"{note}":   {"foreign-note", "unknown-note"},
	"{buyer}":  {"Foreign-Buyer", "Unknown-Buyer"},
	"{mail}":   {"foreign@mail", "unknown@mail"},
	"{button}": {"secretly", "overtly"},
	"{Button}": {"Secretly", "Overtly"},
	"{rows}":   {"everyone", "somebody"}, // a stored query
	"{Rows}":   {"Everyone", "Somebody"},
}

const matrixPassword = "a password of the matrix"

var matrixFiles = map[string]string{
	"junctor.yaml": `
classes:
  customers: { key: code, columns: { code: text!, name: text, owner: text, mail: { type: text, unique: true } } }
  orders:
    key: number
    history: full
    columns:
      number: text!
      customer: ref(customers)
      boss: ref(orders)
      total: decimal(12,2)
      margin: decimal(12,2)
      note: text
      paper: file
      hint: file
      mark: text
    rules:
      - { when: [created], scenario: look }
      - { when: [created, updated], before: true, scenario: guard }
    buttons:
      press: { scenario: look }
      secretly: { scenario: look }
queries:
  mine: { params: { note: text }, sql: "SELECT o.number, o.note FROM api_orders AS o JOIN api_customers AS c ON c.code = o.customer WHERE c.owner = :account_login AND (:note IS NULL OR o.note = :note)" }
  everyone: { params: { code: text }, sql: "SELECT number, note, margin FROM api_orders WHERE :code IS NULL OR note = :code" }
functions:
  look: { scenario: look }
packets:
  card:
    params: { code: text! }
    parts:
      orders: { class: orders, filter: "note eq @code or number eq @code or customer/name eq @code", expand: "boss,customer", orderby: number }
      one: { class: orders, filter: "number eq @code", one: true }
roles:
  own:
    classes:
      customers: { read: "owner eq @account.login", hide: [mail] }
      orders: { read: "customer/owner eq @account.login", create: "customer/owner eq @account.login", update: "customer/owner eq @account.login", delete: "customer/owner eq @account.login", hide: [margin, hint, mark], buttons: [press] }
    queries: [mine]
    events: { read: ["**"] }
    packets: [card]
  viewer:
    classes:
      customers: { read: "owner eq @account.login", hide: [mail] }
      orders: { read: true, hide: [margin, hint, mark] }
    events: { read: ["record.**"] }
    packets: [card]
  maker: { classes: { orders: { create: true, hide: [margin, hint, mark], buttons: ["*"] } }, packets: [card] }
  mute: { events: { read: ["record.**"] } }
applications:
  own: { password: "${env:MATRIX}", roles: [own] }
  viewer: { password: "${env:MATRIX}", roles: [viewer] }
  maker: { password: "${env:MATRIX}", roles: [maker] }
  mute: { password: "${env:MATRIX}", roles: [mute] }
`,
	"scenarios/look.ts": `export default async () => "looked"`,
	"scenarios/guard.ts": `import { Problem, type RecordChange } from "junctor";
export default async ({ record }: RecordChange) => {
  if (record.note === "refuse") throw new Problem({ status: 409, title: "the rule refuses " + record.number });
  return record.note === "give away" ? { customer_id: "cus-foreign" } : { mark: "marked-" + record.number };
}`,
}

// probe is a request: "/orders?..." below the door, a body, and headers.
type probe struct {
	at, body string
	header   []string
	differs  bool // what exists cannot be kept secret here: a key that is taken is refused
}

// dataProbes are those of the data door, by route.
var dataProbes = map[string][]probe{
	"POST /$batch": {
		{at: "/$batch", body: `{"requests":[{"id":"1","method":"GET","url":"orders/{id}"},{"id":"2","method":"GET","url":"orders?$filter={hidden} gt 1"},{"id":"3","method":"GET","url":"orders?$expand=boss,customer"},{"id":"4","method":"GET","url":"orders(number='{number}')"},
			{"id":"8","method":"POST","url":"orders/{id}/press"},{"id":"9","method":"POST","url":"orders/rec-own-1/{button}"},{"id":"10","method":"GET","url":"{rows}"},{"id":"11","method":"POST","url":"orders/press","body":{"records":["{id}"]}},
			{"id":"5","method":"PATCH","url":"orders/rec-own-1","headers":{"if-match":"W/\"999\""},"body":{"note":"x"}},{"id":"6","method":"GET","url":"$5/boss"},{"id":"7","method":"PATCH","url":"orders/{id}","headers":{"if-match":"W/\"999\""},"body":{"note":"x"}}]}`, header: []string{"Prefer", "odata.continue-on-error"}},
		{at: "/$batch", body: `{"requests":[{"id":"1","atomicityGroup":"g","method":"PATCH","url":"orders/rec-own-1","body":{"note":"group"}},{"id":"2","atomicityGroup":"g","method":"DELETE","url":"orders/{id}"}]}`},
		{at: "/$batch", body: "--b\r\nContent-Type: application/http\r\n\r\nGET orders/{id} HTTP/1.1\r\n\r\n\r\n--b\r\nContent-Type: application/http\r\n\r\nGET orders?$select={hidden} HTTP/1.1\r\n\r\n\r\n--b\r\nContent-Type: application/http\r\n\r\nGET orders HTTP/1.1\r\n\r\n\r\n--b--", header: []string{"Content-Type", "multipart/mixed;boundary=b", "Prefer", "odata.continue-on-error"}},
	},
	"GET /":          {{at: ""}, {at: "/"}},
	"GET /$metadata": {{at: "/$metadata"}, {at: "/$metadata?$format=json"}, {at: "/$metadata", header: []string{"OData-MaxVersion", "4.01"}}},
	"GET /$entity":   {{at: "/$entity?$id=orders('{id}')"}, {at: "/$entity?$id=orders(number='{number}')"}, {at: "/$entity?$id=orders('rec-own-1')"}},
	"GET /{class}": {
		{at: "/orders"}, {at: "/customers"}, {at: "/orders", header: []string{"Accept", "application/json;odata.metadata=full"}}, {at: "/orders?$count=true&$top=0"}, {at: "/orders?$skip=1"}, {at: "/{hidden}"},
		{at: "/orders?$filter={hidden} gt 1"}, {at: "/orders?$filter={hidden} eq {value}"}, {at: "/orders?$filter={hidden} ne null"}, {at: "/orders?$filter=@p gt 1&@p={hidden}"}, {at: "/orders?$filter=boss/{hidden} gt 1"},
		{at: "/orders?$filter=hint ne null"}, {at: "/orders?$orderby={hidden}"}, {at: "/orders?$orderby=boss/{hidden}"}, {at: "/orders?$select={hidden}"}, {at: "/orders?$select=number,{hidden}&$format=csv"}, {at: "/orders?$expand={hidden}"},
		{at: "/orders?$expand=boss($select={hidden})"}, {at: "/orders?$apply=groupby(({hidden}))"}, {at: "/orders?$apply=aggregate({hidden} with sum as x)"}, {at: "/orders?$apply=aggregate({hidden} with max as total)"},
		{at: "/orders?$apply=filter({hidden} gt 1)/aggregate($count as n)"}, {at: "/orders?$apply=groupby((boss/{hidden}))"},
		{at: "/orders?$filter=id eq '{id}'"}, {at: "/orders?$filter=number in ('{number}')"}, {at: "/orders?$filter=contains(note,'{note}')"}, {at: "/orders?$filter=length(note) eq 12"}, {at: "/orders?$filter=boss/note eq '{note}'"},
		{at: "/orders?$filter=customer/name eq '{buyer}'"}, {at: "/orders?$filter=customer/mail eq '{mail}'"}, {at: "/customers?$filter=mail eq '{mail}'"}, {at: "/customers?$filter=name eq '{buyer}'"},
		{at: "/orders?$orderby=boss/note desc"}, {at: "/orders?$orderby=customer/name"}, {at: "/orders?$apply=groupby((customer/name),aggregate($count as n))"}, {at: "/orders?$apply=groupby((boss/note))"}, {at: "/orders?$apply=aggregate(customer/name with max as m)"},
		{at: "/orders?$expand=boss,customer"}, {at: "/orders?$expand=*"}, {at: "/orders?$expand=boss($expand=customer)"}, {at: "/orders?$format=csv"}, {at: "/orders?$format=xml"}, {at: "/orders?$format=csv&$expand=boss,customer"}, {at: "/orders?$format=xml&$expand=boss,customer"},
		{at: "/orders", header: []string{"Prefer", "odata.track-changes"}}, {at: "{cursor}"}, {at: "{delta}"}, {at: "{own delta}"},
	},
	"POST /{class}": {
		{at: "/orders", body: `{"number":"P-1","customer":"cus-own","{hidden}":5}`}, {at: "/orders", body: `{"number":"P-1","customer":{"name":"{buyer}"}}`}, {at: "/orders", body: `{"number":"P-1","customer":{"mail":"{mail}"}}`},
		{at: "/orders", body: `{"number":"P-1","customer":"cus-own","boss":{"number":"{number}"}}`, differs: true}, {at: "/orders", body: `{"number":"P-1","customer":"cus-own","boss@odata.bind":"orders('{id}')"}`, differs: true},
		{at: "/orders", body: `{"number":"{number}","customer":"cus-own"}`, differs: true}, {at: "/orders", body: `{"id":"{id}","number":"P-2","customer":"cus-own"}`, differs: true},
		{at: "/orders", body: `{"number":"P-3","customer":"cus-foreign"}`, differs: true}, {at: "/orders?$select={hidden}", body: `{"number":"P-4","customer":"cus-none"}`}, {at: "/orders?$expand=boss,customer", body: `{"number":"P-5","customer":"cus-own","boss":"rec-own-1"}`, differs: true},
		{at: "/orders", body: `{"number":"P-6","customer":"cus-own","note":"give away"}`}, {at: "/orders", body: `{"number":"P-7","customer":"cus-own","note":"refuse"}`}, {at: "/orders", body: `{"number":"P-8","customer":"cus-own"}`, header: []string{"Prefer", "return=representation"}},
		{at: "/customers", body: `{"code":"{buyer}"}`},
	},
	"POST /{class}/$query": {
		{at: "/orders/$query", body: "$filter={hidden} gt 1", header: []string{"Content-Type", "text/plain"}}, {at: "/orders/$query", body: "$filter=note eq '{note}'&$expand=boss,customer", header: []string{"Content-Type", "text/plain"}},
		{at: "/orders/$query", body: "$orderby={hidden}", header: []string{"Content-Type", "text/plain", "Accept", "text/csv"}},
	},
	"POST /{class}/{button}": {
		{at: "/orders/{button}", body: `{"records":["rec-own-1"]}`}, {at: "/orders/junctor.{button}", body: `{"records":["rec-own-1"]}`}, {at: "/orders/press", body: `{"records":["rec-own-1","{id}"]}`}, {at: "/orders/press", body: `{"records":[{"number":"{number}"}]}`},
		{at: "/orders/press", body: `{"records":[{"{hidden}":{value}}]}`}, {at: "/orders/press", body: `{"records":[{"@odata.id":"orders('{id}')"}]}`}, {at: "/orders/press", body: `{"records":[{"id":"{id}","@odata.etag":"W/\"999\""}]}`}, {at: "/orders/press", body: `{"records":["rec-own-1","rec-own-2"]}`},
		{at: "/orders/press", body: `{"records":[{"id":"rec-own-1","@odata.etag":"W/\"999\""}]}`}, {at: "/customers/{button}", body: `{"records":["cus-own"]}`},
	},
	"POST /{class}/{key}/{button}": {
		{at: "/orders/rec-own-1/{button}"}, {at: "/orders/rec-own-1/junctor.{button}"}, {at: "/orders/rec-own-1/{hidden}"}, {at: "/orders/{id}/press"}, {at: "/orders('{id}')/junctor.press"}, {at: "/orders(number='{number}')/press"}, {at: "/orders({hidden}={value})/press"},
		{at: "/orders/{id}/press", header: []string{"If-Match", `W/"999"`}}, {at: "/orders/rec-own-1/press", header: []string{"If-Match", `W/"999"`}}, {at: "/orders/rec-own-1/boss/press"}, {at: "/orders/rec-own-1/customer/{button}"}, {at: "/orders/rec-own-1/press", body: `{}`},
	},
	"GET /{query}": {
		{at: "/{rows}"}, {at: "/{rows}()"}, {at: "/{rows}(code='{note}')"}, {at: "/{rows}?code={note}"}, {at: "/{rows}?$filter={hidden} gt 1"}, {at: "/{rows}", header: []string{"Accept", "text/csv"}}, {at: "/{rows}('{id}')"}, {at: "/{rows}/{id}"},
		{at: "/mine"}, {at: "/mine?$filter={hidden} gt 1"}, {at: "/mine?$select={hidden}"}, {at: "/mine?$orderby={hidden}"}, {at: "/mine?note={note}"}, {at: "/mine(note='{note}')"}, {at: "/mine({hidden}=1)"}, {at: "/mine?$filter=note eq '{note}'"}, {at: "/mine?$count=true&$top=0"},
		{at: "/mine?$format=csv"}, {at: "/mine?$format=xml"}, {at: "/mine", header: []string{"Prefer", "maxpagesize=1"}},
	},
	"GET /{query}/$count": {{at: "/{rows}/$count"}, {at: "/mine/$count"}, {at: "/mine/$count?$filter=number eq '{number}'"}},
	"GET /{class}/$count": {{at: "/orders/$count"}, {at: "/orders/$count?$filter={hidden} gt 1"}, {at: "/orders/$count?$filter=id eq '{id}'"}, {at: "/orders/$count?$filter=boss/note eq '{note}'"}, {at: "/customers/$count"}},
	"GET /{class}/{key}": {
		{at: "/orders/rec-own-1"}, {at: "/orders/rec-own-1?$expand=boss,customer"}, {at: "/orders/rec-own-1?$select={hidden}"}, {at: "/orders/rec-own-1/boss"}, {at: "/orders/rec-own-1/boss/boss"}, {at: "/orders/rec-own-1?$format=csv"}, {at: "/orders/rec-own-1?$format=xml"},
		{at: "/orders/{id}"}, {at: "/orders('{id}')"}, {at: "/orders(number='{number}')"}, {at: "/orders({hidden}={value})"}, {at: "/orders/{id}/customer"}, {at: "/customers/cus-foreign"}, {at: "/customers(mail='{mail}')"}, {at: "/customers(code='{buyer}')"},
		{at: "/orders/{id}", header: []string{"If-None-Match", `W/"1"`}}, {at: "/orders/{id}", header: []string{"Accept", "text/csv"}},
	},
	"PATCH /{class}/{key}": {
		{at: "/orders/rec-own-1", body: `{"{hidden}":1}`}, {at: "/orders/rec-own-1", body: `{"{hidden}":1,"note":5}`}, {at: "/orders/rec-own-1", body: `{"note":"x"}`, header: []string{"If-Match", `W/"999"`}}, {at: "/orders/rec-own-1", body: `{"note":"own-note"}`, header: []string{"Prefer", "return=representation"}, differs: true},
		{at: "/orders/rec-own-1", body: `{"customer":"cus-foreign"}`}, {at: "/orders/rec-own-1", body: `{"customer":{"name":"{buyer}"}}`}, {at: "/orders/rec-own-1", body: `{"number":"{number}"}`, differs: true},
		{at: "/orders/{id}", body: `{"note":"refuse"}`}, {at: "/orders(number='{number}')", body: `{"note":"refuse"}`}, {at: "/orders/rec-own-1/boss", body: `{"note":"refuse"}`}, {at: "/orders/rec-own-2", body: `{"note":"refuse"}`},
		{at: "/orders/rec-own-2", body: `{"note":"give away"}`}, {at: "/orders/rec-own-2", body: `{"note":"give away"}`, header: []string{"Prefer", "return=representation"}}, {at: "/orders/rec-own-2", body: `{"note":"own-note"}`, header: []string{"Prefer", "return=representation"}},
		{at: "/orders/{id}", body: `{"note":"x"}`}, {at: "/orders/{id}", body: `{"customer":"cus-own"}`}, {at: "/orders/{id}", body: `{"note":"x"}`, header: []string{"If-Match", `W/"999"`}}, {at: "/orders/{id}", body: `{"note":"x"}`, header: []string{"If-Match", `*`}},
		{at: "/orders(number='{number}')", body: `{"note":"x"}`}, {at: "/orders({hidden}={value})", body: `{"note":"x"}`}, {at: "/orders/rec-own-1/boss", body: `{"note":"x"}`}, {at: "/orders/rec-own-1/boss", body: `{"note":"x"}`, header: []string{"If-Match", `W/"999"`}},
		{at: "/orders(number='{number}')", body: `{"customer":"cus-own"}`, header: []string{"Prefer", "upsert"}, differs: true},
	},
	"PUT /{class}/{key}": {
		{at: "/orders/rec-own-1", body: `{"number":"O-1","customer":"cus-own","{hidden}":1}`}, {at: "/orders/rec-own-1", body: `{"number":"O-1","customer":"cus-own"}`, header: []string{"If-Match", `W/"999"`}}, {at: "/orders/rec-own-1", body: `{}`, header: []string{"If-None-Match", `*`}},
		{at: "/orders/{id}", body: `{"number":"Q-1","customer":"cus-own"}`, differs: true}, {at: "/orders(number='{number}')", body: `{"customer":"cus-own"}`, differs: true}, {at: "/orders(number='{number}')", body: `{"customer":"cus-own"}`, header: []string{"If-None-Match", `*`}, differs: true},
		{at: "/orders/{id}", body: `{"number":"Q-1","customer":"cus-own"}`, header: []string{"If-Match", `W/"999"`}, differs: true}, {at: "/orders('')", body: `{"number":"{number}","note":"x"}`}, {at: "/orders(id=5)", body: `{"number":"{number}","note":"x"}`},
	},
	"DELETE /{class}/{key}":      {{at: "/orders/{id}"}, {at: "/orders(number='{number}')"}, {at: "/orders/{id}", header: []string{"If-Match", `W/"999"`}}, {at: "/orders/rec-own-1", header: []string{"If-Match", `W/"999"`}}, {at: "/orders/rec-own-1/boss"}, {at: "/customers/cus-foreign"}},
	"GET /{class}/{key}/$ref":    {{at: "/orders/{id}/$ref"}, {at: "/orders(number='{number}')/$ref"}, {at: "/orders/rec-own-1/boss/$ref"}, {at: "/orders/{id}/customer/$ref"}, {at: "/orders/rec-own-1/{hidden}/$ref"}},
	"PUT /{class}/{key}/$ref":    {{at: "/orders/rec-own-2/boss/$ref", body: `{"@odata.id":"orders('{id}')"}`}, {at: "/orders/rec-own-2/boss/$ref", body: `{"@odata.id":"orders(number='{number}')"}`}, {at: "/orders/{id}/customer/$ref", body: `{"@odata.id":"customers('cus-own')"}`}, {at: "/orders/rec-own-2/{hidden}/$ref", body: `{"@odata.id":"x"}`}},
	"DELETE /{class}/{key}/$ref": {{at: "/orders/{id}/boss/$ref"}, {at: "/orders/rec-own-1/boss/boss/$ref"}},
	"GET /{class}/{key}/{property}": {
		{at: "/orders/rec-own-1/{hidden}"}, {at: "/orders/{id}/note"}, {at: "/orders/{id}/paper"}, {at: "/orders(number='{number}')/note"}, {at: "/orders/rec-own-1/boss/note"}, {at: "/orders/rec-own-1/boss/paper"}, {at: "/orders/{id}/{hidden}"}, {at: "/orders/rec-own-1/hint"}, {at: "/orders/rec-own-1/customer/mail"},
	},
	"PUT /{class}/{key}/{property}": {
		{at: "/orders/rec-own-1/{hidden}", body: `{"value":1}`}, {at: "/orders/{id}/note", body: `{"value":"x"}`}, {at: "/orders/{id}/paper", body: "mine", header: []string{"Content-Type", "text/plain"}}, {at: "/orders/{id}/paper", body: "mine", header: []string{"Content-Type", "text/plain", "If-Match", `"` + strings.Repeat("a", 64) + `"`}},
		{at: "/orders/rec-own-1/hint", body: "mine", header: []string{"Content-Type", "text/plain"}}, {at: "/orders/rec-own-1/note", body: `{"value":"x"}`, header: []string{"If-Match", `W/"999"`}},
	},
	"DELETE /{class}/{key}/{property}":     {{at: "/orders/rec-own-1/{hidden}"}, {at: "/orders/{id}/note"}, {at: "/orders/{id}/paper"}, {at: "/orders/rec-own-1/hint"}, {at: "/orders/{id}/paper", header: []string{"If-Match", `"` + strings.Repeat("a", 64) + `"`}}},
	"GET /{class}/{key}/{property}/$value": {{at: "/orders/rec-own-1/{hidden}/$value"}, {at: "/orders/{id}/note/$value"}, {at: "/orders/{id}/paper/$value"}, {at: "/orders/rec-own-1/hint/$value"}, {at: "/orders/rec-own-1/boss/note/$value"}},
	"PUT /{class}/{key}/{property}/$value": {{at: "/orders/rec-own-1/{hidden}/$value", body: "1", header: []string{"Content-Type", "text/plain"}}, {at: "/orders/{id}/note/$value", body: "x", header: []string{"Content-Type", "text/plain"}}, {at: "/orders/{id}/paper/$value", body: "x", header: []string{"Content-Type", "text/plain"}}},
	"DELETE /{class}/{key}/{property}/$value": {
		{at: "/orders/rec-own-1/{hidden}/$value"}, {at: "/orders/{id}/note/$value"}, {at: "/orders/rec-own-1/hint/$value"},
	},
}

// otherProbes are those of the calls that are open to every role, as the document
// of the API has them.
var otherProbes = map[string][]probe{
	"POST /api/v1/session":          nil, // hub's tests of applications
	"GET /api/v1/session":           {{at: "/api/v1/session"}},
	"DELETE /api/v1/session":        nil,
	"POST /api/v1/functions/{name}": {{at: "/api/v1/functions/look", body: `{}`}, {at: "/api/v1/functions/{hidden}", body: `{}`}},
	"GET /api/v1/runs/{id}":         {{at: "/api/v1/runs/{run}"}},
	"GET /api/v1/events": {
		{at: "/api/v1/events?types=record.orders.*"}, {at: "/api/v1/events?types=record.**&limit=1000"}, {at: "/api/v1/events?types=record.**&filter=data/after/{hidden} gt 1"}, {at: "/api/v1/events?types=record.**&filter=subject eq '{number}'"},
		{at: "/api/v1/events?types=record.customers.*&wait=1ms"},
	},
	"POST /api/v1/events":         {{at: "/api/v1/events", body: `{"specversion":"1.0","id":"1","source":"x","type":"record.orders.created","subject":"{number}"}`, header: []string{"Content-Type", "application/cloudevents+json"}}},
	"POST /api/v1/functions/look": {{at: "/api/v1/functions/look", body: `{}`}},
	"GET /api/v1/packets/{name}": {
		{at: "/api/v1/packets/card?code=O-1"}, {at: "/api/v1/packets/card?code={number}"}, {at: "/api/v1/packets/card?code={note}"}, {at: "/api/v1/packets/card?code={buyer}"}, {at: "/api/v1/packets/card?code={number}", header: []string{"Accept", "application/xml"}},
	},
	"GET /api/v1/packets/card": {{at: "/api/v1/packets/card?code={note}"}},
	"GET /docs":                {{at: "/docs"}},
	"GET /docs/{kind}/{code}":  {{at: "/docs/classes/orders"}, {at: "/docs/classes/customers"}, {at: "/docs/packets/card"}, {at: "/docs/functions/look"}, {at: "/docs/queries/mine"}, {at: "/docs/queries/{rows}"}},
	"GET /healthz":             {{at: "/healthz"}},
	"GET /readyz":              nil, // says nothing of anything
	"GET /metrics":             {{at: "/metrics"}},
	"GET /openapi.json":        {{at: "/openapi.json"}},
	"GET /errors/{code}":       {{at: "/errors/{hidden}"}},
	"GET /":                    {{at: "/"}},
}

// soapProbes are calls of the SOAP door: what stands in the Body.
var soapProbes = []string{
	`<getOrders/>`, `<getOrders><expand>boss,customer</expand><count>true</count></getOrders>`, `<getOrders><filter>{hidden} gt 1</filter></getOrders>`, `<getOrders><orderby>{hidden}</orderby></getOrders>`, `<getOrders><select>{hidden}</select></getOrders>`,
	`<getOrders><filter>note eq '{note}' or boss/note eq '{note}'</filter></getOrders>`, `<getOrders><filter>customer/name eq '{buyer}'</filter></getOrders>`, `<getCustomers><filter>mail eq '{mail}'</filter></getCustomers>`,
	`<updateOrders><record><id>{id}</id><note>x</note></record></updateOrders>`, `<updateOrders><record><number>{number}</number><note>x</note></record></updateOrders>`, `<updateOrders><record><id>{id}</id><version>999</version><note>x</note></record></updateOrders>`,
	`<updateOrders><record><id>rec-own-1</id><{hidden}>1</{hidden}></record></updateOrders>`, `<updateOrders><record><id>rec-own-1</id><version>999</version><note>x</note></record></updateOrders>`,
	`<updateOrders><atomic>true</atomic><record><id>rec-own-1</id><note>x</note></record><record><id>{id}</id><note>x</note></record></updateOrders>`,
	`<deleteOrders><record><id>{id}</id></record></deleteOrders>`, `<deleteOrders><record><number>{number}</number></record></deleteOrders>`, `<look/>`,
	`<pressOrdersPress><record><id>{id}</id></record></pressOrdersPress>`, `<pressOrdersPress><record><id>rec-own-1</id></record><record><number>{number}</number></record></pressOrdersPress>`, `<pressOrdersPress><record><{hidden}>{value}</{hidden}></record></pressOrdersPress>`,
	`<pressOrdersPress><record><id>{id}</id><version>999</version></record></pressOrdersPress>`, `<pressOrders{Button}><record><id>rec-own-1</id></record></pressOrders{Button}>`,
	`<getMine/>`, `<getMine><filter>{hidden} gt 1</filter></getMine>`, `<getMine><params><note>{note}</note></params></getMine>`, `<getMine><params><{hidden}>1</{hidden}></params></getMine>`, `<get{Rows}/>`, `<get{Rows}><params><code>{note}</code></params></get{Rows}>`,
	`<updateOrders><record><id>{id}</id><note>refuse</note></record></updateOrders>`, `<updateOrders><record><id>rec-own-2</id><note>give away</note></record></updateOrders>`,
}

var opening = regexp.MustCompile(`^<([\w{}]+)(/?)>`)

// envelope is the probe of a Body.
func envelope(body string) probe {
	return probe{at: "/soap/v1", header: []string{"Content-Type", "text/xml"}, body: `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>` + opening.ReplaceAllString(body, `<${1} xmlns="urn:junctor:v1"$2>`) + `</Body></Envelope>`}
}

// secrets are what no answer to a role has, unless it was in the request.
var matrixSecrets = map[string][]string{
	"own":      {"marked-", "secretly", "Secretly", "everyone", "Everyone", "margin", "hint", "987654", "rec-foreign-1", "F-7001", "foreign-", "Foreign-", "foreign@", "B-1", "own@mail", "own-hint", "cus-foreign"},
	"viewer":   {"marked-", "secretly", "Secretly", "everyone", "Everyone", "margin", "hint", "987654", "Foreign-", "foreign@", "own@mail", "own-hint"},
	"maker":    {"marked-", "secretly", "Secretly", "everyone", "Everyone", "margin", "hint", "987654", "foreign-", "Foreign-", "foreign@", "own-note", "own-paper", "O-1", "rec-own-1", "own@mail", "own-hint"},
	"mute":     {"marked-", "secretly", "Secretly", "everyone", "Everyone", "margin", "hint", "987654", "foreign-", "Foreign-", "foreign@", "own-note", "O-1", "customer", "total"},
	"stranger": {"marked-", "secretly", "Secretly", "everyone", "Everyone", "margin", "hint", "987654", "foreign-", "Foreign-", "foreign@", "own-note", "O-1", "customer", "total"},
}

func TestMatrix(t *testing.T) {
	t.Setenv("MATRIX", matrixPassword)
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, matrixFiles)
		m := &matrix{site: s, values: map[string]string{}, bearer: map[string]string{}}
		m.fill()
		calls := 0
		for _, role := range slices.Sorted(maps.Keys(matrixSecrets)) {
			for _, r := range odata.Routes() {
				probes, ok := dataProbes[r.Method+" "+r.Pattern]
				if !ok {
					t.Fatalf("the matrix has no probes of %s %s", r.Method, r.Pattern)
				}
				for _, p := range probes {
					m.judge(role, r.Method, odata.Base, p)
					calls++
				}
			}
			m.judge(role, http.MethodGet, "", probe{at: "/soap/v1?wsdl"})
			for _, body := range soapProbes {
				m.judge(role, http.MethodPost, "", envelope(body))
			}
			for _, call := range m.documented() {
				method, path, _ := strings.Cut(call, " ")
				if strings.HasPrefix(path, "/api/v1/admin/") {
					m.closed(role, method, path)
					continue
				}
				probes, ok := otherProbes[call]
				if strings.HasPrefix(path, odata.Base) {
					continue // these are the routes above, by class
				}
				if !ok {
					t.Errorf("the matrix has no probes of %s", call)
				}
				for _, p := range probes {
					m.judge(role, method, "", p)
					calls++
				}
			}
		}
		if calls < 700 {
			t.Errorf("only %d calls", calls)
		}
		m.untouched()
	})
}

// matrix is a site with the rows in it.
type matrix struct {
	*site
	values map[string]string // of tokens that are found out
	bearer map[string]string // by role
	before string            // the foreign row
}

func (m *matrix) must(method, path, body string, header ...string) string {
	m.t.Helper()
	resp, answer := m.call(method, strings.ReplaceAll(path, " ", "%20"), body, header...)
	if resp.StatusCode >= 300 {
		m.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, answer)
	}
	return answer
}

func (m *matrix) fill() {
	m.t.Helper()
	const data = odata.Base
	for _, c := range [][2]string{
		{"/customers", `{"id":"cus-own","code":"C-1","name":"Own","owner":"own","mail":"own@mail"}`},
		{"/customers", `{"id":"cus-view","code":"C-2","name":"View","owner":"viewer"}`},
		{"/customers", `{"id":"cus-foreign","code":"Foreign-Buyer","name":"Foreign-Buyer","owner":"bob","mail":"foreign@mail"}`},
		{"/orders", `{"id":"rec-boss-1","number":"B-1","customer":"cus-foreign","margin":987654.31,"note":"foreign-boss"}`},
		{"/orders", `{"id":"rec-own-1","number":"O-1","customer":"cus-own","boss":"rec-boss-1","total":10,"margin":987654.30,"note":"own-note"}`},
		{"/orders", `{"id":"rec-own-2","number":"O-2","customer":"cus-own","total":20,"note":"own-note"}`},
	} {
		m.must("POST", data+c[0], c[1])
	}
	m.must("PUT", data+"/orders/rec-own-1/hint", "own-hint", "Content-Type", "text/plain", "Slug", "own-hint")
	for role := range matrixSecrets {
		if role == "stranger" {
			continue
		}
		answer := m.must("POST", "/api/v1/session", fmt.Sprintf(`{"login":%q,"password":%q}`, role, matrixPassword), "Authorization", "")
		var begun struct{ Token string }
		if err := json.Unmarshal([]byte(answer), &begun); err != nil {
			m.t.Fatal(err)
		}
		m.bearer[role] = begun.Token
	}
	// What follows is seen, or not, in the changes since.
	_, list := m.callAs("GET", data+"/orders?$select=note&$expand=boss", "", m.bearer["own"])
	if strings.Contains(list, "Link") {
		m.t.Fatal("a link that nobody has asked for: " + list)
	}
	_, list = m.do("GET", data+"/orders?$expand=boss", "", []string{"Authorization", "Bearer " + m.bearer["own"], "Prefer", "odata.track-changes"})
	m.values["{own delta}"] = m.link(list, "deltaLink")
	m.values["{delta}"] = m.link(m.must("GET", data+"/orders?$orderby=number", "", "Prefer", "odata.track-changes"), "deltaLink")
	m.values["{cursor}"] = m.link(m.must("GET", data+"/orders?$orderby=margin", "", "Prefer", "odata.maxpagesize=1"), "nextLink")
	resp, answer := m.call("POST", data+"/orders", `{"id":"rec-foreign-1","number":"F-7001","customer":"cus-foreign","total":30,"margin":987654.32,"note":"foreign-note"}`)
	if resp.StatusCode != 201 {
		m.t.Fatal(answer)
	}
	m.must("PUT", data+"/orders/rec-foreign-1/paper", "foreign-paper", "Content-Type", "text/plain", "Slug", "foreign-name")
	m.must("PATCH", data+"/orders/rec-own-1", `{"margin":987654.35}`)
	m.must("PATCH", data+"/orders/rec-boss-1", `{"note":"foreign-boss again"}`)
	m.must("DELETE", data+"/orders/"+m.made(), "")
	var runs struct{ Items []struct{ ID string } }
	if err := json.Unmarshal([]byte(m.must("GET", "/api/v1/admin/runs", "")), &runs); err != nil || len(runs.Items) == 0 {
		m.t.Fatalf("no runs of the rule: %v", err)
	}
	m.values["{run}"] = runs.Items[0].ID
	m.before = m.must("GET", data+"/orders?$filter=id in ('rec-foreign-1','rec-boss-1')", "")
}

// made is a foreign record that is to go.
func (m *matrix) made() string {
	m.must("POST", odata.Base+"/orders", `{"id":"foreign-gone","number":"foreign-gone","customer":"cus-foreign"}`)
	return "foreign-gone"
}

func (m *matrix) link(answer, name string) string {
	m.t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(answer), &all); err != nil {
		m.t.Fatal(err)
	}
	address, _ := all["@odata."+name].(string)
	_, at, ok := strings.Cut(address, odata.Base)
	if !ok {
		m.t.Fatalf("no %s in %s", name, answer)
	}
	return at
}

// compared reports whether the answers to what is real and what is invented have
// to be the same: something is named that is hidden from the role.
func (p probe) compared(role string) bool {
	names := func(all ...string) bool {
		return slices.ContainsFunc(all, func(token string) bool { return strings.Contains(p.at+p.body, token) })
	}
	if p.differs || role == "viewer" && names("{id}", "{number}", "{note}") { // he sees all rows
		return false
	}
	return names(slices.Collect(maps.Keys(tokens))...)
}

// judge sends a probe with what is real and with what is invented.
func (m *matrix) judge(role, method, base string, p probe) {
	m.t.Helper()
	sent := [2]string{}
	var got [2]string
	var status [2]int
	for i := range got {
		name := func(text string) string {
			for token, value := range m.values {
				text = strings.ReplaceAll(text, token, value)
			}
			for token, pair := range tokens {
				text = strings.ReplaceAll(text, token, pair[i])
			}
			return text
		}
		at, body := name(p.at), name(p.body)
		sent[i] = at + " " + body + " " + p.at
		header := []string{"Content-Type", "application/json"}
		if token := m.bearer[role]; token != "" {
			header = append(header, "Authorization", "Bearer "+token)
		}
		resp, answer := m.do(method, base+strings.NewReplacer(" ", "%20", "\t", "").Replace(at), body, append(header, p.header...))
		status[i], got[i] = resp.StatusCode, shownHeader(resp.Header)+answer
		if _, made, ok := strings.Cut(resp.Header.Get("Location"), odata.Base); ok && resp.StatusCode < 300 {
			m.must("DELETE", odata.Base+made, "") // others must not find it
		}
		ours := resp.StatusCode >= 500
		if p.at == "/soap/v1" { // its faults are 500 always
			ours = strings.Contains(answer, "<status>5")
		}
		if ours || role == "stranger" && base == odata.Base && resp.StatusCode != http.StatusUnauthorized {
			m.t.Errorf("%s: %s %s: %d %s", role, method, sent[i], resp.StatusCode, answer)
		}
		for _, secret := range matrixSecrets[role] {
			if strings.Contains(got[i], secret) && !strings.Contains(sent[i], secret) && (p.at != "/metrics" && p.at != "/openapi.json" || strings.Contains(secret, "-") || secret == "margin") {
				m.t.Errorf("%s: %s %s: has %q: %d %s", role, method, sent[i], secret, resp.StatusCode, got[i])
			}
		}
		if !p.compared(role) {
			return
		}
	}
	real := changing.ReplaceAllString(got[0], "batch")
	got[1] = changing.ReplaceAllString(got[1], "batch")
	for _, pair := range tokens {
		real = strings.ReplaceAll(real, pair[0], pair[1])
	}
	if status[0] != status[1] || real != got[1] {
		m.t.Errorf("%s: %s %s tells what is there:\n%d %s\n%d %s", role, method, sent[0], status[0], real, status[1], got[1])
	}
}

var changing = regexp.MustCompile(`batchresponse_[a-z0-9]+`)

// shownHeader are the headers in which something could stand.
func shownHeader(h http.Header) string {
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name != "Date" && name != "Content-Length" && name != "Junctor-Run" && name != "Content-Type" {
			all.WriteString(name + ": " + strings.Join(h[name], ", ") + "\n")
		}
	}
	return all.String()
}

// documented are the calls that the document of the API has, for the administrator.
func (m *matrix) documented() (calls []string) {
	m.t.Helper()
	var document struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(m.must("GET", "/openapi.json", "")), &document); err != nil {
		m.t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method := range methods {
			if method != "parameters" {
				calls = append(calls, strings.ToUpper(method)+" "+path)
			}
		}
	}
	if len(calls) < 60 {
		m.t.Fatalf("the document has %d calls", len(calls))
	}
	slices.Sort(calls)
	return calls
}

// closed calls what is only for administrators.
func (m *matrix) closed(role, method, path string) {
	m.t.Helper()
	path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "orders")
	status, answer := m.callAs(method, path, "", m.bearer[role])
	want := http.StatusForbidden
	if role == "stranger" {
		want = http.StatusUnauthorized
	}
	if status != want || strings.Contains(answer, "margin") {
		m.t.Errorf("%s: %s %s: %d %s", role, method, path, status, answer)
	}
}

// untouched looks whether somebody has changed what is not his.
func (m *matrix) untouched() {
	m.t.Helper()
	if after := m.must("GET", odata.Base+"/orders?$filter=id in ('rec-foreign-1','rec-boss-1')", ""); after != m.before {
		m.t.Errorf("foreign rows were\n%s\nand are\n%s", m.before, after)
	}
	if own := m.must("GET", odata.Base+"/orders/rec-own-1", ""); !strings.Contains(own, `"margin":987654.35`) || !strings.Contains(own, `"customer_id":"cus-own"`) {
		m.t.Errorf("the own row is %s", own)
	}
	if other := m.must("GET", odata.Base+"/orders/rec-own-2", ""); !strings.Contains(other, `"customer_id":"cus-own"`) || !strings.Contains(other, `"mark":"marked-O-2"`) {
		m.t.Errorf("the row that a rule gives away is %s", other)
	}
	if answer := m.must("GET", odata.Base+"/orders/rec-own-1/hint", ""); answer != "own-hint" {
		m.t.Errorf("the hidden file is %q", answer)
	}
}
