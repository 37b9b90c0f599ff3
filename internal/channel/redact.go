package channel

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"junctor/internal/content"
	"junctor/internal/fault"
)

// Redact names the values of a message that are not stored: of headers, of
// places in a JSON body, of fields of a form. The zero value names none.
type Redact struct {
	headers []string // canonical
	paths   [][]segment
	fields  []string
}

// formField begins the name of a form's field.
const formField = "form:"

// redact reads the names: X-Card, $.card.number, $.items[*].iban, form:iban.
func (p *parser) redact(names []string) (r Redact) {
	for i, name := range names {
		if err := r.add(name); err != nil {
			p.add(fmt.Sprintf("/redact/%d", i), "%s", err.Error())
		}
	}
	return r
}

func (r *Redact) add(name string) error {
	switch field, isField := strings.CutPrefix(name, formField); {
	case isField && field == "":
		return fmt.Errorf("write a form's field as %sNAME", formField)
	case isField:
		r.fields = append(r.fields, field)
	case strings.HasPrefix(name, "$"):
		path, err := parsePath(name[1:], true)
		if err != nil {
			return fmt.Errorf("%q is not a JSON path like $.card.number or $.items[*].iban: %w", name, err)
		}
		r.paths = append(r.paths, path)
	default:
		if err := content.CheckHeaderName(name); err != nil {
			return fmt.Errorf("%w; a JSON path begins with $, a form's field with %s", err, formField)
		}
		if strings.EqualFold(name, "Host") {
			return fmt.Errorf("the host is part of the URL, which is kept")
		}
		r.headers = append(r.headers, http.CanonicalHeaderKey(name))
	}
	return nil
}

// Any reports whether something is not stored.
func (r *Redact) Any() bool { return !r.none() }

func (r *Redact) none() bool { return len(r.headers)+len(r.paths)+len(r.fields) == 0 }

// header reports whether a header's values are not stored.
func (r *Redact) header(name string) bool {
	return slices.Contains(r.headers, http.CanonicalHeaderKey(name))
}

// covers reports whether what a source finds may be or contain what is redacted,
// or stand in it.
func (r *Redact) covers(s Source) bool {
	if s.header != "" {
		return r.header(s.header)
	}
	return len(s.path) > 0 && slices.ContainsFunc(r.paths, func(path []segment) bool {
		for i := range min(len(path), len(s.path)) {
			if path[i] != s.path[i] && (path[i].index != anyElement || s.path[i].index < 0) {
				return false
			}
		}
		return true
	})
}

// Redacted is the message as it is stored: the values that the channel's redact
// names are ***. Without such a setting it is the message itself. Errors:
// fault.Invalid for a body that would have to be searched and cannot be read.
func (m *Message) Redacted() (*Message, error) {
	r := &m.Channel.Redact
	if r.none() {
		return m, nil
	}
	kept := *m
	if len(r.headers) > 0 {
		request := *m.Request
		request.Header = m.Request.Header.Clone()
		for _, name := range r.headers {
			for i := range request.Header[name] {
				request.Header[name][i] = hidden
			}
		}
		kept.Request = &request
	}
	if len(m.Body) == 0 {
		return &kept, nil
	}
	var err error
	form := strings.HasPrefix(strings.ToLower(strings.TrimSpace(m.Request.Header.Get("Content-Type"))), "application/x-www-form-urlencoded")
	kind := m.Request.Header.Get("Content-Type")
	switch {
	case form && len(r.fields) > 0 && (foreignCharset(kind) || !utf8.Valid(m.Body) || bytes.HasPrefix(m.Body, []byte("\uFEFF"))):
		err = unreadable("a form in UTF-8")
	case form && len(r.fields) > 0 && len(r.paths) > 0 && json.Valid(m.Body): // a scenario may read it as JSON all the same
		kept.Body, err = r.json(m.Body, kind)
	case form && len(r.fields) > 0:
		kept.Body = r.form(m.Body)
	case len(r.paths) > 0:
		kept.Body, err = r.json(m.Body, kind)
	case len(r.fields) > 0:
		err = unreadable("a form (application/x-www-form-urlencoded)")
	}
	return &kept, err
}

// Find is what a source finds in the message as it came. A value that is not
// stored gives a digest, the same for the same value of this channel; the
// channel's token makes it one that nobody without it can guess.
func (m *Message) Find(s Source) string {
	value := s.Of(m.Request.Header, m.Body)
	if value == "" || !m.Channel.Redact.covers(s) {
		return value
	}
	return m.digest(value)
}

// Key is Find for an idempotency key: the value as it was sent, whatever its
// length and characters.
func (m *Message) Key(s Source) string {
	value := s.Find(m.Request.Header, m.Body)
	if value == "" || !m.Channel.Redact.covers(s) {
		return value
	}
	return m.digest(value)
}

func (m *Message) digest(value string) string {
	mac := hmac.New(sha256.New, []byte(m.Token))
	mac.Write([]byte(value))
	return "redacted:" + hex.EncodeToString(mac.Sum(nil))
}

// json replaces the values at the paths, and leaves everything else as it is
// written.
func (r *Redact) json(body []byte, contentType string) ([]byte, error) {
	if !utf8.Valid(body) || foreignCharset(contentType) || !json.Valid(body) {
		return nil, unreadable("JSON in UTF-8")
	}
	var spans []span
	for _, path := range r.paths {
		s := scanner{data: body}
		s.space()
		s.each(path, &spans)
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, s := range spans {
		if s.from < at { // inside one that is gone
			continue
		}
		out.Write(body[at:s.from])
		out.WriteString(`"` + hidden + `"`)
		at = s.to
	}
	out.Write(body[at:])
	return out.Bytes(), nil
}

func unreadable(wanted string) error {
	return fault.New(fault.Invalid, "The body is not %s. Parts of this channel's messages must not be stored, and they cannot be found in it; nothing was stored.", wanted)
}

// form replaces the values of the fields, in whatever spelling their names come.
func (r *Redact) form(body []byte) []byte {
	parts := strings.Split(string(body), "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		if read, err := url.QueryUnescape(name); err == nil && slices.Contains(r.fields, read) || slices.Contains(r.fields, name) {
			parts[i] = name + "=" + hidden
		}
	}
	return []byte(strings.Join(parts, "&"))
}

// span is a part of a text.
type span struct{ from, to int }

// each adds the values at the path, all those of a member that is given more
// than once, and moves behind the value that starts here.
func (s *scanner) each(path []segment, spans *[]span) {
	from := s.at
	switch {
	case len(path) == 0:
		s.skip()
		*spans = append(*spans, span{from, s.at})
		return
	case path[0].index == member && s.data[s.at] == '{':
		for s.open('}') {
			key := s.at
			s.skip()
			matches := same(s.data[key:s.at], path[0].name)
			s.space()
			s.at++ // the colon
			s.space()
			if matches {
				s.each(path[1:], spans)
			} else {
				s.skip()
			}
		}
	case path[0].index != member && s.data[s.at] == '[':
		for i := 0; s.open(']'); i++ {
			if path[0].index == anyElement || path[0].index == i {
				s.each(path[1:], spans)
			} else {
				s.skip()
			}
		}
	}
	s.at = from
	s.skip()
}
