package realm

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// encodeUTF8 returns the bytes of a text in base64.
func encodeUTF8(s string) (any, error) {
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

// charset returns the name of an encoding by one of its labels, as the Encoding
// Standard has them, or "" for a label nobody knows.
func charset(label string) (any, error) {
	e, err := htmlindex.Get(strings.Trim(label, "\t\n\f\r "))
	if err != nil {
		return "", nil // the caller throws
	}
	name, err := htmlindex.Name(e)
	if err != nil || name == "replacement" {
		return "", nil // the caller throws
	}
	return name, nil
}

// decodeText turns base64 bytes of a charset into text: (charset, bytes, fatal,
// mark). With fatal it returns nil for bytes that mean nothing, without they become
// U+FFFD. With mark a byte order mark at the start is left out.
func decodeText(args []any) (any, error) {
	s, err := texts(args, 2)
	if err != nil {
		return nil, err
	}
	fatal, mark := flag(args, 2), flag(args, 3)
	raw, err := base64.StdEncoding.DecodeString(s[1])
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	var out string
	if s[0] == "utf-8" && utf8.Valid(raw) {
		out = string(raw)
	} else if out, err = decodeAs(s[0], raw, fatal); err != nil {
		return nil, nil // the caller throws
	}
	if mark && strings.HasPrefix(s[0], "utf-") {
		out = strings.TrimPrefix(out, "\ufeff")
	}
	return out, nil
}

func decodeAs(name string, raw []byte, fatal bool) (string, error) {
	e, err := htmlindex.Get(name)
	if err != nil {
		return "", fmt.Errorf("decode %s: %w", name, err)
	}
	if fatal && name == "utf-8" {
		return "", fmt.Errorf("decode utf-8: %w", encoding.ErrInvalidUTF8)
	}
	if strings.HasPrefix(name, "utf-16") && utf16Tail(name, raw) == 3 {
		raw = raw[:len(raw)-1] // one unfinished character is one error
	}
	out, err := e.NewDecoder().Bytes(raw)
	if err != nil {
		return "", fmt.Errorf("decode %s: %w", name, err)
	}
	text := string(out)
	if strings.HasPrefix(name, "windows-125") || strings.HasPrefix(name, "iso-8859-") {
		text = controls(raw, text)
	}
	if fatal && strings.ContainsRune(text, utf8.RuneError) && !holdsReplacement(e, name, raw, text) {
		return "", fmt.Errorf("decode %s: not valid", name)
	}
	return text, nil
}

// controls gives the bytes 0x80 to 0x9F that an 8-bit code page leaves undefined
// the control characters of the same number, as the Encoding Standard has it. There
// is one rune for each byte.
func controls(raw []byte, text string) string {
	runes := []rune(text)
	for i, r := range runes {
		if r == utf8.RuneError && raw[i] >= 0x80 && raw[i] <= 0x9f {
			runes[i] = rune(raw[i])
		}
	}
	return string(runes)
}

// holdsReplacement says whether U+FFFD in the text was written as such: then
// encoding the text gives the same bytes.
func holdsReplacement(e encoding.Encoding, name string, raw []byte, text string) bool {
	if !strings.HasPrefix(name, "utf-16") && name != "gb18030" {
		return false // the others cannot express it
	}
	back, err := e.NewEncoder().Bytes([]byte(text))
	return err == nil && string(back) == string(raw)
}

// incompleteTail counts the bytes at the end that begin a character and do not
// finish it: (charset, base64 of the last four or five bytes, from an even place).
func incompleteTail(args []any) (any, error) {
	s, err := texts(args, 2)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(s[1])
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	switch name := s[0]; {
	case name == "utf-8":
		for n := 1; n <= min(3, len(raw)); n++ {
			if tail := raw[len(raw)-n:]; utf8.RuneStart(tail[0]) {
				if utf8.FullRune(tail) {
					return 0.0, nil
				}
				return float64(n), nil
			}
		}
	case strings.HasPrefix(name, "utf-16"):
		return float64(utf16Tail(name, raw)), nil
	case name == "gb18030" || name == "gbk" || name == "big5" || name == "euc-jp" || name == "euc-kr" || name == "iso-2022-jp" || name == "shift_jis":
		return nil, fmt.Errorf("TextDecoder.decode: the option stream is not available for %s: decode the whole text at once", name)
	}
	return 0.0, nil
}

// utf16Tail counts the bytes at the end that are half a unit or half a pair.
func utf16Tail(name string, raw []byte) int {
	n := len(raw) % 2
	if unit := len(raw) - n - 2; unit >= 0 {
		high := raw[unit]
		if name == "utf-16le" {
			high = raw[unit+1]
		}
		if high >= 0xd8 && high <= 0xdb {
			n += 2
		}
	}
	return n
}

// atob decodes base64 into a text of characters up to U+00FF, or returns nil.
func atob(s string) (any, error) {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("\t\n\f\r ", r) {
			return -1
		}
		return r
	}, s)
	if len(s)%4 == 0 {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	}
	raw, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, nil // the caller throws
	}
	runes := make([]rune, len(raw))
	for i, b := range raw {
		runes[i] = rune(b)
	}
	return string(runes), nil
}

// btoa encodes a text of characters up to U+00FF, or returns nil for others.
func btoa(s string) (any, error) {
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return nil, nil // the caller throws
		}
		raw = append(raw, byte(r))
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

func flag(args []any, i int) bool {
	on, _ := args[i].(bool)
	return on
}
