package xml

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` a%d="x=y>"`, i)
		}
		return b.String()
	}
	for _, c := range []struct{ name, text, want string }{
		{"small", `<a b="1"><c/></a>`, ""},
		{"nothing", ``, ""},
		{"no XML", `a < b = c`, ""},
		{"comment and CDATA", `<a><!-- <!DOCTYPE a> --><![CDATA[<!ENTITY x "y">]]></a>`, ""},
		{"comment without end", `<a><!-- <!DOCTYPE a>`, ""},
		{"short comment", `<a><!--><!DOCTYPE a>`, ""},
		{"deep enough", strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000), ""},
		{"wide", "<a>" + strings.Repeat("<b/>", 5000) + strings.Repeat("<b>x</b>", 5000) + "</a>", ""},
		{"slash in a value", "<a>" + strings.Repeat(`<b c="/"></b>`, 5000) + "</a>", ""},
		{"many attributes", "<a" + attributes(1000) + "/>", ""},
		{"attributes of many", "<a>" + strings.Repeat(`<b c='1' d="2"/>`, 5000) + "</a>", ""},
		{"instructions", strings.Repeat(`<?p <a> ?>`, 5000) + "<a/>", ""},
		{"no end", strings.Repeat(`<a b`, 5000), ""},
		{"no end of a tag", strings.Repeat("<a>", 400) + strings.Repeat("=", 900) + strings.Repeat("<", 900), ""},
		{"document type", "<a/>\n <!DOCTYPE a>", "line 2, column 2: a document type"},
		{"external entity", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>`, "line 1, column 22: a document type"},
		{"entity inside", `<a><!ENTITY e "x"></a>`, "a document type"},
		{"in another case", `<!doctype html><a/>`, "a document type"},
		{"too deep", strings.Repeat("<a>", 1001), "column 3001: elements nested deeper than 1000"},
		{"far too deep", strings.Repeat("<a b='1'>\n", 100_000), "line 1001, column 1: elements nested deeper than 1000"},
		{"too many attributes", "<a" + attributes(10_000) + "/>", "more than 1000 attributes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check([]byte(c.text))
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %s", err, c.want)
			}
			if _, err := Parse(c.text, Limits{}); err == nil {
				t.Error("the parser takes it")
			}
		})
	}
}

func TestEncodingOf(t *testing.T) {
	for _, c := range []struct{ data, declared, want string }{
		{"<a/>", "", "utf-8"},
		{"<a/>", "windows-1250", "windows-1250"},
		{"\xef\xbb\xbf<a/>", "windows-1250", "utf-8"},
		{"\xff\xfe<\x00", "windows-1250", "utf-16le"},
		{"\xfe\xff\x00<", "utf-8", "utf-16be"},
		{"<\x00a\x00", "", "utf-16le"},
		{"\x00<\x00a", "", "utf-16be"},
		{`<?xml version="1.0" encoding="iso-8859-2"?><a/>`, "", "iso-8859-2"},
		{`<?xml version="1.0" encoding="iso-8859-2"?><a/>`, "windows-1250", "windows-1250"},
	} {
		if got := EncodingOf([]byte(c.data), c.declared); got != c.want {
			t.Errorf("%q as %q: %s, want %s", c.data, c.declared, got, c.want)
		}
	}
	if got := Redeclare(`<?xml version="1.0" encoding="UTF-8"?><a encoding="x"/>`, "koi8-r"); got != `<?xml version="1.0" encoding="koi8-r"?><a encoding="x"/>` {
		t.Error(got)
	}
	if got := Redeclare(`<a encoding="x"/>`, "koi8-r"); got != `<a encoding="x"/>` {
		t.Error(got)
	}
}

// TestFromData writes any value, and Parse reads it back in the same mapping.
func TestFromData(t *testing.T) {
	answer, problem := DataForm{Root: "answer", Item: "item"}, DataForm{Root: "problem", Space: "urn:ietf:rfc:7807", Item: "i", Wrap: true}
	for _, c := range []struct {
		form            DataForm
		data, want, out string
	}{
		{answer, `{"a":1,"b":["x","y"],"c":null,"d":{"@id":7,"#text":"t"},"e":[]}`,
			`<answer><a>1</a><b>x</b><b>y</b><c/><d id="7">t</d></answer>`, `{"answer":{"a":"1","b":["x","y"],"c":"","d":{"@id":"7","#text":"t"}}}`},
		{answer, `[1,[2,3],{"a":true}]`, `<answer><item>1</item><item><item>2</item><item>3</item></item><item><a>true</a></item></answer>`,
			`{"answer":{"item":["1",{"item":["2","3"]},{"a":"true"}]}}`},
		{answer, `{"a":[[1],[2]]}`, `<answer><a><item>1</item></a><a><item>2</item></a></answer>`, `{"answer":{"a":[{"item":"1"},{"item":"2"}]}}`},
		{answer, `"<&>"`, `<answer>&lt;&amp;&gt;</answer>`, `{"answer":"<&>"}`},
		{answer, `null`, `<answer/>`, `{"answer":""}`},
		{answer, `[]`, `<answer/>`, `{"answer":""}`},
		{answer, `{}`, `<answer/>`, `{"answer":""}`},
		{problem, `{"title":"t","errors":[{"pointer":"/a","detail":"d"}]}`,
			`<problem xmlns="urn:ietf:rfc:7807"><title>t</title><errors><i><pointer>/a</pointer><detail>d</detail></i></errors></problem>`,
			`{"problem":{"@xmlns":"urn:ietf:rfc:7807","title":"t","errors":{"i":{"pointer":"/a","detail":"d"}}}}`},
	} {
		e, err := FromData([]byte(c.data), c.form, Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.data, err)
			continue
		}
		text, err := Write(e, WriteOptions{})
		if err != nil || text != c.want {
			t.Errorf("%s: %s, %v", c.data, text, err)
		}
		if got := read(t, text, ReadOptions{}); got != c.out {
			t.Errorf("%s comes back as %s", text, got)
		}
	}
	for _, data := range []string{`{"a b":1}`, `{"a":"\u0000"}`, `{"":1}`} {
		if e, err := FromData([]byte(data), answer, Limits{}); err == nil {
			if text, err := Write(e, WriteOptions{}); err == nil {
				t.Errorf("%s: %s", data, text)
			}
		}
	}
	if _, err := FromData([]byte(strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), answer, Limits{}); err == nil {
		t.Error("5,000 levels")
	}
}

// FuzzCheck: a document that the parser takes passes the check.
func FuzzCheck(f *testing.F) {
	f.Add("<a b='<'/>")
	f.Add("<a><!-- x --><![CDATA[<!DOCTYPE]]><?p ?></a>")
	f.Add("<a" + strings.Repeat(" b='='", 300) + "/>")
	f.Fuzz(func(t *testing.T, text string) {
		err := Check([]byte(text))
		if _, wrong := Parse(text, Limits{}); wrong == nil && err != nil {
			t.Errorf("the parser takes what the check refuses: %v", err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	text := []byte("<order><number>4711</number>" + strings.Repeat(`<item code="A1"><price>12.50</price></item>`, 23) + "</order>")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := Check(text); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBuildingIsBounded: a text of many elements is refused before they take
// memory.
func TestBuildingIsBounded(t *testing.T) {
	limits := Limits{Nodes: 1000}
	many := "[" + strings.Repeat("1,", 1000) + "1]"
	if _, err := FromData([]byte(many), DataForm{Root: "answer", Item: "item"}, limits); err == nil {
		t.Error("many items")
	}
	if _, err := FromJSON([]byte(`{"a":`+many+`}`), false, limits); err == nil {
		t.Error("many elements")
	}
	if _, err := FromJSON([]byte(`{"name":"a","children":[`+strings.Repeat(`"",`, 1000)+`""]}`), true, limits); err == nil {
		t.Error("many texts")
	}
}
