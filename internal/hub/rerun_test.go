package hub_test

import (
	"encoding/json"
	"strings"
	"testing"

	"junctor/internal/fault"
	"junctor/internal/run"
)

// A rerun with another input is about what that input is about, and stores no
// more of it than the channel would.
func TestRerunWithAnotherInputIsAboutThat(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  orders: { type: public, scenario: echo, await: true, subject: $.order, ordering_key: X-Customer }
  cards: { type: public, scenario: echo, await: true, subject: $.card, ordering_key: $.order, redact: [$.card, X-Secret] }
`,
		"scenarios/echo.ts": `import { type Request } from "junctor";
export default async function (request: Request) {
  return { json: { body: request.json(), secret: request.header("x-secret") ?? null } };
}`,
	})
	made := func(channel, body string) *run.Info {
		t.Helper()
		resp, answer := s.send("POST", channel, "", body, "X-Customer", "anna", "X-Secret", "first-hush")
		if resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, answer)
		}
		return s.ended(resp.Header.Get("Junctor-Run"))
	}
	again := func(old *run.Info, input string) *run.Info {
		t.Helper()
		info, err := s.hub.Runs().Rerun(t.Context(), old.ID, run.RerunOptions{Input: json.RawMessage(input)})
		if err != nil {
			t.Fatal(err)
		}
		return s.ended(info.ID)
	}
	order := made("orders", `{"order":"4711"}`)
	for _, c := range []struct{ name, input, subject, key string }{
		{"a new content", `{"order":"4712"}`, "4712", "anna"},
		{"a content without one", `{"other":1}`, "", "anna"},
		{"a whole message", `{"method":"POST","headers":[["x-customer","bert"]],"body":"{\"order\":4713}"}`, "4713", "bert"},
	} {
		if got := again(order, c.input); got.Subject != c.subject || got.Key != c.key {
			t.Errorf("%s: subject %q, ordering key %q", c.name, got.Subject, got.Key)
		}
	}
	same, err := s.hub.Runs().Rerun(t.Context(), order.ID, run.RerunOptions{})
	if err != nil || same.Subject != "4711" || same.Key != "anna" {
		t.Errorf("the same input: %+v, %v", same, err)
	}

	card, other := made("cards", `{"card":"4111-2222","order":1}`), made("cards", `{"card":"5111-2222","order":1}`)
	message := strings.Replace(string(card.Input), `{\"card\":\"***\",\"order\":1}`, `{\"card\":\"5111-2222\",\"order\":2}`, 1)
	message = strings.Replace(message, `["x-secret","***"]`, `["x-secret","second-hush"]`, 1)
	got := again(card, message)
	if got.Subject != other.Subject || got.Subject == card.Subject || got.Key != "2" {
		t.Errorf("a redacted subject: %q of %q and %q, ordering key %q", got.Subject, card.Subject, other.Subject, got.Key)
	}
	if text := string(got.Input) + string(got.Output); strings.Contains(text, "5111") || strings.Contains(text, "hush") {
		t.Errorf("stored: %s", text)
	}
	if _, err := s.hub.Runs().Rerun(t.Context(), card.ID, run.RerunOptions{Input: json.RawMessage(`{"method":"POST","headers":[],"body":"card=5111"}`)}); !fault.Is(err, fault.Invalid) {
		t.Errorf("what cannot be searched: %v", err)
	}
}
