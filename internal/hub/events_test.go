package hub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
)

type followed struct {
	Items []struct {
		Event struct {
			ID, Source, Type, Subject, Time string
			JunctorRun                      string
			JunctorDepth                    int
			Data                            json.RawMessage
		}
		Cursor string
	}
	Next string
}

// events reads the log.
func (s *site) events(query ...string) followed {
	s.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	resp, body := s.call("GET", "/api/v1/events?"+values.Encode(), "")
	var f followed
	if err := json.Unmarshal([]byte(body), &f); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return f
}

const publisher = `import { events, kv, http, runs, Problem, type Request } from "junctor";
export default async function (request: Request) {
  const order = request.json<{ number: string; state?: string }>();
  const { id } = await events.publish("order.made", { subject: order.number, data: { n: 1.10, text: "ž\0" } });
  await Promise.all([
    events.publish("order.checked", { subject: 7, time: new Date(0), source: "/shops/4", id: "mine" }),
    events.publish("order.checked", { source: "/shops/4", id: "mine", time: "2020-01-01T00:00:00+01:00" }),
    kv.set("k", 1),
  ]);
  return { id, child: await runs.call("child", 1) };
}`

func TestEventsFromScenarios(t *testing.T) {
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			at := ""
			if where == "postgres" {
				at = database(t)
			}
			s := serveOn(t, at, map[string]string{
				"junctor.yaml":           "channels:\n  shop: { type: public, scenario: publisher, await: true }\n",
				"scenarios/publisher.ts": publisher,
				"scenarios/child.ts":     `import { events } from "junctor"; export default async () => (await events.publish("order.deep")).id;`,
			})
			resp, body := s.send("POST", "shop", "", `{"number":"4711"}`)
			id := resp.Header.Get("Junctor-Run")
			var answer struct{ ID, Child string }
			if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != 200 || answer.ID != id+".1" {
				t.Fatalf("%d %s of %s", resp.StatusCode, body, id)
			}
			got := s.events("types", "order.**")
			if len(got.Items) != 3 {
				t.Fatalf("%+v", got)
			}
			made, checked, deep := got.Items[0].Event, got.Items[1].Event, got.Items[2].Event
			if made.ID != id+".1" || made.Source != "/junctor/default" || made.Type != "order.made" || made.Subject != "4711" || made.JunctorRun != id ||
				made.JunctorDepth != 1 || string(made.Data) != `{"n":1.1,"text":"ž\u0000"}` {
				t.Errorf("%+v %s", made, made.Data)
			}
			if checked.ID != "mine" || checked.Source != "/shops/4" || checked.Subject != "7" || checked.Time != "1970-01-01T00:00:00Z" || checked.Data != nil {
				t.Errorf("%+v", checked)
			}
			if deep.ID != answer.Child || deep.JunctorRun == id || deep.JunctorDepth != 2 {
				t.Errorf("%+v", deep)
			}
		})
	}
}

func TestEventsThatScenariosMayNotPublish(t *testing.T) {
	s := one(t, "events", `
  const text = async (f: () => any) => { try { await f(); return "published"; } catch (e) { return (e as Error).name + ": " + (e as Error).message; } };
  const publish = events.publish as any;
  return [
    await text(() => publish("record.orders.created")), await text(() => publish("a\nb")), await text(() => publish("t", { source: "a b" })),
    await text(() => publish("t", { time: "yesterday" })), await text(() => publish("t", { data: "x".repeat(1 << 20) })), await text(() => publish("t", { id: "x".repeat(300) })),
    await text(() => publish("t", { datacontenttype: "a/b" })), await text(() => publish("t", { data: "x".repeat(900_000) })), await text(() => publish("t", { data: null })),
  ];`)
	got := s.json("one", "").([]any)
	for i, says := range []string{
		"TypeError: events.publish: type begins with a word", "TypeError: events.publish: type has a control", "TypeError: events.publish: source is no URI",
		"TypeError: events.publish: time is no time", "TypeError: The event t has", "TypeError: events.publish: id has 300 bytes",
		"TypeError: events.publish knows no option", "published", "published",
	} {
		if text, _ := got[i].(string); !strings.HasPrefix(text, says) {
			t.Errorf("%d: %v, want %s", i, got[i], says)
		}
	}
	all := s.events("types", "t")
	if len(all.Items) != 2 || len(all.Items[0].Event.Data) != 900_002 || string(all.Items[1].Event.Data) != "null" {
		t.Errorf("%d events", len(all.Items))
	}
}

