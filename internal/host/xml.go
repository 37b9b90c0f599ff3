package host

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"junctor/internal/content"
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
			text := a.text(0)
			if a.flag(1) {
				data, err := bytesOf(text, true)
				if err != nil {
					return nil, err
				}
				if text, err = decodeXML(data, ""); err != nil {
					return nil, err
				}
			}
			return readXML(text, a.text(2))
		}),
		"xmlRead": pure(func(a values) (any, error) { // content, is base64, options as JSON, Content-Type
			data, err := bytesOf(a.text(0), a.flag(1))
			if err != nil {
				return nil, err
			}
			text, err := decodeXML(data, content.Charset(a.text(3)))
			if err != nil {
				return nil, err
			}
			return readXML(text, a.text(2))
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

// readXML gives the document's JSON.
func readXML(text, options string) (any, error) {
	var o struct {
		Array    []string `json:"array"`
		Ordered  bool     `json:"ordered"`
		Prefixes *bool    `json:"prefixes"`
		Trim     bool     `json:"trim"`
	}
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return nil, errors.New("the options are array: a list of names, ordered, prefixes, trim: true or false")
	}
	root, err := xml.Parse(text, xml.Limits{})
	if err != nil {
		return nil, err
	}
	strip := o.Prefixes != nil && !*o.Prefixes
	return string(root.JSON(xml.ReadOptions{Array: o.Array, Ordered: o.Ordered, StripPrefixes: strip, Trim: o.Trim})), nil
}

// decodeXML turns a document's bytes into text; declared is the charset that the Content-Type
// names, if any.
func decodeXML(data []byte, declared string) (string, error) {
	label := xml.EncodingOf(data, declared)
	encoding, err := charset.Find(label)
	if err == nil {
		return encoding.Decode(data, charset.Options{})
	}
	if label == declared { // one that only browsers know, or an answer's that nobody does
		return content.Text("text/xml; charset="+label, data), nil
	}
	return "", err
}
