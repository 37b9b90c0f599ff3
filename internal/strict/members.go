package strict

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

var pointed = strings.NewReplacer("~", "~0", "/", "~1") // made once: it costs more than what it does

// Pointer adds one member name or index to a JSON pointer, escaped as RFC 6901
// says.
func Pointer(parent, member string) string {
	return parent + "/" + pointed.Replace(member)
}

// object reads a JSON object into a struct.
func (d *decoder) object(raw []byte, v reflect.Value, pointer string) {
	if raw[0] != '{' {
		d.add(pointer, "must be an object, not %s", kind(raw))
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	each(raw, func(name string, member []byte) {
		at := Pointer(pointer, name)
		f, known := fields.byName[name]
		switch {
		case d.full():
		case seen[name]:
			d.add(at, "%s", Twice)
		case !known:
			d.add(at, "%s", Unknown(name, fields.names))
		case f.required && isNull(member):
			d.add(at, "is required")
		default:
			d.value(member, reach(v, f.index), at)
		}
		seen[name] = true
	})
	for _, name := range fields.names {
		if fields.byName[name].required && !seen[name] {
			d.add(Pointer(pointer, name), "is required")
		}
	}
}

// dictionary reads a JSON object into a map with text keys.
func (d *decoder) dictionary(raw []byte, v reflect.Value, pointer string) {
	if isNull(raw) {
		v.SetZero()
		return
	}
	if raw[0] != '{' {
		d.add(pointer, "must be an object, not %s", kind(raw))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := map[string]bool{}
	each(raw, func(name string, member []byte) {
		at := Pointer(pointer, name)
		if seen[name] {
			d.add(at, "%s", Twice)
			return
		}
		seen[name] = true
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(member, element, at)
		v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), element)
	})
}

// list reads a JSON array into a slice.
func (d *decoder) list(raw []byte, v reflect.Value, pointer string) {
	if isNull(raw) {
		v.SetZero()
		return
	}
	if raw[0] != '[' {
		d.add(pointer, "must be a list, not %s", kind(raw))
		return
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil { // cannot happen: raw is valid
		d.add(pointer, "%s", err.Error())
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if d.full() {
			return
		}
		d.value(item, v.Index(i), pointer+"/"+strconv.Itoa(i))
	}
}

// each calls f for every member of a valid JSON object, in its order and with
// repetitions, which a map would lose.
func each(raw []byte, f func(name string, member []byte)) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return
		}
		var member json.RawMessage
		if err := dec.Decode(&member); err != nil {
			return
		}
		f(name.(string), member)
	}
}

type field struct {
	index    []int
	required bool
}

type fields struct {
	names  []string // in the order of the struct
	byName map[string]field
}

// fieldsOf lists the members of a struct type by the rules of encoding/json:
// an outer field hides an embedded one of the same name.
func fieldsOf(t reflect.Type) fields {
	all := fields{byName: map[string]field{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		flattened := f.Anonymous && name == "" && structure(f.Type)
		if f.Tag.Get("json") == "-" || flattened || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if old, ok := all.byName[name]; ok && len(old.index) <= len(f.Index) {
			continue
		} else if !ok {
			all.names = append(all.names, name)
		}
		all.byName[name] = field{index: f.Index, required: f.Tag.Get("strict") == "required"}
	}
	return all
}

func structure(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct
}

// reach is v.FieldByIndex that makes embedded pointers on its way.
func reach(v reflect.Value, index []int) reflect.Value {
	for i, n := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v
}
