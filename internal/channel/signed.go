package channel

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"junctor/internal/content"
)

// template is the text that a signature is made over: "{name}"
// stands for a part of the message, "{{" for a brace.
type template []part

// part is a literal text, or the name of a part of the message.
type part struct{ literal, name, header string }

var partNames = []string{"timestamp", "body", "method", "path", "query"}

// parseContent reads a template such as "v0:{timestamp}:{body}".
func parseContent(text string) (template, error) {
	var c template
	var literal strings.Builder
	for text != "" {
		before, rest, braced := strings.Cut(text, "{")
		literal.WriteString(before)
		switch text = rest; {
		case !braced:
			continue
		case strings.HasPrefix(rest, "{"):
			literal.WriteByte('{')
			text = rest[1:]
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		header, isHeader := strings.CutPrefix(name, "header:")
		switch {
		case isHeader && closed:
			if err := content.CheckHeaderName(header); err != nil {
				return nil, err
			}
			name = "header"
		case !closed || !slices.Contains(partNames, name):
			return nil, fmt.Errorf("{%s is no part of a message; possible are {timestamp}, {body}, {method}, {path}, {query} and {header:NAME}, and {{ for a brace", excerpt(rest))
		}
		if literal.Len() > 0 {
			c = append(c, part{literal: literal.String()})
			literal.Reset()
		}
		c, text = append(c, part{name: name, header: http.CanonicalHeaderKey(header)}), after
	}
	if literal.Len() > 0 {
		c = append(c, part{literal: literal.String()})
	}
	return c, nil
}

// framed finds a header beside another part without a text between them: nobody
// could tell where the one ends and the other begins.
func (c template) framed() error {
	for i, p := range c {
		if p.name == "header" && i+1 < len(c) && c[i+1].name != "" || p.name != "" && i+1 < len(c) && c[i+1].name == "header" {
			return errors.New("needs a text between a header and the part beside it, such as a dot: without one an old signature would hold for another message")
		}
	}
	return nil
}

// check demands the body, and the time exactly if messages have one: what is
// not signed can be changed by anyone.
func (c template) check(timed bool) error {
	has := func(name string) bool { return slices.ContainsFunc(c, func(p part) bool { return p.name == name }) }
	if err := c.framed(); err != nil {
		return err
	}
	switch {
	case !has("body"):
		return errors.New("needs {body}: a body that is not signed can be changed by anyone")
	case timed && !has("timestamp"):
		return errors.New("needs {timestamp}: a time that is not signed can be changed by anyone")
	case !timed && has("timestamp"):
		return errors.New("has {timestamp}, which needs timestamp_header, the header that has the message's time")
	}
	return nil
}

func excerpt(text string) string {
	const enough = 30
	if i := strings.IndexByte(text, '}'); i >= 0 {
		text = text[:i+1]
	}
	return text[:min(len(text), enough)]
}

// present checks that the headers in the template were sent, once each, and do not
// have in them what ends them: "n1" and "n1.a" with ".a" taken off the body would
// be the same text.
func (c template) present(r *http.Request) error {
	for i, p := range c {
		if p.name != "header" {
			continue
		}
		value, err := p.sent(r)
		if err != nil {
			return err
		}
		for _, beside := range []int{i - 1, i + 1} {
			if beside >= 0 && beside < len(c) && strings.Contains(value, c[beside].literal) {
				return fmt.Errorf("the header %s has in it what stands beside it in the text that is signed", p.header)
			}
		}
	}
	return nil
}

// sent is the header's value; net/http has the one of Host elsewhere.
func (p part) sent(r *http.Request) (string, error) {
	if p.header == "Host" {
		return r.Host, nil
	}
	return single(r.Header, p.header)
}

// write makes the text of a message, whose headers are present.
func (c template) write(to io.Writer, r *http.Request, stamp string, body []byte) {
	for _, p := range c {
		switch p.name {
		case "body":
			to.Write(body) //nolint:errcheck // a hash or a buffer
			continue
		case "timestamp":
			p.literal = stamp
		case "method":
			p.literal = r.Method
		case "path":
			p.literal = r.URL.EscapedPath()
		case "query":
			p.literal = r.URL.RawQuery
		case "header":
			p.literal, _ = p.sent(r) // has been found present
		}
		io.WriteString(to, p.literal) //nolint:errcheck // as above
	}
}
