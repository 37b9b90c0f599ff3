package http

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"junctor/internal/fault"
)

func TestParse(t *testing.T) {
	got, fields := Parse("erp", []byte(`{"type": "http", "url": "https://erp.example.com/api", "headers": {"X-Site": "${env:SITE}"},
		"auth": {"basic": {"user": "u", "password": "${secret:erp}"}}, "timeout": "5s", "allow_private": true}`))
	if len(fields) > 0 {
		t.Fatal(fields)
	}
	want := Config{
		Label: `connection "erp"`, URL: "https://erp.example.com/api", Headers: map[string]string{"X-Site": "${env:SITE}"},
		Auth: &Auth{Basic: &Basic{User: "u", Password: "${secret:erp}"}}, Timeout: 5 * time.Second, AllowPrivate: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The JSON Schema serves editors and cannot see everything; what it refuses,
// Parse must refuse too. inSchema says that the schema finds it as well.
func TestParseFindsWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, body string
		want       []fault.Field
		inSchema   bool
	}{
		{"no URL", `{}`, []fault.Field{{Pointer: "/url", Detail: "missing"}}, true},
		{"empty URL", `{"url": ""}`, []fault.Field{{Pointer: "/url", Detail: "is empty"}}, true},
		{"no URL and more", `{"tls": {}}`, []fault.Field{{Pointer: "/url", Detail: "missing"}, {Pointer: "/tls", Detail: "needs ca"}}, true},
		{"no object", `[]`, []fault.Field{{Pointer: "", Detail: "unknown"}}, true},
		{"unknown key", `{"url": "http://a", "urll": "x"}`, []fault.Field{{Pointer: "/urll", Detail: "unknown"}}, true},
		{"wrong kind", `{"type": "ftp", "url": "http://a"}`, []fault.Field{{Pointer: "/type", Detail: `is "ftp", not http`}}, true},
		{"not a URL", `{"url": "erp"}`, []fault.Field{{Pointer: "/url", Detail: "must begin with https"}}, false},
		{"other scheme", `{"url": "ftp://a/"}`, []fault.Field{{Pointer: "/url", Detail: "must begin with https"}}, false},
		{"credentials in the URL", `{"url": "https://u:p@a/"}`, []fault.Field{{Pointer: "/url", Detail: "auth.basic"}}, false},
		{"fragment", `{"url": "https://a/#b"}`, []fault.Field{{Pointer: "/url", Detail: "fragment"}}, false},
		{"dot segments", `{"url": "https://a/b/../c"}`, []fault.Field{{Pointer: "/url", Detail: ".."}}, false},
		{"port", `{"url": "https://a:99999/"}`, []fault.Field{{Pointer: "/url", Detail: "port"}}, false},
		{"line break in the URL", `{"url": "https://a/\r\nX: y"}`, []fault.Field{{Pointer: "/url", Detail: "control character"}}, false},
		{"backslash in the URL", `{"url": "https://a\\@b/"}`, []fault.Field{{Pointer: "/url", Detail: "backslash"}}, false},
		{"decimal address", `{"url": "http://2130706433/"}`, []fault.Field{{Pointer: "/url", Detail: "looks like an address"}}, false},
		{"octal address", `{"url": "http://0177.0.0.1/"}`, []fault.Field{{Pointer: "/url", Detail: "looks like an address"}}, false},
		{"hexadecimal address", `{"url": "http://0x7f.1/"}`, []fault.Field{{Pointer: "/url", Detail: "looks like an address"}}, false},
		{"bad reference", `{"url": "${erp}"}`, []fault.Field{{Pointer: "/url", Detail: "write a reference as"}}, false},
		{"header name", `{"url": "http://a", "headers": {"a/b": "x"}}`, []fault.Field{{Pointer: "/headers/a~1b", Detail: "not a header's name"}}, false},
		{"header value", `{"url": "http://a", "headers": {"A": "x\r\nB: y"}}`, []fault.Field{{Pointer: "/headers/A", Detail: "line breaks"}}, false},
		{"framing header", `{"url": "http://a", "headers": {"content-length": "5"}}`, []fault.Field{{Pointer: "/headers/content-length", Detail: "set by Junctor"}}, false},
		{"two credentials", `{"url": "http://a", "auth": {"bearer": "x", "basic": {"user": "u", "password": "p"}}}`, []fault.Field{{Pointer: "/auth", Detail: "exactly one"}}, true},
		{"no credentials", `{"url": "http://a", "auth": {}}`, []fault.Field{{Pointer: "/auth", Detail: "exactly one"}}, true},
		{"empty bearer", `{"url": "http://a", "auth": {"bearer": ""}}`, []fault.Field{{Pointer: "/auth/bearer", Detail: "empty"}}, true},
		{"half a basic", `{"url": "http://a", "auth": {"basic": {"user": "u"}}}`, []fault.Field{{Pointer: "/auth/basic/password", Detail: "missing"}}, true},
		{"colon in the user", `{"url": "http://a", "auth": {"basic": {"user": "u:v", "password": "p"}}}`, []fault.Field{{Pointer: "/auth/basic/user", Detail: "colon"}}, false},
		{"key nowhere", `{"url": "http://a", "auth": {"api_key": {"value": "x"}}}`, []fault.Field{{Pointer: "/auth/api_key", Detail: "either header or query"}}, true},
		{"key twice", `{"url": "http://a", "auth": {"api_key": {"value": "x", "header": "A", "query": "b"}}}`, []fault.Field{{Pointer: "/auth/api_key", Detail: "either header or query"}}, true},
		{"time-out", `{"url": "http://a", "timeout": "2h"}`, []fault.Field{{Pointer: "/timeout", Detail: "1h"}}, false},
		{"time-out's form", `{"url": "http://a", "timeout": 5}`, []fault.Field{{Pointer: "/timeout", Detail: "duration"}}, true},
		{"all at once", `{"url": "x", "auth": {"bearer": ""}, "zzz": 1}`, []fault.Field{
			{Pointer: "/zzz", Detail: "unknown"}, {Pointer: "/url", Detail: "must begin"}, {Pointer: "/auth/bearer", Detail: "empty"},
		}, true},
	}
	check := compileSchema(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := Parse("erp", []byte(tt.body))
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i, want := range tt.want {
				vague := want.Detail == "missing" || want.Detail == "unknown" // strict's own words
				if got[i].Pointer != want.Pointer || !vague && !strings.Contains(got[i].Detail, want.Detail) {
					t.Errorf("finding %d is %v, want %v", i, got[i], want)
				}
			}
			if found := check(t, tt.body) != nil; found != tt.inSchema {
				t.Errorf("the schema finds it: %v, want %v", found, tt.inSchema)
			}
		})
	}
}

func TestParseAndSchemaTake(t *testing.T) {
	check := compileSchema(t)
	for _, body := range []string{
		`{"url": "http://127.0.0.1:8080"}`, `{"url": "https://[2001:db8::1]:443/x?tenant=5"}`, `{"url": "${env:URL}"}`,
		`{"url": "https://př.example/"}`, `{"url": "https://1password.example/"}`,
		`{"url": "https://a", "auth": {"bearer": "${secret:a}"}}`, `{"url": "https://a", "auth": {"api_key": {"header": "X-Key", "value": "v"}}}`,
		`{"url": "https://a", "auth": {"api_key": {"query": "key", "value": "v"}}}`,
	} {
		if _, fields := Parse("erp", []byte(body)); len(fields) > 0 {
			t.Errorf("%s: %v", body, fields)
		}
		if err := check(t, body); err != nil {
			t.Errorf("%s: schema: %v", body, err)
		}
	}
}

func compileSchema(t *testing.T) func(t *testing.T, body string) error {
	t.Helper()
	var document any
	if err := json.Unmarshal(Kind().Schema, &document); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("http.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("http.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, body string) error {
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			t.Fatal(err)
		}
		return compiled.Validate(value)
	}
}
