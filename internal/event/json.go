package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"junctor/internal/content"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// Parse reads an event in the JSON format of CloudEvents, and says everything
// that is wrong with it, with JSON pointers. Members that are null count as
// absent, but for data.
func Parse(doc []byte) (*Event, []fault.Field) {
	var members map[string]json.RawMessage
	if found := strict.Decode(doc, &members); len(found) > 0 {
		return nil, found
	}
	if members == nil {
		return nil, []fault.Field{{Detail: "is null, an event is an object"}}
	}
	e := &Event{}
	var found []fault.Field
	for _, name := range slices.Sorted(maps.Keys(members)) {
		raw := members[name]
		wrong := ""
		switch {
		case name == "data":
			e.Data, _ = compact(raw) //nolint:errcheck // strict has read it
			wrong = checkDepth(e.Data)
		case string(raw) == "null":
			delete(members, name)
		case name == "data_base64":
			wrong = e.setBase64(raw)
		default:
			wrong = e.setJSON(name, raw)
		}
		if wrong != "" {
			found = append(found, fault.Field{Pointer: "/" + escape(name), Detail: wrong})
		}
	}
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if _, ok := members[name]; !ok {
			found = append(found, fault.Field{Pointer: "/" + name, Detail: "is missing"})
		}
	}
	if e.Data != nil && e.Bytes != nil {
		found = append(found, fault.Field{Pointer: "/data_base64", Detail: "stands beside data; an event has one of them"})
	}
	return e, found
}

// ParseBatch reads a list of events, see Parse.
func ParseBatch(doc []byte) ([]*Event, []fault.Field) {
	var list []json.RawMessage
	found := strict.Decode(doc, &list)
	if len(found) == 0 && list == nil {
		found = []fault.Field{{Detail: "is null, a batch is a list"}}
	}
	if len(found) > 0 {
		return nil, found
	}
	events := make([]*Event, 0, len(list))
	for i, raw := range list {
		e, wrong := Parse(raw)
		for _, f := range wrong {
			found = append(found, fault.Field{Pointer: fmt.Sprintf("/%d%s", i, f.Pointer), Detail: f.Detail})
		}
		events = append(events, e)
	}
	return events, found
}

// compact is JSON without spaces that mean nothing. Errors: the text is no JSON.
func compact(text []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	b.Grow(len(text))
	err := json.Compact(&b, text)
	return b.Bytes(), err
}

// checkDepth refuses data that readers would fail at, scenarios among them.
func checkDepth(data json.RawMessage) (wrong string) {
	if content.TooDeep(data) >= 0 {
		return fmt.Sprintf("is nested deeper than %d levels", content.DeepestJSON)
	}
	return ""
}

// setJSON gives an attribute the value that its JSON has.
func (e *Event) setJSON(name string, raw json.RawMessage) (wrong string) {
	var value any
	switch raw[0] {
	case '"':
		var text string
		json.Unmarshal(raw, &text) //nolint:errcheck // strict has read it
		value = text
	case 't', 'f':
		value = raw[0] == 't'
	case '{', '[':
		return "is an object or a list; an attribute is a text, a whole number, true or false"
	default:
		n, err := json.Number(raw).Int64()
		if err != nil {
			return "is a number with a fraction, or too large; send it as a text"
		}
		value = n
	}
	return e.set(name, value)
}

func (e *Event) setBase64(raw json.RawMessage) (wrong string) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return "is a text in base64"
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "is not base64"
	}
	e.Bytes = data
	if data == nil {
		e.Bytes = []byte{}
	}
	return ""
}

// MarshalJSON writes the event in the JSON format of CloudEvents.
func (e *Event) MarshalJSON() ([]byte, error) {
	i := Item{ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject, attributes: e.attributes()}
	i.data, i.form = e.content()
	return i.MarshalJSON()
}

// content is what the event carries, nil for nothing, and its form.
func (e *Event) content() (data []byte, form int64) {
	if e.Bytes != nil {
		return e.Bytes, formBytes
	}
	if len(e.Data) == 0 {
		return nil, 0
	}
	return e.Data, 0
}

