package http

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// spellings finds values in texts however their characters are spelt: each as
// itself, with a backslash as in JSON (RFC 8259 section 7) and in Go's quoted
// texts, as %xx of a URL (RFC 3986 section 2.1), in either case, or as &...; of XML
// and HTML. The base64 of a value is found the same way.
//
// A text is first searched for the values as they are. Only where it has a
// backslash, a percent sign or an ampersand is looked at more closely: any other
// spelling has one of them, and the byte that it stands for tells where in a value it can be,
// together with the byte before it.
type spellings struct {
	values [][]byte
	first  [256][]place // of the bytes that values begin with
	later  map[[2]byte][]place
	any    [256]bool // the bytes of later
}

// place is one byte of one of the values.
type place struct{ value, at int32 }

// span is a part of a text, [from, to).
type span struct{ from, to int }

// add makes a value one that is found, unless it is too short.
func (s *spellings) add(value string) {
	if len(value) < shortestConcealed {
		return
	}
	if s.later == nil {
		s.later = map[[2]byte][]place{}
	}
	for _, text := range []string{value, strings.ReplaceAll(value, " ", "+"), base64.StdEncoding.EncodeToString([]byte(value))} {
		if slices.ContainsFunc(s.values, func(have []byte) bool { return string(have) == text }) {
			continue
		}
		n := int32(len(s.values))
		s.values = append(s.values, []byte(text))
		s.first[text[0]] = append(s.first[text[0]], place{n, 0})
		for i := 1; i < len(text); i++ {
			pair := [2]byte{text[i-1], text[i]}
			s.later[pair] = append(s.later[pair], place{n, int32(i)})
			s.any[text[i]] = true
		}
	}
}

// blanked is the text with *** in the place of what is found; the same text when
// that is nothing.
func blanked(text []byte, all ...*spellings) []byte {
	var found []span
	for _, s := range all {
		found = s.find(text, found)
	}
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []byte
	end := 0
	for i, f := range found { // they may overlap: one value may contain another
		if i == 0 || f.from >= end {
			out = append(append(out, text[end:f.from]...), "***"...)
		}
		end = max(end, f.to)
	}
	return append(out, text[end:]...)
}

// find adds where the text has one of the values.
func (s *spellings) find(text []byte, found []span) []span {
	for _, value := range s.values {
		head := value[:min(len(value), 32)] // what a processor compares at once
		for from := 0; ; {
			i := bytes.Index(text[from:], head)
			if i < 0 {
				break
			}
			if from += i; bytes.HasPrefix(text[from:], value) {
				found = append(found, span{from, from + len(value)})
				from += len(value)
			} else {
				from++
			}
		}
	}
	if len(s.values) == 0 {
		return found
	}
	for _, sign := range []byte{'\\', '%', '&'} {
		done := map[int32]int{} // where the last of a value ends that was found
		for p := 0; ; p++ {
			i := bytes.IndexByte(text[p:], sign)
			if i < 0 {
				break
			}
			p += i
			stands, _, size := unescape(text[p:])
			if size == 0 {
				continue
			}
			found = s.try(text, p, s.first[stands[0]], done, found)
			if p > 0 && s.any[stands[0]] {
				found = s.try(text, p, s.later[[2]byte{text[p-1], stands[0]}], done, found)
			}
		}
	}
	return found
}

// try adds what is found with the escape at p in one of these places.
func (s *spellings) try(text []byte, p int, places []place, done map[int32]int, found []span) []span {
	for _, at := range places {
		if p-int(at.at) < done[at.value] {
			continue
		}
		if f, ok := s.around(text, p, at); ok {
			found, done[at.value] = append(found, f), f.to
		}
	}
	return found
}

// around tells where the value begins and ends whose byte at this place the
// escape at p stands for, the first escape in it.
func (s *spellings) around(text []byte, p int, at place) (span, bool) {
	value, k := s.values[at.value], int(at.at)
	if p < k || !bytes.Equal(text[p-k:p], value[:k]) {
		return span{}, false
	}
	// Whoever escapes with a sign escapes the sign itself as well; which of the two
	// are escapes and which are themselves is not known.
	for _, signs := range []string{string(text[p : p+1]), `\%`, `\&`, `\%&`} {
		if n := spelt(text[p:], value[k:], signs); n > 0 {
			return span{p - k, p + n}, true
		}
	}
	return span{}, false
}

// spelt is how many bytes at the beginning of a text stand for a value, when each
// of the signs begins an escape; 0 when it is not there.
func spelt(text, value []byte, signs string) int {
	p := 0
	for len(value) > 0 {
		switch {
		case p == len(text):
			return 0
		case strings.IndexByte(signs, text[p]) >= 0:
			stands, n, size := unescape(text[p:])
			if size == 0 || !bytes.HasPrefix(value, stands[:n]) {
				return 0
			}
			value, p = value[n:], p+size
		case text[p] != value[0]:
			return 0
		default:
			value, p = value[1:], p+1
		}
	}
	return p
}

// unescape reads the escape that a text begins with: the n bytes that it stands
// for, and its own size, 0 when it is none.
func unescape(text []byte) (stands [utf8.UTFMax]byte, n, size int) {
	if text[0] == '%' {
		c, ok := unhex(text, 1, 2)
		stands[0] = byte(c)
		return stands, 1, sized(ok, 3)
	}
	if len(text) < 2 {
		return stands, 0, 0
	}
	if text[0] == '&' {
		r, size := entity(text)
		return stands, utf8.EncodeRune(stands[:], r), size
	}
	switch c := text[1]; c {
	case 'u':
		r, ok := unhex(text, 2, 4)
		size = 6
		if utf16.IsSurrogate(r) && len(text) > 7 && text[6] == '\\' && text[7] == 'u' {
			low, _ := unhex(text, 8, 4)
			r, size = utf16.DecodeRune(r, low), 12
		}
		return stands, utf8.EncodeRune(stands[:], r), sized(ok, size)
	case 'x':
		c, ok := unhex(text, 2, 2)
		stands[0] = byte(c)
		return stands, 1, sized(ok, 4)
	default:
		if i := strings.IndexByte(`/"\'ntrbfav`, c); i >= 0 {
			stands[0] = "/\"\\'\n\t\r\b\f\a\v"[i]
			return stands, 1, 2
		}
		return stands, 0, 0
	}
}

// entities are those that XML knows without being told (XML 1.0, 4.6).
var entities = map[string]rune{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

// entity reads the one that a text begins with, by name or number.
func entity(text []byte) (r rune, size int) {
	const longest = len("&#x0010ffff;")
	end := bytes.IndexByte(text[:min(len(text), longest)], ';')
	if end < 0 {
		return 0, 0
	}
	name := string(text[1:end])
	if r, known := entities[name]; known {
		return r, end + 1
	}
	digits, numbered := strings.CutPrefix(name, "#")
	base := 10
	if hex := strings.TrimLeft(digits, "xX"); len(hex) == len(digits)-1 {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if !numbered || err != nil {
		return 0, 0
	}
	return rune(n), end + 1
}

func sized(ok bool, size int) int {
	if !ok {
		return 0
	}
	return size
}

// unhex reads so many hexadecimal digits.
func unhex(text []byte, from, digits int) (r rune, ok bool) {
	if len(text) < from+digits {
		return 0, false
	}
	for _, c := range text[from : from+digits] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
