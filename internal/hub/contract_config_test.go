package hub_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"junctor/internal/config"
)

// contractYAML is the example of section 6, to which the class customers and the
// columns that it speaks of are added.
const contractYAML = `domain: default
settings:
  timezone: Europe/Prague
  sessions: { policy: unlimited, on_conflict: reject, idle: 30m, age: 12h }   # exclusive | per-application | unlimited; reject | replace
  allow_private_subscribers: false
connections:
  erp: { type: http, url: "https://erp.example.com/api", auth: { bearer: "${secret:erp_token}" } }
classes:
  customers: { key: code, columns: { code: text! } }
  orders:
    key: number                          # a column, a list (composite), or a list of lists (several keys)
    columns:
      number: text!
      customer: ref(customers)
      total: decimal(12,2)
      margin: decimal(12,2)
      received: datetime
      state: enum(new,sent,done)         # inside { } such a value needs quotes
    rules:
      - { when: [created], scenario: notify }
channels:
  shop: { type: public, scenario: order, await: true, verify: { standard-webhooks: "${secret:shop}" }, subject: $.number, rate: 100/s }
  crm: { type: eventing, comment: "events for the CRM" }
schedules:
  pull: { cron: "*/15 * * * *", timezone: Europe/Prague, scenario: pull }     # or every: 14d with start: 2027-01-04T08:00, or at: ...
subscriptions:
  crm: { url: "https://crm.example.com/hook", types: ["record.orders.*"] }
roles:
  shop:
    classes:
      orders: { read: "state ne 'done'", create: true, update: true, delete: false, hide: [margin], readonly: [state] }   # true, false or a row filter
    functions: [placeOrder]
    packets: [customer_card]
    events: { read: ["record.orders.*"], publish: ["order.*"] }
    admin: []                            # areas of the admin API: channels, runs, records, access, settings, ...
applications:
  eshop: { password: "${env:ESHOP_PASSWORD}", roles: [shop], allow: [10.0.0.0/8], sessions: { policy: per-application, on_conflict: reject } }
packets:
  customer_card:
    params: { code: text! }
    parts:
      customer: { class: customers, filter: "code eq @code", one: true }
      orders: { class: orders, filter: "customer/code eq @code", orderby: "received desc", top: 20 }
functions:
  placeOrder: { scenario: place_order }
`

// contractOrder is the example of section 5, word for word but for a type.
const contractOrder = `import { records, events, http, run, waitForEvent, Problem, respond, type Request } from "junctor";
interface Order { number: string; customer: string; total: number }

export default async function (request: Request) {
  const order = request.json<Order>();
  run.subject(order.number);                                             // "where is order 4711?"
  const customer = await records("customers").find({ code: order.customer });
  if (!customer) throw new Problem({ status: 422, title: "unknown customer", detail: order.customer });
  const saved = await records("orders").upsert({ number: order.number, customer: customer.id, total: order.total });
  await http.post("erp", "/orders", { json: { id: saved.id, ...order } });   // "erp" is a connection
  respond({ status: 201, json: { id: saved.id } });                      // the caller has its answer; the run goes on
  const approval = await waitForEvent("order.approved", { subject: order.number, timeout: "3d" });
  if (!approval) await events.publish("order.overdue", { subject: order.number });
}`

func contractScenarios() map[string]string {
	files := map[string]string{"junctor.yaml": contractYAML, "scenarios/order.ts": contractOrder}
	for _, code := range []string{"notify", "pull", "place_order"} {
		files["scenarios/"+code+".ts"] = "export default () => 1;"
	}
	return files
}

// TestContractOfTheExamples applies the examples of the contract and plays them.
func TestContractOfTheExamples(t *testing.T) {
	p := newCounterpart(t)
	eachSite(t, contractScenarios(), func(t *testing.T, s *site) {
		files := contractScenarios()
		files["junctor.yaml"] = strings.NewReplacer(
			`url: "https://erp.example.com/api", auth: { bearer: "${secret:erp_token}" }`, fmt.Sprintf("url: %q, allow_private: true", p.URL),
			`verify: { standard-webhooks: "${secret:shop}" }, `, "",
		).Replace(contractYAML)
		s.apply(files)
		kept := map[string]string{}
		s.contract([]clause{
			{says: "if (!customer) throw new Problem", do: "POST /api/token/v1/{token:shop}", sent: `{"number":"4711","customer":"C1","total":10.1}`, status: 422, body: `"title":"unknown customer".*"detail":"C1"`},
			{says: "classes", do: "POST /api/v1/data/customers", by: asAdmin, sent: `{"code":"C1"}`, status: 201},
			{says: "respond: the caller has its answer", do: "POST /api/token/v1/{token:shop}", sent: `{"number":"4711","customer":"C1","total":10.1}`, status: 201, json: []string{"id"}, keep: map[string]string{"id": "/id", "run": "Junctor-Run"}},
			{says: "records.upsert", do: "GET /api/v1/data/orders(number='4711')", by: asAdmin, status: 200, body: `"id":"{id}".*"total":10\.10`},
			{says: "packets", do: "GET /api/v1/packets/customer_card?code=C1", by: asAdmin, status: 200, json: []string{"customer", "orders"}},
			{says: "waitForEvent", do: "POST /api/v1/events", by: asAdmin, with: []string{"Content-Type", "application/cloudevents+json"}, sent: `{"specversion":"1.0","id":"1","source":"/t","type":"order.approved","subject":"4711"}`, status: 202},
		}, kept)
		if info := s.ended(kept["run"]); info.State != "succeeded" || info.Subject != "4711" {
			t.Errorf("the run goes on, to its end: %+v", info)
		}
	})
	if keys := p.asked("/orders"); len(keys) != 2 || !strings.HasSuffix(keys[0], ".3") {
		t.Errorf("POST /orders of the connection carries Idempotency-Key: RUN.SEQ: %v", keys)
	}
}

