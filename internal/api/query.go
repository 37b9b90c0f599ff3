package api

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"junctor/internal/fault"
	"junctor/internal/unit"
)

// readQuery reads a URL's parameters into the struct that into points to: its
// fields with a `query` tag, also of embedded structs. Unknown, repeated,
// unreadable and out-of-range parameters are named, all at once.
//
// Fields are strings, whole numbers (tag `range:"1,1000"`), booleans, times
// (RFC 3339), spans of time or slices of strings (repeated, or separated by commas).
func readQuery(u *url.URL, into any) error {
	if u.RawQuery == "" { // no parameter has to be given
		return nil
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fault.New(fault.Invalid, "the query cannot be read: %v", err)
	}
	target := reflect.ValueOf(into).Elem()
	known := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(target.Type()) {
		if name := f.Tag.Get("query"); name != "" {
			known[name] = f
		}
	}
	var wrong []fault.Field
	for _, name := range sortedKeys(values) {
		field, ok := known[name]
		detail := "there is no such parameter here" + offer(known)
		if ok {
			detail = setParameter(target.FieldByIndex(field.Index), field.Tag, values[name])
		}
		if detail != "" {
			wrong = append(wrong, fault.Field{Pointer: "/query/" + name, Detail: detail})
		}
	}
	if wrong != nil {
		return fault.New(fault.Invalid, "the query has %s", mistakes(len(wrong))).WithFields(wrong...)
	}
	return nil
}

func offer(known map[string]reflect.StructField) string {
	if len(known) == 0 {
		return ""
	}
	return "; there are " + strings.Join(sortedKeys(known), ", ")
}

// setParameter returns what is wrong with the values, "" for nothing.
func setParameter(field reflect.Value, tag reflect.StructTag, values []string) string {
	for _, v := range values {
		if !printable(v) {
			return "has characters that nothing here contains"
		}
	}
	if field.Kind() == reflect.Slice {
		return setList(field, tag, values)
	}
	if len(values) > 1 {
		return "is given more than once"
	}
	text := values[0]
	switch field.Interface().(type) {
	case time.Time:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return "write the time like 2026-11-22T08:00:00Z"
		}
		field.Set(reflect.ValueOf(t))
		return ""
	case unit.Duration:
		d, err := unit.ParseDuration(text)
		if err != nil {
			return err.Error()
		}
		field.SetInt(int64(d))
		return ""
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return "is true or false"
		}
		field.SetBool(b)
		return ""
	case int:
		low, high := bounds(tag)
		n, err := strconv.Atoi(text)
		if err != nil || n < low || n > high {
			return "is a whole number from " + strconv.Itoa(low) + " to " + strconv.Itoa(high)
		}
		field.SetInt(int64(n))
		return ""
	}
	if allowed := choices(tag); len(allowed) > 0 && !contains(allowed, text) {
		return "is one of " + strings.Join(allowed, ", ")
	}
	field.SetString(text)
	return ""
}

// choices are the values that a parameter may have; none for any.
func choices(tag reflect.StructTag) []string {
	return strings.FieldsFunc(tag.Get("enum"), func(r rune) bool { return r == ',' })
}

func setList(field reflect.Value, tag reflect.StructTag, values []string) string {
	allowed := choices(tag)
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			if len(allowed) > 0 && !contains(allowed, item) {
				return "is one or more of " + strings.Join(allowed, ", ")
			}
			field.Set(reflect.Append(field, reflect.ValueOf(item).Convert(field.Type().Elem())))
		}
	}
	return ""
}

func bounds(tag reflect.StructTag) (low, high int) {
	from, to, _ := strings.Cut(tag.Get("range"), ",")
	low, _ = strconv.Atoi(from)
	high, _ = strconv.Atoi(to)
	return low, high
}
