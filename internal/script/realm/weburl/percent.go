package weburl

import "strings"

// set says which bytes a part of a URL must percent-encode, above all that is not
// printable ASCII.
type set string

const (
	controlSet      set = ""
	fragmentSet     set = " \"<>`"
	querySet        set = " \"#<>"
	specialQuerySet set = querySet + "'"
	pathSet         set = querySet + "?^`{}"
	userinfoSet     set = pathSet + "/:;=@[\\]|"
	componentSet    set = userinfoSet + "$&+,"
	formSet         set = componentSet + "!'()~%"
)

func (s set) has(b byte) bool {
	return b < 0x20 || b > 0x7e || strings.IndexByte(string(s), b) >= 0
}

// encode writes a text in UTF-8, percent-encoded where s says so.
func (s set) encode(text string) string {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		plain = !s.has(text[i])
	}
	if plain {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if s.has(text[i]) {
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[text[i]>>4])
			b.WriteByte("0123456789ABCDEF"[text[i]&15])
		} else {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// decode undoes percent-encoding; a percent sign that begins none stays.
func decode(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			b.WriteByte(unhex(text[i+1])<<4 | unhex(text[i+2]))
			i += 2
		} else {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

func isHex(b byte) bool { return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f' }

func unhex(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b | 0x20 - 'a' + 10
}

// ParseForm reads an application/x-www-form-urlencoded text into pairs in order.
// Bytes that are not UTF-8 become U+FFFD.
func ParseForm(text string) [][2]string {
	pairs := [][2]string{}
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(part, "+", " "), "=")
		pairs = append(pairs, [2]string{valid(decode(name)), valid(decode(value))})
	}
	return pairs
}

// Form writes pairs as application/x-www-form-urlencoded.
func Form(pairs [][2]string) string {
	one := func(s string) string { return strings.ReplaceAll(formSet.encode(s), "%20", "+") }
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = one(p[0]) + "=" + one(p[1])
	}
	return strings.Join(parts, "&")
}
