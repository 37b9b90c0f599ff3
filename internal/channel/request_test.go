package channel

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const testToken = "tok3n0123456789"

// source is what Source writes.
type source struct {
	Channel                                   map[string]string
	Method, URL, Path, Remote, Protocol, Mode string
	Query, Headers                            [][2]string
	Binary                                    bool
}

func readSource(t *testing.T, m Message) source {
	t.Helper()
	b := m.Source()
	var s source
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if strings.ContainsAny(string(b), "\n\r\x00") || !utf8.Valid(b) {
		t.Errorf("not one line of UTF-8: %q", b)
	}
	return s
}

func message(t *testing.T, target string, header http.Header, body string) Message {
	t.Helper()
	r, err := http.NewRequest("POST", "http://h"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	_, path, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/token/v1/"), "/")
	if found {
		path = "/" + path
	}
	return Message{
		Channel: &Config{Code: "shop", Type: Public, Comment: "a \"comment\"\n"}, Request: r, Token: testToken, Path: path,
		Body: []byte(body), RemoteAddress: "192.0.2.1", BaseURL: "https://h", Mode: "test",
	}
}

func TestSource(t *testing.T) {
	m := message(t, "/api/token/v1/"+testToken+"/a%2Fb/%20c?x=1&x=&=v&&y", http.Header{"X-B": {"2", "1"}, "Authorization": {"Bearer x"}, "X-A": {"\x01\xff\"\\ ž"}}, "\xff")
	got := readSource(t, m)
	want := source{
		Channel: map[string]string{"code": "shop", "type": "public", "comment": "a \"comment\"\n"},
		Method:  "POST", URL: "https://h/api/token/v1/***/a%2Fb/%20c?x=1&x=&=v&&y", Path: "/a/b/ c", Protocol: "HTTP/1.1", Mode: "test",
		Query:   [][2]string{{"x", "1"}, {"x", ""}, {"", "v"}, {"y", ""}},
		Headers: [][2]string{{"host", "h"}, {"authorization", "Bearer x"}, {"x-a", "\x01\uFFFD\"\\ ž"}, {"x-b", "2"}, {"x-b", "1"}},
		Binary:  true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	m.HideAuth = true
	if got := readSource(t, m); got.Headers[1] != [2]string{"authorization", "***"} {
		t.Errorf("%v", got.Headers)
	}
}

func TestPathsAsWritten(t *testing.T) {
	for rest, want := range map[string]string{
		"": "", "/": "/", "/a": "/a", "/a%2fb": "/a%2fb", "/%C5%BE/ž": "/%C5%BE/%C5%BE", "//x/": "//x/", "/a;b=c,d": "/a;b=c,d",
		"%2Fa": "/a", "/" + testToken: "/***", "/x?t=" + testToken: "/x?t=***",
		"/x?t=%74" + testToken[1:]: "/x?t=***", "/x?%2574ok3%25%36e0123456789=1%": "/x?***=1%", "/%74%6Fk3n0123456789/": "/***/",
		"/x?t=%74%25%&%": "/x?t=%74%25%&%",
	} {
		m := message(t, "/api/token/v1/"+testToken+rest, nil, "")
		if got := readSource(t, m).URL; got != "https://h/api/token/v1/***"+want {
			t.Errorf("%s became %s", rest, got)
		}
	}
}

// FuzzMessage: whatever a sender can say is kept as one JSON object in one line,
// and the token in none of it.
func FuzzMessage(f *testing.F) {
	f.Add("/a?x=1", "X-A: b\r\n", []byte("body"))
	f.Add("/%zz?%&=", "Referer: /"+testToken+"\r\n", []byte("\xff\x00"))
	f.Add("/"+testToken+"/"+testToken, "X-\u00e9: \u2028\r\n", []byte("\xef\xbb\xbf{}"))
	f.Add("/%74ok3n0123456789?t=%2574ok3%25%36e0123456789", "Referer: /%74ok3n0123456789\r\n", []byte("1"))
	f.Fuzz(func(t *testing.T, rest, headers string, body []byte) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("POST /api/token/v1/" + testToken + "/" + rest + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n")))
		if err != nil || !strings.HasPrefix(r.URL.Path, "/api/token/v1/"+testToken+"/") {
			return
		}
		path := strings.TrimPrefix(r.URL.Path, "/api/token/v1/"+testToken)
		m := Message{Channel: &Config{Code: "c"}, Request: r, Token: testToken, Path: path, Body: body}
		got := readSource(t, m)
		if got.Binary == utf8.Valid(body) {
			t.Errorf("binary is %v for %q", got.Binary, body)
		}
		kept := got.URL + "\n" + got.Path + fmt.Sprint(got.Query, got.Headers)
		for range 3 {
			if strings.Contains(kept, testToken) {
				t.Errorf("the token is kept: %s", m.Source())
			}
			kept = regexp.MustCompile("%[0-9a-fA-F]{2}").ReplaceAllStringFunc(kept, unescape)
		}
		if _, err := url.Parse(got.URL); err != nil && utf8.ValidString(r.URL.RawQuery) {
			t.Errorf("the URL cannot be read: %v", err)
		}
	})
}
