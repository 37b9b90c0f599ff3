package subscription

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// secretPrefix is how the secrets of Standard Webhooks begin.
const secretPrefix = "whsec_"

// Bounds of a secret's bytes (Standard Webhooks, section "Signature scheme").
const (
	minSecret = 24
	maxSecret = 64
)

// newSecret makes a secret.
func newSecret() string {
	raw := make([]byte, 32)
	rand.Read(raw) //nolint:errcheck // never fails since Go 1.24
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

// parseSecret reads whsec_ and base64. Its error does not repeat the text.
func parseSecret(text string) ([]byte, error) {
	rest, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return nil, errors.New("must begin with whsec_, with base64 behind it")
	}
	key, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return nil, errors.New("must have base64 behind whsec_")
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, errors.New("must have 24 to 64 bytes behind whsec_, in base64")
	}
	return key, nil
}

// signature is the header webhook-signature: a signature by each key.
func signature(keys [][]byte, id string, at time.Time, body []byte) string {
	b := make([]byte, 0, 128)
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		signed := make([]byte, 0, len(id)+24)
		signed = append(append(signed, id...), '.')
		signed = append(strconv.AppendInt(signed, at.Unix(), 10), '.')
		mac.Write(signed) //nolint:errcheck // a hash never fails
		mac.Write(body)   //nolint:errcheck // as above
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, "v1,"...)
		b = base64.StdEncoding.AppendEncode(b, mac.Sum(nil))
	}
	return string(b)
}
