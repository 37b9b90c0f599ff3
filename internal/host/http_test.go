package host

import (
	"strings"
	"testing"
	"unicode/utf8"

	"junctor/internal/format/charset"
)

// What leaves in a charset is what the text was, and no Content-Type makes the
// way stumble.
func FuzzEncoded(f *testing.F) {
	f.Add("žluť", "text/plain; charset=windows-1250")
	f.Add("a", `text/xml;charset="utf-16"`)
	f.Add("€", "application/json; charset=iso-8859-2")
	f.Add("x", "text/plain; charset")
	f.Fuzz(func(t *testing.T, text, contentType string) {
		data, err := encoded(text, contentType)
		if err != nil || !utf8.ValidString(text) || strings.HasPrefix(text, "\uFEFF") { // a mark is none of the text
			return
		}
		if isText(data, contentType) {
			if foreignCharset(contentType) == "" && string(data) != text {
				t.Errorf("%q as %q left as %q", text, contentType, data)
			}
			return
		}
		encoding, err := charset.Find(foreignCharset(contentType))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := encoding.Decode(data, charset.Options{}); err != nil || back != text {
			t.Errorf("%q as %q comes back as %q: %v", text, contentType, back, err)
		}
	})
}
