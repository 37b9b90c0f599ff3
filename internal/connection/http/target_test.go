package http

import (
	"net/url"
	"strings"
	"testing"
)

func TestTarget(t *testing.T) {
	tests := []struct {
		base, path string
		query      url.Values
		want       string
	}{
		{"https://erp.example.com/api", "/orders", nil, "https://erp.example.com/api/orders"},
		{"https://erp.example.com/api/", "orders/", nil, "https://erp.example.com/api/orders/"},
		{"https://erp.example.com", "", nil, "https://erp.example.com"},
		{"https://erp.example.com/api/", "", nil, "https://erp.example.com/api/"},
		{"https://erp.example.com/api", "/", nil, "https://erp.example.com/api/"},
		{"https://erp.example.com/api?tenant=5", "/o?b=1&a=2", url.Values{"z": {"1", "2"}, "c": {"x y"}}, "https://erp.example.com/api/o?tenant=5&b=1&a=2&c=x+y&z=1&z=2"},
		{"https://erp.example.com/api", "/a b/č/%2Fd/e%20f", nil, "https://erp.example.com/api/a%20b/%C4%8D/%2Fd/e%20f"},
		{"https://erp.example.com/a%2Fb", "/c%2Fd", nil, "https://erp.example.com/a%2Fb/c%2Fd"},
		{"https://erp.example.com", "@evil.example/x", nil, "https://erp.example.com/@evil.example/x"},
		{"https://erp.example.com", ":80@evil.example", nil, "https://erp.example.com/:80@evil.example"},
		{"https://erp.example.com", ".evil.example", nil, "https://erp.example.com/.evil.example"},
		{"https://erp.example.com", "/?url=https://other/..", nil, "https://erp.example.com/?url=https://other/.."},
		{"https://erp.example.com", "/files/report..pdf", nil, "https://erp.example.com/files/report..pdf"},
		{"https://erp.example.com", `/<script>"{}|^`, nil, "https://erp.example.com/%3Cscript%3E%22%7B%7D%7C%5E"},
	}
	for _, tt := range tests {
		base, err := parseBase(tt.base)
		if err != nil {
			t.Fatal(err)
		}
		got, err := target(base, tt.path, tt.query)
		if err != nil {
			t.Errorf("%s + %q: %v", tt.base, tt.path, err)
			continue
		}
		if got.String() != tt.want {
			t.Errorf("%s + %q = %s, want %s", tt.base, tt.path, got, tt.want)
		}
		if got.Host != base.Host {
			t.Errorf("%s + %q goes to %s", tt.base, tt.path, got.Host)
		}
	}
}

func TestTargetRefuses(t *testing.T) {
	base, err := parseBase("https://erp.example.com/api")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"//evil.example/x":           "another host",
		"https://evil.example/":      "whole URL",
		"HTTP://evil.example/":       "whole URL",
		"..":                         "leave",
		"/../admin":                  "leave",
		"/a/../../admin":             "leave",
		"/./a":                       "leave",
		"/%2e%2e/admin":              "leave",
		"/.%2E/admin":                "leave",
		"/a%2f..%2f..%2fadmin":       "leave",
		"/%252e%252e/admin":          "leave",
		"/%25252e%25252e/admin":      "leave",
		"/..;x=1/admin":              "leave",
		"/a%5c..%5cadmin":            "leave",
		`\\evil.example\x`:           "backslash",
		`/\evil.example`:             "backslash",
		"/a\r\nX-Evil: 1":            "control character",
		"/a\x00":                     "control character",
		"/a?b=1\r\n\r\nGET / HTTP/1": "control character",
		"/a#b":                       "%23",
		"/100%":                      "%25",
		"/a%zz":                      "%25",
	} {
		u, err := target(base, path, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %q", path, u, err, want)
		}
	}
}

// Whatever the path is, the request stays below the base on its host.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/orders?x=1", "//evil", "/%2e%2e/", "@evil", "\\", "/a;b=c/%C4%8D", "?#", "%", "/a%2f../b"} {
		f.Add(seed)
	}
	base, err := parseBase("https://erp.example.com/api")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := target(base, path, nil)
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil {
			t.Fatalf("%q gives %s, which is no URL: %v", path, u, err)
		}
		resolved := again.ResolveReference(&url.URL{})
		if again.Host != base.Host || again.User != nil || again.Scheme != "https" {
			t.Errorf("%q leaves the host: %s", path, u)
		}
		if p := resolved.Path; p != "/api" && !strings.HasPrefix(p, "/api/") {
			t.Errorf("%q leaves the base: %s", path, resolved)
		}
	})
}
