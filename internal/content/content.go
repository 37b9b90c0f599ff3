// Package content is what HTTP messages carry: whether a body may come in, which
// text it is, and what a scenario's output is answered as, in the form that the
// caller wants.
//
// It must not know by which door a message came.
package content

import (
	"bytes"
	"cmp"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"junctor/internal/fault"
	"junctor/internal/format/charset"
	"junctor/internal/format/multipart"
	"junctor/internal/format/xml"
)

// DeepestJSON is how many arrays and objects may stand within each other.
const DeepestJSON = 1000

// Check looks at a message's content as its Content-Type declares it,
// before anything is stored: whether text is in the encoding that it is said to
// be in, and whether its structure is one that can be read within limits. It
// makes one pass and builds nothing. A content of any other type, and what is
// not well-formed otherwise, is the scenario's business.
//
// Errors: fault.Invalid, which names the limit and the place; fault.Unsupported
// for a charset that nobody knows.
func Check(contentType string, body []byte) error {
	if contentType == "" || len(body) == 0 {
		return nil
	}
	switch kind := kindOf(contentType); kind {
	case kindJSON:
		text, err := checkedText(cmp.Or(Charset(contentType), "utf-8"), body)
		if err != nil {
			return err
		}
		if at := TooDeep(text); at >= 0 {
			return fault.New(fault.Invalid, "The JSON is nested deeper than %d levels, at offset %d.", DeepestJSON, at)
		}
	case kindXML:
		text, err := checkedXML(contentType, body)
		if err != nil {
			return err
		}
		if err := xml.Check(text); err != nil {
			return fault.New(fault.Invalid, "The XML cannot be taken: %s.", strings.TrimPrefix(err.Error(), "XML "))
		}
	case kindText:
		_, err := checkedText(Charset(contentType), body)
		return err
	case kindMultipart:
		if err := multipart.Check(contentType, body); err != nil {
			return fault.New(fault.Invalid, "The multipart body cannot be taken: %s.", err)
		}
	}
	return nil
}

type contentKind int

const (
	kindOther contentKind = iota
	kindJSON
	kindXML
	kindText // forms, CSV and all that is text/
	kindMultipart
)

// kindOf reads the type of a Content-Type; its parameters may be broken.
func kindOf(contentType string) contentKind {
	name, _, _ := strings.Cut(contentType, ";")
	if name = strings.TrimSpace(name); name == "application/json" {
		return kindJSON
	}
	name = strings.ToLower(name)
	switch {
	case name == "application/json", name == "text/json", strings.HasSuffix(name, "+json"):
		return kindJSON
	case name == "application/xml", name == "text/xml", strings.HasSuffix(name, "+xml"):
		return kindXML
	case name == "application/x-www-form-urlencoded", name == "application/csv", strings.HasPrefix(name, "text/"):
		return kindText
	case strings.HasPrefix(name, "multipart/"):
		return kindMultipart
	}
	return kindOther
}

// Charset is the charset that a Content-Type names, in lower case, "" when it
// names none or cannot be read.
func Charset(contentType string) string {
	if !strings.Contains(contentType, "=") {
		return ""
	}
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return laxCharset(contentType)
	}
	return strings.ToLower(strings.TrimSpace(parameters["charset"]))
}

// laxCharset reads what ParseMediaType does not, such as "a/b; charset=utf-8; x".
func laxCharset(contentType string) string {
	for part := range strings.SplitSeq(contentType, ";") {
		name, value, ok := strings.Cut(part, "=")
		if ok && strings.EqualFold(strings.TrimSpace(name), "charset") {
			return strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return ""
}

// checkedXML is checkedText of a document, whose byte order mark counts more
// than the Content-Type. What only the document says of itself is not checked.
func checkedXML(contentType string, body []byte) ([]byte, error) {
	declared := Charset(contentType)
	label := xml.EncodingOf(body, declared)
	switch {
	case declared != "":
		return checkedText(label, body)
	case strings.HasPrefix(label, "utf-16"):
		return transcoded(label, body), nil
	}
	return body, nil
}

// checkedText is the body's text, or the body itself where that has ASCII as it
// is: enough to look at its structure. Only UTF-8 and UTF-16 are checked to the
// last byte; in code pages nearly every byte stands for something.
func checkedText(label string, body []byte) ([]byte, error) {
	switch label {
	case "", "us-ascii":
		return body, nil
	case "utf-8", "utf8":
		if utf8.Valid(body) {
			return body, nil
		}
	}
	if known, err := charset.Find(label); err == nil {
		if !strings.HasPrefix(known.Name(), "utf-") {
			return body, nil
		}
		text, err := known.Decode(body, charset.Options{})
		if err != nil {
			return nil, fault.New(fault.Invalid, "The body cannot be read as the %s that its type says: %s.",
				strings.ToUpper(known.Name()), strings.TrimPrefix(err.Error(), "decode "+known.Name()+": "))
		}
		return []byte(text), nil
	}
	if foreign(label) == nil {
		const longest = 40
		return nil, fault.New(fault.Unsupported, "The charset %q of the Content-Type is not known; send UTF-8.", label[:min(len(label), longest)])
	}
	return transcoded(label, body), nil
}

// foreign is an encoding that browsers know and the module's `encoding` does
// not offer, such as shift_jis; nil when it is none.
func foreign(label string) encoding.Encoding {
	e, err := htmlindex.Get(label)
	if err != nil {
		return nil
	}
	if name, err := htmlindex.Name(e); err != nil || name == "replacement" {
		return nil
	}
	return e
}

// transcoded is a body in UTF-8, with U+FFFD for what stands for nothing.
func transcoded(label string, body []byte) []byte {
	if known, err := charset.Find(label); err == nil {
		if text, err := known.Decode(body, charset.Options{Replace: true}); err == nil {
			return []byte(text)
		}
	}
	if e := foreign(label); e != nil {
		if text, err := e.NewDecoder().Bytes(body); err == nil {
			return text
		}
	}
	return body
}

// Text is a message's content as text, by the charset of its Content-Type:
// UTF-8 when that names none, or one that nobody knows. XML is read by its byte
// order mark and its declaration too, see xml.EncodingOf. A byte order mark is
// none of the text; U+FFFD stands for what cannot be read.
func Text(contentType string, body []byte) string {
	label := Charset(contentType)
	if kindOf(contentType) == kindXML {
		label = xml.EncodingOf(body, label)
	}
	if label == "" || label == "us-ascii" && utf8.Valid(body) || !knownCharset(label) {
		label = "utf-8"
	}
	return strings.ToValidUTF8(string(bytes.TrimPrefix(transcoded(label, body), []byte("\uFEFF"))), "\uFFFD")
}

func knownCharset(label string) bool {
	_, err := charset.Find(label)
	return err == nil || foreign(label) != nil
}

// TooDeep is the offset of the bracket that opens a level too many in a JSON
// text, -1 when there is none. Where the text is no JSON the answer is of no
// importance: its reader stops there too.
func TooDeep(text []byte) int {
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= DeepestJSON {
		return -1 // most are like this
	}
	depth := 0
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '[', '{':
			if depth++; depth > DeepestJSON {
				return at
			}
		case ']', '}':
			depth--
		case '"':
			for at++; at < len(text) && text[at] != '"'; at++ {
				if text[at] == '\\' {
					at++
				}
			}
		}
	}
	return -1
}
