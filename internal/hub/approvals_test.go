package hub_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/hub"
	"junctor/internal/run"
	"junctor/internal/secret"
)

// The scenario is told what to ask, answers with what it was given, and waits.
var approvalFiles = map[string]string{
	"junctor.yaml": `channels:
  ask: { type: public, scenario: ask, await: true, subject: $.subject, retry: { attempts: 1 } }
  remind: { type: public, scenario: remind }
roles:
  deciders: { admin: [approvals] }
  readers: { admin: [runs] }
applications:
  boss: { password: boss-password, roles: [deciders] }
  eve: { password: eve-password, roles: [readers] }
`,
	"scenarios/ask.ts": `import { approval, log, respond, type Request } from "junctor";
export default async function (request: Request) {
  try {
    const a = await approval.open(request.json());
    respond({ json: a });
    const d = await a.decision();
    const { at, ...rest } = d ?? {} as any;
    log(JSON.stringify(d === null ? { none: true } : { ...rest, date: at instanceof Date }));
  } catch (e) { return { error: (e as Error).name + ": " + (e as Error).message }; }
}`,
	"scenarios/remind.ts": `import { approval, events } from "junctor";
export default async () => {
  const d = await approval({
    subject: "r", title: "Well?", choices: ["yes"], timeout: "10h", reminder: "3h",
    notify: (a, n) => events.publish("note.sent", { subject: a.links.yes, data: n }),
  });
  return d?.choice ?? "nothing";
}`,
}

type asked struct {
	ID, ExpiresAt string
	Links         map[string]string
	Personal      map[string]map[string]string
	Error         string
	run           string
}

// ask opens an approval.
func (s *site) ask(question string) asked {
	s.t.Helper()
	resp, body := s.send("POST", "ask", "", question)
	a := asked{run: resp.Header.Get("Junctor-Run")}
	if err := json.Unmarshal([]byte(body), &a); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return a
}

// output is what a run has logged of the decision.
func (s *site) output(id string) string {
	s.t.Helper()
	info := s.ended(id)
	if info.State != run.Succeeded || len(info.Logs) != 1 {
		s.t.Fatalf("%s %v %v", info.State, info.Error, info.Logs)
	}
	return info.Logs[0].Text
}

func (s *site) approvals(query string) (list []struct {
	ID, State, Subject, Title, Run string
	Decision                       *struct{ Choice, Comment, Via string }
},
) {
	s.t.Helper()
	resp, body := s.call("GET", "/api/v1/admin/approvals?"+query, "")
	var page struct{ Items json.RawMessage }
	if err := json.Unmarshal([]byte(body), &page); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if err := json.Unmarshal(page.Items, &list); err != nil {
		s.t.Fatal(err)
	}
	if strings.Contains(body, "/link/v1/") {
		s.t.Error("the list shows links")
	}
	return list
}

const question = `{"subject": 4711, "title": "Order 4711", "text": "over the limit", "choices": {"approve": "Let it go", "reject": "Reject it"}, "assignees": ["eve@example.com", "adam"]}`

