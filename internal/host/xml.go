package host

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"junctor/internal/format/charset"
	"junctor/internal/format/xml"
	"junctor/internal/script"
)

//go:embed xml.js
var xmlJS string

// maxIndent bounds what is written before each element.
const maxIndent = 16

// xmlPure parses to JSON and builds from JSON.
func xmlPure() map[string]script.Pure {
	return map[string]script.Pure{
		"xmlParse": pure(func(a values) (any, error) { // document, is bytes, options as JSON
			var o struct {
				Array    []string `json:"array"`
				Ordered  bool     `json:"ordered"`
				Prefixes *bool    `json:"prefixes"`
				Trim     bool     `json:"trim"`
			}
			if err := json.Unmarshal([]byte(a.text(2)), &o); err != nil {
				return nil, errors.New("the options are array: a list of names, ordered, prefixes, trim: true or false")
			}
			text := a.text(0)
			if a.flag(1) {
				var err error
				if text, err = decodeXML(text); err != nil {
					return nil, err
				}
			}
			root, err := xml.Parse(text, xml.Limits{})
			if err != nil {
				return nil, err
			}
			strip := o.Prefixes != nil && !*o.Prefixes
			return string(root.JSON(xml.ReadOptions{Array: o.Array, Ordered: o.Ordered, StripPrefixes: strip, Trim: o.Trim})), nil
		}),
		"xmlStringify": pure(func(a values) (any, error) { // value as JSON, options as JSON
			return buildXML(a.text(0), a.text(1))
		}),
		"xmlEncode": pure(func(a values) (any, error) { // the same, in the declared encoding's bytes
			text, err := buildXML(a.text(0), a.text(1))
			if err != nil {
				return nil, err
			}
			encoding, err := charset.Find(a.text(2))
			if err != nil {
				return nil, err
			}
			data, err := encoding.Encode(text, charset.Options{})
			if err != nil {
				return nil, err
			}
			return base64.StdEncoding.EncodeToString(data), nil
		}),
	}
}

func buildXML(value, options string) (string, error) {
	o := struct {
		Declaration bool   `json:"declaration"`
		Encoding    string `json:"encoding"`
		Indent      string `json:"indent"`
		Ordered     bool   `json:"ordered"`
	}{Declaration: true}
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return "", errors.New("the options are declaration, ordered: true or false, encoding, indent: a text")
	}
	if len(o.Indent) > maxIndent || strings.Trim(o.Indent, " \t") != "" {
		return "", errors.New("the option indent is at most 16 spaces or tabs")
	}
	root, err := xml.FromJSON([]byte(value), o.Ordered, xml.Limits{})
	if err != nil {
		return "", err
	}
	return xml.Write(root, xml.WriteOptions{Declaration: o.Declaration, Encoding: o.Encoding, Indent: o.Indent})
}

// declared finds the encoding in an XML declaration.
var declared = regexp.MustCompile(`^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// decodeXML turns a document's bytes into text by its byte order mark, else by
// its declaration, else as UTF-8.
func decodeXML(encoded string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", err
	}
	label := "utf-8"
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte("<\x00")):
		label = "utf-16le"
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}), bytes.HasPrefix(data, []byte("\x00<")):
		label = "utf-16be"
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
	default:
		if m := declared.FindSubmatch(data[:min(len(data), 1024)]); m != nil {
			label = string(m[1])
		}
	}
	encoding, err := charset.Find(label)
	if err != nil {
		return "", err
	}
	return encoding.Decode(data, charset.Options{})
}
