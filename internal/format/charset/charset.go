// Package charset turns text in other encodings than UTF-8 into text and back:
// the Windows, ISO and DOS code pages that business systems still write, UTF-8
// and UTF-16.
//
// Labels mean what their standards say: iso-8859-1 is ISO 8859-1 and not
// windows-1252, as browsers have it. What cannot be converted is an error that
// names the place, or is replaced on demand; nothing is lost in silence.
//
// It is a leaf: it knows nothing of Junctor.
package charset

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Encoding is one way to write text as bytes.
type Encoding struct {
	name string
	code codec
}

// codec converts without looking at byte order marks. In both directions lossy
// stands for what cannot be converted; nil makes it an error.
type codec interface {
	decode(data []byte, lossy *string) (string, error)
	encode(text string, lossy []byte) ([]byte, error)
	mark() []byte // the byte order mark; nil: the encoding has none
}

// Options change how a conversion treats trouble and byte order marks.
type Options struct {
	// Replace puts U+FFFD for bytes that stand for nothing when decoding, and
	// ? for characters that the encoding does not have when encoding.
	Replace bool
	// Escape says, with Replace, what is written instead of ? for a character
	// that the encoding does not have. What it gives is ASCII.
	Escape func(rune) string
	// BOM writes a byte order mark first: UTF-8, UTF-16LE and UTF-16BE only.
	BOM bool
}

// Find returns the encoding with this label, in any case: "windows-1250",
// "cp1250", "ISO-8859-2", "latin2", "utf-16le". The error lists the names.
func Find(label string) (*Encoding, error) {
	wanted := strings.ToLower(strings.TrimSpace(label))
	for _, e := range table {
		for _, l := range e.labels {
			if l == wanted {
				return &Encoding{name: e.labels[0], code: e.code}, nil
			}
		}
	}
	return nil, fmt.Errorf("encoding %q is not known; known are %s", label, strings.Join(Names(), ", "))
}

// Names lists the encodings by their first label.
func Names() []string {
	names := make([]string, len(table))
	for i, e := range table {
		names[i] = e.labels[0]
	}
	return names
}

// Name is the encoding's first label, as it is written in an XML declaration or
// a Content-Type.
func (e *Encoding) Name() string { return e.name }

// Decode turns bytes into text. A byte order mark of the encoding at the start
// is left out.
func (e *Encoding) Decode(data []byte, o Options) (string, error) {
	var lossy *string
	if o.Replace {
		replacement := string(utf8.RuneError)
		lossy = &replacement
	}
	text, err := e.code.decode(data, lossy)
	if err != nil {
		return "", fmt.Errorf("decode %s: %w", e.name, err)
	}
	return text, nil
}

// Encode turns text into bytes. Text that is not UTF-8 is an error, or its
// stray bytes are replaced like unknown characters.
func (e *Encoding) Encode(text string, o Options) ([]byte, error) {
	var lossy []byte
	if o.Replace {
		lossy = []byte{'?'}
	}
	var head []byte
	if o.BOM {
		if head = e.code.mark(); head == nil {
			return nil, fmt.Errorf("encode %s: it has no byte order mark", e.name)
		}
	}
	if o.Replace && o.Escape != nil {
		text = e.escaped(text, o.Escape)
	}
	data, err := e.code.encode(text, lossy)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.name, err)
	}
	if e.name == "utf-16" { // it says its byte order always
		head = nil
	}
	if len(head) == 0 {
		return data, nil
	}
	return append(append(make([]byte, 0, len(head)+len(data)), head...), data...), nil
}

// escaped is the text with escapes for the characters that the encoding does not
// have.
func (e *Encoding) escaped(text string, escape func(rune) string) string {
	if _, err := e.code.encode(text, nil); err == nil {
		return text // most are like this
	}
	var b strings.Builder
	for i, r := range text {
		size := utf8.RuneLen(r)
		if r < utf8.RuneSelf || r == utf8.RuneError && isStray(text[i:]) {
			b.WriteByte(text[i])
			continue
		}
		if _, err := e.code.encode(text[i:i+size], nil); err != nil {
			b.WriteString(escape(r))
		} else {
			b.WriteString(text[i : i+size])
		}
	}
	return b.String()
}

// badByte says which byte stands for nothing.
func badByte(b byte, offset int) error {
	return fmt.Errorf("byte 0x%02X at offset %d stands for no character", b, offset)
}

// badRune says which character cannot be written. at counts characters from 1.
func badRune(r rune, at int) error {
	return fmt.Errorf("character %d, %q (U+%04X), does not exist in this encoding", at, r, r)
}

// badUTF8 says that a text is none. at counts characters from 1.
func badUTF8(at int) error {
	return fmt.Errorf("the text is not UTF-8 at character %d", at)
}
