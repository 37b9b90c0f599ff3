package hub_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
)

// tell publishes an event by HTTP, as another system does.
func (s *site) tell(id, kind, subject, data string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/test","type":%q,"subject":%q,"data":%s}`, id, kind, subject, data)
	resp, answer := s.call("POST", "/api/v1/events", body, "Content-Type", "application/cloudevents+json")
	if resp.StatusCode != 202 {
		s.t.Fatalf("%d %s", resp.StatusCode, answer)
	}
}

// begun posts a message and waits until its run waits for an event.
func (s *site) begun(channel, body string) string {
	s.t.Helper()
	resp, answer := s.send("POST", channel, "", body)
	if resp.StatusCode != 200 {
		s.t.Fatalf("%d %s", resp.StatusCode, answer)
	}
	id := resp.Header.Get("Junctor-Run")
	s.waits(id, 1)
	return id
}

// waits returns the run when it is parked, with so many steps.
func (s *site) waits(id string, steps int) *run.Info {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		info := s.endedAs(id, run.Waiting, run.Succeeded, run.Failed)
		if info.WaitingFor == "event" && len(info.Steps) >= steps {
			return info
		}
		if info.State.Ended() || time.Now().After(deadline) {
			s.t.Fatalf("the run is %s, and waits for %q: %+v", info.State, info.WaitingFor, info.Error)
		}
	}
}

const ordered = `import { run, waitForEvent, type Request } from "junctor";
export default async function (request: Request) {
  const { number } = request.json<{ number: string }>();
  run.subject(number);
  const paid = await waitForEvent<{ by: string }>("order.*", { subject: number, match: "data/amount ge 10", timeout: "3d" });
  const late = await waitForEvent("order.never", { timeout: "1ms" });
  return { by: paid?.data?.by, id: paid?.id, late };
}`

func TestARunWaitsForAnEvent(t *testing.T) {
	eachDatabase(t, map[string]string{
		"junctor.yaml":       "channels:\n  shop: { type: public, scenario: order }\n  asked: { type: public, scenario: order, await: true, timeout: 500ms }\n",
		"scenarios/order.ts": ordered,
	}, func(s *site) {
		t := s.t
		id := s.begun("shop", `{"number":"4711"}`)
		_, body := s.call("GET", "/api/v1/admin/runs/"+id, "")
		var shown struct {
			Awaits []struct {
				Step  int
				Name  string
				For   struct{ Type, Subject, Match string }
				Until time.Time
			}
		}
		if err := json.Unmarshal([]byte(body), &shown); err != nil || len(shown.Awaits) != 1 {
			t.Fatalf("%v %s", err, body)
		}
		if a := shown.Awaits[0]; a.Step != 1 || a.Name != "waitForEvent" || a.For.Type != "order.*" || a.For.Subject != "4711" || time.Until(a.Until) < 71*time.Hour {
			t.Errorf("%+v", a)
		}
		s.tell("other", "order.paid", "4712", `{"amount":10,"by":"bert"}`)
		s.tell("little", "order.paid", "4711", `{"amount":9.99,"by":"bert"}`)
		s.tell("enough", "order.paid", "4711", `{"amount":10.50,"by":"anna"}`)
		if got := string(s.ended(id).Output); !strings.Contains(got, `{"by":"anna","id":"enough","late":null}`) {
			t.Errorf("it ended with %s", got)
		}
		resp, answer := s.send("POST", "asked", "", `{"number":"4713"}`)
		if resp.StatusCode != 504 {
			t.Fatalf("an awaited run that waits: %d %s", resp.StatusCode, answer)
		}
		id = resp.Header.Get("Junctor-Run")
		s.tell("then", "order.paid", "4713", `{"amount":10,"by":"eva"}`)
		if info := s.ended(id); info.State != run.Succeeded || len(info.Awaits) > 0 {
			t.Errorf("it is %s %+v", info.State, info.Awaits)
		}
	})
}

