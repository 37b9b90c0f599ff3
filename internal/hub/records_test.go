package hub_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"junctor/internal/run"
)

// eachDatabase serves files on both databases.
func eachDatabase(t *testing.T, files map[string]string, test func(s *site)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(serveOn(t, "", files)) })
	t.Run("postgres", func(t *testing.T) { test(serveOn(t, database(t), files)) })
}

const shopClasses = `classes:
  countries: { key: code, columns: { code: text!, name: text } }
  customers: { key: code, columns: { code: text!, country: ref(countries), limit: "decimal(20,4)", last: text } }
  orders:
    key: number
    columns:
      number: text!
      customer: ref(customers)
      total: decimal(12,2)
      pieces: integer
      due: date
      received: datetime
      paid: boolean
      note: text
      extra: json
      state: "enum(new,sent,done)"
`

// function is a scenario of a function whose params are of any kind.
func function(body string) string {
	return `import { records, run, runs, kv, decimal, http, now, sleep, events, respond, Problem, RecordError, type Request } from "junctor";
export default async function (request: Request) {
  const p = request.params;
  const orders = records("orders"), customers = records("customers"), countries = records("countries");
` + body + `
}`
}

// functions is a configuration with a function for each scenario.
func functions(classes string, scenarios map[string]string) map[string]string {
	yaml := classes + "functions:\n"
	files := map[string]string{}
	for name, text := range scenarios {
		yaml += "  " + name + ": { scenario: " + name + " }\n"
		files["scenarios/"+name+".ts"] = text
	}
	files["junctor.yaml"] = yaml
	return files
}

// wantCalled calls a function and compares its answer.
func (s *site) wantCalled(name, params, want string) *run.Info {
	s.t.Helper()
	resp, body := s.call("POST", "/api/v1/functions/"+name, params)
	if body != want {
		s.t.Errorf("%s(%s): %d\n got %s\nwant %s", name, params, resp.StatusCode, body, want)
	}
	id := resp.Header.Get("Junctor-Run")
	if id == "" {
		return &run.Info{}
	}
	return s.ended(id)
}

func TestRecordsInScenarios(t *testing.T) {
	eachDatabase(t, functions(shopClasses, map[string]string{
		"write": function(`
  const made = await orders.create({ number: "1", total: decimal("10.10"), pieces: 2, due: "2026-11-22", received: new Date("2026-11-22T10:00:00.5Z"), paid: true, extra: { a: [1.5] }, state: "new" });
  const again = await orders.upsert({ number: "1", total: 10.1 });
  const changed = await orders.upsert({ number: "1", total: "12.30", note: undefined });
  const cleared = await orders.update({ number: "1" }, { note: null, paid: null });
  const other = await orders.upsert({ number: "2", total: 1n, pieces: 9007199254740993n });
  const { id, created_at, created_by, modified_at, modified_by, ...rest } = changed;
  return {
    results: [made, again, changed, cleared, other].map((r) => r.$result), versions: [made, again, changed, cleared].map((r) => r.version), rest,
    exact: [made.total instanceof decimal, made.total.plus("0.05").toString(), String(other.total), typeof other.pieces, String(other.pieces), typeof made.pieces],
    by: created_by === run.id, keys: Object.keys(made).includes("$result"), null: cleared.paid,
  };`),
		"read": function(`
  const cz = await countries.create({ code: "CZ", name: "Czechia" });
  const [c1, c2] = await Promise.all([customers.create({ code: "C1", country: cz.id, limit: "1000000000000000.0001" }), customers.create({ code: "C2" })]);
  for (let i = 1; i <= 4; i++) {
    await orders.create({ number: "R" + i, customer: { code: i < 3 ? "C1" : "C2" }, total: i + ".05", received: "2026-11-2" + i + "T00:00:00.000001Z", due: "2026-01-0" + i });
  }
  const numbers = (list) => list.map((o) => o.number).join();
  const found = await orders.find({ number: "R1" }, { expand: ["customer", "customer/country"] });
  const third = await orders.find({ number: "R3" });
  return {
    found: [found.customer_id === c1.id, found.customer.code, String(found.customer.limit.times(2)), found.customer.country.name],
    byId: (await orders.get(found.id, { select: ["number", "total"] })),
    none: [await orders.find({ number: "none" }), await orders.get("rec_none")],
    filtered: numbers(await orders.query({ filter: "customer/code eq @code and total gt @least", params: { code: "C1", least: decimal("1.05") } })),
    dates: numbers(await orders.query({ filter: "received ge @since and due lt @until", params: { since: third.received, until: "2026-01-04" }, orderby: "number" })),
    moment: numbers(await orders.query({ filter: "@since lt received", params: { since: new Date("2026-11-23T00:00:00Z") }, orderby: "number desc" })),
    list: numbers(await orders.query({ filter: "number in @some", params: { some: ["R4", "R1"] }, orderby: "total desc,number" })),
    refs: numbers(await orders.query({ filter: "customer_id eq @c", params: { c: c2.id }, orderby: "number", top: 1, skip: 1 })),
    top: numbers(await orders.query({ orderby: "number", top: 2 })),
    selected: await orders.query({ select: ["number"], filter: "number eq 'R2'", expand: "customer" }).then((l) => Object.keys(l[0]).join()),
    sum: String(decimal.sum((await orders.query({ filter: "startswith(number,'R')" })).map((o) => o.total))),
    deleted: [await orders.delete({ number: "R4" }), await orders.delete({ number: "R4" }), await orders.delete("rec_none"), await orders.find({ number: "R4" })],
  };`),
	}), func(s *site) {
		info := s.wantCalled("write", `{}`, `{"results":["created","unchanged","updated","updated","created"],"versions":[1,1,2,3],`+
			`"rest":{"customer_id":null,"due":"2026-11-22","extra":{"a":[1.5]},"note":null,"number":"1","paid":true,"pieces":2,"received":"2026-11-22T10:00:00.5Z","state":"new","total":"12.30","version":2},`+
			`"exact":[true,"10.15","1.00","bigint","9007199254740993","number"],"by":true,"keys":false,"null":null}`)
		if len(info.Steps) != 5 || info.Steps[0].Name != "records.create" || !strings.Contains(string(info.Steps[0].Result), `"total":"10.10"`) {
			t.Errorf("the journal is %+v", info.Steps)
		}
		_, body := s.call("POST", "/api/v1/functions/read", `{}`)
		var read map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &read); err != nil {
			t.Fatal(body)
		}
		for name, want := range map[string]string{
			"found": `[true,"C1","2000000000000000.0002","Czechia"]`, "none": `[null,null]`, "filtered": `"R2"`, "dates": `"R3"`, "moment": `"R4,R3"`,
			"list": `"R4,R1"`, "refs": `"R4"`, "top": `"1,2"`, "sum": `"10.20"`, "deleted": `[true,false,false,null]`,
		} {
			if string(read[name]) != want {
				t.Errorf("%s: got %s, want %s", name, read[name], want)
			}
		}
	})
}

