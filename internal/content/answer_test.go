package content

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeAnswer(t *testing.T) {
	for _, c := range []struct {
		name, output string
		want         Answer
	}{
		{"nothing", ``, Answer{Status: 200, Header: http.Header{}}},
		{"data", `{"value":null}`, Answer{200, http.Header{"Content-Type": {"application/json"}}, []byte(`null`), true, false}},
		{"data as it is", `{"value":{"b":1.0,"a":"\u017e"}}`, Answer{200, http.Header{"Content-Type": {"application/json"}}, []byte(`{"b":1.0,"a":"\u017e"}`), true, false}},
		{"json", `{"status":201,"headers":{},"json":[1]}`, Answer{201, http.Header{"Content-Type": {"application/json"}}, []byte(`[1]`), true, false}},
		{"json of another type", `{"status":200,"headers":{"content-type":"application/hal+json"},"json":{}}`,
			Answer{200, http.Header{"Content-Type": {"application/hal+json"}}, []byte(`{}`), false, false}},
		{"text", `{"status":200,"headers":{},"text":"ž"}`, Answer{200, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte("ž"), false, false}},
		{"empty text", `{"status":200,"headers":{},"text":""}`, Answer{200, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte{}, false, false}},
		{"xml", `{"status":200,"headers":{},"xml":true,"text":"<a/>"}`, Answer{200, http.Header{"Content-Type": {"application/xml; charset=utf-8"}}, []byte("<a/>"), false, false}},
		{"raw", `{"status":200,"headers":{},"raw":true,"base64":"/wA="}`, Answer{200, http.Header{"Content-Type": {"application/octet-stream"}}, []byte{0xff, 0}, false, true}},
		{"no content", `{"status":404,"headers":{}}`, Answer{404, http.Header{}, nil, false, false}},
		{"lists of headers", `{"status":200,"headers":{"set-cookie":["a=1","b=2"],"x-empty":[]}}`, Answer{200, http.Header{"Set-Cookie": {"a=1", "b=2"}}, nil, false, false}},
		{"headers that cannot be sent", `{"status":200,"headers":{"":"x","a b":"x","a:b":"x","ž":"x","transfer-encoding":"x","Junctor-Run":"x","UPGRADE":"x"}}`,
			Answer{200, http.Header{}, nil, false, false}},
		{"values that would be lines", `{"status":200,"headers":{"x":"a\r\nb\u0000c\u007fd\te"}}`, Answer{200, http.Header{"X": {"a  b c d\te"}}, nil, false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeAnswer([]byte(c.output))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDecodeAnswerRefuses(t *testing.T) {
	for _, output := range []string{`{`, `[]`, `"x"`, `{"status":"x"}`, `{"base64":"%"}`, `{"headers":{"a":1}}`, `{"headers":{"a":[1]}}`, `{"headers":[]}`} {
		if got, err := DecodeAnswer([]byte(output)); err == nil {
			t.Errorf("%s: %+v", output, got)
		}
	}
}

// FuzzDecodeAnswer: no output makes an answer that breaks out of its lines.
func FuzzDecodeAnswer(f *testing.F) {
	f.Add([]byte(`{"status":200,"headers":{"x":["a\nb"]},"text":"x"}`))
	f.Add([]byte(`{"value":1}`))
	f.Fuzz(func(t *testing.T, output []byte) {
		a, err := DecodeAnswer(output)
		if err != nil {
			return
		}
		for name, values := range a.Header {
			if CheckHeaderName(name) != nil || ownHeaders[name] {
				t.Errorf("header %q", name)
			}
			for _, v := range values {
				if strings.ContainsAny(v, "\r\n\x00") {
					t.Errorf("header %s: %q", name, v)
				}
			}
		}
	})
}
