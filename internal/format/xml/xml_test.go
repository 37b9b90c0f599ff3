package xml

import (
	"strings"
	"testing"
)

func read(t *testing.T, text string, o ReadOptions) string {
	t.Helper()
	e, err := Parse(text, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return string(e.JSON(o))
}

// The example of the package comment, and every rule below it.
func TestMapping(t *testing.T) {
	tests := []struct {
		name, xml string
		o         ReadOptions
		want      string
	}{
		{"the example", "<order id=\"7\">\n  <note/>\n  <item n=\"1\">pen</item>\n  <item n=\"2\">ink</item>\n  <sum cur=\"CZK\">5</sum>\n  <by>Eva</by>\n</order>", ReadOptions{},
			`{"order":{"@id":"7","note":"","item":[{"@n":"1","#text":"pen"},{"@n":"2","#text":"ink"}],"sum":{"@cur":"CZK","#text":"5"},"by":"Eva"}}`},
		{"text stays text", "<a>007</a>", ReadOptions{}, `{"a":"007"}`},
		{"empty", "<a></a>", ReadOptions{}, `{"a":""}`},
		{"empty with attribute", `<a x=""/>`, ReadOptions{}, `{"a":{"@x":""}}`},
		{"white space in a leaf stays", "<a> \n</a>", ReadOptions{}, `{"a":" \n"}`},
		{"trimmed", "<a> <b> x </b> y </a>", ReadOptions{Trim: true}, `{"a":{"b":"x","#text":"y"}}`},
		{"repeated with others between", "<a><b>1</b><c>2</c><b>3</b></a>", ReadOptions{}, `{"a":{"b":["1","3"],"c":"2"}}`},
		{"array on demand", "<a><b>1</b></a>", ReadOptions{Array: []string{"b"}}, `{"a":{"b":["1"]}}`},
		{"mixed", "<p>Hello <b>you</b> there</p>", ReadOptions{}, `{"p":{"b":"you","#text":"Hello  there"}}`},
		{"CDATA, comments, instructions", "<?xml version='1.0' encoding='windows-1250'?><!-- c --><a>1<![CDATA[<2>]]><!-- c -->3<?pi x?></a><!-- end -->\n", ReadOptions{}, `{"a":"1<2>3"}`},
		{"entities", `<a x="&quot;&#9;&amp;">&lt;&gt;&apos;&#x17e;&#13;</a>`, ReadOptions{}, `{"a":{"@x":"\"\t&","#text":"<>'ž\r"}}`},
		{"prefixes", `<s:E xmlns:s="urn:s" xmlns="urn:d"><s:B><x s:a="1" xml:lang="cs"/></s:B></s:E>`, ReadOptions{},
			`{"s:E":{"@xmlns:s":"urn:s","@xmlns":"urn:d","s:B":{"x":{"@s:a":"1","@xml:lang":"cs"}}}}`},
		{"prefixes stripped", `<s:E xmlns:s="urn:s"><s:B s:a="1">x</s:B><B>y</B></s:E>`, ReadOptions{StripPrefixes: true}, `{"E":{"B":[{"@s:a":"1","#text":"x"},"y"]}}`},
		{"line ends", "<a>1\r\n2\r3</a>", ReadOptions{}, `{"a":"1\n2\n3"}`},
		{"byte order mark", "\ufeff<a/>", ReadOptions{}, `{"a":""}`},
		{"odd names", `<__proto__ constructor="1"><toString/></__proto__>`, ReadOptions{}, `{"__proto__":{"@constructor":"1","toString":""}}`},
		{"ordered", `<p id="1">Hello <b>you</b><i/>!</p>`, ReadOptions{Ordered: true},
			`{"name":"p","attributes":{"id":"1"},"children":["Hello ",{"name":"b","attributes":{},"children":["you"]},{"name":"i","attributes":{},"children":[]},"!"]}`},
		{"ordered drops indentation", "<a>\n <b> </b>\n</a>", ReadOptions{Ordered: true}, `{"name":"a","attributes":{},"children":[{"name":"b","attributes":{},"children":[" "]}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(t, tt.xml, tt.o); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	bomb := `<!DOCTYPE lolz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><lolz>&b;</lolz>`
	tests := []struct{ name, xml, want string }{
		{"nothing", "", "line 1, column 1: the document has no element"},
		{"entity bomb", bomb, "line 1, column 1: a document type"},
		{"external entity", "<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "line 2, column 1: a document type"},
		{"unknown entity", "<a>\nž&nbsp;</a>", "line 2, column"},
		{"lone ampersand", "<a>R&D</a>", "write a lone & as &amp;"},
		{"not closed", "<a><b></b>", "inside of <a>"},
		{"crossed", "<a>\n  <b></a></b>", "line 2, column 6: </a> where </b> is expected"},
		{"closed too often", "<a/></a>", "</a> closes nothing"},
		{"two roots", "<a/><b/>", "line 1, column 5: a second root element <b>"},
		{"text outside", "<a/>x", "text outside"},
		{"undeclared prefix", "<a><s:b/></a>", "xmlns:s is missing"},
		{"undeclared attribute prefix", `<a x:y="1"/>`, "xmlns:x is missing"},
		{"prefix out of scope", `<a><b xmlns:s="u"/><s:c/></a>`, "xmlns:s is missing"},
		{"emptied prefix", `<a xmlns:s=""/>`, "empty namespace"},
		{"attribute twice", `<a x="1" x="2"/>`, "attribute x is given twice"},
		{"attribute without quotes", `<a x=1/>`, "line 1, column"},
		{"two colons", `<a:b:c xmlns:a="u"/>`, "line 1"},
		{"name begins with a digit", `<1a/>`, "line 1"},
		{"control character", "<a>\x01</a>", "line 1"},
		{"forbidden reference", "<a>&#0;</a>", "line 1"},
		{"bad UTF-8", "<a>\xff</a>", "UTF-8"},
		{"late declaration", "<a/><?xml version='1.0'?>", "at the beginning only"},
		{"XML 1.1", "<?xml version='1.1'?><a/>", "version"},
		{"comment not closed", "<a><!-- ", "line 1"},
		{"JSON", `{"a": 1}`, "text outside"},
		{"HTML", "<p>a<br>b</p>", "</p> where </br> is expected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Parse(tt.xml, Limits{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "XML line ") {
				t.Errorf("got %v, %v; want %q", e, err, tt.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	for _, tt := range []struct {
		xml    string
		limits Limits
		want   string
	}{
		{nested(1000), Limits{}, ""}, {nested(1001), Limits{}, "deeper than 1000"}, {nested(3), Limits{Depth: 2}, "deeper than 2"},
		{"<a>123</a>", Limits{Bytes: 10}, ""}, {"<a>1234</a>", Limits{Bytes: 10}, "more than the limit of 10"},
		{`<a x=""><b/></a>`, Limits{Nodes: 3}, ""}, {`<a x=""><b/><c/></a>`, Limits{Nodes: 3}, "more than 3 elements"},
	} {
		_, err := Parse(tt.xml, tt.limits)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%.40s: %v, want %q", tt.xml, err, tt.want)
		}
	}
}

// A document that is built to be slow is not: pieces of text are joined once.
func TestManyPiecesOfText(t *testing.T) {
	e, err := Parse("<a>"+strings.Repeat("x<!---->", 200_000)+"</a>", Limits{})
	if err != nil || len(e.text()) != 200_000 || len(e.Children) != 1 {
		t.Errorf("%v, %d children", err, len(e.Children))
	}
}
