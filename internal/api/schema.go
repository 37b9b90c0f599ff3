package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/link"
	"junctor/internal/run"
	"junctor/internal/unit"
)

// schemas makes JSON Schemas of Go types, as encoding/json writes them. Named
// structs become components.
type schemas struct {
	components members
	names      map[shape]string
	reading    bool // what is being described is read, not written
}

// shape is a type in one direction: what a caller must send is not what it can
// count on being answered.
type shape struct {
	reflect.Type
	read bool
}

// of is the schema of a type. Every call returns a map of its own.
func (s *schemas) of(t reflect.Type) members {
	switch t {
	case reflect.TypeFor[time.Time]():
		return members{"type": "string", "format": "date-time"}
	case reflect.TypeFor[unit.Duration]():
		return members{"type": "string", "examples": []string{"30s", "3d"}}
	case reflect.TypeFor[run.State]():
		return members{"type": "string", "enum": run.States}
	case reflect.TypeFor[link.State]():
		return members{"type": "string", "enum": link.States()}
	case reflect.TypeFor[event.Item]():
		return cloudEvent()
	case reflect.TypeFor[json.RawMessage]():
		return members{} // anything
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		return members{"type": "string"}
	case reflect.Bool:
		return members{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return members{"type": "integer"}
	case reflect.Float64:
		return members{"type": "number"}
	case reflect.Slice:
		return members{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return members{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.component(t)
	}
	return members{} // an interface: anything
}

// cloudEvent is the JSON format of CloudEvents.
func cloudEvent() members {
	text := func() members { return members{"type": "string"} }
	return members{
		"type": "object", "description": "A CloudEvent 1.0 in its JSON format",
		"required": []string{"specversion", "id", "source", "type"}, "properties": members{
			"specversion": members{"const": "1.0"}, "id": text(), "source": text(), "type": text(), "subject": text(),
			"time": members{"type": "string", "format": "date-time"}, "datacontenttype": text(), "dataschema": text(),
			"data": members{}, "data_base64": text(),
		},
	}
}

// component refers to a struct's schema, and makes it the first time.
func (s *schemas) component(t reflect.Type) members {
	key := shape{t, s.reading}
	name, known := s.names[key]
	if !known {
		name = componentName(t)
		if s.components[name] != nil {
			name += "Sent"
		}
		s.names[key] = name
		s.components[name] = members{} // so that a type can hold itself
		s.components[name] = s.object(t)
	}
	return members{"$ref": "#/components/schemas/" + name}
}

// componentName is PACKAGE.Type of other packages and Type of this one, with
// type arguments in the form PageOfRunInfo.
func componentName(t reflect.Type) string {
	name, argument, generic := strings.Cut(t.Name(), "[")
	if name == "" {
		name = "anonymous"
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if generic {
		argument = strings.TrimSuffix(argument, "]")
		argument = argument[strings.LastIndex(argument, "/")+1:]
		for part := range strings.SplitSeq(strings.TrimPrefix(argument, "api."), ".") {
			name += strings.ToUpper(part[:1]) + part[1:]
		}
		return strings.Replace(name, "Page", "PageOf", 1)
	}
	pkg := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
	if pkg == "api" {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// object describes a struct's members. Required are those that the strict
// reader demands, or, of what is answered, those that are always written.
func (s *schemas) object(t reflect.Type) members {
	properties, required := members{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		properties[name] = s.of(f.Type)
		demanded := f.Tag.Get("strict") == "required"
		always := !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero")
		if (s.reading && demanded) || (!s.reading && always) {
			required = append(required, name)
		}
	}
	o := members{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// problem is the schema of errors.
func (s *schemas) problem() members { return s.of(reflect.TypeFor[fault.Problem]()) }