// What is wrong is an error that the scenario can look at and pass on.
func TestRecordsRefuse(t *testing.T) {
	strictClass := shopClasses + "  strict: { key: code, require_match: true, columns: { code: text!, n: { type: integer, min: 1 } } }\n"
	eachDatabase(t, functions(strictClass, map[string]string{
		"seed": function(`await orders.create({ number: "1" }); await orders.create({ number: "2" }); return (await records("strict").create({ code: "S", n: 1 })).version;`),
		"refused": function(`
  const strict = records("strict");
  const tries = {
    absent: () => orders.update("rec_none", { note: "x" }),
    taken: () => orders.create({ number: "1" }),
    moved: () => orders.update({ number: "1" }, { number: "2" }),
    scale: () => orders.update({ number: "1" }, { total: "1.234" }),
    several: () => orders.create({ total: "much", state: "old", nothing: 1 }),
    stale: () => orders.update({ number: "1" }, { note: "x" }, { version: 7 }),
    demanded: () => strict.update({ code: "S" }, { n: 2 }),
    range: () => strict.update({ code: "S" }, { n: 0 }, { version: 1 }),
    key: () => orders.find({ note: "x" }),
    column: () => orders.find({ numbr: "1" }),
    filter: () => orders.query({ filter: "numbr eq '1'" }),
    grammar: () => orders.query({ filter: "number eq" }),
    param: () => orders.query({ filter: "number eq @p" }),
    typed: () => orders.query({ filter: "due eq @p", params: { p: "soon" } }),
    order: () => orders.query({ orderby: "nothing" }),
    expand: () => orders.query({ expand: ["number"] }),
    deep: () => orders.query({ expand: ["customer/country/more"] }),
    nameless: () => orders.upsert({ total: 1 }),
    class: () => (records as any)("order").find({ number: "1" }),
    deletion: () => (records as any)("order").delete("x"),
  };
  try { return await tries[p.what](); } catch (error) {
    if (!(error instanceof RecordError)) return "no RecordError: " + error;
    if (p.pass) throw new Problem(error);
    return [error.status, error.permanent, error.message, error.errors.map((e) => e.pointer).join()];
  }`),
		"uncaught": function(`await kv.set("before", 1); await orders.create({ number: "1" });`),
	}), func(s *site) {
		s.wantCalled("seed", `{}`, `1`)
		for what, want := range map[string][2]string{
			"absent":   {`[404,true,"records.update: `, `('rec_none')`},
			"taken":    {`[409,false,"records.create: `, "number"},
			"moved":    {`[409,false,"records.update: `, "number"},
			"scale":    {`[422,true,"records.update: `, `"/total"]`},
			"several":  {`[422,true,"records.create: `, `/total,/nothing,/number,/state"]`},
			"stale":    {`[412,false,"records.update: `, "version 1"},
			"demanded": {`[428,true,"records.update: `, "{ version: record.version }"},
			"range":    {`[422,true,"records.update: `, `"/n"]`},
			"key":      {`[400,true,"records.find: `, "the keys are: number"},
			"column":   {`[400,true,"records.find: `, `no column \"numbr\"`},
			"filter":   {`[400,true,"records.query: `, "numbr"},
			"grammar":  {`[400,true,"records.query: `, "character"},
			"param":    {`[400,true,"records.query: `, "@p"},
			"typed":    {`[400,true,"records.query: `, "soon"},
			"order":    {`[400,true,"records.query: `, "nothing"},
			"expand":   {`[400,true,"records.query: `, "number"},
			"deep":     {`[400,true,"records.query: `, ""},
			"nameless": {`[400,true,"records.upsert: `, "number"},
			"class":    {`[404,true,"records.find: `, `did you mean \"orders\"`},
			"deletion": {`[404,true,"records.delete: `, `did you mean \"orders\"`},
		} {
			_, body := s.call("POST", "/api/v1/functions/refused", `{"what":"`+what+`"}`)
			if !strings.HasPrefix(body, want[0]) || !strings.Contains(body, want[1]) {
				t.Errorf("%s: got %s, want %s ... %s", what, body, want[0], want[1])
			}
		}
		resp, body := s.call("POST", "/api/v1/functions/refused", `{"what":"several","pass":true}`)
		var p struct {
			Status int
			Errors []struct{ Pointer string }
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil || resp.StatusCode != 422 || len(p.Errors) != 4 || strings.Contains(body, "permanent") {
			t.Errorf("passed on: %d %s", resp.StatusCode, body)
		}
		resp, body = s.call("POST", "/api/v1/functions/uncaught", `{}`)
		if resp.StatusCode != 502 {
			t.Errorf("not caught: %d %s", resp.StatusCode, body)
		}
	})
}

// Calls that are made without waiting in between are one transaction, and their
// order is that of the calls.
func TestRecordsOfOneTurn(t *testing.T) {
	eachDatabase(t, functions(shopClasses, map[string]string{
		"turn": function(`
  const all = await Promise.allSettled([
    orders.create({ number: "1", pieces: 1 }), orders.update({ number: "1" }, { pieces: 2 }), orders.create({ number: "1" }),
    kv.set("k", 1), orders.find({ number: "1" }),
  ]);
  return all.map((r) => r.status === "rejected" ? r.reason.status : r.value === undefined ? "set" : r.value.pieces);`),
		"large": function(`
  const text = "x".repeat(9000);
  await Promise.all(Array.from({ length: 20 }, (_, i) => orders.create({ number: "L" + i, note: text })));
  const read = await orders.query({ filter: "startswith(number,'L')" });
  await kv.set("done", 1);
  const [, again] = await Promise.all([kv.set("done", 2), orders.query({ filter: "startswith(number,'L')" })]);
  return [read.length, again.length, again[7].note.length];`),
		"huge": function(`
  const o = await orders.create({ number: "H", note: "a".repeat(700000) });
  return (await orders.update(o.id, { note: "b".repeat(700000), pieces: 1 })).version;`),
	}), func(s *site) {
		s.wantCalled("huge", `{}`, `2`)
		_, body := s.call("GET", "/api/v1/events?types=record.orders.updated", "")
		if !strings.Contains(body, `"changed":["note","pieces"]`) || strings.Contains(body, `"after"`) {
			t.Errorf("the event of a large change is %.300s", body)
		}
		s.wantCalled("turn", `{}`, `[1,2,409,"set",2]`)
		info := s.wantCalled("large", `{}`, `[20,20,9000]`)
		if n := len(info.Steps); n != 24 || len(info.Steps[20].Result) < 20*9000 {
			t.Errorf("there are %d steps", n)
		}
	})
}

// Any number of runs at once that upsert one record make one, and none fails.
func TestRecordsUpsertAtOnce(t *testing.T) {
	eachDatabase(t, functions(shopClasses, map[string]string{
		"one": function(`const o = await orders.upsert({ number: p.number, pieces: p.n }); return o.$result;`),
	}), func(s *site) {
		var mu sync.Mutex
		got := map[string]int{}
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				_, body := s.call("POST", "/api/v1/functions/one", fmt.Sprintf(`{"number":"same%d","n":%d}`, i%3, i))
				mu.Lock()
				got[body]++
				mu.Unlock()
			})
		}
		all.Wait()
		if got[`"created"`] != 3 || got[`"updated"`] != 57 {
			t.Errorf("got %v", got)
		}
	})
}
