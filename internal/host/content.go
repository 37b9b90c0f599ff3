package host

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"junctor/internal/content"
	"junctor/internal/format/charset"
	"junctor/internal/format/multipart"
	"junctor/internal/script"
)

// contentPure reads messages' contents, which cross as they are kept: as text, or
// as base64.
func contentPure() map[string]script.Pure {
	return map[string]script.Pure{
		"contentText": pure(func(a values) (any, error) { // content, is base64, Content-Type
			data, err := bytesOf(a.text(0), a.flag(1))
			if err != nil {
				return nil, err
			}
			return content.Text(a.text(2), data), nil
		}),
		"formParse": pure(func(a values) (any, error) { // content as base64, Content-Type
			data, err := bytesOf(a.text(0), true)
			if err != nil {
				return nil, err
			}
			return asJSON(formPairs(data, a.text(1)))
		}),
		"multipartParse": pure(func(a values) (any, error) { // content, is base64, Content-Type
			data, err := bytesOf(a.text(0), a.flag(1))
			if err != nil {
				return nil, err
			}
			parts, err := multipart.Parse(a.text(2), data)
			if err != nil {
				return nil, err
			}
			return asJSON(shownParts(parts))
		}),
	}
}

func bytesOf(text string, encoded bool) ([]byte, error) {
	if !encoded {
		return []byte(text), nil
	}
	return base64.StdEncoding.DecodeString(text)
}

func asJSON(v any) (any, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// formPairs reads a form whose charset is not UTF-8: it holds for the escapes as
// well. In UTF-16, whose bytes have no & of their own, escapes are UTF-8.
func formPairs(data []byte, contentType string) [][2]string {
	text, standard := string(data), contentType
	if wide, err := charset.Find(content.Charset(contentType)); err == nil && strings.HasPrefix(wide.Name(), "utf-16") {
		text, standard = content.Text(contentType, data), ""
	}
	pairs := [][2]string{}
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		pairs = append(pairs, [2]string{content.Text(standard, unescape(name)), content.Text(standard, unescape(value))})
	}
	return pairs
}

// unescape undoes + and %XX; a stray % stays.
func unescape(s string) []byte {
	s = strings.ReplaceAll(s, "+", " ")
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				out = append(out, c...)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// shownPart is a part as request.js takes it.
type shownPart struct {
	Name     string      `json:"name"`
	Filename *string     `json:"filename,omitempty"`
	Type     string      `json:"type"`
	Headers  [][2]string `json:"headers"`
	Content  struct {
		Text   *string `json:"text,omitempty"`
		Base64 *string `json:"base64,omitempty"`
	} `json:"content"`
}

func shownParts(parts []multipart.Part) []shownPart {
	shown := make([]shownPart, len(parts))
	for i, p := range parts {
		s := shownPart{Name: p.Name, Type: p.Type, Headers: [][2]string{}}
		if p.Filename != "" {
			s.Filename = &p.Filename
		}
		for _, name := range p.Names() {
			for _, value := range p.Header[name] {
				s.Headers = append(s.Headers, [2]string{strings.ToLower(name), value})
			}
		}
		if utf8.Valid(p.Body) {
			text := string(p.Body)
			s.Content.Text = &text
		} else {
			text := base64.StdEncoding.EncodeToString(p.Body)
			s.Content.Base64 = &text
		}
		shown[i] = s
	}
	return shown
}