func TestMistakesInWaits(t *testing.T) {
	s := one(t, "events, waitForEvent, waitForAny, waitForAll, sleep", `
  const text = async (f: () => any) => { try { await f(); return "waited"; } catch (e) { return (e as Error).name + ": " + (e as Error).message; } };
  const wait = waitForEvent as any, any = waitForAny as any, all = waitForAll as any;
  return [
    await text(() => wait()), await text(() => wait("")), await text(() => wait("order.p*")), await text(() => wait("a", { type: "b" })),
    await text(() => wait("a", { match: "data/x = 1" })), await text(() => wait("a", { match: "price eq 1" })), await text(() => wait("a", { subject: "" })),
    await text(() => wait("a", { subject: "a\nb" })), await text(() => wait("a", { timeout: "soon" })), await text(() => wait("a", { timeout: "4000d" })),
    await text(() => wait("x".repeat(300))), await text(() => wait("a", { match: "data/x eq '" + "x".repeat(5000) + "'" })),
    await text(() => any()), await text(() => any({})), await text(() => any([], {})), await text(() => any([1], { until: 1 })), await text(() => all("a")),
    await text(() => all([sleep("1ms"), wait("a", { match: "(" })])), await text(() => wait("a", { timeout: 0 })),
    await text(() => wait("a", "3d")), await text(() => wait("a", 5)), await text(() => wait("a", [])), await text(() => wait("a", null)), await text(() => wait("a", () => 1)),
    await text(() => wait("a", { timeout: "9".repeat(400) + "d" })), await text(() => wait("a", { timeout: Infinity })), await text(() => sleep("9".repeat(400) + "d")),
    await text(() => any([1], 5)), await text(() => all([1], null)), JSON.stringify(await all([, 1])),
    await text(() => any([wait("late")], { timeout: "soon" })), await events.publish("late") && (await wait("late", { timeout: "20s" }))?.type,
  ];`)
	got := s.json("one", "").([]any)
	for i, says := range []string{
		"TypeError: waitForEvent takes the type", "TypeError: waitForEvent takes the type", "TypeError: the type has \"order.p*\"", "TypeError: waitForEvent knows no option \"type\"",
		"TypeError: match: ", "TypeError: match: character 1: an event has no price", "TypeError: waitForEvent: subject is a text", "TypeError: the subject has a control", "TypeError: \"soon\" is not a duration",
		"RangeError: a timeout is at most 3650 days", "TypeError: the type has a pattern of 300 bytes", "TypeError: match has 5012 bytes",
		"TypeError: waitForAny takes a list", "TypeError: waitForAny takes one promise", "TypeError: waitForAny takes one promise", "TypeError: waitForAny knows no option", "TypeError: waitForAll takes a list",
		"TypeError: match: ", "waited",
		"TypeError: waitForEvent takes an object", "TypeError: waitForEvent takes an object", "TypeError: waitForEvent takes an object", "TypeError: waitForEvent takes an object", "TypeError: waitForEvent takes an object",
		"TypeError: \"999", "TypeError: Infinity is not a duration", "TypeError: \"999",
		"TypeError: waitForAny takes an object", "TypeError: waitForAll takes an object", "[null,1]",
		"TypeError: \"soon\" is not a duration", "late",
	} {
		if text, _ := got[i].(string); !strings.HasPrefix(text, says) {
			t.Errorf("%d: %v, want %s", i, got[i], says)
		}
	}
}

// The loser of waitForAny takes no event from the next one.
func TestWaitingForOneOfSeveral(t *testing.T) {
	eachDatabase(t, map[string]string{
		"junctor.yaml": "channels:\n  shop: { type: public, scenario: order }\n",
		"scenarios/order.ts": `import { waitForAny, waitForAll, waitForEvent, sleep } from "junctor";
export default async function () {
  const seen: unknown[] = [];
  for (;;) {
    const first = await waitForAny({ a: waitForEvent("a"), b: waitForEvent("b"), later: sleep("9d") });
    if (first?.key === "later" || first === null) throw new Error("so soon?");
    seen.push(first.key, first.value?.id);
    if (first.key === "b") break;
  }
  seen.push(await waitForAny([waitForEvent("never"), sleep("1h")], { timeout: "1ms" }));
  const list = await waitForAll([waitForEvent("c"), waitForEvent("c"), 7]);
  seen.push(list[0]?.id, list[1]?.id, list[2]);
  const some = await waitForAll({ d: waitForEvent("d"), e: waitForEvent("never"), f: sleep("1h") }, { timeout: "700ms" });
  seen.push(some.d?.id, some.e, some.f);
  return seen;
}`,
	}, func(s *site) {
		t := s.t
		id := s.begun("shop", "")
		for i, name := range []string{"a", "a", "a"} {
			s.waits(id, 3+4*i)
			s.tell(fmt.Sprint(name, i), name, "s", "1")
		}
		s.tell("b1", "b", "s", "1")
		s.waits(id, 16)
		for _, e := range []string{"c1", "c2", "d1"} {
			s.tell(e, e[:1], "s", "1")
		}
		info := s.ended(id)
		var got struct{ Value []any }
		if err := json.Unmarshal(info.Output, &got); err != nil || info.State != run.Succeeded {
			t.Fatalf("%s %v %s", info.State, info.Error, info.Output)
		}
		want := []any{"a", "a0", "a", "a1", "a", "a2", "b", "b1", nil, "c1", "c2", 7.0, "d1", nil, nil}
		if diff := cmp.Diff(want, got.Value); diff != "" {
			t.Error(diff)
		}
	})
}

// Two thousand waits at once, half of them for what nobody tells, and an event for
// each of the others.
func TestVeryManyWaitsOfARun(t *testing.T) {
	const many = 2000
	eachDatabase(t, map[string]string{
		"junctor.yaml": "channels:\n  shop: { type: public, scenario: order }\n",
		"scenarios/order.ts": fmt.Sprintf(`import { waitForAll, waitForEvent } from "junctor";
export default async function () {
  const waits = Array.from({ length: %d }, (_, n) => waitForEvent("order.paid", n %% 2 ? { subject: "s" + n, timeout: "1ms" } : { subject: "s" + n }));
  return (await waitForAll(waits)).filter((paid, n) => n %% 2 ? paid === null : paid?.subject === "s" + n).length;
}`, many),
	}, func(s *site) {
		id := s.begun("shop", "")
		var events []string
		for n := 0; n < many; n += 2 {
			events = append(events, fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/test","type":"order.paid","subject":"s%d"}`, n, n))
		}
		for some := range slices.Chunk(events, 50) {
			resp, answer := s.call("POST", "/api/v1/events", "["+strings.Join(some, ",")+"]", "Content-Type", "application/cloudevents-batch+json")
			if resp.StatusCode != 202 {
				s.t.Fatalf("%d %s", resp.StatusCode, answer)
			}
		}
		if info := s.endedWithin(id, time.Minute); string(info.Output) != fmt.Sprintf(`{"value":%d}`, many) {
			s.t.Errorf("the run is %s with %s, %v", info.State, info.Output, info.Error)
		}
	})
}
