package http

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"junctor/internal/fault"
	"junctor/internal/unit"
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
		{"header twice", `{"url": "http://a", "headers": {"X-Api-Key": "a", "x-api-key": "b"}}`, []fault.Field{{Pointer: "/headers/x-api-key", Detail: "given twice"}}, false},
		{"TLS of nothing", `{"url": "https://a", "tls": {}}`, []fault.Field{{Pointer: "/tls", Detail: "needs ca, or cert and key"}}, true},
		{"certificate without a key", `{"url": "https://a", "tls": {"cert": "/c.pem"}}`, []fault.Field{{Pointer: "/tls/key", Detail: "is missing beside cert"}}, true},
		{"key without a certificate", `{"url": "https://a", "tls": {"key": "${secret:k}"}}`, []fault.Field{{Pointer: "/tls/cert", Detail: "is missing beside key"}}, true},
		{"neither PEM nor a path", `{"url": "https://a", "tls": {"ca": "ca.pem"}}`, []fault.Field{{Pointer: "/tls/ca", Detail: "absolute path"}}, false},
		{"TLS without https", `{"url": "http://a", "tls": {"ca": "/ca.pem"}}`, []fault.Field{{Pointer: "/tls", Detail: "http:// URL"}}, false},
		{"TLS and more", `{"url": "https://a", "tls": {"insecure": true}}`, []fault.Field{{Pointer: "/tls/insecure", Detail: "unknown"}, {Pointer: "/tls", Detail: "needs ca"}}, true},
		{"proxy", `{"url": "https://a", "proxy": "proxy:3128"}`, []fault.Field{{Pointer: "/proxy", Detail: "not a URL"}}, false},
		{"empty proxy", `{"url": "https://a", "proxy": ""}`, []fault.Field{{Pointer: "/proxy", Detail: "is empty"}}, true},
		{"proxy's scheme", `{"url": "https://a", "proxy": "socks4://p"}`, []fault.Field{{Pointer: "/proxy", Detail: "socks5://"}}, false},
		{"proxy's reference", `{"url": "https://a", "proxy": "http://u:${p}@p"}`, []fault.Field{{Pointer: "/proxy", Detail: "write a reference as"}}, false},
		{"no concurrency", `{"url": "https://a", "concurrency": 0}`, []fault.Field{{Pointer: "/concurrency", Detail: "from 1 to 10000"}}, true},
		{"much concurrency", `{"url": "https://a", "concurrency": 10001}`, []fault.Field{{Pointer: "/concurrency", Detail: "from 1 to 10000"}}, true},
		{"half a request", `{"url": "https://a", "concurrency": 1.5}`, []fault.Field{{Pointer: "/concurrency", Detail: "number"}}, true},
		{"rate", `{"url": "https://a", "rate": "100"}`, []fault.Field{{Pointer: "/rate", Detail: "is not a rate"}}, false},
		{"rate in numbers", `{"url": "https://a", "rate": 100}`, []fault.Field{{Pointer: "/rate", Detail: "a rate is a text"}}, true},
		{"large rate", `{"url": "https://a", "rate": "1000001/d"}`, []fault.Field{{Pointer: "/rate", Detail: "1000000"}}, false},
		{"breaker", `{"url": "https://a", "breaker": {"failures": 0, "pause": "1ms"}}`, []fault.Field{{Pointer: "/breaker/failures", Detail: "from 1 to"}, {Pointer: "/breaker/pause", Detail: "between 10ms and 1d"}}, true},
		{"breaker as a number", `{"url": "https://a", "breaker": 10}`, []fault.Field{{Pointer: "/breaker", Detail: "object"}}, true},
		{"no answer at all", `{"url": "https://a", "response_limit": 0}`, []fault.Field{{Pointer: "/response_limit", Detail: "between 1B and 64MiB"}}, false},
		{"large answers", `{"url": "https://a", "response_limit": "65MiB"}`, []fault.Field{{Pointer: "/response_limit", Detail: "between 1B and 64MiB"}}, false},
		{"OAuth 2 without anything", `{"url": "https://a", "auth": {"oauth2": {}}}`, []fault.Field{
			{Pointer: "/auth/oauth2/token_url", Detail: "missing"}, {Pointer: "/auth/oauth2/client_id", Detail: "missing"}, {Pointer: "/auth/oauth2/client_secret", Detail: "missing"},
		}, true},
		{"OAuth 2", `{"url": "https://a", "auth": {"oauth2": {"token_url": "http://0x7f.1/", "client_id": "", "client_secret": "${s}", "scopes": ["a b"], "params": {"scope": "x", "audience": "${x}"}, "auth_style": "query"}}}`, []fault.Field{
			{Pointer: "/auth/oauth2/token_url", Detail: "looks like an address"}, {Pointer: "/auth/oauth2/client_id", Detail: "is empty"},
			{Pointer: "/auth/oauth2/client_secret", Detail: "write a reference"}, {Pointer: "/auth/oauth2/scopes/0", Detail: "not one scope"},
			{Pointer: "/auth/oauth2/params/audience", Detail: "write a reference"}, {Pointer: "/auth/oauth2/params/scope", Detail: "set by Junctor"},
			{Pointer: "/auth/oauth2/auth_style", Detail: "header or body"},
		}, true},
		{"OAuth 2 and another", `{"url": "https://a", "auth": {"bearer": "x", "oauth2": {"token_url": "https://t", "client_id": "i", "client_secret": "s"}}}`, []fault.Field{{Pointer: "/auth", Detail: "exactly one"}}, true},
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
		`{"url": "https://a", "auth": {"oauth2": {"token_url": "https://t/token?tenant=1", "client_id": "i", "client_secret": "${secret:s}"}}}`,
		`{"url": "https://a", "auth": {"oauth2": {"token_url": "${env:T}", "client_id": "i", "client_secret": "s", "scopes": ["a", "${env:B}"], "params": {"audience": "x", "resource": "y"}, "auth_style": "body"}}}`,
		`{"url": "https://a", "tls": {"ca": "-----BEGIN CERTIFICATE-----", "cert": "/etc/c.pem", "key": "${secret:k}"}, "proxy": "socks5://u:${secret:p}@10.0.0.1:1080"}`,
		`{"url": "https://a", "tls": {"ca": "C:\\\\certs\\\\ca.pem"}}`,
		`{"url": "http://a", "concurrency": 10000, "rate": "6000/m", "breaker": {}, "response_limit": "64MiB"}`,
		`{"url": "http://a", "breaker": {"failures": 3, "pause": "1d"}, "response_limit": 1000}`,
	} {
		if _, fields := Parse("erp", []byte(body)); len(fields) > 0 {
			t.Errorf("%s: %v", body, fields)
		}
		if err := check(t, body); err != nil {
			t.Errorf("%s: schema: %v", body, err)
		}
	}
}