// The bits of form.
const (
	formBytes = 1 // data is no JSON
	formLarge = 2 // data is kept in chunks
)

// Item is an event as it stands in the log.
type Item struct {
	Seq                       int64     // its place
	At                        time.Time // when it came into the log
	ID, Source, Type, Subject string    // Subject: "" for none

	attributes string // the further ones, as Event.attributes writes them
	form       int64
	data       []byte // nil for none

	shared *shared // nil: nobody else reads it
}

// shared is what many who read an event need of it, made once.
type shared struct {
	text, data sync.Once
	written    []byte
	decoded    any
	mu         sync.Mutex
	made       map[string]any
}

// sharedKeys is for how many keys something is made of an event.
const sharedKeys = 4

// sharedData is up to how many bytes of data are kept as they were decoded too,
// which takes many times as much.
const sharedData = 8 << 10

// JSON is the event in the JSON format of CloudEvents; it is not to be changed.
func (i *Item) JSON() []byte {
	if i.shared == nil {
		return i.write()
	}
	i.shared.text.Do(func() { i.shared.written = i.write() })
	return i.shared.written
}

// Shared is what is made of the event for a key, once for all who read it from
// memory. ok is false, and nothing is made, for an event that nobody else reads,
// or when it was made for many other keys already.
func (i *Item) Shared(key string, make func() any) (made any, ok bool) {
	if i.shared == nil {
		return nil, false
	}
	i.shared.mu.Lock()
	defer i.shared.mu.Unlock()
	made, ok = i.shared.made[key]
	if ok || len(i.shared.made) >= sharedKeys {
		return made, ok
	}
	if i.shared.made == nil {
		i.shared.made = map[string]any{}
	}
	made = make()
	i.shared.made[key] = made
	return made, true
}

// content is data as a filter sees them.
func (i *Item) content() any {
	if i.shared == nil || len(i.data) > sharedData {
		return decode(i.Data())
	}
	i.shared.data.Do(func() { i.shared.decoded = decode(i.Data()) })
	return i.shared.decoded
}

// Data is the event's data as JSON; nil when it has none, or data that is no
// JSON.
func (i *Item) Data() json.RawMessage {
	if i.form&formBytes != 0 {
		return nil
	}
	return i.data
}

// MarshalJSON writes the event in the JSON format of CloudEvents.
func (i *Item) MarshalJSON() ([]byte, error) { return i.JSON(), nil }

func (i *Item) write() []byte {
	b := make([]byte, 0, 200+len(i.attributes)+len(i.data)*4/3)
	b = append(b, `{"specversion":"1.0"`...)
	b = member(b, "id", i.ID)
	b = member(b, "source", i.Source)
	b = member(b, "type", i.Type)
	if i.Subject != "" {
		b = member(b, "subject", i.Subject)
	}
	if !strings.HasPrefix(i.attributes, timeFirst) && !i.At.IsZero() {
		b = member(b, "time", i.At.Format(time.RFC3339Nano))
	}
	b = append(b, i.attributes...)
	switch {
	case i.data == nil:
	case i.form&formBytes != 0:
		b = append(b, `,"data_base64":"`...)
		b = base64.StdEncoding.AppendEncode(b, i.data)
		b = append(b, '"')
	default:
		b = append(b, `,"data":`...)
		b = append(b, i.data...)
	}
	return append(b, '}')
}

// timeFirst begins the further attributes of an event that names its time.
const timeFirst = `,"time":`

// time is the event's own, or when it came into the log.
func (i *Item) time() time.Time {
	rest, ok := strings.CutPrefix(i.attributes, timeFirst+`"`)
	text, _, _ := strings.Cut(rest, `"`)
	if t, err := time.Parse(time.RFC3339Nano, text); ok && err == nil {
		return t
	}
	return i.At
}

// escape makes a member's name a part of a JSON pointer.
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
