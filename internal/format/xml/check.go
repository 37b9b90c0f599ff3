package xml

import "bytes"

// Check finds what is refused in a document whatever else it is, in one pass
// that builds nothing: document types and entities, more levels and more
// attributes than the default limits. The text is UTF-8, or in any encoding
// that has ASCII as it is. Its error is an *Error.
//
// A document that is not well-formed passes; Parse has the last word.
func Check(text []byte) error {
	limits := Limits{}.normal()
	if bytes.Count(text, []byte("<")) <= limits.Depth && bytes.Count(text, []byte("=")) <= limits.Attrs && !bytes.Contains(text, []byte("<!")) {
		return nil // most are like this
	}
	depth := 0
	for at := 0; ; {
		open := bytes.IndexByte(text[at:], '<')
		if open < 0 {
			return nil
		}
		at += open
		rest := text[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			at = after(text, at+len("<!--"), "-->")
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			at = after(text, at, "]]>")
		case bytes.HasPrefix(rest, []byte("<!")):
			return failAt(string(text), at, errDocumentType)
		case bytes.HasPrefix(rest, []byte("<?")):
			at = after(text, at, "?>")
		case bytes.HasPrefix(rest, []byte("</")):
			depth--
			at = after(text, at, ">")
		default:
			end, attributes := tag(text, at)
			if attributes > limits.Attrs {
				return failAt(string(text), at, "more than %d attributes on an element", limits.Attrs)
			}
			if !bytes.HasSuffix(text[at:end], []byte("/>")) {
				depth++
			}
			if depth > limits.Depth {
				return failAt(string(text), at, "elements nested deeper than %d", limits.Depth)
			}
			at = end
		}
	}
}

const errDocumentType = "a document type (<!DOCTYPE ...>) is not accepted"

// after is where the text goes on behind the next end, its length when there
// is none.
func after(text []byte, at int, end string) int {
	found := bytes.Index(text[at:], []byte(end))
	if found < 0 {
		return len(text)
	}
	return at + found + len(end)
}

// tag finds the end of the tag that begins at at, and counts its attributes.
func tag(text []byte, at int) (end, attributes int) {
	for at++; at < len(text); at++ {
		switch c := text[at]; c {
		case '>':
			return at + 1, attributes
		case '=':
			attributes++
		case '"', '\'':
			quote := bytes.IndexByte(text[at+1:], c)
			if quote < 0 {
				return len(text), attributes
			}
			at += 1 + quote
		}
	}
	return len(text), attributes
}
