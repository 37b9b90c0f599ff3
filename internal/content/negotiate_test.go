package content

import (
	"strings"
	"testing"

	"junctor/internal/fault"
)

func TestNegotiate(t *testing.T) {
	const (
		isJSON, isXML, isCSV = "application/json", "application/xml; charset=utf-8", "text/csv; charset=utf-8"
		refused              = "406"
	)
	const flat, nested, scalar = `{"value":[{"a":1,"b":"x"},{"a":2}]}`, `{"value":{"a":{"b":[1]}}}`, `{"value":"x"}`
	for _, c := range []struct{ accept, output, want string }{
		{"", flat, isJSON},
		{"*/*", flat, isJSON},
		{"application/*", flat, isJSON},
		{"text/*", flat, "text/xml; charset=utf-8"},
		{"application/json", flat, isJSON},
		{"application/problem+json", flat, isJSON},
		{"application/*+json", flat, isJSON},
		{"application/vnd.shop+json;q=0.5, application/xml;q=0.4", flat, isJSON},
		{"application/vnd.shop+json;q=0.5, application/json;q=0.1, application/xml;q=0.4", flat, isXML},
		{"application/xml", flat, isXML},
		{"text/xml", flat, "text/xml; charset=utf-8"},
		{"text/csv", flat, isCSV},
		{"text/csv;q=0.9, application/json;q=0.8", flat, isCSV},
		{"text/csv;q=0.9, application/json;q=0.8", nested, isJSON},
		{"text/csv;q=0.9, application/xml;q=0.8", nested, isXML},
		{"text/csv, application/xml", flat, isXML},
		{"application/json;q=0, */*", flat, isXML},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", flat, isXML},
		{"text/csv", nested, refused},
		{"text/csv", scalar, refused},
		{"application/xml", `{"value":{"a b":1}}`, refused},
		{"application/xml", `{"value":"\u0000"}`, refused},
		{"image/png", flat, refused},
		{"*/*;q=0", flat, refused},
		{"application/json;q=0", flat, refused},
		{"image/png", `{"status":200,"headers":{},"text":"x"}`, "text/plain; charset=utf-8"},
		{"image/png", `{"status":200,"headers":{"content-type":"application/json"},"json":1}`, isJSON},
		{"application/xml", `{"status":422,"headers":{"content-type":"application/problem+json"},"text":"{\"status\":422}"}`, "application/problem+xml; charset=utf-8"},
		{"application/problem+xml", `{"status":422,"headers":{"content-type":"application/problem+json"},"text":"{\"status\":422}"}`, "application/problem+xml; charset=utf-8"},
		{"application/xml, application/json;q=0.1", `{"status":422,"headers":{"content-type":"application/problem+json"},"text":"{}"}`, "application/problem+json"},
		{"image/png", `{"status":422,"headers":{"content-type":"application/problem+json"},"text":"{}"}`, "application/problem+json"},
		{"application/xml", `{"status":422,"headers":{"content-type":"application/problem+json"},"text":"{\"a b\":1}"}`, "application/problem+json"},
		{"image/png", ``, ""},
		{"image/png", `{"status":422,"headers":{},"json":{"a":[1]}}`, isJSON},
		{"application/xml", `{"status":422,"headers":{},"json":{"a":[1]}}`, isXML},
		{"image/png", `{"status":204,"headers":{},"json":1}`, isJSON},
	} {
		a, err := DecodeAnswer([]byte(c.output))
		if err != nil {
			t.Fatal(err)
		}
		var values []string
		if c.accept != "" {
			values = []string{c.accept}
		}
		got := refused
		if err := a.Negotiate(values); err == nil {
			got = a.Header.Get("Content-Type")
		} else if !fault.Is(err, fault.NotAcceptable) {
			t.Error(err)
		}
		if got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.accept, c.output, got, c.want)
		}
	}
}

