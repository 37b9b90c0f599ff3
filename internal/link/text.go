package link

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"junctor/internal/fault"
)

// The bounds of what people read, in bytes.
const (
	maxTitle   = 200
	maxText    = 8000
	maxButton  = 60
	maxDone    = 2000
	maxComment = 4000
	maxSubject = 200
	maxChoice  = 60
	maxName    = 200
)

func (p *Page) check() (found []fault.Field) {
	for _, part := range []struct {
		name, text string
		most       int
		lines      bool
	}{{"title", p.Title, maxTitle, false}, {"text", p.Text, maxText, true}, {"button", p.Button, maxButton, false}, {"done", p.Done, maxDone, true}} {
		if wrong := checkText(part.text, part.most, part.lines); wrong != "" {
			found = append(found, fault.Field{Pointer: "/" + part.name, Detail: wrong})
		}
	}
	return found
}

// checkText says what is wrong with a text for people, "" for nothing. Characters
// that turn the direction of what follows would show another text than there is.
func checkText(text string, most int, lines bool) string {
	switch {
	case len(text) > most:
		return fmt.Sprintf("has %d bytes; at most %d are possible", len(text), most)
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && (!lines || r != '\n' && r != '\r' && r != '\t')
	}):
		return "has a control character"
	case strings.ContainsFunc(text, func(r rune) bool { return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 }):
		return "has a character that turns the direction of the text"
	}
	return ""
}

// refusal is the error for what was found, nil for nothing.
func refusal(detail string, found []fault.Field) error {
	if len(found) == 0 {
		return nil
	}
	return fault.New(fault.Unprocessable, "%s", detail).WithFields(found...)
}
