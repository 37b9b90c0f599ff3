package channel

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"junctor/internal/content"
)

// Source is where a message's subject or ordering key stands: a header, or a
// place in its JSON body. The zero value finds nothing.
type Source struct {
	text   string
	header string
	also   string // a second header, whose value belongs to that of the first
	path   []segment
}

// segment is one step down: into a member, or an element when name is unset.
type segment struct {
	name  string
	index int // of an element, or one of these
}

const (
	member     = -1
	anyElement = -2 // [*], where it is possible
)

// longestValue is how long a found value is kept as it is; a longer one is
// replaced by its digest, which still tells keys apart.
const longestValue = 512

// ParseSource reads a header's name (X-Order) or a JSON path ($.order.lines[0].id,
// $["odd name"]).
func ParseSource(text string) (Source, error) {
	if !strings.HasPrefix(text, "$") {
		if err := content.CheckHeaderName(text); err != nil {
			return Source{}, fmt.Errorf("%w; a JSON path begins with $", err)
		}
		return Source{text: text, header: http.CanonicalHeaderKey(text)}, nil
	}
	path, err := parsePath(text[1:], false)
	if err == nil && len(path) == 0 {
		err = errors.New("it names the whole body")
	}
	if err != nil {
		return Source{}, fmt.Errorf("%q is not a JSON path like $.order.lines[0].id: %w", text, err)
	}
	return Source{text: text, path: path}, nil
}

// String is the text the source was made of, "" for the zero value.
func (s Source) String() string { return s.text }

// Of finds the value in a message: texts as they are, numbers and booleans as
// they are written. Anything else, an absent place and a body that is not JSON
// give "". Where a member is given twice the last one counts, as in JSON.parse.
// The body is in the charset that its Content-Type names.
func (s Source) Of(h http.Header, body []byte) string { return tidy(s.Find(h, body)) }

// Find is Of for a value as it was sent, whatever its length and characters.
func (s Source) Find(h http.Header, body []byte) string {
	switch {
	case s.header != "":
		value := h.Get(s.header)
		if s.also != "" && value != "" {
			value += " " + h.Get(s.also)
		}
		return value
	case len(s.path) == 0:
		return ""
	}
	if kind := h.Get("Content-Type"); foreignCharset(kind) {
		body = []byte(content.Text(kind, body))
	}
	if body = bytes.TrimPrefix(body, []byte("\uFEFF")); !json.Valid(body) {
		return ""
	}
	v := scanner{data: body}.find(s.path)
	switch {
	case len(v) == 0 || v[0] == '{' || v[0] == '[' || v[0] == 'n':
		return ""
	case v[0] != '"':
		return string(v)
	}
	return unquote(v)
}

// tidy makes a value that every database takes as a key.
func tidy(value string) string {
	value = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "\x00", "\uFFFD"))
	if len(value) <= longestValue {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// parsePath reads the steps of a path; wild lets [*] be one.
func parsePath(rest string, wild bool) ([]segment, error) {
	var path []segment
	for rest != "" {
		var s segment
		var err error
		switch {
		case wild && strings.HasPrefix(rest, "[*]"):
			s, rest = segment{index: anyElement}, rest[3:]
		case strings.HasPrefix(rest, `["`):
			s, rest, err = quotedSegment(rest)
		case rest[0] == '[':
			s, rest, err = indexSegment(rest)
		case rest[0] == '.':
			s, rest, err = nameSegment(rest)
		default:
			err = fmt.Errorf("a . or [ is expected before %q", rest)
		}
		if err != nil {
			return nil, err
		}
		path = append(path, s)
	}
	return path, nil
}

func nameSegment(rest string) (segment, string, error) {
	end := strings.IndexAny(rest[1:], ".[") + 1
	if end == 0 {
		end = len(rest)
	}
	name := rest[1:end]
	if name == "" || strings.ContainsAny(name, "*?@$]\"' ") {
		return segment{}, "", fmt.Errorf("%q is not a member's name; [*] stands for all elements where that is possible, and odd names go as [\"name\"]", name)
	}
	return segment{name: name, index: member}, rest[end:], nil
}

func indexSegment(rest string) (segment, string, error) {
	digits, after, closed := strings.Cut(rest[1:], "]")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !closed || err != nil {
		return segment{}, "", fmt.Errorf("[%s] is not an index counted from 0", digits)
	}
	return segment{index: int(n)}, after, nil
}

func quotedSegment(rest string) (segment, string, error) {
	name, err := strconv.QuotedPrefix(rest[1:])
	after := strings.TrimPrefix(rest[1:], name)
	if err != nil || !strings.HasPrefix(after, "]") {
		return segment{}, "", errors.New(`a name in brackets ends with "]`)
	}
	return segment{name: unquote([]byte(name)), index: member}, after[1:], nil
}

func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if !strings.ContainsRune(string(inner), '\\') {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return string(inner)
	}
	return s
}

// header is the source that is a header; name is in its canonical form.
func header(name string) Source { return Source{text: name, header: http.CanonicalHeaderKey(name)} }
