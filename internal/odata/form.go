package odata

import (
	"mime"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/format/accept"
)

// form is what an answer is written in.
type form struct {
	kind        string // one of those below
	metadata    string // minimal, full, none
	textNumbers bool   // IEEE754Compatible=true
}

const (
	asJSON = "application/json"
	asXML  = "application/xml"
	asCSV  = "text/csv"
	asText = "text/plain" // $count and $value, whatever is accepted

	minimal = "minimal"
	full    = "full"
	none    = "none"
)

// formats are the short names of $format.
var formats = map[string]string{"json": asJSON, "xml": asXML, "csv": asCSV}

// chooseForm reads $format, or else Accept. Errors: fault.NotAcceptable.
func (q *request) chooseForm() (form, error) {
	values := q.header.Values("Accept")
	if text, ok := q.options.given["format"]; ok {
		media, parameters, _ := strings.Cut(strings.TrimSpace(text), ";")
		if long := formats[strings.ToLower(media)]; long != "" {
			media = long
		}
		if !strings.Contains(media, "/") {
			return form{}, fault.New(fault.NotAcceptable, "$format is json, xml, csv or a media type, not %.100q.", text)
		}
		values = []string{media + ";" + parameters}
	}
	f := form{kind: asJSON, metadata: minimal}
	if len(values) == 0 || len(values) == 1 && (values[0] == "*/*" || values[0] == asJSON) { // most are like this
		return f, nil
	}
	types := accept.ParseTypes(values)
	offered := []string{asJSON, asXML, asCSV}
	switch pattern := q.route.pattern; {
	case pattern == "/$metadata":
		offered = []string{asXML, asJSON}
	case pattern == "/" || strings.HasSuffix(pattern, "/$ref"):
		offered = offered[:1]
	case pattern == batch.pattern, q.route.method == remove, strings.HasSuffix(pattern, "/$count"), strings.HasSuffix(pattern, "/$value"), strings.HasSuffix(pattern, "/{property}") && (q.route.method != get || q.isFile()):
		return f.with(values)
	}
	if q.route.method != get && answersRecord(q.route.pattern) { // what is sent back has a place only in JSON
		offered = offered[:1]
	}
	best := 0.0
	for _, kind := range offered {
		quality := types.Quality(kind)
		if kind == asXML {
			quality = max(quality, types.Quality("text/xml"))
		}
		if quality > best {
			f.kind, best = kind, quality
		}
	}
	if best == 0 {
		return f, fault.New(fault.NotAcceptable, "This can be had as %s; Accept or $format asks for %.200q.", strings.Join(offered, ", "), strings.Join(values, ", "))
	}
	return f.with(values)
}

// answersRecord reports whether a write to the pattern answers a record.
func answersRecord(pattern string) bool { return !strings.HasSuffix(pattern, "/$query") }

// with reads the parameters of application/json.
func (f form) with(values []string) (form, error) {
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil || media != asJSON && media != "*/*" {
			continue
		}
		for name, value := range parameters {
			switch strings.TrimPrefix(name, "odata.") {
			case "metadata":
				value = strings.ToLower(value)
				if value != minimal && value != full && value != none {
					return f, fault.New(fault.NotAcceptable, "odata.metadata is minimal, full or none, not %.100q.", value)
				}
				f.metadata = value
			case "ieee754compatible":
				f.textNumbers = strings.EqualFold(value, "true")
			}
		}
	}
	return f, nil
}

// contentType is that of an answer in JSON.
func (f form) contentType() string {
	t := "application/json;odata.metadata=" + f.metadata
	if f.textNumbers {
		t += ";IEEE754Compatible=true"
	}
	return t
}