// A run that fails after its event and is made again tells it once.
func TestARetriedRunPublishesOnce(t *testing.T) {
	out := newSink(t, func(n int, w http.ResponseWriter, _ received) {
		if n <= 2 {
			w.WriteHeader(503)
		}
	})
	s := serve(t, map[string]string{
		"junctor.yaml": out.connection() + "channels:\n  shop: { type: public, scenario: order, retry: { attempts: 5, first: 1ms } }\n",
		"scenarios/order.ts": `import { events, http, sleep } from "junctor";
export default async () => {
  await events.publish("order.begun");
  const sending = http.post("erp", "/").catch((e) => e);
  const answer = await sending;
  await events.publish("order.tried", { data: { status: answer.status } });
  if (answer instanceof Error) throw answer;
  await events.publish("order.sent");
};`,
	})
	resp, _ := s.send("POST", "shop", "", "")
	info := s.ended(resp.Header.Get("Junctor-Run"))
	if info.State != run.Succeeded || info.Attempt != 3 {
		t.Fatalf("%+v", info)
	}
	var got []string
	for _, i := range s.events("types", "order.*").Items {
		got = append(got, i.Event.Type)
	}
	if n := len(got); n < 3 || got[0] != "order.begun" || got[n-1] != "order.sent" || strings.Count(fmt.Sprint(got), "begun") != 1 || strings.Count(fmt.Sprint(got), "sent") != 1 {
		t.Errorf("told is %v", got)
	}
}

