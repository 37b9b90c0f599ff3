package xml

import (
	"strings"
	"testing"
)

func build(t *testing.T, value string, ordered bool, o WriteOptions) string {
	t.Helper()
	e, err := FromJSON([]byte(value), ordered, Limits{})
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	text, err := Write(e, o)
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return text
}

func TestWrite(t *testing.T) {
	tests := []struct {
		name, value string
		ordered     bool
		o           WriteOptions
		want        string
	}{
		{"members in their order", `{"order":{"@id":7,"z":"1","a":["x",{"@n":true,"#text":2.50}],"none":[],"nil":null,"@late":"y","@gone":null}}`, false, WriteOptions{},
			`<order id="7" late="y"><z>1</z><a>x</a><a n="true">2.50</a><nil/></order>`},
		{"escaped", `{"a":{"@x":"<\"&'>\t\n","#text":"<&>\r\"'"}}`, false, WriteOptions{}, `<a x="&lt;&quot;&amp;'&gt;&#9;&#10;">&lt;&amp;&gt;&#13;"'</a>`},
		{"no way out of an attribute", `{"a":{"@x":"\" onload=\"1"}}`, false, WriteOptions{}, `<a x="&quot; onload=&quot;1"/>`},
		{"declaration", `{"a":""}`, false, WriteOptions{Declaration: true}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>"},
		{"encoding", `{"a":1}`, false, WriteOptions{Declaration: true, Encoding: "windows-1250"}, "<?xml version=\"1.0\" encoding=\"windows-1250\"?>\n<a>1</a>"},
		{"indented", `{"a":{"b":["1",{"c":""}],"#text":""}}`, false, WriteOptions{Indent: "  "}, "<a>\n  <b>1</b>\n  <b>\n    <c/>\n  </b>\n</a>\n"},
		{"mixed is not indented", `{"name":"p","children":["x",{"name":"b"},"y"]}`, true, WriteOptions{Indent: "  "}, "<p>x<b/>y</p>\n"},
		{"namespaces", `{"s:E":{"@xmlns:s":"urn:s","s:B":{"@xml:lang":"cs"}}}`, false, WriteOptions{}, `<s:E xmlns:s="urn:s"><s:B xml:lang="cs"/></s:E>`},
		{"ordered with members in any order", `{"children":[1,true,null,""],"attributes":{"x":null,"y":2},"name":"a"}`, true, WriteOptions{}, `<a y="2">1true</a>`},
		{"array of one as root", `{"a":["x"]}`, false, WriteOptions{}, "<a>x</a>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := build(t, tt.value, tt.ordered, tt.o); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestWriteRefuses(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 1100) + `1` + strings.Repeat(`}`, 1100)
	tests := []struct {
		name, value string
		ordered     bool
		want        string
	}{
		{"no root", `{}`, false, "one member is expected"},
		{"two roots", `{"a":1,"b":2}`, false, "one member is expected"},
		{"root array", `{"a":[1,2]}`, false, "one member is expected"},
		{"root attribute", `{"@a":1,"b":2}`, false, "one member is expected"},
		{"root text", `{"#text":"x"}`, false, "one member is expected"},
		{"not an object", `"x"`, false, "one member is expected"},
		{"array in array", `{"a":{"b":[[1]]}}`, false, "/a/b: an array within an array"},
		{"object as attribute", `{"a":{"@x":{}}}`, false, "/a/@x: a text"},
		{"array as text", `{"a":{"#text":[1]}}`, false, "/a/#text: a text"},
		{"bad name", `{"a":{"b c":1}}`, false, `/a/b c: "b c" is not a name`},
		{"markup as name", `{"a":{"b><c":1}}`, false, "is not a name"},
		{"empty name", `{"a":{"":1}}`, false, `"" is not a name`},
		{"bad attribute name", `{"a":{"@x=\"1\" y":1}}`, false, "is not a name"},
		{"undeclared prefix", `{"a":{"s:b":1}}`, false, "/a/s:b: the prefix of s:b is not declared"},
		{"control character", `{"a":{"b":"x\u0000"}}`, false, "/a/b: XML cannot hold the character U+0000"},
		{"control character in an attribute", `{"a":{"@b":"\u001b"}}`, false, "attribute b: XML cannot hold the character U+001B"},
		{"non-character", `{"a":"\uffff"}`, false, "U+FFFF"},
		{"too deep", deep, false, "deeper than 1000"},
		{"ordered without name", `{"children":[]}`, true, `"" is not a name`},
		{"ordered text", `"x"`, true, "the root is a text"},
		{"ordered with other members", `{"name":"a","text":"x"}`, true, `/a: member "text" is not one of`},
		{"ordered children", `{"name":"a","children":"x"}`, true, "children must be an array"},
		{"ordered attributes", `{"name":"a","attributes":[]}`, true, "attributes must be an object"},
		{"ordered name", `{"name":1}`, true, "name must be a text"},
		{"ordered array", `{"name":"a","children":[[]]}`, true, "not an array"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := FromJSON([]byte(tt.value), tt.ordered, Limits{})
			if err == nil {
				_, err = Write(e, WriteOptions{})
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	e, err := FromJSON([]byte(`{"a":{"b":["1","2","3"]}}`), false, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, limits := range []Limits{{Nodes: 3}, {Bytes: 10}, {Depth: 1}} {
		if _, err := Write(e, WriteOptions{Limits: limits}); err == nil {
			t.Errorf("%+v is not held", limits)
		}
	}
}

// What was read and written reads the same again, in both forms.
func FuzzRoundTrip(f *testing.F) {
	for _, seed := range []string{
		`<order id="7"><note/><item n="1">pen</item><item>ink</item> <x/>tail</order>`, `<s:E xmlns:s="u" xmlns="d"><s:B xml:lang="cs">&lt;&#13;</s:B></s:E>`,
		"<?xml version='1.0'?><!-- c --><a>\n <b>\t</b>\n<![CDATA[ ]]></a>", "<a>&#x1F600;</a>", "<!DOCTYPE a><a/>", "<a", "\ufeff<a\n/>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := Parse(text, Limits{})
		if err != nil {
			return
		}
		for _, o := range []ReadOptions{{}, {Ordered: true}} {
			value := first.JSON(o)
			built, err := FromJSON(value, o.Ordered, Limits{})
			if err != nil {
				t.Fatalf("%q read as %s: %v", text, value, err)
			}
			written, err := Write(built, WriteOptions{Declaration: true})
			if err != nil {
				t.Fatalf("%q read as %s: %v", text, value, err)
			}
			again, err := Parse(written, Limits{})
			if err != nil {
				t.Fatalf("%q written as %q: %v", text, written, err)
			}
			if back := again.JSON(o); string(back) != string(value) {
				t.Fatalf("%q:\nread    %s\nwritten %q\nread    %s", text, value, written, back)
			}
		}
	})
}

// Long names around many elements cost once, not once for each element.
func TestDeepAndWide(t *testing.T) {
	name := strings.Repeat("n", 10_000)
	siblings := "[" + strings.Repeat("1,", 99_999) + "1]"
	value := strings.Repeat(`{"`+name+`":`, 200) + `{"a":` + siblings + "}" + strings.Repeat("}", 200)
	text := build(t, value, false, WriteOptions{})
	if got := strings.Count(text, "<a>1</a>"); got != 100_000 {
		t.Errorf("%d elements", got)
	}
}
