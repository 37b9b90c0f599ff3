package host

import (
	_ "embed"
	"encoding/base64"

	"junctor/internal/format/charset"
	"junctor/internal/script"
)

//go:embed encoding.js
var encodingJS string

// encodingPure converts between text and other encodings' bytes (as base64).
func encodingPure() map[string]script.Pure {
	return map[string]script.Pure{
		"encodingDecode": pure(func(a values) (any, error) { // bytes, label, replace
			data, err := base64.StdEncoding.DecodeString(a.text(0))
			if err != nil {
				return nil, err
			}
			encoding, err := charset.Find(a.text(1))
			if err != nil {
				return nil, err
			}
			return encoding.Decode(data, charset.Options{Replace: a.flag(2)})
		}),
		"encodingEncode": pure(func(a values) (any, error) { // text, label, replace, BOM
			encoding, err := charset.Find(a.text(1))
			if err != nil {
				return nil, err
			}
			data, err := encoding.Encode(a.text(0), charset.Options{Replace: a.flag(2), BOM: a.flag(3)})
			if err != nil {
				return nil, err
			}
			return base64.StdEncoding.EncodeToString(data), nil
		}),
	}
}