func TestEventsOfConfigurationAndSessions(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml":     "channels:\n  one: { type: public, scenario: one }\n",
		"scenarios/one.ts": "export default () => 1;",
	})
	resp, body := s.call("POST", "/api/v1/session", `{"login":"admin","password":"`+adminPassword+`"}`, "Content-Type", "application/json")
	if resp.StatusCode != 201 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	var session struct{ Token string }
	if err := json.Unmarshal([]byte(body), &session); err != nil {
		t.Fatal(err)
	}
	if resp, body := s.call("PUT", "/api/v1/admin/channels/one", `{"type":"public","scenario":"one","comment":"x"}`, "Content-Type", "application/json"); resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, body := s.call("DELETE", "/api/v1/admin/channels/one", ""); resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, body := s.call("DELETE", "/api/v1/session", "", "Authorization", "Bearer "+session.Token); resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	var got []string
	for _, i := range s.events().Items {
		e := i.Event
		if strings.HasPrefix(e.Type, "session.") && (e.Subject == "" || !strings.Contains(string(e.Data), `"author":"admin"`)) {
			t.Errorf("%+v %s", e, e.Data)
		} else if strings.HasPrefix(e.Type, "config.") {
			e.Type += " " + e.Subject + " " + string(e.Data)
		}
		got = append(got, e.Type)
		if strings.Contains(string(e.Data), session.Token) {
			t.Error("an event has the session's token")
		}
	}
	want := []string{
		`config.scenarios.created one {"kind":"scenarios","code":"one","author":"test"}`,
		`config.channels.created one {"kind":"channels","code":"one","author":"test"}`,
		"session.begun",
		`config.channels.updated one {"kind":"channels","code":"one","author":"admin"}`,
		`config.channels.deleted one {"kind":"channels","code":"one","author":"admin"}`,
		"session.ended",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What one node's client publishes wakes the one who waits at another, and a
// cursor of one is good at both.
func TestEventsOnTwoNodes(t *testing.T) {
	t.Setenv("JUNCTOR_MASTER_KEY", strings.Repeat("5a", 32)) // of both nodes
	at := database(t)
	files := map[string]string{"junctor.yaml": "channels: {}\n"}
	one := serveOn(t, at, files)
	two := serveOn(t, at, files)
	began := two.events("after", "latest").Next
	waiting := make(chan followed, 1)
	go func() {
		waiting <- two.events("after", began, "wait", "1m", "types", "order.*", "filter", "data/total gt 10")
	}()
	for i := 1; i <= 20; i++ {
		resp, body := one.call("POST", "/api/v1/events", fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"/s","type":"order.made","data":{"total":%d}}`, i, i),
			"Content-Type", "application/cloudevents+json")
		if resp.StatusCode != 202 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	got := <-waiting
	if len(got.Items) == 0 || string(got.Items[0].Event.Data) != `{"total":11}` {
		t.Errorf("%+v", got)
	}
	if rest := one.events("after", began); len(rest.Items) != 20 {
		t.Errorf("%d events at the other node", len(rest.Items))
	}
	// A node that ends answers who waits there.
	go func() { waiting <- two.events("after", one.events("after", "latest").Next, "wait", "1m") }()
	select {
	case got := <-waiting:
		t.Errorf("answered at once: %+v", got)
	case <-time.After(50 * time.Millisecond):
	}
	two.stop()
	if got := <-waiting; len(got.Items) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestEventsKeep(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": "settings:\n  events: { keep: 1ms }\n"})
	resp, body := s.call("GET", "/api/v1/admin/settings", "")
	if resp.StatusCode != 200 || !strings.Contains(body, `"keep":"1ms"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestEventsOfRunsWithoutSuccess(t *testing.T) {
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			at := ""
			if where == "postgres" {
				at = database(t)
			}
			s := serveOn(t, at, map[string]string{
				"junctor.yaml": `channels:
  good: { type: public, scenario: good, await: true }
  bad: { type: public, scenario: bad, await: true, subject: $.number }
  slow: { type: public, scenario: slow, capture: none }
  held: { type: public, scenario: good, paused: true }
`,
				"scenarios/good.ts": "export default () => 1;",
				"scenarios/bad.ts":  `export default () => { throw new RangeError("a secret of the customer's"); };`,
				"scenarios/slow.ts": `import { sleep } from "junctor"; export default async () => { await sleep("1h"); };`,
			})
			s.send("POST", "good", "", "")
			s.send("POST", "bad", "", `{"number":"4711"}`)
			for _, channel := range []string{"slow", "held"} {
				resp, _ := s.send("POST", channel, "", "")
				id := resp.Header.Get("Junctor-Run")
				if channel == "slow" {
					s.endedAs(id, run.Waiting)
				}
				if resp, body := s.call("POST", "/api/v1/admin/runs/"+id+"/cancel", ""); resp.StatusCode != 200 {
					t.Fatalf("%d %s", resp.StatusCode, body)
				}
				s.ended(id)
			}
			var got []string
			for _, i := range s.events("types", "run.*").Items {
				e := i.Event
				if e.Subject != e.JunctorRun || e.JunctorDepth != 1 {
					t.Errorf("%+v", e)
				}
				got = append(got, e.Type+" "+strings.ReplaceAll(string(e.Data), e.Subject, "RUN"))
			}
			want := []string{
				`run.failed {"id":"RUN","program":"scenario:bad","channel":"bad","attempt":1,"error":"RangeError"}`,
				`run.cancelled {"id":"RUN","program":"scenario:slow","channel":"slow","attempt":1}`,
				`run.cancelled {"id":"RUN","program":"scenario:good","channel":"held","attempt":1}`,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a scenario could not read is in no event: it would fail each that waits.
func TestEventsAreNoDeeperThanScenariosRead(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, map[string]string{
			"junctor.yaml": "channels:\n  wait: { type: public, scenario: wait }\n",
			"scenarios/wait.ts": `import { waitForEvent } from "junctor";
export default async () => (await waitForEvent("deep.event", { timeout: "1h" }))!.id;`,
		})
		resp, _ := s.send("POST", "wait", "", "")
		deep := func(id string, levels int) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/t","type":"deep.event","data":%s%s}`, id, strings.Repeat("[", levels), strings.Repeat("]", levels))
		}
		if status, text := s.api("POST", "/api/v1/events", deep("one", 1001), "Content-Type", "application/cloudevents+json"); status != 422 || !strings.Contains(text, `"pointer":"/data"`) {
			t.Errorf("structured: %d %s", status, text)
		}
		status, text := s.api("POST", "/api/v1/events", strings.Repeat("[", 1001)+strings.Repeat("]", 1001), "Content-Type", "application/json",
			"Ce-Specversion", "1.0", "Ce-Id", "two", "Ce-Source", "/t", "Ce-Type", "deep.event")
		if status != 422 {
			t.Errorf("binary: %d %s", status, text)
		}
		s.event(deep("three", 1000))
		if r := s.ended(resp.Header.Get("Junctor-Run")); r.State != run.Succeeded || !strings.Contains(string(r.Output), "three") {
			t.Errorf("%s %+v %s", r.State, r.Error, r.Output)
		}
	})
}
