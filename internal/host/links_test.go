package host

import "testing"

// Of links and approvals none throws where it is called, either.
func TestMistakesInLinksReject(t *testing.T) {
	s := newScenarios(t)
	for _, expression := range []string{
		`links.event()`, `links.event("")`, `links.event(7)`, `links.event(Symbol("s"))`, `links.event("t", null)`, `links.event("t", [])`, `links.event("t", { nothing: 1 })`,
		`links.event("t", { data: 1n })`, `links.event("t", { data: () => 1 })`, `links.event("t", { uses: "many" })`, `links.event("t", { uses: 0 })`, `links.event("t", { uses: NaN })`,
		`links.event("t", { expires: "soon" })`, `links.event("t", { expires: new Date(NaN) })`, `links.event("t", { confirm: 0 })`, `links.event("t", { title: {} })`,
		`links.event("t", { get title() { throw 1 } })`, `links.event("t", { subject: null })`, `links.event("t", new Proxy({}, { ownKeys() { throw 1 } }))`,
		`links.run()`, `links.run("")`, `links.run("s", 1n)`, `links.run("s", Symbol("s"))`, `links.run("s", 1, null)`, `links.run("s", 1, { tags: 7 })`, `links.run("s", 1, { tags: [Object.create(null)] })`,
		`links.run("s", 1, { data: 1 })`, `links.revoke()`, `links.revoke(7)`,
		`approval()`, `approval(null)`, `approval("x")`, `approval([])`, `approval({ nothing: 1 })`, `approval({ subject: {} })`, `approval({ choices: "yes" })`, `approval({ choices: [1n, {}] })`,
		`approval({ choices: { a: {} } })`, `approval({ choices: null })`, `approval({ assignees: "eve" })`, `approval({ assignees: [{}] })`, `approval({ timeout: "never" })`,
		`approval({ timeout: new Date(NaN) })`, `approval({ notify: 7 })`, `approval({ reminder: "1d" })`, `approval({ reminder: "soon", notify() {} })`, `approval({ reminder: 1, notify() {} })`,
		`approval({ get subject() { throw 1 } })`, `approval.open()`, `approval.open({ notify() {} })`, `approval.open({ reminder: "1d" })`,
	} {
		got := s.run(t, `const { links, approval } = junctor as any;
			let step;
			try { step = `+expression+`; } catch (error) { return "thrown"; }
			return step.then(() => "done", () => "rejected");`)
		if got != `"rejected"` {
			t.Errorf("%s: %s, want it rejected", expression, got)
		}
	}
}
