package channel_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"junctor/internal/channel"
)

func TestSourceOf(t *testing.T) {
	h := http.Header{"X-Order": {" A1 "}, "X-Nul": {"a\x00b"}}
	body := `{ "a" : {"b":[10, {"c":"x\"y"}, [true,-1.5e3]] , "n":null, "s":""}, "odd name":"o","d":1,"d":2,"esc\u0061pe":"é" }`
	for path, want := range map[string]string{
		"x-order": "A1", "X-Other": "", "X-Nul": "a\uFFFDb",
		"$.a.b[0]": "10", "$.a.b[1].c": `x"y`, "$.a.b[2][0]": "true", "$.a.b[2][1]": "-1.5e3", "$.a.b[3]": "", "$.a.b[2][9]": "",
		"$.a": "", "$.a.b": "", "$.a.n": "", "$.a.s": "", "$.a.b.c": "", "$.a[0]": "", "$.d": "2", "$.d.e": "",
		`$["odd name"]`: "o", "$.escape": "é", "$[0]": "", "$.none.more": "",
	} {
		s, err := channel.ParseSource(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Of(h, []byte(body)); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
}

func TestSourceOfOtherBodies(t *testing.T) {
	s, err := channel.ParseSource("$.a")
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"a":"1"`: "", "": "", "<a>1</a>": "", `{"a":"1"} x`: "", `["a"]`: "", `"a"`: "", `{"a":"x` + "\xff" + `y"}`: "x\uFFFDy",
		`{"a":"\u0000"}`: "\uFFFD", "\xef\xbb\xbf{}": "", `{}`: "", `{"a":"` + strings.Repeat("x", 600) + `"}`: "sha256:cf", // only the beginning is compared
	} {
		if got := s.Of(nil, []byte(body)); got != want && (want != "sha256:cf" || !strings.HasPrefix(got, "sha256:")) {
			t.Errorf("%q gives %q, want %q", body, got, want)
		}
	}
	if got := (channel.Source{}).Of(http.Header{"": {"x"}}, []byte(`{"":1}`)); got != "" {
		t.Errorf("the zero source found %q", got)
	}
}

func TestParseSourceRefuses(t *testing.T) {
	for _, path := range []string{"", "a b", "$", "$.", "$.a.", "$.a[", "$.a[-1]", "$.a[x]", "$.a[*]", "$..a", "$.*", `$["a`, `$["a"`, "$a", "$.a]", "$.a[99999999999]"} {
		if s, err := channel.ParseSource(path); err == nil {
			t.Errorf("%q was taken as %+v", path, s)
		}
	}
}

// The scanner finds what decoding the whole body finds, and never panics.
func FuzzSource(f *testing.F) {
	f.Add("a", []byte(`{"a":1,"b":[{"a":"x"}]}`))
	f.Add("b", []byte(`{"b":"\u0041","b":true}`))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		quoted, err := json.Marshal(name)
		if err != nil {
			return
		}
		s, err := channel.ParseSource("$[" + string(quoted) + "]")
		if err != nil {
			return
		}
		got := s.Of(nil, body)
		var whole map[string]json.RawMessage
		if json.Unmarshal(body, &whole) != nil && got != "" {
			t.Fatalf("%q found in what is no object: %q", got, body)
		}
		if _, there := whole[strings.ToValidUTF8(name, "\uFFFD")]; !there && got != "" {
			t.Fatalf("%q found for %q in %q", got, name, body)
		}
	})
}

func TestSourceInAnotherCharset(t *testing.T) {
	s, err := channel.ParseSource("$.a")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Of(http.Header{"Content-Type": {"application/json; charset=windows-1250"}}, []byte("{\"a\":\"\x9e\"}")); got != "ž" {
		t.Errorf("the subject is %q", got)
	}
}
