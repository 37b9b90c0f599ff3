// Package cursor writes where a page of an answer ends as one word that a caller
// sends back for the next page, and finds one that was cut or mistyped. What it
// says is the caller's to read and to change: a cursor proves nothing.
package cursor

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"junctor/internal/fault"
)

// Encode makes a cursor of what can be written as JSON.
func Encode(form any) string {
	body, err := json.Marshal(form)
	if err != nil {
		panic("cursor: " + err.Error()) // who calls sees to it that it can
	}
	check := sha256.Sum256(body)
	return base64.RawURLEncoding.EncodeToString(append(check[:checkSize:checkSize], body...))
}

// checkSize is how many bytes tell a cursor that was cut or mistyped.
const checkSize = 4

// Decode reads a cursor of Encode into the same kind of form. Its error is Damaged.
func Decode(text string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < checkSize || len(text) > longest {
		return Damaged()
	}
	check := sha256.Sum256(raw[checkSize:])
	d := json.NewDecoder(bytes.NewReader(raw[checkSize:]))
	d.DisallowUnknownFields()
	if !bytes.Equal(check[:checkSize], raw[:checkSize]) || d.Decode(into) != nil {
		return Damaged()
	}
	return nil
}

// longest bounds a cursor, in bytes. An order by long texts can make one that
// is longer than an address may be; it works all the same where it is sent
// otherwise.
const longest = 8 << 20

// Damaged is the error for a cursor that Encode has not made so: fault.Invalid.
func Damaged() error {
	return fault.New(fault.Invalid, "The cursor is damaged: take it as it was answered, or begin again without it.")
}