func TestNegotiatedContent(t *testing.T) {
	for _, c := range []struct{ accept, data, want string }{
		{"application/xml", `{"number":"4711","lines":[{"qty":1},{"qty":2}]}`,
			`<?xml version="1.0" encoding="UTF-8"?>` + "\n<answer><number>4711</number><lines><qty>1</qty></lines><lines><qty>2</qty></lines></answer>"},
		{"application/xml", `[1,"<"]`, `<?xml version="1.0" encoding="UTF-8"?>` + "\n<answer><item>1</item><item>&lt;</item></answer>"},
		{"text/csv", `[{"number":"4711","total":10.10},{"note":"a,b"}]`, "number,total,note\r\n4711,10.10,\r\n,,\"a,b\"\r\n"},
		{"application/json", `{ "a":1.0}`, `{ "a":1.0}`},
	} {
		a, err := DecodeAnswer([]byte(`{"value":` + c.data + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Negotiate([]string{c.accept}); err != nil || string(a.Body) != c.want {
			t.Errorf("%s: %s, %v", c.data, a.Body, err)
		}
	}
	problem := `{"type":"about:blank","title":"No","status":422,"errors":[{"pointer":"/a","detail":"<b>"}]}`
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<problem xmlns="urn:ietf:rfc:7807"><type>about:blank</type><title>No</title><status>422</status>` +
		`<errors><i><pointer>/a</pointer><detail>&lt;b&gt;</detail></i></errors></problem>`
	if got := ProblemXML([]string{"application/xml"}, []byte(problem)); string(got) != want {
		t.Errorf("%s", got)
	}
}

// TestEncodedAnswers: text goes out in the charset that its type names.
func TestEncodedAnswers(t *testing.T) {
	for _, c := range []struct{ contentType, member, body, kind string }{
		{"text/plain; charset=windows-1250", `"text":"žα€😀"`, "\x9e?\x80?", ""},
		{"text/plain; charset=utf-16le", `"text":"ž"`, "\x7e\x01", ""},
		{"text/plain; charset=UTF-8", `"text":"ž"`, "ž", ""},
		{"text/html; charset=iso-8859-2", `"text":"ž<α>"`, "\xbe<&#945;>", ""},
		{"text/csv; charset=windows-1250", `"raw":true,"text":"ž"`, "\x9e", ""},
		{"text/csv; charset=windows-1250", `"raw":true,"base64":"xb4="`, "ž", ""},
		{"application/xml; charset=windows-1250", `"xml":true,"text":"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>žα</a>"`,
			"<?xml version=\"1.0\" encoding=\"windows-1250\"?><a>\x9e&#945;</a>", ""},
		{"application/json; charset=windows-1250", `"json":{"ž":"α😀"}`, "{\"\x9e\":\"\\u03b1\\ud83d\\ude00\"}", ""},
		{"text/plain; charset=ebcdic", `"text":"ž"`, "ž", "text/plain; charset=utf-8"},
	} {
		a, err := DecodeAnswer([]byte(`{"status":200,"headers":{"content-type":"` + c.contentType + `"},` + c.member + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if c.kind == "" {
			c.kind = c.contentType
		}
		if string(a.Body) != c.body || a.Header.Get("Content-Type") != c.kind || a.Data {
			t.Errorf("%s %s: %q as %s", c.contentType, c.member, a.Body, a.Header.Get("Content-Type"))
		}
	}
}

// FuzzNegotiate: no wish makes trouble, and every form is one that was wished for.
func FuzzNegotiate(f *testing.F) {
	f.Add("text/csv;q=0.1, application/xml", `[{"a":1,"b":null}]`)
	f.Add("application/xml", `{"a":[[1,[2]],{"@b":3,"#text":"c"}]}`)
	f.Add("text/csv", `{"=1+1":"@x"}`)
	f.Fuzz(func(t *testing.T, wish, data string) {
		a, err := DecodeAnswer([]byte(`{"value":` + data + `}`))
		if err != nil || !a.Data {
			return
		}
		if err := a.Negotiate([]string{wish}); err != nil && !fault.Is(err, fault.NotAcceptable) {
			t.Error(err)
		}
		if kind := a.Header.Get("Content-Type"); strings.ContainsAny(kind, "\r\n") {
			t.Errorf("%q", kind)
		}
	})
}
