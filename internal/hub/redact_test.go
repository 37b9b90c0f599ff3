package hub_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"junctor/internal/run"
)

// A body that spells what is redacted in another way is refused, not stored.
func TestRedactedInOtherSpellings(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  both: { type: public, scenario: read, await: true, redact: ["$.card", "form:card"] }
  form: { type: public, scenario: read, await: true, redact: ["form:card"] }
  asked: { type: public, scenario: asked, await: true, redact: ["$.card"] }
`,
		"scenarios/read.ts":  `export default (request) => ({ text: request.text() });`,
		"scenarios/asked.ts": `export function validate(request) { throw new Error("bad card " + request.json().card); } export default () => {};`,
	})
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		channel, kind, body string
		status              int
	}{
		{"both", form, `{"card":"4111-2222"}`, 200}, // curl's default type
		{"both", form, "card=4111-2222&a=b", 200},
		{"form", form, "\uFEFFcard=4111-2222", 400},
		{"form", form + "; charset=utf-16le", "c\x00a\x00r\x00d\x00=\x004\x001\x001\x001\x00-\x002\x00", 400},
		{"form", form + "; charset=windows-1250", "card=4111-2222", 400},
		{"form", form + "; charset=iso-2022-jp", "c%1B%28Bard=4111-2222", 400},
		{"asked", "application/json", `{"card":"4111-2222"}`, 502},
	} {
		resp, body := s.send("POST", c.channel, "", c.body, "Content-Type", c.kind)
		if resp.StatusCode != c.status || strings.Contains(body, "4111-2222") || c.status == 200 && !strings.Contains(body, "***") {
			t.Errorf("%s %q: %d %s", c.kind, c.body, resp.StatusCode, body)
		}
	}
	if strings.Contains(s.logged(), "4111-2222") {
		t.Error("the log has what is redacted")
	}
}

// What a channel redacts is seen by validate only, and stored nowhere.
func TestRedactedMessages(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  pay: { type: public, scenario: pay, await: true, subject: $.card.number, ordering_key: X-Customer, idempotency: { header: X-Id }, redact: [X-Secret, X-Customer, X-Id, "$.card.number", "$.items[*].iban"] }
  later: { type: public, scenario: pay, redact: ["$.card.number"] }
`,
		"scenarios/pay.ts": `import { log, type Request } from "junctor";
export function validate(request: Request) { return request.json<any>().card.number.startsWith("4111") && request.header("x-secret") !== "wrong"; }
export default function (request: Request) {
  log.info(request.text(), request.header("x-secret"));
  return { json: { body: request.json(), secret: request.header("x-secret"), customer: request.header("x-customer") } };
}`,
	})
	const body = `{"card":{"number":"4111-2222-3333","name":"Anna"},"items":[{"iban":"CZ650800"},{"iban":"CZ650801","n":1}]}`
	header := []string{"X-Secret", "hush-hush", "X-Customer", "anna-4711", "X-Id", "once-and-for-all"}
	resp, got := s.send("POST", "pay", "", body, header...)
	const want = `{"body":{"card":{"number":"***","name":"Anna"},"items":[{"iban":"***"},{"iban":"***","n":1}]},"secret":"***","customer":"***"}`
	if resp.StatusCode != 200 || got != want {
		t.Fatalf("%d %s", resp.StatusCode, got)
	}
	first := s.ended(resp.Header.Get("Junctor-Run"))

	if resp, _ := s.send("POST", "pay", "", body, header...); resp.Header.Get("Junctor-Duplicate") != "true" || resp.Header.Get("Junctor-Run") != first.ID {
		t.Errorf("the same again: %v", resp.Header)
	}
	if resp, _ := s.send("POST", "pay", "", strings.Replace(body, "CZ650800", "CZ650809", 1), header...); resp.StatusCode != 422 {
		t.Errorf("the same key with another body, where it is redacted: %d", resp.StatusCode)
	}
	if resp, _ := s.send("POST", "pay", "", strings.Replace(body, "4111", "5111", 1)); resp.StatusCode != 401 {
		t.Errorf("what validate refuses: %d", resp.StatusCode)
	}
	for _, bad := range []string{`{"card":`, "<card>4111-2222-3333</card>", "card=4111-2222-3333"} {
		if resp, answer := s.send("POST", "pay", "", bad); resp.StatusCode != 400 || strings.Contains(answer, "4111") {
			t.Errorf("%s: %d %s", bad, resp.StatusCode, answer)
		}
	}
	second, _ := s.send("POST", "pay", "", strings.Replace(body, "3333", "4444", 1), "X-Secret", "hush-hush")
	third, _ := s.send("POST", "pay", "", body, "X-Secret", "hush-hush")
	subject := func(id string) string { return s.ended(id).Subject }
	if a, b, c := first.Subject, subject(second.Header.Get("Junctor-Run")), subject(third.Header.Get("Junctor-Run")); a != c || a == b || !strings.HasPrefix(a, "redacted:") {
		t.Errorf("subjects %q, %q, %q", a, b, c)
	}
	taken, _ := s.send("POST", "later", "", body)
	s.ended(taken.Header.Get("Junctor-Run"))
	again, err := s.hub.Runs().Rerun(context.Background(), first.ID, run.RerunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if output := string(s.ended(again.ID).Output); !strings.Contains(output, `"number":"***"`) {
		t.Errorf("a rerun sees %s", output)
	}
	runs, _, err := s.hub.Runs().List(context.Background(), run.Filter{})
	if err != nil || len(runs) != 5 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
	var shown []any
	for _, r := range runs {
		info, err := s.hub.Runs().Get(context.Background(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, info)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	hidden := secrets{"card": "4111-2222", "header": "hush-hush", "customer": "anna-4711", "key": "once-and-for-all"}
	hidden.search(t, "what is shown", text)
	hidden.search(t, "the log", []byte(s.logged()))
	if found := s.searchFiles(hidden); !strings.Contains(found, "Anna") {
		t.Error("the files were not searched well")
	}
}
