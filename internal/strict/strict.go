// Package strict reads a JSON document into a Go value and finds everything
// that is wrong with it at once: members that do not exist (with the one that
// was probably meant), members given twice, wrong types, missing members, and
// values their own type refuses. Each finding has the place as a JSON pointer.
//
// It must not know any of Junctor's nouns.
package strict

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"

	"junctor/internal/fault"
)

// Twice is what is said of a member that is given more than once; only here is
// it seen, because whatever else reads JSON takes the last.
const Twice = "is given twice"

// Decode reads data into the value that into points to and returns what is
// wrong, in the order of the document, missing members last within their
// object, the first Most of it; nil when everything is right. Correct members are set also when
// others are wrong.
//
// Unlike encoding/json it takes member names exactly as written, refuses null
// where the Go type has no nil, and knows the tag `strict:"required"`: such a
// member must be present and not null. The error of an UnmarshalJSON becomes
// the detail; when it is a *fault.Error with fields, these are taken over with
// their pointers put below the member's.
//
// Structs (embedded ones included), maps with text keys, slices, pointers,
// json.RawMessage, any, json.Unmarshaler and encoding.TextUnmarshaler are
// walked; any other type is left to encoding/json. Decode panics when into is
// not a pointer, which is a mistake of the program.
func Decode(data []byte, into any) []fault.Field {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		panic(fmt.Sprintf("strict.Decode into %T: a non-nil pointer is needed", into))
	}
	if detail := broken(data); detail != "" {
		return []fault.Field{{Detail: detail}}
	}
	var d decoder
	d.value(bytes.TrimSpace(data), target.Elem(), "")
	return d.found
}

// broken says why data is no JSON document at all, "" when it is one.
func broken(data []byte) string {
	if len(bytes.TrimSpace(data)) == 0 {
		return "is empty, JSON is expected"
	}
	if !utf8.Valid(data) {
		return "is not UTF-8"
	}
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line, column := position(data, syntax.Offset)
		return fmt.Sprintf("is not JSON: line %d, column %d: %v", line, column, err)
	}
	if err != nil {
		return "is not JSON: " + err.Error()
	}
	return ""
}

// position turns the number of bytes read up to and including the offending
// one into line and column, both from 1.
func position(data []byte, read int64) (line, column int) {
	before := data[:max(0, min(int(read)-1, len(data)))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte{'\n'}), 1 + utf8.RuneCount(before[start:])
}

// Most is how many mistakes are listed. What has more is no document that a
// person mistyped, and the answer would grow beyond what was sent.
const Most = 200

// More is what is said in the place of all mistakes behind Most.
const More = "there are more mistakes, which are not listed"

type decoder struct{ found []fault.Field }

// full reports whether nothing is listed any more, so that nothing needs to be
// looked for either.
func (d *decoder) full() bool { return len(d.found) > Most }

func (d *decoder) add(pointer, format string, args ...any) {
	switch {
	case d.full():
		return
	case len(d.found) == Most:
		d.found = append(d.found, fault.Field{Detail: More})
		return
	}
	d.found = append(d.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType        = reflect.TypeFor[time.Time]()
)

// value reads one valid JSON text without space around it into v.
func (d *decoder) value(raw []byte, v reflect.Value, pointer string) {
	if d.full() {
		return
	}
	if v.Kind() == reflect.Pointer {
		if isNull(raw) {
			v.SetZero()
			return
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(raw, v.Elem(), pointer)
		return
	}
	if isNull(raw) && !nillable(v.Kind()) {
		d.add(pointer, "must be %s, not null", wanted(v.Type()))
		return
	}
	switch reach := reflect.PointerTo(v.Type()); {
	case v.Type() == timeType:
		if v.Addr().Interface().(*time.Time).UnmarshalJSON(raw) != nil {
			d.add(pointer, "must be a time like 2026-11-22T08:00:00Z (RFC 3339)")
		}
	case reach.Implements(unmarshaler):
		d.refused(pointer, v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(raw))
	case reach.Implements(textUnmarshaler):
		d.text(raw, v, pointer)
	case v.Kind() == reflect.Struct:
		d.object(raw, v, pointer)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		d.dictionary(raw, v, pointer)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		d.list(raw, v, pointer)
	default:
		d.scalar(raw, v, pointer)
	}
}

// text hands a JSON string to an encoding.TextUnmarshaler.
func (d *decoder) text(raw []byte, v reflect.Value, pointer string) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		d.add(pointer, "must be a text, not %s", kind(raw))
		return
	}
	d.refused(pointer, v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)))
}

// refused takes over what an unmarshaler said.
func (d *decoder) refused(pointer string, err error) {
	if err == nil {
		return
	}
	var f *fault.Error
	if !errors.As(err, &f) || len(f.Fields) == 0 {
		d.add(pointer, "%s", err.Error())
		return
	}
	for _, field := range f.Fields {
		d.add(pointer+field.Pointer, "%s", field.Detail)
	}
}

// scalar reads what has no members: texts, numbers, booleans, and whatever
// encoding/json alone knows.
func (d *decoder) scalar(raw []byte, v reflect.Value, pointer string) {
	err := json.Unmarshal(raw, v.Addr().Interface())
	if err == nil {
		return
	}
	var mismatch *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &mismatch):
		d.add(pointer, "%s", err.Error())
	case kind(raw) == "a number" && v.CanFloat():
		d.add(pointer, "%s is too large", raw)
	case kind(raw) == "a number" && (v.CanInt() || v.CanUint()):
		d.add(pointer, "must be %s, not %s", wanted(v.Type()), raw)
	default:
		d.add(pointer, "must be %s, not %s", wanted(v.Type()), kind(raw))
	}
}
