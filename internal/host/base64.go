package host

import (
	_ "embed"
	"encoding/base64"
	"errors"
	"unicode/utf8"

	"junctor/internal/script"
)

//go:embed base64.js
var base64JS string

// base64Pure is the text side of base64; bytes are converted by the engine.
func base64Pure() map[string]script.Pure {
	return map[string]script.Pure{
		"base64Encode": pure(func(a values) (any, error) {
			return base64.StdEncoding.EncodeToString([]byte(a.text(0))), nil
		}),
		"base64DecodeText": pure(func(a values) (any, error) {
			data, err := base64.StdEncoding.DecodeString(a.text(0))
			if err != nil {
				return nil, err
			}
			if !utf8.Valid(data) {
				return nil, errors.New("the decoded bytes are not UTF-8 text: use base64.decode, and encoding.decode for other encodings")
			}
			return string(data), nil
		}),
	}
}
