package host

import "testing"

func TestXML(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`xml.parse('<order id="7"><note/><item n="1">pen</item><item n="2">ink</item><by>Eva</by></order>')`,
			`{"order":{"@id":"7","note":"","item":[{"@n":"1","#text":"pen"},{"@n":"2","#text":"ink"}],"by":"Eva"}}`},
		{`xml.parse("<a><b/></a>", { array: ["b"] }).a.b.length`, `1`},
		{`xml.parse('<s:a xmlns:s="u"><s:b> x </s:b></s:a>', { prefixes: false, trim: true })`, `{"a":{"b":"x"}}`},
		{`xml.parse("<p>a<b>c</b>d</p>", { ordered: true }).children.map((c) => c.name ?? c)`, `["a","b","d"]`},
		{`xml.parse(bytes('<?xml version="1.0" encoding="windows-1250"?><a>\x9elu\x9d</a>'))`, `{"a":"žluť"}`},
		{`xml.parse(bytes('\xff\xfe<\0a\0>\0\x7e\x01<\0/\0a\0>\0'))`, `{"a":"ž"}`},
		{`xml.parse(bytes('<\0a\0/\0>\0'))`, `{"a":""}`},
		{`xml.parse(bytes('\0<\0a\0/\0>'))`, `{"a":""}`},
		{`xml.parse(bytes('\xef\xbb\xbf<?xml version="1.0" encoding="iso-8859-2"?><a>\xc5\xbe</a>'))`, `{"a":"ž"}`},
		{`xml.parse('<?xml version="1.0" encoding="windows-1250"?><a>ž</a>')`, `{"a":"ž"}`},
		{`xml.stringify({ order: { "@id": 7, z: [1, true, null, "<"], a: decimal("1.50"), at: new Date(0), none: undefined } })`,
			`"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<order id=\"7\"><z>1</z><z>true</z><z/><z>&lt;</z><a>1.50</a><at>1970-01-01T00:00:00.000Z</at></order>"`},
		{`xml.stringify({ a: { b: "" } }, { declaration: false, indent: 2 })`, `"<a>\n  <b/>\n</a>\n"`},
		{`xml.stringify({ a: { b: "" } }, { declaration: false, indent: true }) === xml.stringify({ a: { b: "" } }, { declaration: false, indent: "  " })`, `true`},
		{`xml.stringify({ name: "a", children: ["x"] }, { declaration: false, ordered: true })`, `"<a>x</a>"`},
		{`Array.from(xml.encode({ a: "ž" }, { declaration: false, encoding: "windows-1250" }))`, `[60,97,62,158,60,47,97,62]`},
		{`xml.parse(xml.encode({ a: "žluť" }, { encoding: "utf-16le" }))`, `{"a":"žluť"}`},
	})
}

func TestXMLErrors(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`xml.parse("<a>\n<b></a>")`, `!XmlError: xml.parse: XML line 2, column 4: </a> where </b> is expected`},
		{`xml.parse('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>')`, `!XmlError: xml.parse: XML line 1, column 1: a document type`},
		{`xml.parse("<a>".repeat(1100))`, `!XmlError: xml.parse: XML line 1, column 3001: elements nested deeper than 1000`},
		{`xml.parse(bytes('<?xml version="1.0" encoding="ebcdic"?><a/>'))`, `!XmlError: xml.parse: encoding "ebcdic" is not known`},
		{`xml.parse(bytes('<a>\xff</a>'))`, `!XmlError: xml.parse: decode utf-8: byte 0xFF`},
		{`xml.parse(undefined)`, `!TypeError: xml.parse: a text or a Uint8Array is expected, not undefined`},
		{`xml.parse("<a/>", { arrays: ["b"] })`, `!TypeError: xml.parse: unknown option "arrays"; known are array`},
		{`xml.parse("<a/>", { array: "b" })`, `!XmlError: xml.parse: the options are array: a list of names`},
		{`xml.parse("<a/>", 1)`, `!TypeError: xml.parse: the options must be an object`},
		{`xml.stringify("<a/>")`, `!TypeError: xml.stringify: an object is expected, as in {order: {...}}, not string`},
		{`xml.stringify({ a: 1, b: 2 })`, `!XmlError: xml.stringify: one member is expected, the root element`},
		{`xml.stringify({ a: { "b c": 1 } })`, `!XmlError: xml.stringify: /a/b c: "b c" is not a name`},
		{`xml.stringify({ a: { b: new Uint8Array(2) } })`, `!XmlError: xml.stringify: /a/b/0: "0" is not a name`},
		{`xml.stringify({ a: 1 }, { indent: 99 })`, `!XmlError: xml.stringify: the option indent is at most 16`},
		{`xml.stringify({ a: 1 }, { indent: "<b/>" })`, `!XmlError: xml.stringify: the option indent is at most 16`},
		{`xml.encode({ a: "α" }, { encoding: "windows-1250" })`, `!XmlError: xml.encode: encode windows-1250: character`},
		{`xml.encode({ a: 1 }, { encoding: "none" })`, `!XmlError: xml.encode: encoding "none" is not known`},
		{`(() => { const a = {}; a.a = a; return xml.stringify({ a }); })()`, `!TypeError`},
	})
}
