// Package id makes identifiers and tokens.
//
// Identifiers sort by the time they were made and carry a type prefix
// (run_..., evt_...); they are for people and keys, they never decide order.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"sync"
	"time"
)

// alphabet is Crockford's base32 in lower case: its order is the byte order.
var alphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Maker makes identifiers that never repeat and, within one Maker, always
// rise, also when the clock stands still or goes back. The zero value is ready.
type Maker struct {
	mu   sync.Mutex
	last uint64 // microseconds of the last identifier
}

// New returns PREFIX_ and 24 characters: 56 bits of microseconds since 1970 (UTC)
// and 64 random bits.
func (m *Maker) New(prefix string, now time.Time) string {
	us := uint64(now.UnixMicro())
	m.mu.Lock()
	if us <= m.last {
		us = m.last + 1
	}
	m.last = us
	m.mu.Unlock()
	var raw [15]byte
	binary.BigEndian.PutUint64(raw[:8], us<<8) // 56 bits of time: enough until the year 4253
	rand.Read(raw[7:])                         //nolint:errcheck // never fails since Go 1.24
	return prefix + "_" + alphabet.EncodeToString(raw[:])
}

// Token returns a secret of n characters, 5 bits of randomness each.
func Token(n int) string {
	raw := make([]byte, (n*5+7)/8)
	rand.Read(raw) //nolint:errcheck // never fails since Go 1.24
	return alphabet.EncodeToString(raw)[:n]
}

// Encode writes bytes in the characters of identifiers; 5 bytes are 8 of them.
func Encode(raw []byte) string { return alphabet.EncodeToString(raw) }

// Decode reads what Encode wrote, and nothing else.
func Decode(text string) (raw []byte, ok bool) {
	raw, err := alphabet.DecodeString(text)
	return raw, err == nil && alphabet.EncodeToString(raw) == text
}
