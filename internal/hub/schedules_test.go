package hub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"junctor/internal/hub"
	"junctor/internal/run"
)

// scheduled is a folder with schedules and functions; scenarios by name.
func scheduled(yaml string, scenarios map[string]string) map[string]string {
	return functions(yaml, scenarios)
}

// items reads a list of the admin API.
func items[T any](s *site, path string) []T {
	s.t.Helper()
	resp, body := s.call("GET", "/api/v1/admin"+path, "")
	var page struct{ Items []T }
	if err := json.Unmarshal([]byte(body), &page); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
	}
	return page.Items
}

// eventually waits until a look says true.
func (s *site) eventually(what string, look func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !look(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// A schedule comes by itself, its run is handed what the reference says, and has
// the schedule as its source.
func TestScheduleComes(t *testing.T) {
	eachDatabase(t, scheduled(`settings: { timezone: Europe/Prague }
schedules:
  pull: { every: 1s, scenario: pull, input: { from: "the ERP" }, retention: { succeeded: 1h } }
`, map[string]string{
		"pull": `import { kv, run, type Schedule } from "junctor";
export default async function (s: Schedule<{ from: string }>) {
  run.subject("pull");
  await kv.set("handed", [s.code, s.due, s.lateBy >= 0, s.previous, s.manual, s.input.from]);
}`,
		"handed": function(`return await kv.get("handed");`),
	}), func(s *site) {
		s.eventually("three runs", func() bool { return len(items[run.Info](s, "/runs?source=schedule:pull&state=succeeded")) >= 3 })
		_, body := s.call("POST", "/api/v1/functions/handed", "{}")
		var handed []any
		if err := json.Unmarshal([]byte(body), &handed); err != nil || len(handed) != 6 {
			t.Fatal(body)
		}
		due, err := time.Parse(time.RFC3339, handed[1].(string))
		if err != nil || time.Since(due) > time.Minute || handed[0] != "pull" || handed[2] != true || handed[3] == nil || handed[4] != false || handed[5] != "the ERP" {
			t.Errorf("handed %s (%v)", body, err)
		}
		var told []string
		for _, e := range items[struct{ Type, Subject string }](s, "/events?types=schedule.**") {
			told = append(told, e.Type+" "+e.Subject)
		}
		if len(told) == 0 || told[0] != "schedule.pull.started pull" {
			t.Errorf("told %q", told)
		}
		if _, metrics := s.do("GET", "/metrics", "", nil); !strings.Contains(metrics, `junctor_schedule_times_total{outcome="started",schedule="pull"}`) {
			t.Error("the metrics do not count it")
		}
	})
}

// While the last run has not ended: no run, a run in line, or another one.
func TestScheduleOverlaps(t *testing.T) {
	eachDatabase(t, scheduled(`schedules:
  skip: { every: 1s, scenario: long }
  queue: { every: 1s, scenario: long, overlap: queue }
  allow: { every: 1s, scenario: long, overlap: allow }
`, map[string]string{
		"long": `import { sleep } from "junctor"; export default async () => { await sleep("1d"); };`,
	}), func(s *site) {
		runs := func(code, more string) []run.Info { return items[run.Info](s, "/runs?source=schedule:"+code+more) }
		s.eventually("three runs each", func() bool { return len(runs("queue", "")) > 2 && len(runs("allow", "&state=waiting")) > 2 })
		if n := len(runs("skip", "")); n != 1 {
			t.Errorf("skip: %d runs", n)
		}
		if list := items[struct {
			Data struct{ Reason, Run string }
		}](s, "/events?types=schedule.skip.skipped"); len(list) == 0 || list[0].Data.Reason != "running" || list[0].Data.Run != runs("skip", "")[0].ID {
			t.Errorf("skip: %+v", list)
		}
		s.call("POST", "/api/v1/admin/schedules/queue/pause", "")
		all := runs("queue", "")
		for _, r := range all[:len(all)-1] {
			if r.State != run.Queued || r.WaitingFor != "order" {
				t.Errorf("queue: %+v", r)
			}
		}
		first, second := all[len(all)-1], all[len(all)-2]
		s.call("POST", "/api/v1/admin/runs/"+first.ID+"/terminate", "")
		s.endedAs(second.ID, run.Waiting)
	})
}

// A schedule that is to queue from now on waits for all that began before.
func TestScheduleThatQueuesFromNowOn(t *testing.T) {
	for before, going := range map[string]int{"skip": 1, "allow": 2} {
		t.Run(before, func(t *testing.T) {
			long := map[string]string{"long": `import { sleep } from "junctor"; export default async () => { await sleep("1d"); };`}
			eachDatabase(t, scheduled("schedules:\n  pull: { at: 2040-01-01, scenario: long, overlap: "+before+" }\n", long), func(s *site) {
				start := func() string {
					resp, body := s.call("POST", "/api/v1/admin/schedules/pull/run", "")
					var started run.Info
					if err := json.Unmarshal([]byte(body), &started); resp.StatusCode != 201 || err != nil {
						s.t.Fatalf("%d %s", resp.StatusCode, body)
					}
					return started.ID
				}
				var first []string
				for range going {
					first = append(first, start())
					s.endedAs(first[len(first)-1], run.Waiting)
				}
				s.apply(scheduled("schedules:\n  pull: { at: 2040-01-01, scenario: long, overlap: queue }\n", long))
				next := start()
				for n, id := range first {
					if i := s.endedAs(next, run.Queued); i.WaitingFor != "order" {
						s.t.Errorf("%d of %d have ended, and the next one waits for %q", n, going, i.WaitingFor)
					}
					if i := s.endedAs(id, run.Waiting); i.WaitingFor != "time" || i.DueAt == nil || time.Until(*i.DueAt) < time.Hour {
						s.t.Errorf("the run of before is disturbed: %+v", i)
					}
					s.call("POST", "/api/v1/admin/runs/"+id+"/terminate", "")
				}
				s.endedAs(next, run.Waiting)
			})
		})
	}
}

// A run that fails when its schedule has been removed is not in the way of that
// schedule when it is there again.
func TestAScheduleThatComesBack(t *testing.T) {
	yaml := "schedules:\n  pull: { every: 1s, scenario: work, overlap: queue, retry: { attempts: 1 } }\n"
	scenarios := map[string]string{"work": `import { waitForEvent, PermanentError } from "junctor";
export default async () => { await waitForEvent("go"); throw new PermanentError("on purpose"); };`}
	eachDatabase(t, scheduled(yaml, scenarios), func(s *site) {
		runs := func(state string) []run.Info { return items[run.Info](s, "/runs?source=schedule:pull&state="+state) }
		s.eventually("a run", func() bool { return len(runs("waiting")) == 1 })
		first := runs("waiting")[0].ID
		s.apply(scheduled("", scenarios))
		s.tell("go-1", "go", "s", "1")
		s.endedAs(first, run.Failed)
		s.apply(scheduled(yaml, scenarios))
		s.eventually("another run", func() bool { return len(runs("waiting")) == 1 })
	})
}

// The admin API: configuration, how it stands, by hand, pause and resume.
func TestSchedulesByHand(t *testing.T) {
	eachDatabase(t, scheduled(`settings: { timezone: Europe/Prague }
schedules:
  nightly: { cron: "30 2 * * *", scenario: work, input: 1 }
  off: { cron: "30 2 * * *", scenario: work, enabled: false }
  still: { cron: "30 2 * * *", scenario: work, paused: true }
`, map[string]string{
		"work": `import { kv, sleep, type Schedule } from "junctor";
export default async function (s: Schedule) {
  if (s.input === "long") await sleep("1d");
  return { manual: s.manual, input: s.input };
}`,
	}), func(s *site) {
		const at = "/api/v1/admin/schedules/"
		show := func(code string) (o struct {
			Code, State string
			Paused      bool
			Next        []time.Time
			LastRun     *string `json:"last_run"`
			Scenario    string
			Version     int
		},
		) {
			t.Helper()
			resp, body := s.call("GET", at+code, "")
			if err := json.Unmarshal([]byte(body), &o); err != nil || resp.StatusCode != 200 {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			return o
		}
		if o := show("nightly"); o.State != "on" || len(o.Next) != 10 || o.LastRun != nil || o.Scenario != "work" {
			t.Errorf("%+v", o)
		}
		zone, err := time.LoadLocation("Europe/Prague")
		if err != nil {
			t.Fatal(err)
		}
		for _, next := range show("nightly").Next {
			if clock := next.In(zone).Format("15:04"); clock != "02:30" && clock != "03:00" {
				t.Errorf("comes at %s", next)
			}
		}
		if show("off").State != "off" || show("still").State != "paused" || len(show("still").Next) > 0 {
			t.Errorf("%+v, %+v", show("off"), show("still"))
		}

		resp, body := s.call("POST", at+"nightly/run", "")
		var made run.Info
		if err := json.Unmarshal([]byte(body), &made); err != nil || resp.StatusCode != 201 || resp.Header.Get("Location") != "/api/v1/admin/runs/"+made.ID || made.Source != "schedule:nightly" {
			t.Fatalf("%d %s %s", resp.StatusCode, resp.Header, body)
		}
		if info := s.ended(made.ID); string(info.Output) != `{"value":{"manual":true,"input":1}}` {
			t.Errorf("%+v", info)
		}
		if o := show("nightly"); o.LastRun == nil || *o.LastRun != made.ID {
			t.Errorf("%+v", o)
		}
		for _, c := range []struct {
			path, body string
			status     int
			want       string
		}{
			{"still/run", "", 201, `"source":"schedule:still"`},
			{"off/run", "", 409, "enabled: false"},
			{"none/run", "", 404, "none"},
			{"nightly/run", `{"imput":1}`, 422, "imput"},
			{"nightly/run", `{"input":"long"}`, 201, "run_"},
			{"nightly/run", `{}`, 409, "overlap is skip"},
			{"nightly/pause", "", 200, `"state":"paused"`},
			{"nightly/pause", "", 200, `"state":"paused"`},
			{"nightly/resume", "", 200, `"state":"on"`},
			{"still/resume", "", 409, "paused: true"},
			{"off/resume", "", 409, "enabled: false"},
			{"none/pause", "", 404, "none"},
			{"none/resume", "", 404, "none"},
		} {
			if resp, body := s.call("POST", at+c.path, c.body); resp.StatusCode != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%s %s: %d %s, want %d %s", c.path, c.body, resp.StatusCode, body, c.status, c.want)
			}
		}

		// What was got can be put, and what is by hand stays by hand.
		s.call("POST", at+"nightly/pause", "")
		_, body = s.call("GET", at+"nightly", "")
		resp, body = s.call("PUT", at+"nightly", strings.Replace(body, `"cron":"30 2 * * *"`, `"cron":"45 3 * * *"`, 1))
		if resp.StatusCode != 200 || !strings.Contains(body, `"state":"paused"`) || !strings.Contains(body, `"cron":"45 3 * * *"`) {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		for _, c := range [][2]string{
			{`{"scenario":"work"}`, "one of cron, every and at"},
			{`{"scenario":"wrk","cron":"0 0 * * *"}`, `did you mean \"work\"`},
			{`{"scenario":"work","cron":"0 0 31 2 *"}`, "never comes"},
		} {
			if resp, body := s.call("PUT", at+"nightly", c[0]); resp.StatusCode != 422 || !strings.Contains(body, c[1]) {
				t.Errorf("%s: %d %s", c[0], resp.StatusCode, body)
			}
		}
		if resp, body := s.call("DELETE", "/api/v1/admin/scenarios/work", ""); resp.StatusCode != 409 || !strings.Contains(body, "schedules nightly, off, still") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		if resp, _ := s.call("DELETE", at+"off", ""); resp.StatusCode != 204 {
			t.Error(resp.StatusCode)
		}
		if resp, body := s.call("POST", at+"off/pause", ""); resp.StatusCode != 404 {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		var did []string
		for _, e := range items[struct{ Action, Object string }](s, "/audit?object=schedules/nightly") {
			did = append(did, e.Action)
		}
		want := "schedules.update schedules.pause schedules.resume schedules.pause schedules.pause schedules.run schedules.run schedules.create"
		if strings.Join(did, " ") != want {
			t.Errorf("the audit log has %s, want %s", did, want)
		}
		var told []string
		for _, e := range items[struct{ Type string }](s, "/events?types=schedule.nightly.*") {
			told = append(told, strings.TrimPrefix(e.Type, "schedule.nightly."))
		}
		if got := strings.Join(told, " "); got != "paused resumed paused started started" {
			t.Errorf("told %s", got)
		}
	})
}

// Scenarios start, pause and ask schedules, exactly once.
func TestSchedulesInScenarios(t *testing.T) {
	eachDatabase(t, scheduled(`schedules:
  nightly: { cron: "30 2 * * *", scenario: work }
  off: { cron: "30 2 * * *", scenario: work, enabled: false }
  rare: { every: 3650d, scenario: work }
`, map[string]string{
		"work": `import { sleep } from "junctor"; export default async () => { await sleep("1d"); };`,
		"all": `import { schedules } from "junctor";
export const params = {};
export default async function () {
  const first = await schedules.start("nightly", { x: 1 }), second = await schedules.start("nightly");
  const next = await schedules.next("nightly"), three = await schedules.next("nightly", 3);
  await schedules.pause("nightly");
  const none = await schedules.next("nightly");
  await schedules.resume("nightly");
  const wrong: string[] = [];
  for (const make of [() => schedules.start("nothing"), () => schedules.start("off"), () => schedules.resume("off"), () => schedules.next("nightly", 0), () => schedules.pause(""),
    () => schedules.start("a\0b"), () => schedules.pause("a\0c"), () => schedules.next("a\0d"), () => schedules.next("nightly", 1.5), () => schedules.next("nightly", "2" as any)]) {
    try { await make(); } catch (error) { wrong.push((error as Error).message); }
  }
  return { rare: (await schedules.next("rare", 1000)).length > 700, first: first.id?.slice(0, 4), second: second.id, next: next.length, later: next[0] > new Date(), three: three.map((at) => at.getUTCMinutes()), none: none.length, wrong };
}`,
	}), func(s *site) {
		_, body := s.call("POST", "/api/v1/functions/all", "{}")
		for _, want := range []string{`"rare":true,"first":"run_"`, `"second":null`, `"next":1,"later":true,"three":[30,30,30],"none":0`, "There is no schedule \\\"nothing\\\"", "enabled: false", "from 1 to 1000", "takes the code", `a\\x00b`, `a\\x00c`, `a\\x00d`, `"schedules.next takes a whole number of times","schedules.next takes a whole number of times"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not have %s", body, want)
			}
		}
		if n := len(items[run.Info](s, "/runs?source=schedule:nightly")); n != 1 {
			t.Errorf("%d runs", n)
		}
	})
}

// shopAPI is a system that is polled: orders with a number that rises, two pages.
func shopAPI(t *testing.T, orders *[]int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after := 0
		fmt.Sscan(r.URL.Query().Get("after"), &after) //nolint:errcheck // 0 when there is none
		var page []map[string]int
		for _, n := range *orders {
			if n >= after { // the last one again, as such systems do
				page = append(page, map[string]int{"id": n})
			}
		}
		json.NewEncoder(w).Encode(page) //nolint:errcheck // a test's answer
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const polling = `import { http, poll, run, type Schedule } from "junctor";
export const params = {};
export default async function (request: any) {
  const p = request.params;
  if (p.fail === "before") throw new Error("on purpose");
  let calls = 0;
  const got = await poll("orders", async (cursor: number | undefined) => {
    calls++;
    const orders = (await http.get("shop", "/orders", { query: { after: String(cursor ?? 0) } })).json<{ id: number }[]>();
    if (p.fail === "within") throw new Error("on purpose");
    return { items: orders, cursor: orders.at(-1)?.id ?? cursor, key: p.key === undefined ? "id" : undefined, ...p.more };
  }, { scenario: p.scenario ?? "order", subject: "id", tags: ["polled"], first: p.first, ...p.options });
  return { started: got.runs.length, known: got.known, calls };
}`

var polledScenarios = map[string]string{
	"pull":  polling,
	"order": `import { kv, run } from "junctor"; export default async (order: { id: number }) => { await kv.increment("order " + order.id); };`,
	"odd": `import { poll } from "junctor";
export const params = {};
export default async function (request: any) {
  const found = { nan: { cursor: NaN }, infinity: { cursor: Math.max() }, date: { cursor: new Date(NaN) }, function: { cursor: () => 1 }, key: { key: () => NaN } } as any;
  await poll("orders", () => ({ items: [{ id: 1 }], ...found[request.params.odd] }), { scenario: "order" });
}`,
	"count": function(`return await kv.get("order " + p.id) ?? 0;`),
}

func polled(t *testing.T, orders *[]int) map[string]string {
	t.Helper()
	return scheduled("connections:\n  shop: { type: http, url: \""+shopAPI(t, orders)+"\", allow_private: true }\n", polledScenarios)
}

// A poll starts a run for each new item, once, and remembers where it was.
func TestPoll(t *testing.T) {
	for name, where := range map[string]func(*testing.T) string{"sqlite": func(*testing.T) string { return "" }, "postgres": database} {
		t.Run(name, func(t *testing.T) {
			orders := []int{1, 2, 3}
			s := serveOn(t, where(t), polled(t, &orders))
			s.wantCalled("pull", `{}`, `{"started":3,"known":0,"calls":1}`)
			s.wantCalled("pull", `{}`, `{"started":0,"known":1,"calls":1}`)
			orders = append(orders, 4, 4, 5)
			if _, body := s.call("POST", "/api/v1/functions/pull", `{"fail":"within"}`); !strings.Contains(body, "problem") && !strings.Contains(body, "failed") {
				t.Error(body)
			}
			s.wantCalled("pull", `{}`, `{"started":2,"known":2,"calls":1}`) // 4 stands there twice
			s.wantCalled("pull", `{"key":"none"}`, `{"started":1,"known":0,"calls":1}`)
			list := items[run.Info](s, "/runs?source=poll:orders&tag=polled")
			if len(list) != 6 || list[0].Subject != "5" {
				t.Errorf("%d runs: %+v", len(list), list)
			}
			for _, r := range list {
				s.ended(r.ID)
			}
			s.wantCalled("count", `{"id":4}`, `1`)
			s.wantCalled("count", `{"id":5}`, `2`)
		})
	}
}

// A run that fails behind its poll, and is tried again, polls again from where the
// first try came to, and starts nothing twice.
func TestPollOfARetry(t *testing.T) {
	orders := []int{1, 2, 3}
	s := serve(t, scheduled("connections:\n  shop: { type: http, url: \""+shopAPI(t, &orders)+"\", allow_private: true }\n"+
		"channels:\n  go: { type: public, scenario: twice, retry: { first: 10ms } }\n", map[string]string{
		"twice": `import { http, poll, run } from "junctor";
export default async function () {
  const got = await poll("orders", async (cursor: number | undefined) => {
    const items = (await http.get("shop", "/", { query: { after: String(cursor ?? 0) } })).json<{ id: number }[]>();
    return { items, cursor: items.at(-1)?.id, key: "id" };
  }, { scenario: "order" });
  if (run.attempt < 3) throw new Error("not yet");
  return { started: got.runs.length, known: got.known };
}`,
		"order": polledScenarios["order"], "count": polledScenarios["count"],
	}))
	resp, _ := s.send("POST", "go", "", "{}")
	info := s.ended(resp.Header.Get("Junctor-Run"))
	if info.State != run.Succeeded || info.Attempt != 3 || string(info.Output) != `{"value":{"started":0,"known":1}}` {
		t.Errorf("%+v %s", info, info.Output)
	}
	list := items[run.Info](s, "/runs?source=poll:orders")
	if len(list) != 3 || list[0].Channel != "go" {
		t.Errorf("%d runs", len(list))
	}
}

// Polls of one name at the same time: each item once.
func TestPollsAtTheSameTime(t *testing.T) {
	orders := make([]int, 40)
	for i := range orders {
		orders[i] = i + 1
	}
	for name, where := range map[string]func(*testing.T) string{"sqlite": func(*testing.T) string { return "" }, "postgres": database} {
		t.Run(name, func(t *testing.T) {
			s := serveOn(t, where(t), polled(t, &orders))
			started := make(chan int, 4)
			for range cap(started) {
				go func() {
					_, body := s.call("POST", "/api/v1/functions/pull", "{}")
					var got struct{ Started int }
					json.Unmarshal([]byte(body), &got) //nolint:errcheck // 0 then
					started <- got.Started
				}()
			}
			sum := 0
			for range cap(started) {
				sum += <-started
			}
			if sum != 40 || len(items[run.Info](s, "/runs?source=poll:orders")) != 40 {
				t.Errorf("%d runs were started", sum)
			}
		})
	}
}

// All or nothing, and what is wrong with a poll is said.
func TestPollRefuses(t *testing.T) {
	orders := []int{1, 2}
	s := serve(t, polled(t, &orders))
	for _, c := range [][2]string{
		{`{"scenario":"ordr"}`, "There is no scenario"},
		{`{"options":{"first":"never"}}`, "remember"},
		{`{"options":{"keeep":1}}`, "keeep"},
		{`{"options":{"keep":"soon"}}`, "duration"},
		{`{"options":{"keep":0}}`, "longer than none"},
		{`{"options":{"keep":"` + strings.Repeat("9", 400) + `d"}}`, "duration"},
		{`{"options":{"tags":"x"}}`, "list of texts"},
		{`{"more":{"items":7}}`, "items"},
		{`{"more":{"key":"number"}}`, "item 0 has no key"},
		{`{"more":{"cursors":1}}`, "cursors"},
		{`{"more":{"items":[{"id":"` + strings.Repeat("x", 600) + `"}]}}`, "512 bytes"},
	} {
		resp, _ := s.call("POST", "/api/v1/functions/pull", c[0])
		info := s.ended(resp.Header.Get("Junctor-Run"))
		if info.State != run.Failed || info.Error == nil || !strings.Contains(info.Error.Message, c[1]) {
			t.Errorf("%s: %+v, want %s", c[0], info.Error, c[1])
		}
	}
	for _, c := range [][2]string{{"nan", "the cursor is not data"}, {"infinity", "the cursor is not data"}, {"date", "the cursor is not data"}, {"function", "the cursor is not data"}, {"key", "key of item 0"}} {
		resp, _ := s.call("POST", "/api/v1/functions/odd", `{"odd":"`+c[0]+`"}`)
		info := s.ended(resp.Header.Get("Junctor-Run"))
		if info.State != run.Failed || info.Error == nil || !strings.Contains(info.Error.Message, c[1]) {
			t.Errorf("%s: %+v, want %s", c[0], info.Error, c[1])
		}
	}
	if n := len(items[run.Info](s, "/runs?source=poll:orders")); n != 0 {
		t.Errorf("%d runs were started", n)
	}
	s.wantCalled("pull", `{"first":"remember"}`, `{"started":0,"known":0,"calls":1}`)
	orders = append(orders, 3)
	s.wantCalled("pull", `{"first":"remember"}`, `{"started":1,"known":1,"calls":1}`)
}

// A schedule that polls, over an end of the server and a new start.
func TestSchedulePolls(t *testing.T) {
	orders := []int{1, 2}
	files := scheduled("connections:\n  shop: { type: http, url: \""+shopAPI(t, &orders)+"\", allow_private: true }\n"+
		"schedules:\n  pull: { every: 1s, scenario: sync }\n", map[string]string{
		"sync": `import { http, poll, type Schedule } from "junctor";
export default async function (s: Schedule) {
  await poll("orders", async (cursor: number | undefined) => {
    const items = (await http.get("shop", "/", { query: { after: String(cursor ?? 0) } })).json<{ id: number }[]>();
    return { items, cursor: items.at(-1)?.id, key: "id" };
  }, { scenario: "order", subject: "id" });
}`,
		"order": polledScenarios["order"],
	})
	data := t.TempDir()
	about := func(s *site, n int) {
		t.Helper()
		s.eventually(fmt.Sprint(n, " orders"), func() bool { return len(items[run.Info](s, "/runs?source=poll:orders&state=succeeded")) == n })
	}
	t.Run("first", func(t *testing.T) {
		s := serveAs(t, hub.Options{Data: data}, nil, files)
		about(s, 2)
	})
	orders = append(orders, 3)
	t.Run("again", func(t *testing.T) {
		s := serveAs(t, hub.Options{Data: data}, nil, files)
		about(s, 3)
	})
}

// How runs of a schedule are treated is the schedule's to say, and the time zone
// that it has not itself the domain's.
func TestScheduleSettings(t *testing.T) {
	eachDatabase(t, scheduled(`settings: { timezone: Europe/Prague }
connections:
  nobody: { type: http, url: "http://127.0.0.1:1", allow_private: true }
schedules:
  a: { cron: "0 12 * * *", scenario: fails, retry: { attempts: 2, first: 10ms }, capture: none }
  b: { cron: "0 12 * * *", scenario: fails, timezone: Asia/Tokyo }
`, map[string]string{
		"fails": `import { http } from "junctor"; export default async () => { await http.get("nobody", "/"); };`,
	}), func(s *site) {
		_, body := s.call("POST", "/api/v1/admin/schedules/a/run", "")
		var made run.Info
		if err := json.Unmarshal([]byte(body), &made); err != nil {
			t.Fatal(body)
		}
		if info := s.ended(made.ID); info.State != run.Failed || info.Attempt != 2 || len(info.Steps) != 0 || info.Input != nil {
			t.Errorf("%+v", info)
		}
		next := func(code string) string {
			t.Helper()
			_, body := s.call("GET", "/api/v1/admin/schedules/"+code, "")
			var o struct{ Next []time.Time }
			if err := json.Unmarshal([]byte(body), &o); err != nil || len(o.Next) == 0 {
				t.Fatal(body)
			}
			return o.Next[0].UTC().Format("15:04")
		}
		if at := next("a"); at != "11:00" && at != "10:00" {
			t.Errorf("in Prague it comes at %s", at)
		}
		for zone, want := range map[string]string{"Asia/Kolkata": "06:30", "UTC": "12:00"} {
			if resp, body := s.call("PUT", "/api/v1/admin/settings", `{"timezone":"`+zone+`"}`); resp.StatusCode != 200 {
				t.Fatal(body)
			}
			if a, b := next("a"), next("b"); a != want || b != "03:00" {
				t.Errorf("%s: a comes at %s, b at %s", zone, a, b)
			}
		}
	})
}
