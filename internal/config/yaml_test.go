package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/fault"
)

func TestYAMLValues(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                       `null`,
		"\ufeffa: 1\r\nb: |\r\n  x\r\n":                          `{"a":1,"b":"x\n"}`,
		"# only a comment\n":                                     `null`,
		"a: 1\nb: two\nc: [x, 3.50, ~]\n":                        `{"a":1,"b":"two","c":["x",3.5,null]}`,
		"a:\n  - b: 1\n    c: 2\n  - d\n":                        `{"a":[{"b":1,"c":2},"d"]}`,
		"a: |\n  one\n  two\nb: >-\n  x\n  y\n":                  `{"a":"one\ntwo\n","b":"x y"}`,
		"a: 0x1F\nb: 1_000\nc: -0.0\n":                           `{"a":31,"b":1000,"c":0}`,
		"a: yes\nb: true\nc: 'true'\n":                           `{"a":"yes","b":true,"c":"true"}`,
		"a: 2027-01-04T08:00\nb: 12:30\n":                        `{"a":"2027-01-04T08:00","b":"12:30"}`,
		"1: x\ntrue: y\n":                                        `{"1":"x","true":"y"}`,
		"a: &x {b: 1, c: [2]}\nd: *x\n":                          `{"a":{"b":1,"c":[2]},"d":{"b":1,"c":[2]}}`,
		"a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n":             `{"a":{"b":1,"c":2},"d":{"b":1,"c":3}}`,
		"a: &x {b: 1}\ny: &y {b: 2, c: 2}\nd:\n  <<: [*x, *y]\n": `{"a":{"b":1},"d":{"b":1,"c":2},"y":{"b":2,"c":2}}`,
		"---\na: 1\n...\n":                                       `{"a":1}`,
		"a: \"\\u00e9\\n\\\"\"\n":                                `{"a":"é\n\""}`,
	} {
		d := parseYAML("f", []byte(text))
		got, err := marshal(d.root)
		if err != nil || string(got) != want || len(d.problems) > 0 {
			t.Errorf("%q gives %s, %v, %v; want %s", text, got, d.problems, err, want)
		}
	}
}

func TestYAMLProblems(t *testing.T) {
	for text, want := range map[string]string{
		"a: [1,\n":                       "f:1:4: sequence end token ']' not found",
		"a: 1\n b: 2\n":                  "f:1:4: mapping value is not allowed in this context",
		"a: 1\nb: 2\na: 3\n":             "f:3:1: a: is given twice, first in line 1",
		"a: *x\n":                        "f:1:4: there is no &x before this",
		"a: &x [*x]\n":                   "f:1:8: *x stands within &x itself",
		"a: !!binary aGk=\n":             "f:1:4: tags like !!binary are not used here; a text in quotes is a text",
		"a: .inf\n":                      `f:1:4: ".inf" is no value that can stand here`,
		"a: 1\n---\nb: 2\n":              "f:3:1: a second document begins here; everything belongs into one",
		"a: 1\nb: \xff\n":                "f:2:4: this is not UTF-8",
		"a: &x 1\nb: {<<: *x}\n":         "f:2:9: << takes in a map, or a list of maps",
		strings.Repeat("[", 1000):        "f:1:101: this is nested more than 100 levels deep",
		strings.Repeat("- ", 1000) + "a": "f:1:201: this is nested more than 100 levels deep",
		strings.Repeat("a:\n", 50_001):   "f:50001:2: this file has more than 50000 keys and list items",
		"a: 'open\n":                     "f:1:4: could not find end character of single-quoted text",
	} {
		d := parseYAML("f", []byte(text))
		if len(d.problems) != 1 || d.problems[0].String() != want {
			t.Errorf("%.40q gives %v, want %s", text, d.problems, want)
		}
	}
}

// Nine lines of aliases that stand for a billion values end at the bound.
func TestYAMLBillionLaughs(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	d := parseYAML("f", []byte(b.String()))
	if len(d.problems) != 1 || !strings.Contains(d.problems[0].Message, "larger than 200000 values") {
		t.Errorf("found %v", d.problems)
	}
}

// Neither do a thousand aliases of one long text.
func TestYAMLLongAliases(t *testing.T) {
	for _, long := range []string{strings.Repeat("x", 1<<20), "{" + strings.Repeat("k", 1<<20) + ": 1}"} {
		d := parseYAML("f", []byte("a: &a "+long+"\nb: ["+strings.Repeat("*a, ", 1000)+"]\n"))
		if len(d.problems) != 1 || !strings.Contains(d.problems[0].Message, "larger than 200000 values") {
			t.Errorf("found %v", d.problems)
		}
	}
}

func TestYAMLTooLong(t *testing.T) {
	d := parseYAML("f", make([]byte, maxFile+1))
	if len(d.problems) != 1 || !strings.Contains(d.problems[0].Message, "at most 4MiB are read") {
		t.Errorf("found %v", d.problems)
	}
}

