package xml

import (
	"strings"
	"testing"
)

func BenchmarkParseToJSON(b *testing.B) {
	text := "<orders>" + strings.Repeat(`<order id="7" currency="CZK"><number>S-1001</number><item code="A"><price>10.50</price><count>2</count></item><note>příliš &amp; žluťoučký</note></order>`, 500) + "</orders>"
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := Parse(text, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		e.JSON(ReadOptions{})
	}
}
