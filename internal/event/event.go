// Package event is the domain's event log: CloudEvents 1.0 in one order,
// appended in the transaction of what they tell, read by cursor.
//
// It must not know who tells something, nor who wants to hear it; of runs that
// wait for events it knows the rows in which they say for which.
package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Event is a CloudEvent 1.0 (github.com/cloudevents/spec, v1.0.2).
type Event struct {
	ID         string
	Source     string // a URI reference; "" for the log's own
	Type       string
	Subject    string          // "" for none
	Time       time.Time       // zero: when it came into the log
	MediaType  string          // datacontenttype; "" means JSON
	Schema     string          // dataschema, an absolute URI; "" for none
	Run        string          // junctorrun: the run that it came from, "" for none
	Depth      int             // junctordepth: how many runs and events led to it, 0 for none
	Extensions map[string]any  // further attributes: string, bool, int64
	Data       json.RawMessage // without spaces that mean nothing; nil for none
	Bytes      []byte          // data that is no JSON, instead of Data; nil for none
}

// Limits of one event.
const (
	MaxSize   = 1 << 20 // bytes of data and attributes
	MaxName   = 256     // bytes of an id or a type
	MaxText   = 1024    // bytes of any other attribute
	MaxExtra  = 50      // further attributes
	MaxDepth  = 16      // of causation
	maxName   = 64      // characters of an attribute's name
	runName   = "junctorrun"
	depthName = "junctordepth"
)

// own begin the types of events that Junctor makes itself. Nobody else
// publishes them, or a reader could not rely on what they tell.
var own = []string{"approval", "channel", "config", "link", "record", "run", "schedule", "session", "subscription"}

// Reserved reports whether a type is one of Junctor's own.
func Reserved(kind string) bool {
	first, _, _ := strings.Cut(kind, ".")
	return slices.Contains(own, first)
}

// set gives an attribute its value: a string, a bool or an int64. It says what
// is wrong with it, "" for nothing.
func (e *Event) set(name string, value any) (wrong string) {
	text, isText := value.(string)
	if isText {
		if wrong := checkText(text, limitOf(name)); wrong != "" {
			return wrong
		}
	}
	into := e.text(name)
	switch {
	case name == "specversion":
		if text != "1.0" {
			return "is 1.0 for all that are taken here"
		}
	case into != nil || name == "time" || name == runName:
		if !isText {
			return "is a text"
		}
		if text == "" {
			return "is empty"
		}
		return e.setText(name, text, into)
	case name == depthName:
		return e.setDepth(value)
	default:
		if wrong := checkName(name); wrong != "" {
			return wrong
		}
		if n, ok := value.(int64); ok && int64(int32(n)) != n {
			return "is a number over 32 bits; send it as a text"
		}
		if len(e.Extensions) == MaxExtra {
			return fmt.Sprintf("is one attribute too many: beside the known ones there may be %d", MaxExtra)
		}
		if e.Extensions == nil {
			e.Extensions = map[string]any{}
		}
		e.Extensions[name] = value
	}
	return ""
}

// text is where an attribute that is a text is kept; nil: it is another.
func (e *Event) text(name string) *string {
	switch name {
	case "id":
		return &e.ID
	case "source":
		return &e.Source
	case "type":
		return &e.Type
	case "subject":
		return &e.Subject
	case "datacontenttype":
		return &e.MediaType
	case "dataschema":
		return &e.Schema
	}
	return nil
}

func (e *Event) setText(name, text string, into *string) (wrong string) {
	switch name {
	case "source":
		if _, err := url.Parse(text); err != nil || strings.ContainsAny(text, " <>\"\\^`{|}") {
			return "is no URI reference like /shops/4 or https://example.com/shops/4"
		}
	case "dataschema":
		if u, err := url.Parse(text); err != nil || u.Scheme == "" {
			return "is no absolute URI like https://example.com/order.json"
		}
	case "datacontenttype":
		if media, _, err := mime.ParseMediaType(text); err != nil || !strings.Contains(media, "/") {
			return "is no media type like application/json"
		}
	case "time":
		t, err := parseTime(text)
		if err != nil || t.Year() < 1 {
			return "is no time like 2026-11-22T08:00:00Z (RFC 3339)"
		}
		e.Time = t
		return ""
	case runName:
		into = &e.Run
	}
	*into = text
	return ""
}

// parseTime reads a time of RFC 3339 without what time.Parse lets pass: an hour of
// one digit, a comma, an offset of a day.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err == nil && (text[len("2026-11-22T08")] != ':' || strings.Contains(text, ",")) {
		err = errors.New("is written in another way")
	}
	if err == nil {
		_, err = t.MarshalText()
	}
	return t, err
}

// setDepth takes a number, or its digits as headers have it.
func (e *Event) setDepth(value any) (wrong string) {
	if text, ok := value.(string); ok {
		n := json.Number(text)
		if i, err := n.Int64(); err == nil {
			value = i
		}
	}
	n, ok := value.(int64)
	if !ok || n < 0 || n > MaxDepth {
		return fmt.Sprintf("is a whole number from 0 to %d: what has been passed on more often than that goes round in a circle", MaxDepth)
	}
	e.Depth = int(n)
	return ""
}

func limitOf(name string) int {
	if name == "id" || name == "type" {
		return MaxName
	}
	return MaxText
}

// checkName refuses what no further attribute can be called (section Naming
// Conventions of the specification).
func checkName(name string) (wrong string) {
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		return fmt.Sprintf("is no name of an attribute: these have 1 to %d of a-z and 0-9", maxName)
	}
	return ""
}

// checkText refuses what no attribute can have (section Type System of the
// specification).
func checkText(text string, most int) (wrong string) {
	switch {
	case len(text) > most:
		return fmt.Sprintf("has %d bytes; at most %d are possible", len(text), most)
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r&0xFFFE == 0xFFFE || r >= 0xFDD0 && r <= 0xFDEF }):
		return "has a control character, or one that stands for none"
	}
	return ""
}

// size is about how many bytes the event has.
func (e *Event) size() int {
	n := len(e.ID) + len(e.Source) + len(e.Type) + len(e.Subject) + len(e.MediaType) + len(e.Schema) + len(e.Run) + len(e.Data) + len(e.Bytes)
	for name, value := range e.Extensions {
		text, _ := value.(string)
		n += len(name) + len(text) + 8
	}
	return n
}

// attributes are those that have no column of their own, as JSON members: ""
// for none, otherwise ,"name":value for each.
func (e *Event) attributes() string {
	if e.Time.IsZero() && e.MediaType == "" && e.Schema == "" && e.Run == "" && e.Depth == 0 && len(e.Extensions) == 0 {
		return ""
	}
	var b []byte
	if !e.Time.IsZero() {
		b = member(b, "time", e.Time.Format(time.RFC3339Nano))
	}
	for _, a := range []struct{ name, value string }{{"datacontenttype", e.MediaType}, {"dataschema", e.Schema}, {runName, e.Run}} {
		if a.value != "" {
			b = member(b, a.name, a.value)
		}
	}
	if e.Depth > 0 {
		b = member(b, depthName, e.Depth)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Extensions)) {
		b = member(b, name, e.Extensions[name])
	}
	return string(b)
}

func member(b []byte, name string, value any) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	if text, ok := value.(string); ok {
		return appendText(b, text)
	}
	return fmt.Append(b, value) // true, false, whole numbers
}

// appendText appends a JSON text.
func appendText(b []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("event: " + err.Error()) // a text always is JSON
	}
	return append(b, quoted...)
}