func TestReportPlaces(t *testing.T) {
	const text = `channels:
  shop: { type: "é", "scenario" : order }
  crm:
    type:
      - x
    retry: &r
      attempts: 0
  other:
    retry: *r
    verify: [ { bearer: x }, { basic: {} } ]
`
	for pointer, want := range map[string]string{
		"/channels/shop/type":                 "2:17",
		"/channels/shop/scenario":             "2:35",
		"/channels/shop/missing":              "2:3",
		"/channels/shop/missing/deeper":       "2:3",
		"/channels/crm":                       "3:3",
		"/channels/crm/type":                  "4:5",
		"/channels/crm/type/0":                "5:9",
		"/channels/crm/retry/attempts":        "7:17",
		"/channels/other/retry/attempts":      "7:17",
		"/channels/other/verify/1/basic":      "10:39",
		"/channels/other/verify/1/basic/user": "10:32",
		"/channels/other/verify/0":            "10:15",
		"/nothing":                            "1:1",
		"":                                    "1:1",
	} {
		d := parseYAML("f", []byte(text))
		d.report(fault.Field{Pointer: pointer, Detail: "wrong"})
		if got := d.problems[0]; fmt.Sprintf("%d:%d", got.Line, got.Column) != want {
			t.Errorf("%s is reported at %v, want %s", pointer, got, want)
		}
	}
}

// Whatever the file, the loader says something or gives a value, and a value
// that was read can be written and read again.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n", "a: &x {b: [1, 'c']}\nd: *x\n", "a:\n  <<: {b: c}\n  - d\n", "a: |\n  x\n", "? a\n: b\n", "a: !t b\n", "- - - a\n",
		"a: \"\\x41\\u263a\"\n", "%YAML 1.2\n---\na\n...\n", "a: {b: c, d}\n", "'a b': >+\n  c\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := parseYAML("f", text)
		body, err := marshal(d.root)
		if err != nil || len(d.problems) > 0 {
			return
		}
		again := encoded(t, body)
		if back, err := marshal(parseYAML("f", again).root); err != nil || string(back) != `{"x":`+string(body)+`}` {
			t.Fatalf("%s was written as %s and read as %s (%v)", body, again, back, err)
		}
	})
}

// Every JSON value survives being written as YAML.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{
		`"x: y"`, `"30s"`, `"1e3"`, `"~"`, `"no"`, `""`, `" a "`, `"a #b"`, `"\u0000\u001f\u007f\u0085\u2028\ufeff"`, `"😀"`, `"- a"`, `"line\nline\n"`,
		`{"":{"":[]}}`, `{"a b":{"<<":1},"y":[[1,[2]],{}]}`, `[null,true,-1.5,"null"]`, `{"a":{"b":{"c":{"d":["$.x[0]","*","&a","!b","%c","@d","` + "`e" + `"]}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body, err := Canonical(body)
		if err != nil || len(body) > 1<<16 || hugeNumber(body) || strings.Count(string(body), "[")+strings.Count(string(body), "{") > maxDepth/2 {
			return
		}
		text := encoded(t, body)
		d := parseYAML("f", text)
		back, err := marshal(d.root)
		if err != nil || len(d.problems) > 0 || string(back) != `{"x":`+string(body)+`}` {
			t.Fatalf("%s was written as\n%s and read as %s (%v, %v)", body, text, back, d.problems, err)
		}
	})
}

// hugeNumber finds numbers that YAML readers take for texts; no key takes them.
func hugeNumber(body []byte) bool {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		if n, ok := token.(json.Number); ok && (len(n) > 17 || strings.ContainsAny(string(n), "eE")) {
			return true
		}
	}
}

func encoded(t *testing.T, body []byte) []byte {
	t.Helper()
	var e encoder
	if err := e.section("x", body, 1); err != nil {
		t.Fatal(err)
	}
	return e.out.Bytes()
}

func TestEncodeReadsWell(t *testing.T) {
	set := &Set{
		Settings: json.RawMessage(`{"timezone":"Europe/Prague","sessions":{"idle":"30m","policy":"unlimited"}}`),
		Objects: map[string]map[string]json.RawMessage{
			Connections: {"erp": json.RawMessage(`{"url":"https://erp.example.com/api","type":"http","auth":{"bearer":"${secret:erp_token}"}}`)},
			Channels: {
				"shop": json.RawMessage(`{"type":"public","scenario":"order","await":true,"subject":"$.number","body_limit":"10MiB","verify":[{"bearer":"${env:A}"},{"basic":{"user":"u","password":"${env:P}"}}]}`),
				"a":    json.RawMessage(`{"type":"public","scenario":"a","comment":"events: for the CRM","retry":{"factor":1.5,"attempts":3}}`),
			},
		},
	}
	want := `# Written by "junctor export".
domain: default
settings:
  timezone: Europe/Prague
  sessions: { policy: unlimited, idle: 30m }
connections:
  erp:
    type: http
    url: "https://erp.example.com/api"
    auth: { bearer: "${secret:erp_token}" }
channels:
  a:
    type: public
    comment: "events: for the CRM"
    scenario: a
    retry: { attempts: 3, factor: 1.5 }
  shop:
    type: public
    scenario: order
    await: true
    verify:
      - { bearer: "${env:A}" }
      - basic: { user: u, password: "${env:P}" }
    body_limit: 10MiB
    subject: $.number
`
	got, err := YAML(set)
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
