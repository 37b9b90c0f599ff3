package hub_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The call centre: the telephony speaks by websocket, an agent's desktop shows by
// another who rings, the CRM is asked for contacts and told of tasks, and a missed
// call is a task until somebody calls back.
func TestCallCentre(t *testing.T) {
	t.Setenv("WALLBOARD_PASSWORD", "open sesame")
	onBoth(t, func(t *testing.T, database string) {
		told := make(chan string, 100)
		crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				fmt.Fprint(w, `[{"id":1,"phone":"+420777123456","name":"Novak","vip":true,"changed":"2026-11-22"}]`)
				return
			}
			body, err := io.ReadAll(r.Body)
			var event struct{ Type, Subject string }
			if json.Unmarshal(body, &event) != nil || err != nil {
				t.Errorf("the CRM was sent %s, %v", body, err)
			}
			told <- event.Type + " " + event.Subject
		}))
		defer crm.Close()
		t.Setenv("CRM_URL", crm.URL)
		s := serveOn(t, database, example(t, "call-centre"))

		if resp, body := s.call("POST", "/api/v1/admin/schedules/contacts/run", ""); resp.StatusCode != 201 {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		s.until("the contact is a customer", func() bool {
			_, body := s.call("GET", "/api/v1/data/customers", "")
			return strings.Contains(body, `"name":"Novak"`)
		})
		exchange := s.connected("telephony", "")
		say := func(event, call string) {
			t.Helper()
			exchange.say(fmt.Sprintf(`{"event":%q,"call":%q,"phone":"+420777123456","agent":"12"}`, event, call))
			exchange.hears(fmt.Sprintf(`{"call":%q,"state":%q}`, call, event))
		}
		desktop := s.connected("agents", "/subscribe")
		desktop.say(`{"action":"subscribe","id":"mine","types":["call.ringing"],"filter":"subject eq '12'"}`)
		desktop.hears(`{"subscribed":"mine",*`)
		say("ringing", "c1")
		if shown := desktop.hear(); !strings.Contains(shown, `"subject":"12"`) || !strings.Contains(shown, `"name":"Novak"`) {
			t.Errorf("the agent is shown %s", shown)
		}
		say("missed", "c1")
		if got := <-told; got != "record.tasks.created T-00001" {
			t.Errorf("the CRM is told %s", got)
		}
		say("dialled", "c2")
		if got := <-told; got != "record.tasks.updated T-00001" {
			t.Errorf("the CRM is told %s", got)
		}
		resp, body := s.as("wallboard", "GET", "/api/v1/data/tasks(number='T-00001')?$expand=customer", "")
		if resp.StatusCode != 200 || !strings.Contains(body, `"state":"done"`) || !strings.Contains(body, `"agent":"12"`) || !strings.Contains(body, `"name":"Novak"`) {
			t.Errorf("the task is %d %s", resp.StatusCode, body)
		}
	})
}
