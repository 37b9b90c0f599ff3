package channel

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"junctor/internal/content"
)

// Message is a request on its way to becoming a run's input (O7).
type Message struct {
	Channel       *Config
	Request       *http.Request
	Token         string // blanked wherever the request repeats it; a proxy may, in headers of its own
	Path          string // below the token: "" or "/some/path"
	Body          []byte // decompressed
	RemoteAddress string // without port; the client's behind trusted proxies
	BaseURL       string // scheme://host, as the sender sees it
	Mode          string // test or production
	HideAuth      bool   // the Authorization header proved who the sender is: it is not kept

	ClientCertificate *ClientCertificate // nil: the connection's, if it has one

	Connection string // the websocket that the message came on; "": it is a request
	Binary     bool   // a websocket's message of bytes
}

// tokenBase is where the token endpoints are; the token itself is blanked in
// what a run keeps, it is a credential.
const tokenBase = "/api/token/v1/***"

const hidden = "***"

// Source describes the message as one JSON object: channel, method, url, path,
// query, headers (names in lower case, sorted, one pair per value),
// remote_address, protocol, mode, client_certificate when the client has shown
// one, and binary when the body is not UTF-8.
func (m *Message) Source() []byte {
	if m.Connection != "" {
		return m.socketSource()
	}
	r := m.Request
	b := make([]byte, 0, 512)
	b = append(b, '{')
	b = m.appendChannel(b)
	b = append(b, `,"method":`...)
	b = appendText(b, r.Method)
	b = append(b, `,"url":`...)
	b = appendText(b, m.url())
	b = append(b, `,"path":`...)
	b = appendText(b, m.blank(m.Path))
	b = append(b, `,"query":`...)
	b = m.appendQuery(b)
	b = append(b, `,"headers":`...)
	b = m.appendHeaders(b)
	b = append(b, `,"remote_address":`...)
	b = appendText(b, m.RemoteAddress)
	b = append(b, `,"protocol":`...)
	b = appendText(b, r.Proto)
	b = append(b, `,"mode":`...)
	b = appendText(b, m.Mode)
	b = m.appendCertificate(b)
	if !utf8.Valid(m.Body) || foreignCharset(r.Header.Get("Content-Type")) {
		b = append(b, `,"binary":true`...) // at the end: the reader looks for it there
	}
	return append(b, '}')
}

func (m *Message) appendChannel(b []byte) []byte {
	b = append(b, `"channel":{"code":`...)
	b = appendText(b, m.Channel.Code)
	b = append(b, `,"type":`...)
	b = appendText(b, string(m.Channel.Type))
	b = append(b, `,"comment":`...)
	b = appendText(b, m.Channel.Comment)
	return append(b, '}')
}

func (m *Message) url() string {
	u := m.BaseURL + tokenBase + m.writtenPath()
	if q := m.Request.URL.RawQuery; q != "" {
		u += "?" + m.blank(q)
	}
	return u
}

// writtenPath is the path below the token in the spelling of the sender, who
// may mean something else by %2F than by a slash.
func (m *Message) writtenPath() string {
	_, path, _ := strings.Cut(strings.TrimPrefix(m.Request.URL.EscapedPath(), "/api/token/v1/"), "/")
	if path = "/" + path; m.Path == "" {
		return ""
	}
	if read, err := url.PathUnescape(path); err == nil && read == m.Path {
		return m.blank(path)
	}
	return m.blank((&url.URL{Path: m.Path}).EscapedPath())
}

// blank takes the token out of a text, however its letters are escaped: a URL has
// many spellings, and %2561 is one more for whoever reads it twice.
func (m *Message) blank(s string) string {
	if m.Token == "" || !strings.Contains(s, m.Token) && !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for s != "" {
		if n := spelt(s, m.Token); n > 0 {
			b.WriteString(hidden)
			s = s[n:]
			continue
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

// spelt is how much of a text it takes to spell the word that the text begins
// with; 0 when it begins with something else.
func spelt(s, word string) (n int) {
	for i := range len(word) {
		if n == len(s) {
			return 0
		}
		c, size := letter(s[n:], 0)
		if c != word[i] {
			return 0
		}
		n += size
	}
	return n
}

// deepestEscape is how often an escape is escaped that is still looked for.
const deepestEscape = 4

// letter is what a text begins with, its escape read as often as it was made:
// a of a, %61, %2561 and %25%36%31.
func letter(s string, depth int) (c byte, size int) {
	c, size = s[0], 1
	for c == '%' && depth < deepestEscape {
		digits, rest := make([]byte, 0, 2), size
		for len(digits) < 2 && rest < len(s) {
			digit, n := letter(s[rest:], depth+1)
			digits, rest = append(digits, digit), rest+n
		}
		read, err := hex.DecodeString(string(digits))
		if err != nil || len(read) == 0 {
			break
		}
		c, size = read[0], rest
		depth++
	}
	return c, size
}

// appendQuery writes the parameters in the order in which they were sent.
func (m *Message) appendQuery(b []byte) []byte {
	b = append(b, '[')
	first := true
	for part := range strings.SplitSeq(m.blank(m.Request.URL.RawQuery), "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		b = appendPair(b, unescape(name), unescape(value), &first)
	}
	return append(b, ']')
}

func unescape(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s // a sender's stray % is no reason to lose the message
}

func (m *Message) appendHeaders(b []byte) []byte {
	names := make([]string, 0, len(m.Request.Header))
	for name := range m.Request.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '[')
	first := true
	b = appendPair(b, "host", m.Request.Host, &first)
	for _, name := range names {
		for _, value := range m.Request.Header[name] {
			if m.HideAuth && name == "Authorization" {
				value = hidden
			}
			b = appendPair(b, strings.ToLower(name), m.blank(value), &first)
		}
	}
	return append(b, ']')
}

func appendPair(b []byte, name, value string, first *bool) []byte {
	if !*first {
		b = append(b, ',')
	}
	*first = false
	b = append(b, '[')
	b = appendText(b, name)
	b = append(b, ',')
	b = appendText(b, value)
	return append(b, ']')
}

// foreignCharset reports whether a Content-Type names a charset that is not
// UTF-8 or part of it: such a body may be valid UTF-8 by chance.
func foreignCharset(contentType string) bool {
	charset := content.Charset(contentType)
	return charset != "" && charset != "utf-8" && charset != "utf8" && charset != "us-ascii"
}

const hexDigits = "0123456789abcdef"

// appendText writes a JSON string. What is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
