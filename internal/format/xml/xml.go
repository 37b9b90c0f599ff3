// Package xml reads XML into plain JSON-able values and writes such values as
// XML.
//
// # The mapping
//
// An element becomes what an integration engineer would write by hand:
//
//		<order id="7">                    {"order": {
//		  <note/>                            "@id": "7",
//		  <item n="1">pen</item>             "note": "",
//		  <item n="2">ink</item>             "item": [{"@n": "1", "#text": "pen"}, {"@n": "2", "#text": "ink"}],
//		  <sum cur="CZK">5</sum>             "sum": {"@cur": "CZK", "#text": "5"},
//		  <by>Eva</by>                       "by": "Eva"
//		</order>                          }}
//
//	  - The result has one member, the root element.
//	  - An element with neither attributes nor child elements is its text, "" when
//	    it is empty. Text is never turned into numbers or booleans.
//	  - Any other element is an object: attributes as "@name", in their order, then
//	    the child elements by name in the order of their first appearance, then
//	    its text, if any, as "#text".
//	  - A name that appears more than once becomes an array at its first place,
//	    also when other elements stand between. ReadOptions.Array names elements
//	    that are arrays even when they appear once.
//	  - Text in an element with child elements is dropped when it is white space
//	    only (indentation); otherwise all its pieces are joined in "#text".
//	  - Names keep their prefix ("soap:Body"), and declarations are attributes
//	    ("@xmlns:soap"). ReadOptions.StripPrefixes drops both from elements.
//	  - Comments and processing instructions are dropped; CDATA is text.
//
// Writing is the reverse: members become attributes, text and elements in their
// order, arrays repeat the element, an empty array writes nothing, null writes
// an empty element (an absent attribute), numbers and booleans their JSON text.
// Reading what was written from a read value gives that value again. What this
// form cannot hold, the order between differently named children and the places
// of text between elements, the ordered form holds:
//
//	{"name": "p", "attributes": {"id": "1"}, "children": ["Hello ", {"name": "b", "attributes": {}, "children": ["you"]}]}
//
// # What is refused
//
// Document types (DTD), entities other than the five of XML and character
// references, undeclared prefixes, attributes given twice, more than one root,
// XML 1.1, and everything else that is not well-formed; nesting deeper, texts
// longer and documents with more elements and attributes than the limits.
// Check finds the worst of it without reading the document.
// Errors name line and column, both from 1, in characters.
//
// It is a leaf: it knows nothing of Junctor. Text is UTF-8 here; package charset
// converts before and after.
package xml

import (
	"slices"
	"strings"
)

// Element is an element as it stands in the document.
type Element struct {
	Name     string // with its prefix
	Attr     []Attr // declarations of namespaces included
	Children []Node
}

// Attr is an attribute.
type Attr struct{ Name, Value string }

// Node is a child: an element, or text when Element is nil.
type Node struct {
	Element *Element
	Text    string
}

// Limits bound what is read and written. Zero members have their default.
type Limits struct {
	Depth int // elements within each other: 1,000
	Attrs int // of one element: 1,000
	Bytes int // of the text: 16 MiB
	Nodes int // elements and attributes together: 1,000,000
}

func (l Limits) normal() Limits {
	if l.Depth == 0 {
		l.Depth = 1000
	}
	if l.Attrs == 0 {
		l.Attrs = 1000
	}
	if l.Bytes == 0 {
		l.Bytes = 16 << 20
	}
	if l.Nodes == 0 {
		l.Nodes = 1_000_000
	}
	return l
}

// text joins the element's own text.
func (e *Element) text() string {
	if len(e.Children) == 1 {
		return e.Children[0].Text
	}
	var b strings.Builder
	for _, c := range e.Children {
		b.WriteString(c.Text)
	}
	return b.String()
}

// hasText reports whether text stands directly in the element.
func (e *Element) hasText() bool {
	return slices.ContainsFunc(e.Children, func(n Node) bool { return n.Text != "" })
}

// hasElements reports whether there is a child element.
func (e *Element) hasElements() bool {
	return slices.ContainsFunc(e.Children, func(n Node) bool { return n.Element != nil })
}
