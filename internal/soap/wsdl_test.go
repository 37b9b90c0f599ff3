package soap

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/function"
	"junctor/internal/record"
)

func actorOf(s *site) record.Actor { return record.Actor{Rights: s.rights["admin"], By: "admin"} }

func functionOf(t *testing.T, code, schema string) *function.Function {
	t.Helper()
	f := &function.Function{Config: function.Config{Code: code, Scenario: "s", Enabled: true, Attempts: 1, Timeout: function.DefaultTimeout}, Version: "1"}
	if schema != "" {
		s, found := function.NewSchema(json.RawMessage(schema))
		if found != nil {
			t.Fatal(found)
		}
		f.Params = s
	}
	return f
}

// Names that are the same for a program in another language are made different,
// the same way for everybody.
func TestNamesThatWouldBeTheSame(t *testing.T) {
	columns := json.RawMessage(`{"key":"a","columns":{"a":"text!"}}`)
	s := newSite(t, sqlite(t), map[string]json.RawMessage{"problem": columns, "login": columns, "order_lines": columns, "orderlines": columns, "get_orders": columns, "orders": columns})
	s.functions = []*function.Function{functionOf(t, "getOrders", ""), functionOf(t, "login", ""), functionOf(t, "free", "")}
	root, err := parse(s.wsdl("admin"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	schema := root.find("schema")
	for _, c := range schema.children {
		name := c.attribute("", "name")
		if name == "problem" && c.local == "element" {
			continue // it has the type Problem
		}
		if seen[fold(name)] {
			t.Errorf("%s is there twice", name)
		}
		seen[fold(name)] = true
	}
	for _, name := range []string{"getOrders2", "login2", "free", "getOrderLines2", "problem2"} {
		if !seen[fold(name)] {
			t.Errorf("there is no %s", name)
		}
	}
	used := map[string]bool{}
	references(root, used)
	for name := range used {
		found := false
		for _, c := range schema.children {
			found = found || c.attribute("", "name") == name
		}
		for _, c := range root.children {
			found = found || c.attribute("", "name") == name
		}
		if !found {
			t.Errorf("tns:%s leads nowhere", name)
		}
	}
}

func references(n *node, used map[string]bool) {
	for _, a := range n.attributes {
		if name, ok := strings.CutPrefix(a.value, "tns:"); ok {
			used[name] = true
		}
	}
	for _, c := range n.children {
		references(c, used)
	}
}

func TestTypesOfColumns(t *testing.T) {
	s := newSite(t, sqlite(t), classes)
	root, err := parse(s.wsdl("admin"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range root.find("schema").children {
		if c.local == "complexType" && c.attribute("", "name") == "orders" {
			for _, e := range c.find("sequence").children {
				kind := e.attribute("", "type")
				if r := e.find("restriction"); r != nil {
					kind = r.attribute("", "base")
					for _, facet := range r.children {
						kind += " " + facet.local + "=" + facet.attribute("", "value")
					}
				}
				if e.attribute("", "nillable") == "true" {
					kind += "?"
				}
				got[e.attribute("", "name")] = kind
			}
		}
	}
	want := map[string]string{
		"id": "xsd:string", "version": "xsd:long", "created_at": "xsd:dateTime", "created_by": "xsd:string", "modified_at": "xsd:dateTime", "modified_by": "xsd:string",
		"number": "xsd:string maxLength=20", "customer_id": "xsd:string?", "customer": "tns:customers?", "total": "xsd:decimal totalDigits=12 fractionDigits=2?",
		"state": "xsd:string enumeration=new enumeration=sent enumeration=done?", "received": "xsd:dateTime?", "due": "xsd:date?", "lines": "xsd:long?", "paid": "xsd:boolean?",
		"extra": "xsd:string?", "margin": "xsd:decimal totalDigits=12 fractionDigits=2?", "note": "xsd:string?",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

const placeOrder = `{"type":"object","required":["number","lines"],"additionalProperties":false,"$defs":{"money":{"type":"number"}},"properties":{
	"number":{"type":"string","description":"its number"},"lines":{"type":"array","items":{"type":"object","required":["qty"],"properties":{"qty":{"type":"integer","minimum":1},"price":{"$ref":"#/$defs/money"}}}},
	"tags":{"type":"array","items":{"type":"string"}},"at":{"type":"string","format":"date-time"},"due":{"type":"string","format":"date"},"gift":{"type":["boolean","null"]},
	"state":{"enum":["a",1]},"kind":{"type":"string","enum":["x","y"]},"grid":{"type":"array","items":{"type":"array","items":{"type":"integer"}}},"any":{"type":["string","integer"]},"map":{"type":"object"}}}`

func TestParametersOfFunctions(t *testing.T) {
	s := newSite(t, sqlite(t), classes)
	s.functions = []*function.Function{functionOf(t, "placeOrder", placeOrder), functionOf(t, "free", ""), functionOf(t, "odd", `{"properties":{"a b":{"type":"string"}}}`)}
	types := map[string]string{}
	known, _ := parameters(json.RawMessage(placeOrder))
	for _, e := range known {
		kind := strings.TrimPrefix(e.kind, "xsd:")
		for mark, is := range map[string]bool{"json": e.json} {
			if is {
				kind = mark
			}
		}
		if e.inner != nil {
			kind = "("
			for _, i := range e.inner {
				kind += i.name + " " + strings.TrimPrefix(i.kind, "xsd:") + ","
			}
			kind += ")"
		}
		if e.many {
			kind += "*"
		}
		if e.optional {
			kind += "?"
		}
		types[e.name] = kind
	}
	want := map[string]string{
		"number": "string", "lines": "(qty long,price decimal,)*", "tags": "string*?", "at": "dateTime?", "due": "date?", "gift": "boolean?",
		"state": "json?", "kind": "string?", "grid": "json?", "any": "json?", "map": "json?",
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	s.wsdl("admin")

	const nothing = ` xsi:nil="true" xmlns:xsi="` + instance + `"`
	for _, c := range []struct{ operation, content, params string }{
		{"placeOrder", `<number>1</number>`, `{"number":"1","lines":[]}`},
		{"placeOrder", `<lines><qty>1</qty><price>1.50</price></lines><number> a </number><lines><qty> 2 </qty></lines>`, `{"number":" a ","lines":[{"qty":1,"price":1.50},{"qty":2}]}`},
		{"placeOrder", `<number>1</number><tags>a</tags><tags/><gift` + nothing + `/><at>2027-01-01T10:00:00+01:00</at><due>2027-01-01</due><kind>x</kind>`,
			`{"number":"1","lines":[],"tags":["a",""],"at":"2027-01-01T09:00:00Z","due":"2027-01-01","gift":null,"kind":"x"}`},
		{"placeOrder", `<number>1</number><state> "a" </state><grid>[[1]]</grid><any>5</any><map>{"a":{}}</map>`, `{"number":"1","lines":[],"state":"a","grid":[[1]],"any":5,"map":{"a":{}}}`},
		{"free", ``, ``},
		{"free", `<params>{"a":[1]}</params>`, `{"a":[1]}`},
		{"odd", `<params>{"a b":"c"}</params>`, `{"a b":"c"}`},
	} {
		s.started = nil
		got := s.send("admin", operationOf(c.operation, c.content))
		if code, _ := got.refused(t); code != "scenario-failed" || len(s.started) != 1 { // as every run here
			t.Errorf("%s: %s", c.content, got.body)
			continue
		}
		var input struct{ Params json.RawMessage }
		if text := string(s.started[0].Input); c.params != "" && !strings.Contains(compact(text), compact(c.params)) {
			t.Errorf("%s became %s %s, want %s", c.content, input.Params, text, c.params)
		}
	}
	for _, c := range []struct{ operation, content, pointers string }{
		{"placeOrder", ``, "/number"},
		{"placeOrder", `<number>1</number><number>2</number>`, "/number"},
		{"placeOrder", `<number>1</number><nothing/>`, "/nothing"},
		{"placeOrder", `<number>1</number><lines><qty>0</qty></lines><due>soon</due>`, "/due /lines/0/qty"},
		{"placeOrder", `<number>1</number><lines><qty>many</qty><x/></lines>`, "/lines/x"},
		{"placeOrder", `<number><a/></number>`, "/number"},
		{"placeOrder", `<number>1</number><grid>[</grid>`, "/grid"},
		{"placeOrder", `<number>1</number><number xmlns="urn:x">1</number>`, "/number"},
		{"free", `<a>1</a>`, "/a"},
		{"free", `<params>[</params>`, "/params"},
		{"free", `<params>[]</params>`, ""},
		{"nothing", ``, ""},
	} {
		s.started = nil
		got := s.send("admin", operationOf(c.operation, c.content))
		if _, pointers := got.refused(t); pointers != c.pointers || len(s.started) > 0 {
			t.Errorf("%s: %s", c.content, got.body)
		}
	}
}

func compact(text string) string { return strings.ReplaceAll(text, `\"`, `"`) }
