package xml

import (
	"bytes"
	"regexp"
)

// declaration finds the encoding in an XML declaration.
var declaration = regexp.MustCompile(`^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// EncodingOf is the label of a document's encoding: by its byte order mark, else
// declared, what the Content-Type says ("" for nothing), else by the XML
// declaration, else UTF-8 (RFC 7303, section 3).
func EncodingOf(data []byte, declared string) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		return "utf-8"
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return "utf-16le"
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return "utf-16be"
	case declared != "":
		return declared
	case bytes.HasPrefix(data, []byte("<\x00")):
		return "utf-16le"
	case bytes.HasPrefix(data, []byte("\x00<")):
		return "utf-16be"
	}
	if m := declaration.FindSubmatch(data[:min(len(data), 1024)]); m != nil {
		return string(m[1])
	}
	return "utf-8"
}

// Redeclare is the text with another encoding in its XML declaration, if it has
// one that names any.
func Redeclare(text, encoding string) string {
	m := declaration.FindStringSubmatchIndex(text[:min(len(text), 1024)])
	if m == nil {
		return text
	}
	return text[:m[2]] + encoding + text[m[3]:]
}