func TestAnApprovalIsDecidedOnce(t *testing.T) {
	eachSite(t, approvalFiles, func(t *testing.T, s *site) {
		a := s.ask(question)
		if len(a.Links) != 2 || len(a.Personal) != 2 || len(a.Personal["adam"]) != 2 || a.Personal["adam"]["approve"] == a.Links["approve"] {
			t.Fatalf("%+v", a)
		}
		// Whatever looks at every link decides nothing.
		for _, link := range []string{a.Links["approve"], a.Links["reject"], a.Personal["adam"]["approve"]} {
			for _, method := range []string{"GET", "HEAD", "OPTIONS", "GET"} {
				resp, body := s.open(method, link, "", "Accept", browser)
				if resp.StatusCode/100 != 2 || method == "GET" && (!strings.Contains(body, "<h1>Order 4711</h1>") || !strings.Contains(body, "over the limit") || !strings.Contains(body, `<form method="post">`)) {
					t.Fatalf("%s: %d %s", method, resp.StatusCode, body)
				}
			}
		}
		s.endedAs(a.run, run.Waiting)
		if open := s.approvals("state=open&subject=4711&assignee=adam"); len(open) != 1 || open[0].ID != a.ID || open[0].Run != a.run || open[0].Decision != nil {
			t.Fatalf("%+v", open)
		}
		if none := append(s.approvals("assignee=ad"), s.approvals("state=decided,expired")...); len(none) != 0 {
			t.Errorf("%+v", none)
		}
		comment := url.Values{"comment": {" <b>as agreed</b>\r\nby telephone "}}.Encode()
		resp, body := s.open("POST", a.Personal["eve@example.com"]["approve"], comment, "Accept", browser, "Content-Type", "application/x-www-form-urlencoded")
		if resp.StatusCode != 200 || !strings.Contains(body, "<h1>Recorded: Let it go</h1>") || strings.Contains(body, "<b>") {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if got, want := s.output(a.run), `{"choice":"approve","comment":"<b>as agreed</b>\nby telephone","by":"eve@example.com","via":"link","date":true}`; got != want {
			t.Errorf("got %s", got)
		}
		// Whoever comes later is told.
		for _, link := range []string{a.Links["approve"], a.Links["reject"], a.Personal["adam"]["reject"], a.Personal["eve@example.com"]["approve"]} {
			for method, status := range map[string]int{"GET": 200, "POST": 409} {
				resp, body := s.open(method, link, "", "Accept", browser)
				if resp.StatusCode != status || !strings.Contains(body, "<h1>Decided already: Let it go</h1>") || !strings.Contains(body, "eve@example.com") || strings.Contains(body, "<form") {
					t.Errorf("%s: %d %s", method, resp.StatusCode, body)
				}
			}
			if resp, body := s.open("POST", link, ""); resp.StatusCode != 409 || !strings.Contains(body, "decided already: approve by eve@example.com, 20") {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		}
		if resp, body := s.call("POST", "/api/v1/admin/approvals/"+a.ID, `{"choice":"reject"}`); resp.StatusCode != 409 || !strings.Contains(body, "eve@example.com") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		decided := s.approvals("state=decided")
		if len(decided) != 1 || decided[0].Decision.Choice != "approve" || decided[0].Decision.Via != "link" {
			t.Errorf("%+v", decided)
		}
		told := s.toldOf("approval.*")
		if len(told) != 2 || !strings.HasPrefix(told[0], "approval.opened 4711 ") || !strings.HasPrefix(told[1], "approval.decided 4711 ") ||
			!strings.Contains(told[1], `"choice":"approve"`) || strings.Contains(told[1], "agreed") || strings.Contains(told[0], "limit") {
			t.Error(told)
		}
	})
}

func TestAnApprovalIsDecidedByAnAccount(t *testing.T) {
	s := serve(t, approvalFiles)
	a := s.ask(`{"subject": "x"}`)
	at := "/api/v1/admin/approvals/" + a.ID
	boss, eve := []string{"Authorization", basic("boss", "boss-password"), "Content-Type", "application/json"}, []string{"Authorization", basic("eve", "eve-password"), "Content-Type", "application/json"}
	for _, c := range []struct {
		path, body, says string
		status           int
		who              []string
	}{
		{at, `{"choice":"approve"}`, "", 403, eve},
		{at, `{"choice":"approve"}`, "", 401, []string{"Content-Type", "application/json"}},
		{at, `{"choice":"maybe"}`, `"/choice","detail":"is one of approve, reject"`, 422, boss},
		{at, `{}`, `"/choice"`, 422, boss},
		{at, `{"choice":"approve","comment":"` + strings.Repeat("x", 5000) + `"}`, `"/comment","detail":"has 5000 bytes`, 422, boss},
		{at, `{"choice":"approve","comment":"a\u0000b"}`, `"/comment"`, 422, boss},
		{at, `{"choice":"approve","by":"admin"}`, `"/by"`, 422, boss},
		{"/api/v1/admin/approvals/apr_none", `{"choice":"approve"}`, "", 404, boss},
		{at, `{"choice":"reject","comment":"not before June"}`, `"by":"boss"`, 200, boss},
		{at, `{"choice":"approve"}`, "decided already: reject by boss", 409, boss},
	} {
		resp, body := s.do("POST", c.path, c.body, c.who)
		if resp.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%.60s: %d %s", c.body, resp.StatusCode, body)
		}
	}
	if got := s.output(a.run); got != `{"choice":"reject","comment":"not before June","by":"boss","via":"api","date":true}` {
		t.Error(got)
	}
	if resp, body := s.do("GET", "/api/v1/admin/approvals", "", eve); resp.StatusCode != 403 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if _, body := s.call("GET", "/api/v1/admin/audit?action=approval.decide", ""); strings.Count(body, `"author":"boss"`) != 1 || !strings.Contains(body, "approval/"+a.ID) {
		t.Error(body)
	}
	if resp, body := s.call("GET", "/api/v1/admin/approvals?state=shut", ""); resp.StatusCode != 400 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for i := range 5 {
		s.ask(fmt.Sprintf(`{"subject": "page %d"}`, i))
	}
	seen, after := 0, ""
	for {
		resp, body := s.call("GET", "/api/v1/admin/approvals?limit=2&after="+after, "")
		var page struct {
			Items []json.RawMessage
			Next  string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || resp.StatusCode != 200 || len(page.Items) != 2 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if seen += len(page.Items); page.Next == "" {
			break
		}
		after = page.Next
	}
	if seen != 6 {
		t.Errorf("%d approvals on all pages", seen)
	}
}

// Of all who decide at the same time, by whatever way and at whichever node, one
// does.
func TestAnApprovalAtTheSameTime(t *testing.T) {
	t.Setenv(secret.EnvKey, strings.Repeat("0f", secret.KeySize)) // of all nodes
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			at := ""
			if where == "postgres" {
				at = database(t)
			}
			nodes := []*site{serveOn(t, at, approvalFiles)}
			if at != "" {
				nodes = append(nodes, serveOn(t, at, approvalFiles))
			}
			for range 5 {
				a := nodes[0].ask(`{"subject": "race"}`)
				var all sync.WaitGroup
				var mu sync.Mutex
				got := map[int]int{}
				won := ""
				for i := range 12 {
					all.Go(func() {
						s, choice := nodes[i%len(nodes)], []string{"approve", "reject"}[i/2%2]
						status := 0
						if i%3 == 0 {
							resp, _ := s.call("POST", "/api/v1/admin/approvals/"+a.ID, `{"choice":"`+choice+`"}`)
							status = resp.StatusCode
						} else {
							resp, _ := s.do("POST", strings.TrimPrefix(a.Links[choice], nodes[0].base), "", nil)
							status = resp.StatusCode
						}
						mu.Lock()
						defer mu.Unlock()
						if got[status]++; status == 200 {
							won = choice
						}
					})
				}
				all.Wait()
				if got[200] != 1 || got[409] != 11 {
					t.Errorf("%v", got)
				}
				if out := nodes[len(nodes)-1].output(a.run); !strings.Contains(out, `"choice":"`+won+`"`) {
					t.Errorf("%s has won, and the run got %s", won, out)
				}
			}
		})
	}
}

