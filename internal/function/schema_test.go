package function

import (
	"encoding/json"
	"strings"
	"testing"

	"junctor/internal/fault"
)

const order = `{
	"type": "object", "required": ["number", "lines"], "additionalProperties": false,
	"properties": {
		"number": {"type": "string", "pattern": "^[0-9]+$", "minLength": 2},
		"due": {"type": "string", "format": "date"},
		"state": {"enum": ["new", "sent"]},
		"discount": {"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 0.5},
		"ship": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["street"]}]},
		"lines": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/line"}}
	},
	"$defs": {"line": {"type": "object", "required": ["qty"], "properties": {"qty": {"type": "integer", "minimum": 1}, "note~/": {"type": "boolean"}}}}
}`

func findingsOf(found []fault.Field) string {
	var all []string
	for _, f := range found {
		all = append(all, f.Pointer+" "+f.Detail)
	}
	return strings.Join(all, "\n")
}

func TestCheck(t *testing.T) {
	s, found := NewSchema(json.RawMessage(order))
	if found != nil {
		t.Fatal(findingsOf(found))
	}
	for params, want := range map[string]string{
		`{"number":"12","lines":[{"qty":1}]}`:                                         "",
		`{"number":"12","lines":[{"qty":1.0}],"discount":null,"ship":{"street":"a"}}`: "",
		`{"number":"12","lines":[{"qty":1e2}],"due":"2026-11-22","state":"new"}`:      "",
		`{}`:   "/lines is required\n/number is required",
		`[]`:   " must be an object, not a list",
		`null`: " must be an object, not null",
		`7`:    " must be an object, not a number",
		`{"number":"12","number":"13","lines":[{"qty":1}]}`:  "/number is given twice",
		`{"nubmer":"12","lines":[{"qty":1}]}`:                "/nubmer \"nubmer\" is not known here, did you mean \"number\"?\n/number is required",
		`{"number":12,"lines":[{"qty":1}]}`:                  "/number must be a text, not a number",
		`{"number":"x","lines":[{"qty":1}]}`:                 "/number does not match the pattern ^[0-9]+$\n/number has 1 characters, at least 2 are needed",
		`{"number":"12","lines":[]}`:                         "/lines has 0 items, at least 1 are needed",
		`{"number":"12","lines":[{"qty":1},{"qty":0},{}]}`:   "/lines/1/qty must not be less than 1\n/lines/2/qty is required",
		`{"number":"12","lines":[{"qty":1.5,"note~/":1}]}`:   "/lines/0/note~0~1 must be true or false, not a number\n/lines/0/qty must be a whole number, not a number",
		`{"number":"12","lines":[{"qty":1}],"due":"soon"}`:   "/due is not valid as date",
		`{"number":"12","lines":[{"qty":1}],"state":"old"}`:  `/state must be one of "new", "sent"`,
		`{"number":"12","lines":[{"qty":1}],"discount":0.5}`: "/discount must be less than 0.5",
		`{"number":"12","lines":[{"qty":1}],"discount":"a"}`: "/discount must be null or a number, not a text",
		`{"number":"12","lines":[{"qty":1}],"ship":7}`:       "/ship must be a text, not a number, or must be an object, not a number",
		`{"number":"12","lines":[{"qty":1}],"ship":{}}`:      "/ship fits none of the forms that are possible here",
		`{"number":"12","lines":[{"qty":1e999999999}]}`:      "/lines/0/qty is a number too large to be taken",
	} {
		if got := findingsOf(s.Check([]byte(params))); got != want {
			t.Errorf("%s\n gives %s\n want  %s", params, got, want)
		}
	}
	var none *Schema
	if got := findingsOf(none.Check([]byte(`{"a":1}`))); got != "" {
		t.Errorf("without a schema: %s", got)
	}
	if got := findingsOf(none.Check([]byte(`1`))); got == "" {
		t.Error("without a schema a number is taken")
	}
}

func TestSchemaMistakes(t *testing.T) {
	for source, want := range map[string]string{
		`true`:             " must be an object: a JSON Schema of the parameters",
		`null`:             " must be an object: a JSON Schema of the parameters",
		`{"type":"array"}`: `/type must be "object": parameters have names`,
		`{"type":"object","properties":{"a":{"type":"txt"}}}`:                "/properties/a/type",
		`{"type":"object","properties":{"a":{"minLength":"1"}}}`:             "/properties/a/minLength must be a whole number, not a text",
		`{"type":"object","properties":{"a":{"pattern":"("}}}`:               "/properties/a/pattern",
		`{"type":"object","properties":{"a":{"pattern":"(?=x)"}}}`:           "/properties/a/pattern",
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}}}`:          "$defs/b",
		`{"type":"object","properties":{"a":{"$ref":"file:///etc/passwd"}}}`: "a schema refers to its own $defs only",
		`{"type":"object","properties":{"a":{"$ref":"https://a.example/"}}}`: "a schema refers to its own $defs only",
		`{"$schema":"https://a.example/"}`:                                   "https://a.example/",
		`{"type":"object","required":"a"}`:                                   "/required must be a list, not a text",
		`{"properties":{"a":{"minimum":1e99999}}}`:                           "/properties/a/minimum is a number too large",
	} {
		_, found := NewSchema(json.RawMessage(source))
		if got := findingsOf(found); !strings.Contains(got, want) || got == "" {
			t.Errorf("%s\n gives %s\n want  %s", source, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for body, want := range map[string]string{
		`{"scenario":"a"}`: "",
		`{"scenario":"a","timeout":"5m","enabled":false,"comment":"x","retry":{"attempts":3}}`: "",
		`{}`:                                      "/scenario is required",
		`{"scenario":""}`:                         "/scenario must not be empty",
		`{"scenario":"a","timout":"1s"}`:          `/timout "timout" is not known here, did you mean "timeout"?`,
		`{"scenario":"a","timeout":"0s"}`:         "/timeout must be from 1ms to 1d",
		`{"scenario":"a","timeout":"2d"}`:         "/timeout must be from 1ms to 1d",
		`{"scenario":"a","retry":{"attempts":0}}`: "/retry/attempts must be from 1 to 1000; the first attempt counts",
		`[]`: " must be an object, not a list",
	} {
		_, found := Parse("f", json.RawMessage(body))
		if got := findingsOf(found); got != want {
			t.Errorf("%s\n gives %s\n want  %s", body, got, want)
		}
	}
}

// FuzzSchema: no schema and no parameters make trouble.
func FuzzSchema(f *testing.F) {
	f.Add(order, `{"number":"12"}`)
	f.Add(`{"$ref":"#"}`, `{}`)
	f.Add(`{"allOf":[{"$ref":"#"}]}`, `{"a":[1,{"b":null}]}`)
	f.Fuzz(func(t *testing.T, source, params string) {
		s, found := NewSchema(json.RawMessage(source))
		if (s == nil) != (len(found) > 0) {
			t.Fatalf("%q gives a schema and findings, or neither: %v", source, found)
		}
		if s != nil {
			s.Check([]byte(params))
		}
	})
}
