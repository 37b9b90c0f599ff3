package hub_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"junctor/internal/access"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/run"
	"junctor/internal/value"
)

const ruleClasses = `classes:
  clients: { key: code, columns: { code: text!, limit: "decimal(12,2)" } }
  orders:
    key: number
    history: none
    columns:
      number: text!
      client: ref(clients)
      total: decimal(12,2)
      state: text
      note: text
    rules:
      - { when: [created, updated], before: true, scenario: check }
      - { when: [deleted], before: true, if: "state eq 'sent'", scenario: keep }
      - { when: [created, updated, deleted], if: "note eq 'told' or before/note eq 'told'", scenario: tell }
`

var ruleScenarios = map[string]string{
	"check": `import { records, decimal, kv, http, now, waitForAny, waitForEvent, Problem, type RecordChange } from "junctor";
export default async function (change: RecordChange) {
  const { record, before, action } = change;
  switch (record.note) {
    case "loop": for (;;) {}
    case "throws": throw new Error("the secret is out");
    case "steps": await kv.set("x", 1);
    case "waits": await waitForAny([waitForEvent("a")]);
    case "wrong": return { number: null, nothing: 1 };
    case "list": return [1];
    case "gone": throw new Problem({ status: 404, title: "not there" });
    case "show": return { note: JSON.stringify([action, change.class, before === null ? null : before.note, change.changed, change.account?.login ?? null, change.run !== null, record.total instanceof decimal]) };
  }
  if (record.client_id !== null) {
    const client = await records("clients").get(record.client_id);
    if (record.total?.gt(client.limit)) {
      throw new Problem({ status: 409, title: "over the limit", detail: "at most " + client.limit.toString(), errors: [{ pointer: "/total", detail: "is over the limit" }] });
    }
  }
  return { state: record.state ?? "new", total: record.total?.plus("0.01") };
}`,
	"keep": `import { Problem } from "junctor"; export default () => { throw new Problem({ status: 403, title: "sent orders stay" }); }`,
	"tell": `import { kv, run, type RecordChange } from "junctor";
export default async function ({ action, record, before, changed, account, run: by }: RecordChange) {
  await kv.set("told " + action, [action, record.number, record.total, record.total?.plus?.(1), before?.total ?? null, changed, account, by !== null]);
}`,
	"told": function(`return [await kv.get("told created"), await kv.get("told updated"), await kv.get("told deleted")];`),
	"put": function(`
  try { const o = await orders.upsert(p); return [o.$result, o.state, String(o.total), o.note]; } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return [error.status, error.title, error.detail, error.errors];
  }`),
	"limit":  function(`return (await records("clients").upsert(p)).code;`),
	"remove": function(`try { return await orders.delete(p); } catch (error) { return [error.status, error.title]; }`),
}

func TestRulesBeforeAChange(t *testing.T) {
	eachDatabase(t, functions(ruleClasses, ruleScenarios), func(s *site) {
		s.wantCalled("limit", `{"code":"C1","limit":100}`, `"C1"`)
		for _, c := range [][2]string{
			{`{"number":"1","total":"1.00"}`, `["created","new","1.01",null]`},
			{`{"number":"1","note":"show"}`, `["updated","new","1.01","[\"updated\",\"orders\",null,[\"note\"],null,true,true]"]`},
			{`{"number":"2","client":{"code":"C1"},"total":100.5}`, `[409,"over the limit","at most 100.00",[{"pointer":"/total","detail":"is over the limit"}]]`},
			{`{"number":"2","client":{"code":"C1"},"total":99,"state":"sent"}`, `["created","sent","99.01",null]`},
			{`{"number":"3","note":"gone"}`, `[422,"not there",null,[]]`},
		} {
			s.wantCalled("put", c[0], c[1])
		}
		for _, note := range []string{"loop", "throws", "steps", "waits", "wrong", "list"} {
			_, body := s.call("POST", "/api/v1/functions/put", `{"number":"bad","note":"`+note+`"}`)
			if !strings.HasPrefix(body, `[502,`) || !strings.Contains(body, "check") || strings.Contains(body, "secret") {
				t.Errorf("%s: %s", note, body)
			}
		}
		s.wantCalled("remove", `{"number":"bad"}`, `false`)
		s.wantCalled("remove", `{"number":"2"}`, `[403,"sent orders stay"]`)
		s.wantCalled("remove", `{"number":"1"}`, `true`)
		if !strings.Contains(s.logged(), "the secret is out") || !strings.Contains(s.logged(), "waitForEvent is not possible") {
			t.Error("the log does not say why a rule failed")
		}
	})
}