// TestContractOfTheConfiguration: every key that the contract names is taken, and
// what it does not name is a mistake with its place; all of them at once.
func TestContractOfTheConfiguration(t *testing.T) {
	taken := []string{
		"settings: { sessions: { policy: exclusive, on_conflict: replace, idle: 10m, age: 1h } }",
		"settings: { sessions: { policy: per-application } }",
		"connections:\n  a: { type: http, url: \"https://x.example\", headers: { A: b }, auth: { basic: { user: u, password: p } }, tls: { ca: /x, cert: /x, key: /x }, proxy: \"http://p:1\", timeout: 200ms, allow_private: true, concurrency: 3, rate: 6000/m, breaker: { failures: 10, pause: 30s } }",
		"connections:\n  a: { type: http, url: \"https://x.example\", auth: { bearer: t } }",
		"connections:\n  a: { type: http, url: \"https://x.example\", auth: { api_key: { header: X-Key, value: v } } }",
		"connections:\n  a: { type: http, url: \"https://x.example\", auth: { api_key: { query: key, value: v } } }",
		"connections:\n  a: { type: http, url: \"https://x.example\", auth: { oauth2: { token_url: \"https://x.example/t\", client_id: a, client_secret: b, scopes: [c] } } }",
		"classes:\n  a: { key: [b, c], label: b, delete: hard, require_match: true, history: changed, columns: { b: text!, c: text! } }",
		"classes:\n  a: { key: [[b], [c]], delete: soft, keep: 30d, history: none, columns: { b: text!, c: text! } }",
		"classes:\n  a: { key: b, history: full, columns: { b: { type: text, required: true, unique: true, default: x, length: 10, pattern: \"^x\", comment: c }, n: { type: integer, min: 1, max: 5 }, e: { type: enum, values: [p, q] }, d: { type: decimal, precision: 10, scale: 2 }, r: { type: ref, class: a }, f: { type: decimal, precision: 12, scale: 2, computed: \"d mul 2\" } } }",
		"classes:\n  a: { key: b, columns: { b: text! }, rules: [{ when: [created, updated, deleted], if: \"b eq 'x'\", before: true, scenario: s }], buttons: { go: { scenario: s, label: Go } } }",
		"channels:\n  a: { type: public, scenario: s, websocket_scenario: s, await: true, timeout: 30s, comment: c, enabled: true, paused: false, allow: [10.0.0.0/8], rate: 100/s, body_limit: 64KiB, subject: X-Subject, ordering_key: $.a.b, on_failure: block }",
		"channels:\n  a: { type: public, scenario: s, on_failure: skip, ordering_key: X-Key, retry: { attempts: 15, first: 1s, factor: 2, max: 1h }, retention: { succeeded: 3d, failed: 90d }, capture: none, nonce: { header: X-N, window: 5m }, idempotency: { header: X-I, window: 24h } }",
		"channels:\n  a: { type: public, scenario: s, capture: errors, external: { url: \"http://x.example\", primary_token: a, secondary_token: b, allow_private: true } }",
		"channels:\n  a: { type: public, websocket_scenario: s, websocket_role: r, capture: full }\nroles: { r: {} }",
		"channels:\n  a: { type: public, scenario: s, verify: { hmac: { header: X, secret: s, algorithm: sha256, encoding: base64, prefix: \"v=\", timestamp_header: T, tolerance: 5m } } }",
		"channels:\n  a: { type: public, scenario: s, verify: [{ basic: { user: u, password: p } }, { bearer: b }, { standard-webhooks: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw }, { stripe: a }, { github: a }, { shopify: a }] }",
		"schedules:\n  a: { every: 14d, start: 2027-01-04T08:00, scenario: s }\n  b: { at: 2027-01-04T08:00, scenario: s }",
		"roles: { a: { admin: [channels, runs, records, access, settings] } }\nunits: { top: {}, sub: { parent: top } }\naccounts: { jana: { password: a-long-password, roles: [a], unit: sub } }",
		"classes: { a: { key: b, columns: { b: text! } } }\nqueries: { q: { sql: \"SELECT b FROM api_a WHERE b = :b\", params: { b: text } } }",
	}
	for _, yaml := range append(taken, contractYAML) {
		files := contractScenarios()
		files["junctor.yaml"], files["scenarios/s.ts"] = yaml+"\n", "export default () => 1;"
		dir := (&site{t: t}).write(files)
		if _, problems := config.Load(context.Background(), dir); len(problems) > 0 {
			t.Errorf("%s\nis not taken: %v", yaml, problems)
		}
	}
	dir := (&site{t: t}).write(map[string]string{"junctor.yaml": "nonsense: 1\nchannels:\n  a: { type: public, scenario: nope, colour: red }\n  b: { type: weird, scenario: nope }\n"})
	_, problems := config.Load(context.Background(), dir)
	var places []string
	for _, p := range problems {
		places = append(places, strings.SplitN(p.String(), " ", 2)[0])
	}
	want := "junctor.yaml:1:1: junctor.yaml:3:32: junctor.yaml:3:38: junctor.yaml:4:14: junctor.yaml:4:31:"
	if got := strings.Join(places, " "); got != want {
		t.Errorf("unknown keys, bad references and type errors are reported all at once with file, line and column:\n%s\n%s", got, want)
	}
}
