package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSubscribersHearWhatTheirChannelLets(t *testing.T) {
	to := newEndpoint(t, nil)
	s := serve(t, map[string]string{"junctor.yaml": `settings: { allow_private_subscribers: true }
channels:
  all: { type: eventing }
  some: { type: eventing, types: ["order.*", "session.*"] }
`})
	s.subscribe("all", fmt.Sprintf(`{"url":%q}`, to.URL+"/all"))
	s.subscribe("some", fmt.Sprintf(`{"url":%q}`, to.URL+"/some"))
	if status, text := s.api("POST", "/api/v1/session", `{"login":"admin","password":"`+adminPassword+`"}`); status != 201 {
		t.Fatalf("%d %s", status, text)
	}
	s.publish("order.made", 1, 1)
	s.publish("other.made", 1, 1)
	s.publish("order.made", 2, 2)
	got := map[string]bool{}
	for _, d := range to.await(t, 6) {
		got[d.path+" "+d.event.Type+" "+strings.TrimPrefix(d.event.ID, d.event.Type)] = true
	}
	for _, want := range []string{"/all order.made -1", "/all other.made -1", "/all order.made -2", "/some order.made -1", "/some order.made -2"} {
		if !got[want] {
			t.Errorf("no %s in %v", want, got)
		}
	}
	for have := range got {
		if strings.HasPrefix(have, "/all session") || strings.HasPrefix(have, "/some other") {
			t.Errorf("%s was not to be heard of", have)
		}
	}
}

// Of runs that succeed something is told by a setting only, and of deliveries never.
func TestSuccessIsToldByASetting(t *testing.T) {
	to := newEndpoint(t, nil)
	file := func(settings string) map[string]string {
		return map[string]string{"scenarios/echo.ts": echo, "junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true, %s }
channels:
  shop: { type: public, scenario: echo, await: true }
subscriptions:
  all: { url: %q, types: ["run.**"] }
`, settings, to.URL)}
	}
	s := serve(t, file(""))
	s.send("POST", "shop", "", "quiet")
	s.apply(file("events: { succeeded: true }"))
	res, _ := s.send("POST", "shop", "", "told")
	got := to.await(t, 1)[0]
	if got.event.Type != "run.succeeded" || got.event.Subject != res.Header.Get("Junctor-Run") {
		t.Errorf("told of %s", got.body)
	}
	s.until("it is delivered", func() bool { a := s.subscription("all"); return a.Unfinished == 0 && a.Behind == 0 })
	if _, events := s.api("GET", "/api/v1/admin/events?types=run.*", ""); strings.Count(events, `"type":"run.`) != 1 {
		t.Errorf("events: %s", events)
	}
}

// A subscriber hears of what is told after it has subscribed, whatever others do.
func TestSubscriberHearsNothingOfBefore(t *testing.T) {
	first, second := newEndpoint(t, nil), newEndpoint(t, nil)
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	s.subscribe("crm", fmt.Sprintf(`{"url":%q,"types":["a"]}`, first.URL))
	s.publish("a", 1, 1)
	first.await(t, 1)
	s.publish("b", 1, 20)
	made := s.subscribe("crm", fmt.Sprintf(`{"url":%q,"types":["b"]}`, second.URL))
	s.publish("b", 21, 22)
	s.publish("a", 2, 2)
	first.await(t, 2)
	second.await(t, 2)
	s.until("it reads with the others", func() bool { a := s.subscription(made.ID); return a.Behind == 0 && a.Unfinished == 0 })
	if ids := second.ids(t, 2); len(ids) != 2 || !slices.Contains(ids, "b-21") || !slices.Contains(ids, "b-22") {
		t.Errorf("it got %v", ids)
	}
}
