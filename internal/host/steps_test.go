package host

import "testing"

// mistaken are steps with arguments that they do not take. None throws where it
// is called: a scenario that collects its steps and awaits them all would end
// without the others.
var mistaken = []string{
	`http.get()`, `http.get("")`, `http.get(null)`, `http.get(Symbol("s"))`, `http.get("c", "/", null)`,
	`http.get("c", "/", 7, 8) && http.get("c", "/", { nothing: 1 })`, `http.post("c", "/", { json: 1n })`, `http.post("c", "/", { body: 7 })`,
	`http.post("c", "/", { json: { toJSON() { throw new Error() } } })`,
	`http.get("c", "/", { timeout: "soon" })`, `http.get("c", "/", { get query() { throw 1 } })`,
	`http.get("c", "/", new Proxy({}, { ownKeys() { throw 1 } }))`,
	`http.request()`, `http.request("c", "/", null)`, `http.request("c", "/", { get method() { throw 1 } })`, `http.request("c", "/", { method: Object.create(null) })`,
	`channel.external.get({ nothing: 1 })`,
	`runs.start()`, `runs.start("")`, `runs.start("s", 1n)`, `runs.start("s", Symbol("s"))`, `runs.start("s", 1, null)`, `runs.start("s", 1, { tags: 7 })`,
	`runs.start("s", 1, { tags: [Symbol.iterator, Object.create(null)] })`, `runs.call()`, `runs.call("s", () => 1)`, `runs.call("s", 1, { nothing: 1 })`,
	`kv.get()`, `kv.get("")`, `kv.get(Symbol("s"))`, `kv.set()`, `kv.set("k")`, `kv.set("k", 1n)`, `kv.set("k", 1, null)`, `kv.set("k", 1, { ttl: "never" })`,
	`kv.delete()`, `kv.delete("")`, `kv.increment()`, `kv.increment("k", 0.5)`, `kv.increment("k", 1n)`, `kv.increment("k", 1, null)`, `kv.increment("k", NaN)`,
	`events.publish()`, `events.publish("")`, `events.publish(7)`, `events.publish("t", null)`, `events.publish("t", { nothing: 1 })`, `events.publish("t", { data: 1n })`,
	`events.publish("t", { data: () => 1 })`, `events.publish("t", { subject: {} })`, `events.publish("t", { source: "" })`, `events.publish("t", { time: 5 })`,
	`events.publish("t", { time: new Date(NaN) })`, `events.publish("t", { id: Symbol("s") })`, `events.publish(Object.create(null))`,
	`records().find({ a: 1 })`, `records("").get("x")`, `records(7).query()`, `records("c").find()`, `records("c").find({})`, `records("c").find("id")`, `records("c").find([1])`,
	`records("c").find({ a: 1 }, { top: 1 })`, `records("c").get()`, `records("c").get({ a: 1 })`, `records("c").get("x", { select: 7 })`, `records("c").get("x", null)`,
	`records("c").query(null)`, `records("c").query("a eq 1")`, `records("c").query({ where: "a" })`, `records("c").query({ filter: 1 })`, `records("c").query({ top: -1 })`,
	`records("c").query({ top: "10" })`, `records("c").query({ skip: 0.5 })`, `records("c").query({ orderby: ["a"] })`, `records("c").query({ expand: [1] })`,
	`records("c").query({ filter: "a eq @p", params: { p: undefined } })`, `records("c").query({ params: { p: NaN } })`, `records("c").query({ params: { p: [new Date(NaN)] } })`,
	`records("c").create()`, `records("c").create([])`, `records("c").create(null)`, `records("c").create({ a: NaN })`, `records("c").create({ a: Infinity })`,
	`records("c").create({ a: () => 1 })`, `records("c").create({ a: Symbol("s") })`, `records("c").create({ a: new Date(NaN) })`, `records("c").create({ a: { b: 1n } })`,
	`records("c").create({ get a() { throw 1 } })`, `records("c").update()`, `records("c").update("x")`, `records("c").update("", {})`, `records("c").update({}, {})`,
	`records("c").update("x", {}, { version: "1" })`, `records("c").update("x", {}, { versions: 1 })`, `records("c").upsert()`, `records("c").upsert({}, { version: 1.5 })`,
	`records("c").delete()`, `records("c").delete(7)`, `records("c").delete("x", 7)`, `records(Symbol("s")).delete("x")`,
	`waitForEvent()`, `waitForEvent("")`, `waitForEvent(7)`, `waitForEvent("t", null)`, `waitForEvent("t", { nothing: 1 })`, `waitForEvent("t", { subject: {} })`,
	`waitForEvent("t", { match: 7 })`, `waitForEvent("t", { timeout: "soon" })`, `waitForEvent("t", { get match() { throw 1 } })`,
	`waitForAny()`, `waitForAny({})`, `waitForAny([], 7)`, `waitForAny([1], { timeout: -1 })`, `waitForAny([1], () => 1)`, `waitForEvent("t", 7)`, `waitForAny([1], null)`, `waitForAny([waitForEvent("")])`,
	`waitForAll(null)`, `waitForAll([])`, `waitForAll("ab")`, `waitForAll({ get a() { throw 1 } })`,
	`sleep()`, `sleep(-1)`, `sleep("tomorrow")`, `sleep(Symbol("s"))`, `sleep(Object.create(null))`, `sleep(Infinity)`,
}

func TestMistakesInArgumentsReject(t *testing.T) {
	s := newScenarios(t)
	for _, expression := range mistaken {
		got := s.run(t, `const { http, channel, runs, kv, events, records, sleep, waitForEvent, waitForAny, waitForAll } = junctor as any;
			let step;
			try { step = `+expression+`; } catch (error) { return "thrown"; }
			return step.then(() => "done", () => "rejected");`)
		if got != `"rejected"` {
			t.Errorf("%s: %s, want it rejected", expression, got)
		}
	}
}

// What cannot be shown is shown as such: a log does not fail its scenario.
func TestLogTakesAnything(t *testing.T) {
	s := newScenarios(t)
	got := s.run(t, `const { log } = junctor as any;
		const odd = new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } });
		const nameless = new Error("e");
		Object.defineProperty(nameless, "name", { get() { throw 3 } });
		log("a\u0000b", undefined, null, 1n, Symbol("s"), () => 1, odd, nameless, Object.create(null), { toJSON() { throw 4 } });
		log.error();
		return "ok";`)
	if got != `"ok"` {
		t.Errorf("the scenario answers %s", got)
	}
}
