package xml

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// ReadOptions change the mapping of a document to a value.
type ReadOptions struct {
	Array         []string // names of elements that are arrays even when they appear once; as they appear in the result
	StripPrefixes bool     // leave out the prefixes of elements and the declarations; attributes keep theirs
	Trim          bool     // leave out white space around text
	Ordered       bool     // give the ordered form
}

// JSON returns the element as the JSON of the mapping that the package comment
// describes.
func (e *Element) JSON(o ReadOptions) []byte {
	j := jsonWriter{ReadOptions: o}
	if o.Ordered {
		j.ordered(e)
		return j.Bytes()
	}
	j.WriteByte('{')
	name := j.name(e)
	j.text(name)
	j.WriteByte(':')
	if slices.Contains(o.Array, name) {
		j.WriteByte('[')
		j.compact(e)
		j.WriteByte(']')
	} else {
		j.compact(e)
	}
	j.WriteByte('}')
	return j.Bytes()
}

type jsonWriter struct {
	ReadOptions
	bytes.Buffer
}

// text writes a JSON string.
func (j *jsonWriter) text(s string) {
	if isPlain(s) {
		j.WriteByte('"')
		j.WriteString(s)
		j.WriteByte('"')
		return
	}
	encoder := json.NewEncoder(&j.Buffer)
	encoder.SetEscapeHTML(false)
	encoder.Encode(s)       //nolint:errcheck // a string and a buffer cannot fail
	j.Truncate(j.Len() - 1) // the encoder's line end
}

// isPlain reports whether a text, UTF-8 as all that Parse gives, is its own
// JSON. Most are, and an encoder for each costs more than the parsing.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (j *jsonWriter) name(e *Element) string {
	if j.StripPrefixes {
		if _, local, ok := strings.Cut(e.Name, ":"); ok {
			return local
		}
	}
	return e.Name
}

func (j *jsonWriter) attrs(e *Element) []Attr {
	if !j.StripPrefixes {
		return e.Attr
	}
	return slices.DeleteFunc(slices.Clone(e.Attr), func(a Attr) bool {
		return a.Name == "xmlns" || strings.HasPrefix(a.Name, "xmlns:")
	})
}

func (j *jsonWriter) trimmed(s string) string {
	if j.Trim {
		return strings.Trim(s, " \t\r\n")
	}
	return s
}

// compact writes the form with members by name.
func (j *jsonWriter) compact(e *Element) {
	attrs, content := j.attrs(e), j.trimmed(e.text())
	if len(attrs) == 0 && !e.hasElements() {
		j.text(content)
		return
	}
	separator := byte('{')
	member := func(name string) {
		j.WriteByte(separator)
		separator = ','
		j.text(name)
		j.WriteByte(':')
	}
	for _, a := range attrs {
		member("@" + a.Name)
		j.text(a.Value)
	}
	for _, group := range j.groups(e) {
		member(j.name(group[0]))
		many := len(group) > 1 || slices.Contains(j.Array, j.name(group[0]))
		for i, child := range group {
			if many {
				j.WriteByte("[,"[min(i, 1)])
			}
			j.compact(child)
		}
		if many {
			j.WriteByte(']')
		}
	}
	if content != "" {
		member("#text")
		j.text(content)
	}
	j.WriteByte('}')
}

// groups gathers the child elements by name, in the order of first appearance.
func (j *jsonWriter) groups(e *Element) [][]*Element {
	var groups [][]*Element
	at := map[string]int{}
	for _, c := range e.Children {
		if c.Element == nil {
			continue
		}
		name := j.name(c.Element)
		i, ok := at[name]
		if !ok {
			i = len(groups)
			at[name], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], c.Element)
	}
	return groups
}

// ordered writes the form that keeps every place.
func (j *jsonWriter) ordered(e *Element) {
	j.WriteString(`{"name":`)
	j.text(j.name(e))
	j.WriteString(`,"attributes":{`)
	for i, a := range j.attrs(e) {
		if i > 0 {
			j.WriteByte(',')
		}
		j.text(a.Name)
		j.WriteByte(':')
		j.text(a.Value)
	}
	j.WriteString(`},"children":[`)
	first := true
	for _, c := range e.Children {
		text := j.trimmed(c.Text)
		if c.Element == nil && text == "" {
			continue
		}
		if !first {
			j.WriteByte(',')
		}
		first = false
		if c.Element != nil {
			j.ordered(c.Element)
		} else {
			j.text(text)
		}
	}
	j.WriteString("]}")
}
