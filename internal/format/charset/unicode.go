package charset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

type utf8Codec struct{}

func (utf8Codec) mark() []byte { return []byte{0xEF, 0xBB, 0xBF} }

func (c utf8Codec) decode(data []byte, lossy *string) (string, error) {
	skipped := 0
	if bytes.HasPrefix(data, c.mark()) {
		skipped = 3
		data = data[skipped:]
	}
	if utf8.Valid(data) {
		return string(data), nil
	}
	if lossy != nil {
		return strings.ToValidUTF8(string(data), *lossy), nil
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return "", badByte(data[i], i+skipped)
		}
		i += size
	}
}

func (c utf8Codec) encode(text string, lossy []byte) ([]byte, error) {
	if utf8.ValidString(text) {
		return []byte(text), nil
	}
	if lossy != nil {
		return []byte(strings.ToValidUTF8(text, string(lossy))), nil
	}
	at := 0
	for i, r := range text {
		at++
		if r == utf8.RuneError && isStray(text[i:]) {
			break
		}
	}
	return nil, badUTF8(at)
}

// utf16Codec writes two bytes for a unit. Without an order it reads by the byte
// order mark, little-endian when there is none, and writes little-endian with a
// mark.
type utf16Codec struct{ order *byteOrder }

type byteOrder struct {
	binary.AppendByteOrder
	binary.ByteOrder
	bom []byte
}

var (
	little = &byteOrder{binary.LittleEndian, binary.LittleEndian, []byte{0xFF, 0xFE}}
	big    = &byteOrder{binary.BigEndian, binary.BigEndian, []byte{0xFE, 0xFF}}
)

func (c utf16Codec) mark() []byte {
	if c.order == nil {
		return little.bom
	}
	return c.order.bom
}

func (c utf16Codec) decode(data []byte, lossy *string) (string, error) {
	order := c.order
	if order == nil {
		if order = little; bytes.HasPrefix(data, big.bom) {
			order = big
		}
	}
	start := 0
	if bytes.HasPrefix(data, order.bom) {
		start = 2
	}
	out := make([]byte, 0, len(data)/2)
	for i := start; i < len(data); i += 2 {
		r := rune(utf8.RuneError)
		if i+1 < len(data) {
			r = rune(order.Uint16(data[i:]))
		} else if lossy == nil {
			return "", fmt.Errorf("the last character is cut: %d bytes are not a whole number of pairs", len(data))
		}
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+3 < len(data) {
				low = rune(order.Uint16(data[i+2:]))
			}
			if joined := utf16.DecodeRune(r, low); joined != utf8.RuneError {
				r, i = joined, i+2
			} else if lossy == nil {
				return "", fmt.Errorf("half a surrogate pair, 0x%04X, at offset %d", r, i)
			} else {
				r = utf8.RuneError
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out), nil
}

func (c utf16Codec) encode(text string, lossy []byte) ([]byte, error) {
	order := c.order
	var out []byte
	if order == nil {
		order = little
		out = append(out, order.bom...)
	}
	at := 0
	for i, r := range text {
		at++
		if r == utf8.RuneError && isStray(text[i:]) {
			if lossy == nil {
				return nil, badUTF8(at)
			}
			r = '?'
		}
		if first, second := utf16.EncodeRune(r); first != utf8.RuneError {
			out = order.AppendUint16(order.AppendUint16(out, uint16(first)), uint16(second))
		} else {
			out = order.AppendUint16(out, uint16(r))
		}
	}
	return out, nil
}