// The whole of a configuration arrives where it is used.
func TestParseTakesEverything(t *testing.T) {
	got, fields := Parse("erp", []byte(`{"url": "https://a", "auth": {"oauth2": {"token_url": "https://t", "client_id": "i", "client_secret": "s", "scopes": ["x"], "params": {"a": "b"}, "auth_style": "body"}},
		"tls": {"ca": "/ca", "cert": "/cert", "key": "/key"}, "proxy": "http://p", "concurrency": 4, "rate": "5/m", "breaker": {"failures": 3, "pause": "1m"}, "response_limit": "1MiB"}`))
	want := Config{
		Label: `connection "erp"`, URL: "https://a",
		Auth: &Auth{OAuth2: &OAuth2{TokenURL: "https://t", ClientID: "i", ClientSecret: "s", Scopes: []string{"x"}, Params: map[string]string{"a": "b"}, AuthStyle: "body"}},
		TLS:  &TLS{CA: "/ca", Cert: "/cert", Key: "/key"}, Proxy: "http://p", Concurrency: 4, Rate: unit.Rate{Count: 5, Per: time.Minute},
		Breaker: &Breaker{Failures: 3, Pause: time.Minute}, MaxBody: 1 << 20,
	}
	if diff := cmp.Diff(want, got); diff != "" || len(fields) > 0 {
		t.Error(fields, diff)
	}
}

// No configuration makes Parse or Open stumble, and what Parse takes without
// references Open takes, but for what stands in files and keys.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{"url": "https://a/b?c", "auth": {"basic": {"user": "u", "password": "p"}}, "headers": {"A": "b"}}`,
		`{"url": "https://a", "auth": {"oauth2": {"token_url": "https://t", "client_id": "i", "client_secret": "s", "scopes": ["x"], "params": {"a": "b"}}}, "proxy": "http://u:p@p:1"}`,
		`{"url": "http://a", "concurrency": 4, "rate": "5/m", "breaker": {"failures": 3, "pause": "1m"}, "response_limit": "1MiB", "timeout": "1s"}`,
		`{"url": "https://a", "auth": {"api_key": {"query": "k", "value": "v"}}, "tls": {"ca": "-----BEGIN CERTIFICATE-----"}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		config, fields := Parse("erp", []byte(body))
		if len(fields) > 0 {
			return
		}
		files := config.TLS != nil
		if files {
			for _, text := range []*string{&config.TLS.CA, &config.TLS.Cert, &config.TLS.Key} {
				if !isPEM(*text) {
					*text = "" // no file of this machine is anybody's business
				}
			}
		}
		conn, err := Open(config, func(string) (string, error) { return "", nil })
		if err == nil {
			conn.Close()
		} else if !files && !strings.Contains(body, "${") && !strings.Contains(body, "\\u") {
			t.Errorf("%s is taken and not opened: %v", body, err)
		}
	})
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
