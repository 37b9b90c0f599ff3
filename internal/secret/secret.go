// Package secret keeps values unreadable at rest: it seals them with a master
// key that lives outside the database, and turns passwords into hashes.
//
// It must not know where sealed values and hashes are stored, or what they are.
package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the length of a master key in bytes.
const KeySize = chacha20poly1305.KeySize

// Key is a master key. It prints as *** everywhere.
type Key struct{ raw [KeySize]byte }

// NewKey takes 32 bytes as a key.
func NewKey(raw []byte) (Key, error) {
	if len(raw) != KeySize {
		return Key{}, fmt.Errorf("a master key has %d bytes, not %d", KeySize, len(raw))
	}
	return Key{raw: [KeySize]byte(raw)}, nil
}

// RandomKey makes a key.
func RandomKey() Key {
	var k Key
	rand.Read(k.raw[:]) //nolint:errcheck // never fails since Go 1.24
	return k
}

func (k Key) encoded() string { return base64.StdEncoding.EncodeToString(k.raw[:]) }

// Keys are one or more master keys: the first seals, all open, so that a key can
// be replaced while values of the old one are still there.
type Keys []Key

// Seal is Key.Seal with the first key.
func (k Keys) Seal(plain, context []byte) []byte { return k[0].Seal(plain, context) }

// Open decrypts what was sealed with any of the keys. The error is or wraps
// ErrSealed.
func (k Keys) Open(sealed, context []byte) (plain []byte, err error) {
	for _, key := range k {
		if plain, err = key.Open(sealed, context); err == nil {
			return plain, nil
		}
	}
	return nil, err
}

// version is the first byte of a sealed value: XChaCha20-Poly1305, nonce next.
const version = 1

// ErrSealed says that a sealed value cannot be opened: it was sealed with
// another key, for another context, or has been changed.
var ErrSealed = errors.New("cannot be opened: sealed with another master key or for another place, or damaged")

// Seal encrypts plain so that only Open with the same key and context reads it.
// The context is not kept in the result; it ties the value to its place (a
// table and a name), so that a sealed value copied elsewhere does not open.
// Sealing the same twice gives different results.
func (k Key) Seal(plain, context []byte) []byte {
	aead, err := chacha20poly1305.NewX(k.raw[:])
	if err != nil {
		panic(err) // the key has the right length by its type
	}
	head := 1 + aead.NonceSize()
	sealed := make([]byte, head, head+len(plain)+aead.Overhead())
	sealed[0] = version
	rand.Read(sealed[1:]) //nolint:errcheck // never fails since Go 1.24
	return aead.Seal(sealed, sealed[1:], plain, context)
}

// Open decrypts what Seal made. The error is or wraps ErrSealed.
func (k Key) Open(sealed, context []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(k.raw[:])
	if err != nil {
		panic(err) // as above
	}
	head := 1 + aead.NonceSize()
	if len(sealed) < head+aead.Overhead() {
		return nil, ErrSealed
	}
	if sealed[0] != version {
		return nil, fmt.Errorf("format %d of a newer release: %w", sealed[0], ErrSealed)
	}
	plain, err := aead.Open(nil, sealed[1:head], sealed[head:], context)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// String hides the key.
func (k Key) String() string { return "***" }

// Format hides the key from every verb of fmt, %#v and %x included.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// LogValue hides the key from logs.
func (k Key) LogValue() slog.Value { return slog.StringValue("***") }
