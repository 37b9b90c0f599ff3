package content

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"junctor/internal/format/charset"
	"junctor/internal/format/xml"
)

// Answer is what the caller of an awaited channel or a function gets (O6).
type Answer struct {
	Status int
	Header http.Header // with Content-Type, when there is content
	Body   []byte
	Data   bool // Body is JSON that may be written in the form that the caller wants: see Negotiate
	Bytes  bool // Body was given as bytes, not as text
}

// output is a scenario's output as the module "junctor" writes it.
type output struct {
	Status  int                        `json:"status"`
	Headers map[string]json.RawMessage `json:"headers"`
	JSON    json.RawMessage            `json:"json"`
	Text    *string                    `json:"text"`
	Base64  *string                    `json:"base64"`
	Raw     bool                       `json:"raw"` // content without a type of its own
	XML     bool                       `json:"xml"`
	Value   json.RawMessage            `json:"value"` // plain data
}

// The types of content that has none.
const (
	typeRaw  = "application/octet-stream"
	typeJSON = "application/json"
	typeText = "text/plain; charset=utf-8"
	typeXML  = "application/xml; charset=utf-8"
)

// DecodeAnswer makes the answer of a run's output. No output is an empty 200.
func DecodeAnswer(run []byte) (Answer, error) {
	a := Answer{Status: http.StatusOK, Header: http.Header{}}
	if len(run) == 0 {
		return a, nil
	}
	if status, body, ok := plain(run); ok {
		a.Status, a.Body, a.Data = status, body, true
		a.Header.Set("Content-Type", typeJSON)
		return a, nil
	}
	var o output
	if err := json.Unmarshal(run, &o); err != nil {
		return a, fmt.Errorf("read the run's output: %w", err)
	}
	if o.Status != 0 {
		a.Status = o.Status
	}
	for name, raw := range o.Headers {
		if err := a.addHeader(name, raw); err != nil {
			return a, err
		}
	}
	standard, written := "", a.Header.Get("Content-Type")
	switch {
	case o.Value != nil:
		a.Body, standard, a.Data = o.Value, typeJSON, true
	case o.JSON != nil:
		a.Body, standard, a.Data = o.JSON, typeJSON, written == ""
	case o.Text != nil:
		a.Body, standard = []byte(*o.Text), typeText
		if o.XML {
			standard = typeXML
		}
	case o.Base64 != nil:
		body, err := base64.StdEncoding.DecodeString(*o.Base64)
		if err != nil {
			return a, fmt.Errorf("read the run's output: %w", err)
		}
		a.Body, a.Bytes = body, true
	}
	if o.Raw {
		standard = typeRaw
	}
	switch {
	case written == "" && standard != "":
		a.Header.Set("Content-Type", standard)
	case o.Base64 == nil:
		a.encode(written)
	}
	return a, nil
}

// encode writes the text of an answer in the charset that its Content-Type
// names. A character that the charset does not have becomes \uXXXX in JSON, a
// numeric reference in XML and HTML, and otherwise a question mark. A charset
// that is not offered is replaced by UTF-8, in the Content-Type too.
func (a *Answer) encode(contentType string) {
	label := Charset(contentType)
	if label == "" || label == "utf-8" || label == "utf8" || len(a.Body) == 0 {
		return
	}
	known, err := charset.Find(label)
	if err != nil {
		a.Header.Set("Content-Type", withCharset(contentType, "utf-8"))
		return
	}
	text, o := string(a.Body), charset.Options{Replace: true}
	name, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch kind := kindOf(contentType); {
	case kind == kindJSON:
		o.Escape = escapeJSON
	case kind == kindXML:
		text, o.Escape = xml.Redeclare(text, known.Name()), escapeXML
	case strings.TrimSpace(name) == "text/html":
		o.Escape = escapeXML
	}
	if body, err := known.Encode(text, o); err == nil { // nothing fails that is replaced
		a.Body = body
	}
}

func escapeJSON(r rune) string {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

func escapeXML(r rune) string { return fmt.Sprintf("&#%d;", r) }

// withCharset is a Content-Type with another charset.
func withCharset(contentType, label string) string {
	name, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return contentType
	}
	parameters["charset"] = label
	return cmp.Or(mime.FormatMediaType(name, parameters), contentType)
}

// plain recognises, without decoding it, the commonest output: a status and
// JSON, as the module writes it.
func plain(run []byte) (status int, body []byte, ok bool) {
	const begin, middle, digits = `{"status":`, `,"headers":{},"json":`, 3
	rest, ok := bytes.CutPrefix(run, []byte(begin))
	if !ok || len(rest) < digits {
		return 0, nil, false
	}
	for _, d := range rest[:digits] {
		if d < '0' || d > '9' {
			return 0, nil, false
		}
		status = status*10 + int(d-'0')
	}
	body, ok = bytes.CutPrefix(rest[digits:], []byte(middle))
	if !ok || len(body) < 2 || body[len(body)-1] != '}' {
		return 0, nil, false
	}
	body = body[:len(body)-1]
	return status, body, json.Valid(body)
}

// ownHeaders belong to the connection and not to an answer.
var ownHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Keep-Alive": true, "Upgrade": true,
	"Trailer": true, "Te": true, "Proxy-Connection": true, "Junctor-Run": true, "Junctor-Duplicate": true,
}

func (a *Answer) addHeader(name string, raw json.RawMessage) error {
	name = http.CanonicalHeaderKey(name)
	if CheckHeaderName(name) != nil || ownHeaders[name] {
		return nil // what cannot be sent is left out: the answer itself is worth more
	}
	var values []string
	if bytes.HasPrefix(raw, []byte("[")) {
		if err := json.Unmarshal(raw, &values); err != nil {
			return fmt.Errorf("read the answer's header %s: %w", name, err)
		}
	} else {
		var value string
		if err := json.Unmarshal(raw, &value); err != nil {
			return fmt.Errorf("read the answer's header %s: %w", name, err)
		}
		values = []string{value}
	}
	for _, v := range values {
		a.Header.Add(name, strings.Map(headerRune, v))
	}
	return nil
}

// headerRune keeps a value on its line.
func headerRune(r rune) rune {
	if r < ' ' && r != '\t' || r == 0x7f {
		return ' '
	}
	return r
}

// CheckHeaderName holds a name against RFC 9110's token.
func CheckHeaderName(name string) error {
	const marks = "!#$%&'*+-.^_`|~"
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(marks, r) {
			return fmt.Errorf("%q is not a header's name", name)
		}
	}
	if name == "" {
		return errors.New("a header's name must not be empty")
	}
	return nil
}
