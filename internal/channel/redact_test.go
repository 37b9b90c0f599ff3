package channel_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/channel"
	"junctor/internal/fault"
)

// redacting is a message to a channel with this setting.
func redacting(t testing.TB, redact []string, contentType, body string, header ...string) *channel.Message {
	t.Helper()
	list, err := json.Marshal(redact)
	if err != nil {
		t.Fatal(err)
	}
	c, found := channel.Parse("shop", []byte(`{"type":"public","scenario":"order","subject":"$.number","ordering_key":"X-Customer","redact":`+string(list)+`}`))
	if len(found) > 0 {
		t.Fatal(found)
	}
	r := httptest.NewRequest(http.MethodPost, "/api/token/v1/tok", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return &channel.Message{Channel: &c, Request: r, Token: "tok", Body: []byte(body), BaseURL: "http://localhost"}
}

func TestRedactedJSON(t *testing.T) {
	for _, c := range []struct{ redact, body, want string }{
		{"$.card.number", `{"card":{"number":"4111","name":"x"},"n":1}`, `{"card":{"number":"***","name":"x"},"n":1}`},
		{"$.card.number", ` { "card" : { "number" : 4111 } } `, ` { "card" : { "number" : "***" } } `},
		{"$.card", `{"card":{"number":"4111"},"card2":{}}`, `{"card":"***","card2":{}}`},
		{"$.a", `{"a":1,"b":2,"a":{"a":[1]}}`, `{"a":"***","b":2,"a":"***"}`},
		{"$.a", `{"\u0061":"x","A":"y"}`, `{"\u0061":"***","A":"y"}`},
		{"$.a", `{"b":1}`, `{"b":1}`},
		{"$.a.b", `{"a":"text"}`, `{"a":"text"}`},
		{"$.a.b", `[{"a":{"b":1}}]`, `[{"a":{"b":1}}]`},
		{"$.a", `{"a":null}`, `{"a":"***"}`},
		{"$.items[*].iban", `{"items":[{"iban":"1"},{},{"iban":"2","x":[{"iban":"3"}]},7]}`, `{"items":[{"iban":"***"},{},{"iban":"***","x":[{"iban":"3"}]},7]}`},
		{"$.items[1]", `{"items":[1,2,3]}`, `{"items":[1,"***",3]}`},
		{"$.items[*]", `{"items":[1,[2],{"a":"]"}]}`, `{"items":["***","***","***"]}`},
		{"$[*][*].a", `[[{"a":1}],[{"a":2},{"b":3}]]`, `[[{"a":"***"}],[{"a":"***"},{"b":3}]]`},
		{"$.items[*]", `{"items":{"a":1}}`, `{"items":{"a":1}}`},
		{`$["odd name"].x`, `{"odd name":{"x":"1"}}`, `{"odd name":{"x":"***"}}`},
		{"$.a | $.a.b | $.c", `{"a":{"b":1},"c":"}\"{"}`, `{"a":"***","c":"***"}`},
		{"$.c | $.a", `{"a":1,"b":2,"c":3}`, `{"a":"***","b":2,"c":"***"}`},
		{"$", `[1,2]`, `"***"`},
		{"$.a", ``, ``},
		{"X-Other", `not json`, `not json`},
	} {
		kept, err := redacting(t, strings.Split(c.redact, " | "), "application/json", c.body).Redacted()
		if err != nil || string(kept.Body) != c.want {
			t.Errorf("%s of %s: %s, %v", c.redact, c.body, kept.Body, err)
		}
	}
}

func TestRedactedFormsAndHeaders(t *testing.T) {
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	m := redacting(t, []string{"x-card", "form:iban", "$.iban"}, form, "a=1&iban=CZ65&i%62an=2&iban&b=iban", "X-Card", "4111", "X-Card", "4112", "X-Other", "x")
	kept, err := m.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	if want := "a=1&iban=***&i%62an=***&iban=***&b=iban"; string(kept.Body) != want {
		t.Errorf("the form is %s", kept.Body)
	}
	source := string(kept.Source())
	if strings.Contains(source, "411") || strings.Count(source, `["x-card","***"]`) != 2 || !strings.Contains(source, `["x-other","x"]`) {
		t.Errorf("stored: %s", source)
	}
	if before := string(m.Source()); !strings.Contains(before, "4111") || string(m.Body) == string(kept.Body) {
		t.Errorf("the message itself was changed: %s %s", before, m.Body)
	}
}

func TestRedactRefusesWhatItCannotRead(t *testing.T) {
	for name, c := range map[string]struct{ redact, kind, body string }{
		"no JSON":       {"$.a", "application/json", `{"a":`},
		"two values":    {"$.a", "application/json", `{"a":1}{"a":2}`},
		"XML":           {"$.a", "application/xml", `<a>1</a>`},
		"not UTF-8":     {"$.a", "application/json", "{\"a\":\"\xff\"}"},
		"other charset": {"$.a", "application/json; charset=utf-16", `{"a":1}`},
		"a form":        {"$.a", "application/x-www-form-urlencoded", `a=1`},
		"no form":       {"form:a", "application/json", `{"a":1}`},
		"parts":         {"form:a", "multipart/form-data; boundary=x", "--x--"},
	} {
		if kept, err := redacting(t, []string{c.redact}, c.kind, c.body).Redacted(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %s, %v", name, kept.Body, err)
		}
	}
}

// What identifies a message and is redacted still tells messages apart.
func TestRedactedKeys(t *testing.T) {
	customer, err := channel.ParseSource("X-Customer")
	if err != nil {
		t.Fatal(err)
	}
	find := func(redact, body string) string {
		m := redacting(t, []string{redact}, "application/json", body, "X-Customer", "anna")
		return m.Find(m.Channel.Subject) + " " + m.Find(m.Channel.OrderingKey) + " " + m.Key(customer)
	}
	for redact, want := range map[string]string{"$.other": "4711 anna anna", "X-Other": "4711 anna anna", "$[*]": "4711 anna anna"} {
		if got := find(redact, `{"number":4711}`); got != want {
			t.Errorf("%s: %s", redact, got)
		}
	}
	for _, redact := range []string{"$.number", "$", "X-CUSTOMER"} {
		got, other := find(redact, `{"number":4711}`), find(redact, `{"number":4712}`)
		if strings.Contains(got, "4711") && strings.Contains(got, "anna") || !strings.Contains(got, "redacted:") {
			t.Errorf("%s: %s", redact, got)
		}
		if got != find(redact, `{"number": 4711}`) || (redact != "X-CUSTOMER" && got == other) {
			t.Errorf("%s: %s and %s", redact, got, other)
		}
	}
	if got := find("$.number", `{}`); !strings.HasPrefix(got, " anna") {
		t.Errorf("nothing gives %q", got)
	}
}

// Whatever comes, what is stored is JSON again, without the member, and
// everything else as it was.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{"a":"x"}],"a":2}`))
	f.Add([]byte(`[{"a":{}},{"\u0061":"\\"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		kept, err := redacting(t, []string{"$.a", "$[*].a"}, "application/json", string(body)).Redacted()
		if err != nil || len(body) == 0 {
			return
		}
		var before, after any
		if err := json.Unmarshal(body, &before); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		if err := json.Unmarshal(kept.Body, &after); err != nil {
			t.Fatalf("%q became %q: %v", body, kept.Body, err)
		}
		hide(before)
		list, _ := before.([]any)
		for _, item := range list {
			hide(item)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("%q became %q: %s", body, kept.Body, diff)
		}
	})
}

func hide(v any) {
	if m, ok := v.(map[string]any); ok {
		if _, there := m["a"]; there {
			m["a"] = "***"
		}
	}
}
