package link

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strings"

	"junctor/internal/db"
	"junctor/internal/id"
)

// A token is 40 characters: 80 random bits and 120 of their signature, in letters
// and digits that mails and telephones leave as they are.
const (
	handleSize    = 10 // bytes
	signatureSize = 15
	tokenLength   = (handleSize + signatureSize) * 8 / 5
)

func newHandle() []byte {
	handle := make([]byte, handleSize)
	rand.Read(handle) //nolint:errcheck // never fails since Go 1.24
	return handle
}

// token is a handle with its signature: HMAC-SHA256 (RFC 2104), truncated.
func token(handle, key []byte) string {
	return id.Encode(append(handle[:handleSize:handleSize], signature(handle, key)...))
}

func signature(handle, key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("link\x00"))
	mac.Write(handle)
	return mac.Sum(nil)[:signatureSize]
}

// handle is a token's, nil for a token that was never made here, or not by the
// present key.
func (s *Store) handle(tx *db.Tx, token string) ([]byte, error) {
	if len(token) != tokenLength {
		return nil, nil
	}
	raw, ok := id.Decode(token)
	key, err := s.o.Key(tx)
	if err != nil || !ok || key == nil {
		return nil, err
	}
	if !hmac.Equal(raw[handleSize:], signature(raw[:handleSize], key)) {
		return nil, nil
	}
	return raw[:handleSize], nil
}

// tokenOf is what a URL ends in.
func tokenOf(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
