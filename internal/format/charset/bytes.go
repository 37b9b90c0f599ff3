package charset

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// bytesCodec is an encoding with one byte for each character.
type bytesCodec struct {
	charmap *charmap.Charmap
	limit   int  // bytes from here on stand for nothing; 0: all are used
	control bool // 0x80 to 0x9F are the C1 control characters, whatever charmap says
}

func (c bytesCodec) mark() []byte { return nil }

func (c bytesCodec) decode(data []byte, lossy *string) (string, error) {
	out := make([]byte, 0, len(data)+len(data)/4)
	for i, b := range data {
		if b < 0x80 {
			out = append(out, b)
			continue
		}
		r := c.rune(b)
		switch {
		case r != utf8.RuneError:
			out = utf8.AppendRune(out, r)
		case lossy != nil:
			out = append(out, *lossy...)
		default:
			return "", badByte(b, i)
		}
	}
	return string(out), nil
}

func (c bytesCodec) rune(b byte) rune {
	if c.limit > 0 && int(b) >= c.limit {
		return utf8.RuneError
	}
	if c.control && b < 0xA0 {
		return rune(b)
	}
	return c.charmap.DecodeByte(b)
}

func (c bytesCodec) encode(text string, lossy []byte) ([]byte, error) {
	out := make([]byte, 0, len(text))
	at := 0
	for i, r := range text {
		at++
		if r < 0x80 {
			out = append(out, byte(r))
			continue
		}
		b, ok := c.byte(r)
		switch {
		case ok:
			out = append(out, b)
		case lossy != nil:
			out = append(out, lossy...)
		case r == utf8.RuneError && isStray(text[i:]):
			return nil, badUTF8(at)
		default:
			return nil, badRune(r, at)
		}
	}
	return out, nil
}

// byte finds the byte of a character that is not ASCII.
func (c bytesCodec) byte(r rune) (byte, bool) {
	if r == utf8.RuneError {
		return 0, false
	}
	if c.control && r < 0xA0 {
		return byte(r), true
	}
	b, ok := c.charmap.EncodeRune(r)
	return b, ok && b >= 0x80 && c.rune(b) == r
}

// isStray reports whether text begins with a byte that is not UTF-8, as
// against a real U+FFFD.
func isStray(text string) bool {
	_, size := utf8.DecodeRuneInString(text)
	return size == 1
}