func TestRulesAfterAChange(t *testing.T) {
	eachDatabase(t, functions(ruleClasses, ruleScenarios), func(s *site) {
		s.wantCalled("put", `{"number":"1","total":"1.00","note":"told"}`, `["created","new","1.01","told"]`)
		s.told("created", 1)
		s.wantCalled("put", `{"number":"1","total":"2.00"}`, `["updated","new","2.01","told"]`)
		s.told("updated", 2)
		s.wantCalled("remove", `{"number":"1"}`, `true`)
		s.told("deleted", 3)
		s.wantCalled("told", `{}`, `[["created","1","1.01","2.01",null,["note","number","state","total"],null,true],`+
			`["updated","1","2.01","3.01","1.01",["total"],null,true],["deleted","1","2.01","3.01","2.01",[],null,true]]`)
		s.wantCalled("put", `{"number":"2","total":"1.00"}`, `["created","new","1.01",null]`) // nobody is told
	})
}

// told waits until so many runs of the rule have ended.
func (s *site) told(action string, n int) {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, body := s.call("GET", "/api/v1/admin/runs?program=scenario:tell&state=succeeded", "")
		var page struct {
			Items []struct {
				Subject string
				Input   json.RawMessage
			}
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			s.t.Fatal(body)
		}
		if len(page.Items) == n {
			if page.Items[0].Subject != "1" {
				s.t.Errorf("the run of the rule is about %q", page.Items[0].Subject)
			}
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("after %s: %s", action, body)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// A rule whose run changes its own class comes to an end.
func TestRulesInACircle(t *testing.T) {
	s := serve(t, functions(`classes:
  steps:
    key: n
    columns: { n: integer! }
    rules: [{ when: [created], scenario: next }]
`, map[string]string{
		"begin": function(`await (records as any)("steps").create({ n: 0 });`),
		"count": function(`return (await (records as any)("steps").query()).length;`),
		"next":  `import { records } from "junctor"; export default async ({ record }) => { await records("steps").create({ n: record.n + 1 }); };`,
	}))
	s.call("POST", "/api/v1/functions/begin", `{}`)
	info := s.endedSubject("15")
	if info.State != run.Failed || !strings.Contains(info.Error.Message, "chain") {
		t.Errorf("the last one: %+v", info)
	}
	s.wantCalled("count", `{}`, `16`)
}

// Callers from outside meet the rules too: a refusal with its places, what a rule
// has set, and a rule that knows them.
func TestRulesAtTheDoor(t *testing.T) {
	eachDatabase(t, functions(ruleClasses, ruleScenarios), func(s *site) {
		const data = "/api/v1/data"
		s.call("POST", data+"/clients", `{"code":"C1","limit":100}`)
		for _, c := range []struct {
			body   string
			status int
			want   []string
		}{
			{`{"number":"1","total":1.5}`, 201, []string{`"state":"new"`, `"total":1.51`}},
			{`{"number":"2","note":"show"}`, 201, []string{`"[\"created\",\"orders\",null,[\"note\",\"number\"],\"admin\",false,false]"`}},
			{`{"number":"3","client":{"code":"C1"},"total":100.5}`, 409, []string{"over the limit", `"target":"total"`}},
			{`{"number":"4","note":"throws"}`, 502, []string{"check"}},
		} {
			resp, body := s.call("POST", data+"/orders", c.body)
			for _, want := range c.want {
				if resp.StatusCode != c.status || !strings.Contains(body, want) || strings.Contains(body, "secret") {
					t.Errorf("%s: %d %s, want %d %s", c.body, resp.StatusCode, body, c.status, want)
				}
			}
		}
		if _, body := s.call("GET", data+"/orders/$count", ""); body != "2" {
			t.Errorf("there are %s records", body)
		}
	})
}

// A run is there with the change that starts it, or not at all.
func TestRulesAreWithTheirChange(t *testing.T) {
	s := serve(t, functions(ruleClasses, ruleScenarios))
	for i := range 10 {
		s.call("POST", "/api/v1/functions/put", fmt.Sprintf(`{"number":"1","total":%d,"note":"told"}`, i))
		s.call("POST", "/api/v1/functions/put", `{"number":"1","note":"throws"}`)
	}
	s.told("updated", 10)
}

const buttonClasses = `classes:
  orders:
    key: number
    columns: { number: text!, total: "decimal(12,2)", secret: text }
    buttons:
      approve: { scenario: approve, label: Approve }
      drop: { scenario: approve }
`

var buttonRoles = map[string]string{
	"clerk":  `{"classes":{"orders":{"read":"number ne '9'","hide":["secret"],"buttons":["approve"]}}}`,
	"reader": `{"classes":{"orders":{"read":true}}}`,
	"master": `{"classes":{"orders":{"read":true,"buttons":["*"]}}}`,
	"writer": `{"classes":{"orders":{"update":true,"buttons":["*"]}}}`,
}

// press presses a button for records with a role's rights.
func (s *site) press(role, class, button string, numbers ...string) (runs []string, err error) {
	s.t.Helper()
	r, found := access.ParseRole(role, json.RawMessage(buttonRoles[role]))
	if len(found) > 0 {
		s.t.Fatal(found)
	}
	jana := record.Actor{Rights: right.Merge(right.Account{ID: "acc_1", Login: "jana", Kind: "person"}, r.Grants), By: "jana"}
	var at []record.Address
	for _, n := range numbers {
		at = append(at, record.Address{Key: []record.KeyPart{{Column: "number", Value: value.String(n)}}})
	}
	_, m := s.hub.Records()
	err = s.hub.Write(s.t.Context(), func(tx *db.Tx) (err error) {
		done, err := s.hub.Press(tx, m, jana, record.Pressing{Class: class, Button: button, At: at})
		runs = done.Runs
		return err
	})
	return runs, err
}

func TestButtons(t *testing.T) {
	eachDatabase(t, functions(buttonClasses, map[string]string{
		"fill": function(`for (const number of ["1", "2", "9"]) await orders.create({ number, total: 1, secret: "s" });`),
		"approve": `import { run, type RecordChange } from "junctor";
export default async ({ class: code, action, record, before, changed, account, run: by }: RecordChange) =>
  [code, action, record.number, record.total.plus(1), record.secret, before, changed, account, by];`,
	}), func(s *site) {
		s.wantCalled("fill", `{}`, "")
		runs, err := s.press("clerk", "orders", "approve", "1", "2")
		if err != nil || len(runs) != 2 {
			t.Fatal(runs, err)
		}
		info := s.ended(runs[1])
		want := `{"value":["orders","approve","2","2.00","s",null,[],{"id":"acc_1","login":"jana","kind":"person"},null]}`
		if info.State != run.Succeeded || info.Subject != "2" || info.Account != "acc_1" || string(info.Output) != want {
			t.Errorf("the run is %+v\n%s", info, info.Output)
		}
		for _, c := range []struct {
			role, class, button string
			numbers             []string
			code                fault.Code
		}{
			{"clerk", "orders", "drop", []string{"1"}, fault.NotFound},
			{"reader", "orders", "approve", []string{"1"}, fault.NotFound},
			{"writer", "orders", "approve", []string{"1"}, fault.NotFound},
			{"clerk", "orders", "approv", []string{"1"}, fault.NotFound},
			{"clerk", "order", "approve", []string{"1"}, fault.NotFound},
			{"clerk", "orders", "approve", []string{"9"}, fault.NotFound},
			{"clerk", "orders", "approve", []string{"1", "3"}, fault.NotFound},
			{"master", "orders", "drop", nil, fault.Invalid},
			{"master", "orders", "drop", make([]string, 101), fault.Invalid},
		} {
			if runs, err := s.press(c.role, c.class, c.button, c.numbers...); fault.CodeOf(err) != c.code || runs != nil {
				t.Errorf("%+v: %v %v", c, runs, err)
			}
		}
		if runs, err := s.press("master", "orders", "drop", "9"); err != nil || len(runs) != 1 {
			t.Error(runs, err)
		}
		_, body := s.call("GET", "/api/v1/admin/runs?program=scenario:approve", "")
		if n := strings.Count(body, `"id":"run_`); n != 3 {
			t.Errorf("there are %d runs", n)
		}
	})
}
