package function

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"junctor/internal/fault"
	"junctor/internal/strict"
)

// Schema is what the parameters of a function may be: a JSON Schema, of draft
// 2020-12 unless its $schema names another. Formats are checked. Nothing is
// loaded from elsewhere.
type Schema struct {
	schema *jsonschema.Schema
	source json.RawMessage
}

// JSON is the schema as the scenario exports it.
func (s *Schema) JSON() json.RawMessage {
	if s == nil {
		return json.RawMessage(`{"type":"object"}`)
	}
	return s.source
}

const schemaURL = "urn:params"

// NewSchema compiles a schema. What is wrong with it has pointers into it.
func NewSchema(source json.RawMessage) (*Schema, []fault.Field) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		return nil, []fault.Field{{Detail: "is not JSON: " + err.Error()}}
	}
	object, ok := doc.(map[string]any)
	if !ok {
		return nil, []fault.Field{{Detail: "must be an object: a JSON Schema of the parameters"}}
	}
	if found := oddNumbers(doc, "", nil); len(found) > 0 {
		return nil, found
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, []fault.Field{{Detail: err.Error()}}
	}
	compiled, err := c.Compile(schemaURL)
	if err != nil {
		return nil, mistakesOf(err)
	}
	if t, given := object["type"]; given && t != "object" {
		return nil, []fault.Field{{Pointer: "/type", Detail: "must be \"object\": parameters have names"}}
	}
	return &Schema{schema: compiled, source: source}, nil
}

// noLoader keeps a schema from reading files and addresses.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not loaded: a schema refers to its own $defs only", url)
}

// mistakesOf is what a compiler did not like.
func mistakesOf(err error) []fault.Field {
	var invalid *jsonschema.SchemaValidationError
	var wrong *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &wrong) {
		return tidy(findings(wrong, nil))
	}
	var regex *jsonschema.InvalidRegexError
	if errors.As(err, &regex) {
		_, pointer, _ := strings.Cut(regex.URL, "#")
		return []fault.Field{{Pointer: pointer, Detail: fmt.Sprintf("%q is not a pattern that is known here (RE2): %v", regex.Regex, regex.Err)}}
	}
	return []fault.Field{{Detail: strings.ReplaceAll(err.Error(), schemaURL, "")}}
}

// mostFound is how many findings are told.
const mostFound = 100

// Check says what is wrong with parameters, with pointers into them. A nil schema
// takes every object.
func (s *Schema) Check(params []byte) []fault.Field {
	var members map[string]json.RawMessage
	found := strict.Decode(params, &members) // also what is given twice
	if members == nil && len(found) == 0 {
		found = []fault.Field{{Detail: "must be an object, not null"}}
	}
	if len(found) > 0 {
		return found
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(params))
	if err != nil {
		return []fault.Field{{Detail: "is not JSON: " + err.Error()}}
	}
	if found := oddNumbers(v, "", nil); len(found) > 0 || s == nil {
		return found
	}
	var wrong *jsonschema.ValidationError
	switch err := s.schema.Validate(v); {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		found := tidy(findings(wrong, slices.Sorted(maps.Keys(s.schema.Properties))))
		return found[:min(len(found), mostFound)]
	default:
		return []fault.Field{{Detail: err.Error()}}
	}
}

// oddNumbers finds numbers that take unreasonably long to compute with.
func oddNumbers(v any, pointer string, found []fault.Field) []fault.Field {
	const longest = 1000
	switch v := v.(type) {
	case json.Number:
		if _, err := strconv.ParseFloat(string(v), 64); err != nil || len(v) > longest {
			found = append(found, fault.Field{Pointer: pointer, Detail: "is a number too large to be taken"})
		}
	case []any:
		for i, item := range v {
			found = oddNumbers(item, pointer+"/"+strconv.Itoa(i), found)
		}
	case map[string]any:
		for name, item := range v {
			found = oddNumbers(item, strict.Pointer(pointer, name), found)
		}
	}
	return found
}

// findings are what a validation says in the end; the rest of its tree says by
// which parts of the schema it came there. known are the names at the top.
func findings(e *jsonschema.ValidationError, known []string) []fault.Field {
	at := ""
	for _, step := range e.InstanceLocation {
		at = strict.Pointer(at, step)
	}
	if at != "" {
		known = nil
	}
	one := func(format string, args ...any) []fault.Field {
		return []fault.Field{{Pointer: at, Detail: fmt.Sprintf(format, args...)}}
	}
	each := func(names []string, detail func(name string) string) (found []fault.Field) {
		for _, name := range names {
			found = append(found, fault.Field{Pointer: strict.Pointer(at, name), Detail: detail(name)})
		}
		return found
	}
	required := func(string) string { return "is required" }
	var below []fault.Field
	for _, cause := range e.Causes {
		below = append(below, findings(cause, known)...)
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(k.Missing, required)
	case *kind.DependentRequired:
		return each(k.Missing, func(string) string { return fmt.Sprintf("is required with %q", k.Prop) })
	case *kind.AdditionalProperties:
		return each(k.Properties, func(name string) string { return strict.Unknown(name, known) })
	case *kind.AnyOf:
		return alternatives(at, below)
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return one("fits more than one of the forms of which it must be exactly one")
		}
		return alternatives(at, below)
	case *kind.PropertyNames:
		return each([]string{k.Property}, func(string) string { return "is not a name that may stand here" })
	}
	if len(below) > 0 {
		return below
	}
	return one("%s", explain(e.ErrorKind))
}

// alternatives says that none fits: which there are, when all are about the value
// itself.
func alternatives(at string, below []fault.Field) []fault.Field {
	var details []string
	for _, f := range below {
		if f.Pointer != at {
			return []fault.Field{{Pointer: at, Detail: "fits none of the forms that are possible here"}}
		}
		if !slices.Contains(details, f.Detail) {
			details = append(details, f.Detail)
		}
	}
	return []fault.Field{{Pointer: at, Detail: strings.Join(details, ", or ")}}
}

var english = message.NewPrinter(language.English)

// typeNames are the types of JSON Schema in words.
var typeNames = map[string]string{
	"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
	"object": "an object", "array": "a list", "null": "null",
}

// explain is a finding in words.
func explain(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		var names []string
		for _, name := range k.Want {
			names = append(names, typeNames[name])
		}
		return fmt.Sprintf("must be %s, not %s", strings.Join(names, " or "), typeNames[k.Got])
	case *kind.Enum:
		return "must be one of " + shown(k.Want...)
	case *kind.Const:
		return "must be " + shown(k.Want)
	case *kind.Format:
		return "is not valid as " + k.Want
	case *kind.Pattern:
		return fmt.Sprintf("does not match the pattern %s", k.Want)
	case *kind.Minimum:
		return "must not be less than " + number(k.Want)
	case *kind.Maximum:
		return "must not be more than " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters, at least %d are needed", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters, at most %d are possible", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has %d items, at least %d are needed", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d items, at most %d are possible", k.Got, k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("has the same item twice, at %d and %d", k.Duplicates[0], k.Duplicates[1])
	case *kind.FalseSchema:
		return "must not be given"
	}
	return "is not as the schema demands: " + k.LocalizedString(english)
}

func shown(values ...any) string {
	var texts []string
	for _, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte("?")
		}
		texts = append(texts, string(text))
	}
	return strings.Join(texts, ", ")
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.RatString()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// tidy puts findings in the order of their places.
func tidy(found []fault.Field) []fault.Field {
	slices.SortFunc(found, func(a, b fault.Field) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Detail, b.Detail))
	})
	return slices.Compact(found)
}