func TestAnApprovalThatNobodyDecides(t *testing.T) {
	now := clock.NewFake(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	s := serveOn(t, "", approvalFiles, func(o *hub.Options) { o.Clock = now })
	a := s.ask(`{"subject": "late", "timeout": "2h"}`)
	if a.ExpiresAt != "2026-11-22T10:00:00.000Z" {
		t.Error(a.ExpiresAt)
	}
	s.endedAs(a.run, run.Waiting)
	now.Advance(2 * time.Hour)
	if out := s.output(a.run); out != `{"none":true}` {
		t.Error(out)
	}
	if resp, body := s.open("POST", a.Links["approve"], ""); resp.StatusCode != 404 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := s.call("POST", "/api/v1/admin/approvals/"+a.ID, `{"choice":"approve"}`); resp.StatusCode != 409 || !strings.Contains(body, "ended at 2026-11-22T10:00:00Z") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if expired := s.approvals("state=expired"); len(expired) != 1 {
		t.Errorf("%+v", expired)
	}
	if told := s.toldOf("approval.expired"); len(told) != 1 {
		t.Error(told)
	}
}

func TestRemindersOfAnApproval(t *testing.T) {
	now := clock.NewFake(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	s := serveOn(t, "", approvalFiles, func(o *hub.Options) { o.Clock = now })
	sent := func(n int) []string {
		t.Helper()
		for range 2000 {
			if told := s.toldOf("note.*"); len(told) >= n {
				return told
			}
			<-time.After(5 * time.Millisecond)
		}
		t.Fatalf("there are no %d notes: %v", n, s.toldOf("note.*"))
		return nil
	}
	wait := func(id string) { t.Helper(); s.endedAs(id, run.Waiting) }
	resp, _ := s.send("POST", "remind", "", "")
	id := resp.Header.Get("Junctor-Run")
	for n := 1; n <= 4; n++ { // at once, after 3, 6 and 9 hours
		if told := sent(n); len(told) != n || !strings.HasSuffix(told[n-1], fmt.Sprint(" ", n-1)) {
			t.Fatal(told)
		}
		wait(id)
		if n < 4 {
			now.Advance(3 * time.Hour)
		}
	}
	now.Advance(time.Hour)
	if info := s.ended(id); !strings.Contains(string(info.Output), "nothing") {
		t.Errorf("%s", info.Output)
	}
	// One that is decided is reminded of no more.
	resp, _ = s.send("POST", "remind", "", "")
	id = resp.Header.Get("Junctor-Run")
	link := strings.Fields(sent(5)[4])[1]
	wait(id)
	if resp, body := s.open("POST", link, ""); resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if info := s.ended(id); !strings.Contains(string(info.Output), "yes") {
		t.Errorf("%s", info.Output)
	}
	now.Advance(9 * time.Hour)
	if told := s.toldOf("note.*"); len(told) != 5 {
		t.Error(told)
	}
}

// What a run has asked ends with it; a rerun from there asks again.
func TestAnApprovalOfACancelledRun(t *testing.T) {
	eachSite(t, approvalFiles, func(t *testing.T, s *site) {
		a := s.ask(`{"subject": "c"}`)
		s.endedAs(a.run, run.Waiting)
		if resp, body := s.call("POST", "/api/v1/admin/runs/"+a.run+"/cancel", ""); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		s.endedAs(a.run, run.Cancelled)
		if list := s.approvals("state=cancelled"); len(list) != 1 {
			t.Errorf("%+v", list)
		}
		if resp, _ := s.open("GET", a.Links["approve"], ""); resp.StatusCode != 404 {
			t.Error(resp.StatusCode)
		}
		if resp, body := s.call("POST", "/api/v1/admin/approvals/"+a.ID, `{"choice":"approve"}`); resp.StatusCode != 409 || !strings.Contains(body, "cancelled") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		resp, body := s.call("POST", "/api/v1/admin/runs/"+a.run+"/rerun", `{"from_step": 2}`)
		var again struct{ ID string }
		if err := json.Unmarshal([]byte(body), &again); err != nil || resp.StatusCode != 201 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		s.endedAs(again.ID, run.Waiting)
		if list := s.approvals("state=open"); len(list) != 1 || list[0].Run != again.ID {
			t.Errorf("%+v", list)
		}
		if resp, body := s.open("POST", a.Links["approve"], ""); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if out := s.output(again.ID); !strings.Contains(out, `"choice":"approve"`) {
			t.Error(out)
		}
		// A rerun of what is decided gets the decision at once.
		resp, body = s.call("POST", "/api/v1/admin/runs/"+again.ID+"/rerun", `{"from_step": 2}`)
		if err := json.Unmarshal([]byte(body), &again); err != nil || resp.StatusCode != 201 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if out := s.output(again.ID); !strings.Contains(out, `"choice":"approve"`) {
			t.Error(out)
		}
	})
}

// A rerun that waits for the question of a run that waits, too, takes it over: of
// the two only one is told, and the other does not believe that nobody has decided.
func TestAnApprovalThatARerunTakesOver(t *testing.T) {
	eachSite(t, approvalFiles, func(t *testing.T, s *site) {
		a := s.ask(`{"subject": "c"}`)
		s.endedAs(a.run, run.Waiting)
		resp, body := s.call("POST", "/api/v1/admin/runs/"+a.run+"/rerun", `{"from_step": 2}`)
		var again struct{ ID string }
		if err := json.Unmarshal([]byte(body), &again); err != nil || resp.StatusCode != 201 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		info := s.ended(a.run)
		if wrong := string(info.Steps[1].Error); len(info.Logs) > 0 || !strings.Contains(wrong, "ApprovalGone") || !strings.Contains(wrong, "taken over by a rerun") {
			t.Errorf("%s %v", wrong, info.Logs)
		}
		if resp, body := s.open("POST", a.Links["approve"], ""); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if out := s.output(again.ID); !strings.Contains(out, `"choice":"approve"`) {
			t.Error(out)
		}
	})
}

// A decision is there when the server comes back, made before or after.
func TestAnApprovalOverRestarts(t *testing.T) {
	data := t.TempDir()
	var a, b asked
	path := func(s *site, url string) string { return strings.TrimPrefix(url, s.base) }
	t.Run("before", func(t *testing.T) {
		s := serveOn(t, "", approvalFiles, func(o *hub.Options) { o.Data = data })
		a, b = s.ask(`{"subject": "a"}`), s.ask(`{"subject": "b"}`)
		s.endedAs(a.run, run.Waiting)
		a.Links["approve"] = path(s, a.Links["approve"])
		if resp, body := s.open("POST", b.Links["reject"], ""); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	})
	s := serveOn(t, "", approvalFiles, func(o *hub.Options) { o.Data = data })
	if out := s.output(b.run); !strings.Contains(out, `"choice":"reject"`) {
		t.Error(out)
	}
	if resp, body := s.do("POST", a.Links["approve"], "", nil); resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if out := s.output(a.run); !strings.Contains(out, `"choice":"approve"`) {
		t.Error(out)
	}
}

// A run may wait for several people at once, and go on when it has waited for one.
func TestSeveralApprovals(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  ask: { type: public, scenario: ask, await: true, subject: $.subject }\n",
		"scenarios/ask.ts": `import { approval, log, respond, type Request } from "junctor";
export default async function (request: Request) {
  const all = await Promise.all(["a", "b", "c"].map((subject) => approval.open({ subject })));
  respond({ json: { links: Object.fromEntries(all.map((a, i) => ["abc"[i], a.links.approve])) } });
  const first = await Promise.race(all.map(async (a, i) => "abc"[i] + (await a.decision())!.choice));
  const both = await Promise.all(all.slice(0, 2).map(async (a) => (await a.decision())!.via));
  log(JSON.stringify([first, ...both]));
}`,
	})
	a := s.ask(`{"subject": "x"}`)
	s.endedAs(a.run, run.Waiting)
	for _, name := range []string{"b", "a"} {
		if resp, body := s.open("POST", a.Links[name], ""); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		for name == "b" { // the run has it before the next one decides
			info, err := s.hub.Runs().Get(t.Context(), a.run)
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(info.Steps, func(step run.Step) bool { return step.Name == "approval.decision" && step.FinishedAt != nil }) {
				break
			}
			<-time.After(5 * time.Millisecond)
		}
	}
	if out := s.output(a.run); out != `["bapprove","link","link"]` {
		t.Error(out)
	}
	// What the run does not wait for any more can be decided all the same.
	if resp, body := s.open("POST", a.Links["c"], ""); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if told := s.toldOf("approval.decided"); len(told) != 3 {
		t.Error(told)
	}
}

