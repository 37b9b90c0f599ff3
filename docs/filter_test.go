package docs_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"junctor/internal/filter"
	"junctor/internal/value"
)

var example = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^`|]+) \\|$")

// TestFilterExamples evaluates the examples of the reference over its order.
func TestFilterExamples(t *testing.T) {
	page := read(t, "docs/reference/filter.md")
	var order struct {
		Number, State, Total, Quantity, Paid, Due, Received json.RawMessage
		Customer                                            struct{ Code, Name json.RawMessage }
	}
	if err := json.Unmarshal([]byte(blocks(page, "json")[0]), &order); err != nil {
		t.Fatal(err)
	}
	columns := map[string]value.Value{}
	types := map[string]value.Type{"note": value.Text}
	for name, c := range map[string]struct {
		kind value.Type
		raw  json.RawMessage
	}{
		"number": {value.Text, order.Number}, "state": {value.Text, order.State}, "total": {value.Decimal, order.Total},
		"quantity": {value.Integer, order.Quantity}, "paid": {value.Boolean, order.Paid}, "due": {value.Date, order.Due},
		"received": {value.DateTime, order.Received}, "customer/code": {value.Text, order.Customer.Code}, "customer/name": {value.Text, order.Customer.Name},
	} {
		v, err := value.FromJSON(c.kind, c.raw)
		if err != nil {
			t.Fatal(name, err)
		}
		columns[name], types[name] = v, c.kind
	}
	env := filter.Env{Column: func(path []string) (value.Type, error) { return types[strings.Join(path, "/")], nil }}
	now, err := value.FromText(value.DateTime, "2026-11-23T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	at := filter.Scope{Column: func(path []string) (value.Value, error) { return columns[strings.Join(path, "/")], nil }, Now: now}

	_, examples, _ := strings.Cut(page, "\n## Examples\n")
	examples, _, _ = strings.Cut(examples, "\n## ")
	found := example.FindAllStringSubmatch(examples, -1)
	if len(found) < 30 {
		t.Fatalf("only %d examples were found", len(found))
	}
	for _, line := range found {
		e, err := filter.Parse(line[1])
		if err == nil {
			_, err = filter.Check(e, env)
		}
		if err != nil {
			t.Errorf("%s: %v", line[1], err)
			continue
		}
		if v, err := filter.Eval(e, at); err != nil || v.String() != line[2] {
			t.Errorf("%s comes to %v, %v; the reference says %s", line[1], v, err, line[2])
		}
	}
}

func TestEveryFunctionIsExplained(t *testing.T) {
	page := read(t, "docs/reference/filter.md")
	for _, name := range filter.Functions() {
		if !regexp.MustCompile("(?m)^\\| .*`" + name + `\(`).MatchString(page) {
			t.Errorf("filter.md does not have the function %s", name)
		}
	}
	for op := filter.And; op <= filter.Neg; op++ {
		mentions(t, "filter.md", "operator", "`"+op.String()+"`")
	}
}
