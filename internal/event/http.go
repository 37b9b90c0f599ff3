package event

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"junctor/internal/fault"
)

// The media types of events in JSON.
const (
	Structured = "application/cloudevents+json"
	Batch      = "application/cloudevents-batch+json"
)

// headerPrefix begins the headers of attributes in the binary content mode.
const headerPrefix = "Ce-"

// FromHTTP reads the events of a request by the HTTP protocol binding of
// CloudEvents: structured, batched, or binary. What is wrong with a header has
// the pointer /headers/NAME, what is wrong with a document its own. Errors:
// fault.Unsupported when the request is none of the three; fault.Unprocessable
// and, for what is no JSON at all, fault.Invalid.
func FromHTTP(h http.Header, body []byte) ([]*Event, error) {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	switch {
	case err == nil && (media == Structured || media == Batch):
		if charset != "" && charset != "utf-8" && charset != "us-ascii" {
			return nil, fault.New(fault.Unsupported, "events in JSON are taken in UTF-8; Content-Type is %q", h.Get("Content-Type"))
		}
		if media == Batch {
			events, found := ParseBatch(body)
			return events, wrong(body, found)
		}
		e, found := Parse(body)
		return []*Event{e}, wrong(body, found)
	case err == nil && strings.HasPrefix(media, "application/cloudevents"):
		return nil, fault.New(fault.Unsupported, "of the event formats %s and %s are taken; Content-Type is %q", Structured, Batch, h.Get("Content-Type"))
	case len(h.Values("Ce-Specversion")) == 0:
		return nil, fault.New(fault.Unsupported, "this is no CloudEvent: send one as %s, several as %s, or the data as they are with the headers ce-specversion, ce-id, ce-source and ce-type",
			Structured, Batch)
	}
	e, found := fromHeaders(h, body)
	if len(found) > 0 {
		return nil, fault.New(fault.Unprocessable, "the event has mistakes").WithFields(found...)
	}
	return []*Event{e}, nil
}

func wrong(body []byte, found []fault.Field) error {
	switch {
	case len(found) == 0:
		return nil
	case !utf8.Valid(body) || !json.Valid(body):
		return fault.New(fault.Invalid, "the body is not a JSON document").WithFields(found...)
	}
	return fault.New(fault.Unprocessable, "the body has mistakes").WithFields(found...)
}

// fromHeaders reads the binary content mode: attributes in headers, data as the
// body.
func fromHeaders(h http.Header, body []byte) (*Event, []fault.Field) {
	e := &Event{}
	var found []fault.Field
	report := func(name, detail string) {
		found = append(found, fault.Field{Pointer: "/headers/" + name, Detail: detail})
	}
	names := make([]string, 0, len(h))
	for name := range h {
		if strings.HasPrefix(name, headerPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, header := range names {
		name := strings.ToLower(strings.TrimPrefix(header, headerPrefix))
		values, at := h[header], strings.ToLower(header)
		text, err := headerText(values[0])
		switch {
		case len(values) > 1:
			report(at, "is given more than once")
		case err != nil:
			report(at, err.Error())
		case name == "data" || name == "datacontenttype":
			report(at, "is no attribute's header: the data are the body, and Content-Type is their type")
		default:
			if wrong := e.set(name, text); wrong != "" {
				report(at, wrong)
			}
		}
	}
	for _, name := range []string{"id", "source", "type"} {
		if h.Get(headerPrefix+name) == "" && len(h.Values(headerPrefix+name)) == 0 {
			report("ce-"+name, "is missing")
		}
	}
	if kind := h.Get("Content-Type"); kind != "" {
		if wrong := e.set("datacontenttype", kind); wrong != "" {
			report("content-type", wrong)
			return e, found
		}
	}
	if wrong := e.setBody(body); wrong != "" {
		found = append(found, fault.Field{Detail: wrong})
	}
	return e, found
}

// setBody makes the data of a body: JSON as it is, UTF-8 text of a text's type
// as a JSON text, anything else as bytes.
func (e *Event) setBody(body []byte) (wrong string) {
	if len(body) == 0 {
		return ""
	}
	media, params, _ := mime.ParseMediaType(e.MediaType) //nolint:errcheck // checked by set, and "" is none
	charset := strings.ToLower(params["charset"])
	plain := charset == "" || charset == "utf-8" || charset == "us-ascii"
	switch {
	case plain && (media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")):
		var err error
		if e.Data, err = compact(body); err != nil || !utf8.Valid(body) {
			return "is not JSON, as Content-Type says it were"
		}
		return checkDepth(e.Data)
	case plain && utf8.Valid(body) && (strings.HasPrefix(media, "text/") || media == "application/xml" || strings.HasSuffix(media, "+xml")):
		e.Data = appendText(nil, string(body))
	default:
		e.Bytes = body
	}
	return ""
}

// headerText decodes a header's value: section 3.1.3.2 of the HTTP protocol
// binding, and the quotes that older senders use.
func headerText(value string) (string, error) {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		var b strings.Builder
		for inner := value[1 : len(value)-1]; inner != ""; inner = inner[1:] {
			if inner[0] == '\\' && len(inner) > 1 {
				inner = inner[1:]
			}
			b.WriteByte(inner[0])
		}
		value = b.String()
	}
	text, err := url.PathUnescape(value)
	if err != nil {
		return "", fmt.Errorf("has a %% that no two hexadecimal digits follow; write it %%25")
	}
	return text, nil
}