func TestQuestionsThatCannotBeAsked(t *testing.T) {
	s := serve(t, approvalFiles)
	for question, says := range map[string]string{
		`{"choices": []}`:                                 "TypeError: approval.open: choices are 1 to 10, not 0",
		`{"choices": ["a", "a"]}`:                         "TypeError: approval.open: choices/1 is empty, or there twice",
		`{"choices": [""]}`:                               "TypeError: approval.open: choices/0 is empty",
		`{"choices": "yes"}`:                              "TypeError: approval: choices is a list",
		`{"choices": [{}]}`:                               "TypeError: approval: a choice is a text",
		`{"choices": ["a\u0000b"]}`:                       "TypeError: approval.open: choices/0 has a control",
		`{"assignees": "eve"}`:                            "TypeError: approval: assignees is a list",
		`{"assignees": ["eve", "eve"]}`:                   "TypeError: approval.open: assignees/1 is empty, or there twice",
		`{"timeout": "never"}`:                            `TypeError: "never" is not a duration`,
		`{"timeout": "4000d"}`:                            "TypeError: approval.open: timeout is more than ten years",
		`{"timeout": 0}`:                                  "TypeError: approval.open: timeout lies in the past",
		`{"title": "` + strings.Repeat("x", 300) + `"}`:   "TypeError: approval.open: title has 300 bytes",
		`{"subject": "` + strings.Repeat("x", 300) + `"}`: "TypeError: approval.open: subject has 300 bytes",
		`{"text": "a\u202eb"}`:                            "TypeError: approval.open: text has a character that turns",
		`{"question": "why"}`:                             "TypeError: approval knows no option \"question\"",
		`{"reminder": "1d"}`:                              "TypeError: approval knows no option \"reminder\"",
		`7`:                                               "TypeError: approval takes an object",
		`{"choices": {"a": 1, "b": "` + strings.Repeat("x", 61) + `"}}`: "TypeError: approval.open: choices/1 has 61 bytes",
	} {
		if a := s.ask(question); !strings.HasPrefix(a.Error, says) {
			t.Errorf("%.60s: %+v, want %s", question, a, says)
		}
	}
	if open := s.approvals(""); len(open) != 0 {
		t.Errorf("%+v", open)
	}
}

// What was asked and said about somebody goes with the run.
func TestErasedApprovals(t *testing.T) {
	eachSite(t, approvalFiles, func(t *testing.T, s *site) {
		a, b := s.ask(`{"subject": "customer-7", "text": "a secret"}`), s.ask(`{"subject": "other"}`)
		if resp, body := s.open("POST", a.Links["approve"], `{"comment":"another secret"}`, "Content-Type", "application/json"); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		s.output(a.run)
		if resp, body := s.call("POST", "/api/v1/admin/runs/actions", `{"action":"erase","filter":{"subject":"customer-7"}}`); resp.StatusCode != 200 || !strings.Contains(body, `"done":1`) {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if left := s.approvals(""); len(left) != 1 || left[0].ID != b.ID {
			t.Errorf("%+v", left)
		}
		if resp, _ := s.open("GET", a.Links["approve"], ""); resp.StatusCode != 404 {
			t.Error(resp.StatusCode)
		}
	})
}

func basic(login, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password))
}
