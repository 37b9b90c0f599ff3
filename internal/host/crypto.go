package host

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"

	"junctor/internal/script"
)

//go:embed crypto.js
var cryptoJS string

// newHash finds an algorithm by its name.
func newHash(name string) (func() hash.Hash, error) {
	switch name {
	case "md5": // for checksums that others demand, like sha1
		return md5.New, nil
	case "sha1":
		return sha1.New, nil
	case "sha256":
		return sha256.New, nil
	case "sha384":
		return sha512.New384, nil
	case "sha512":
		return sha512.New, nil
	}
	return nil, fmt.Errorf("algorithm %q is not known: use md5, sha1, sha256, sha384 or sha512", name)
}

// cryptoPure is hashing and comparing. Data comes as a text, or as base64 when
// the flag after it is set.
func cryptoPure() map[string]script.Pure {
	return map[string]script.Pure{
		"cryptoHash": pure(func(a values) (any, error) { // algorithm, data, is bytes, encoding
			algorithm, err := newHash(a.text(0))
			if err != nil {
				return nil, err
			}
			data, err := a.data(1)
			if err != nil {
				return nil, err
			}
			h := algorithm()
			h.Write(data)
			return digest(h.Sum(nil), a.text(3))
		}),
		"cryptoHmac": pure(func(a values) (any, error) { // algorithm, key, is bytes, data, is bytes, encoding
			algorithm, err := newHash(a.text(0))
			if err != nil {
				return nil, err
			}
			key, err := a.data(1)
			if err != nil {
				return nil, err
			}
			data, err := a.data(3)
			if err != nil {
				return nil, err
			}
			h := hmac.New(algorithm, key)
			h.Write(data)
			return digest(h.Sum(nil), a.text(5))
		}),
		"cryptoEqual": pure(func(a values) (any, error) { // a, is bytes, b, is bytes
			x, err := a.data(0)
			if err != nil {
				return nil, err
			}
			y, err := a.data(2)
			if err != nil {
				return nil, err
			}
			return subtle.ConstantTimeCompare(x, y) == 1, nil
		}),
	}
}

// data is the bytes of argument i: base64 when argument i+1 is true.
func (a values) data(i int) ([]byte, error) {
	if a.flag(i + 1) {
		return base64.StdEncoding.DecodeString(a.text(i))
	}
	return []byte(a.text(i)), nil
}

func digest(sum []byte, encoding string) (any, error) {
	switch encoding {
	case "hex":
		return hex.EncodeToString(sum), nil
	case "base64":
		return base64.StdEncoding.EncodeToString(sum), nil
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(sum), nil
	}
	return nil, fmt.Errorf("encoding %q is not known: use hex, base64, base64url or bytes", encoding)
}
