package class_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"junctor/internal/class"
	"junctor/internal/class/classtest"

	"github.com/google/go-cmp/cmp"
)

// The example of the reference, member by member.
func TestAClass(t *testing.T) {
	m := classtest.Model(t, "customers", `{"key":"code","columns":{"code":"text(20)!"}}`, "orders", `{
		"key": [["number"], ["customer", "code"]], "label": "number", "comment": "what was ordered", "delete": "hard", "require_match": true, "keep": "90d", "history": "full",
		"columns": {
			"number": "text!", "code": {"type": "text", "length": 30, "pattern": "[A-Z]+", "default": "A"}, "customer": "ref(customers)", "total": "decimal(12,2)",
			"state": {"type": "enum", "values": ["new", "done"], "default": "new", "comment": "where it is"}, "lines": {"type": "integer!", "min": 1, "max": 99},
			"sum": {"type": "decimal(20,4)", "computed": "total mul lines"}, "double": {"type": "decimal(22,4)", "computed": "sum mul 2"},
			"invoice": {"type": "autonumber", "pattern": "INV-{0000}/x"}, "due": {"type": "date", "index": true}, "was_note": {"type": "json", "was": "note"}
		},
		"rules": [{"when": ["created", "updated"], "if": "total gt 5", "before": true, "scenario": "check"}],
		"buttons": {"send": {"scenario": "send", "label": "Send it"}}
	}`)
	c := m.Class("orders")
	if c.Label != "number" || c.Comment != "what was ordered" || !c.Hard || !c.RequireMatch || c.Keep != 90*24*time.Hour || c.History != class.HistoryFull {
		t.Errorf("settings: %+v", c)
	}
	if diff := cmp.Diff([][]string{{"number"}, {"customer", "code"}}, c.Keys); diff != "" {
		t.Error(diff)
	}
	var codes []string
	for _, column := range c.Columns {
		codes = append(codes, column.Code)
	}
	if diff := cmp.Diff([]string{"code", "customer", "double", "due", "invoice", "lines", "number", "state", "sum", "total", "was_note"}, codes); diff != "" {
		t.Error(diff)
	}
	if column := c.Column("customer"); column.Kind != class.Ref || column.Class != "customers" || column.Field() != "customer_id" {
		t.Errorf("customer: %+v", column)
	}
	if column := c.Column("number"); !column.Required || column.Length != 255 { // a key's text is bounded
		t.Errorf("number: %+v", column)
	}
	if got := c.Column("invoice").Numbering.Format(42); got != "INV-0042/x" {
		t.Errorf("invoice: %s", got)
	}
	if column := c.Column("version"); column == nil || !column.System || column.Written() {
		t.Errorf("version: %+v", column)
	}
	if len(c.Computed) != 2 || c.Computed[0].Code != "sum" || c.Computed[1].Code != "double" {
		t.Errorf("computed: %v", c.Computed)
	}
	if r := c.Rules[0]; !r.Created || !r.Updated || r.Deleted || !r.Before || r.Scenario != "check" || r.If.String() != "total gt 5" {
		t.Errorf("rule: %+v", r)
	}
	if b := c.Buttons[0]; b.Code != "send" || b.Label != "Send it" || b.Scenario != "send" {
		t.Errorf("button: %+v", b)
	}
	if plain := classtest.Model(t, "t", `{"columns":{"a":"text"}}`).Class("t"); plain.Hard || plain.Keep != class.DefaultKeep || plain.History != class.HistoryChanged {
		t.Errorf("defaults: %+v", plain)
	}
}

// Every mistake has its place and says what to write instead.
func TestMistakesInClasses(t *testing.T) {
	column := func(body string) string { return `{"columns":{"a":` + body + `}}` }
	for body, want := range map[string]string{
		`{}`:                                        `/t/columns is required`,
		`{"columns":{}}`:                            `/t/columns must name at least one column`,
		`[]`:                                        `/t must be an object, not a list`,
		`{"colums":{"a":"text"}}`:                   `/t/colums "colums" is not known here, did you mean "columns"?`,
		column(`"txt"`):                             `/t/columns/a "txt" is not known here, did you mean "text"?`,
		column(`"text("`):                           `/t/columns/a "text(" is no type`,
		column(`"decimal"`):                         `/t/columns/a/precision is required`,
		column(`"decimal(2)"`):                      `/t/columns/a decimal has two numbers`,
		column(`"decimal(39,2)"`):                   `/t/columns/a/precision must be from 1 to 38 digits`,
		column(`"decimal(2,3)"`):                    `/t/columns/a/scale must be from 0 to the precision, 2`,
		column(`"decimal(a,3)"`):                    `/t/columns/a "a" is not a whole number`,
		column(`"enum"`):                            `/t/columns/a/values must name from 1 to 500 values`,
		column(`"enum(a,a)"`):                       `/t/columns/a/values/1 "a" is there twice`,
		column(`"enum(a,)"`):                        `/t/columns/a/values/1 "" is not usable`,
		column(`"ref"`):                             `/t/columns/a/class is required`,
		column(`"ref(x)"`):                          `/t/columns/a refers to the class "x", which does not exist`,
		column(`"ref(T)"`):                          `did you mean "t"?`,
		column(`"integer(5)"`):                      `/t/columns/a integer has nothing in parentheses`,
		column(`{"type":"text","lengt":5}`):         `/t/columns/a/lengt "lengt" is not known here, did you mean "length"?`,
		column(`{"required":true}`):                 `/t/columns/a/type is required`,
		column(`{"type":"text","length":0}`):        `/t/columns/a/length must be from 1 to 1048576 characters`,
		column(`{"type":"text(5)","length":6}`):     `/t/columns/a/type says what the member length says too`,
		column(`{"type":"text","min":5}`):           `/t/columns/a/min is for integer, decimal, date and datetime only; a column that is text has no min`,
		column(`{"type":"integer","length":5}`):     `/t/columns/a/length is for text only`,
		column(`{"type":"text","pattern":"("}`):     `/t/columns/a/pattern is not a regular expression (RE2)`,
		column(`{"type":"text","pattern":"(?=a)"}`): `/t/columns/a/pattern is not a regular expression (RE2)`,
		column(`{"type":"text","pattern":"` + strings.Repeat("a", 501) + `"}`):                      `/t/columns/a/pattern has more than 500 characters`,
		column(`{"type":"integer","min":5,"max":4}`):                                                `/t/columns/a/max must not be below min, which is 5`,
		column(`{"type":"integer","min":"x"}`):                                                      `/t/columns/a/min`,
		column(`{"type":"text","length":2,"default":"abc"}`):                                        `/t/columns/a/default has 3 characters, at most 2 are possible`,
		column(`{"type":"enum(x)","default":"y"}`):                                                  `/t/columns/a/default "y" is not known here`,
		column(`{"type":"decimal(3,1)","default":1.25}`):                                            `/t/columns/a/default`,
		column(`{"type":"integer","default":"soon"}`):                                               `/t/columns/a/default`,
		column(`{"type":"date","default":"2026-02-30"}`):                                            `/t/columns/a/default`,
		column(`{"type":"ref(t)","default":"rec_1"}`):                                               `/t/columns/a/default is for`,
		column(`{"type":"json","unique":true}`):                                                     `/t/columns/a/unique is for`,
		column(`{"type":"autonumber","pattern":"x"}`):                                               `/t/columns/a/pattern must have one place for the number`,
		column(`{"type":"autonumber","required":true}`):                                             `/t/columns/a/required is for`,
		column(`{"type":"text","unique":true,"length":1000}`):                                       `/t/columns/a a text with an index has at most 640 characters`,
		column(`{"type":"integer","computed":"b add 1"}`):                                           `/t/columns/a/computed character 1: there is no column "b"`,
		column(`{"type":"integer","computed":"a add 1"}`):                                           `/t/columns/a/computed needs itself: a`,
		column(`{"type":"integer","computed":"1 add"}`):                                             `/t/columns/a/computed character`,
		column(`{"type":"integer","computed":"'x'"}`):                                               `/t/columns/a/computed comes to text, the column is integer`,
		column(`{"type":"integer","computed":"t/b"}`):                                               `a column is computed from its own row only`,
		column(`{"type":"integer","computed":"1","required":true}`):                                 `/t/columns/a/required nobody writes a computed column`,
		`{"columns":{"a":{"type":"integer","computed":"b"},"b":{"type":"integer","computed":"a"}}}`: `needs itself: a needs b needs a`,
		`{"columns":{"1a":"text"}}`:                                                                 `/t/columns/1a "1a" is not usable as a name`,
		`{"columns":{"a-b":"text"}}`:                                                                `/t/columns/a-b "a-b" is not usable as a name`,
		`{"columns":{"` + strings.Repeat("a", 51) + `":"text"}}`:                                    `is not usable as a name`,
		`{"columns":{"ID":"text"}}`:                                                                 `/t/columns/ID "id" is a column that every record has`,
		`{"columns":{"Created_At":"text"}}`:                                                         `is a column that every record has`,
		`{"columns":{"and":"text"}}`:                                                                `/t/columns/and "and" means something else to a filter`,
		`{"columns":{"xmin":"text"}}`:                                                               `/t/columns/xmin "xmin" means something else to PostgreSQL`,
		`{"columns":{"a":"text","A":"text"}}`:                                                       `/t/columns/a differs from the column "A" by case only`,
		`{"columns":{"before":"ref(t)"}}`:                                                           `/t/columns/before a ref cannot be called "before"`,
		`{"columns":{"c":"ref(t)","c_id":"text"}}`:                                                  `/t/columns/c_id clashes with the column "c": a ref c has the property c_id beside it`,
		`{"columns":{"a":{"type":"text","was":"b"},"b":"text"}}`:                                    `/t/columns/a/was the column "b" is still there`,
		`{"key":"b","columns":{"a":"text"}}`:                                                        `/t/key there is no column "b"`,
		`{"key":"id","columns":{"a":"text"}}`:                                                       `/t/key there is no column "id"`,
		`{"key":["a","a"],"columns":{"a":"text"}}`:                                                  `/t/key names the column "a" twice`,
		`{"key":[["a"],["a"]],"columns":{"a":"text"}}`:                                              `/t/key/1 is a key already`,
		`{"key":[],"columns":{"a":"text"}}`:                                                         `/t/key must name from 1 to 8 columns`,
		`{"key":5,"columns":{"a":"text"}}`:                                                          `/t/key must be a column, a list of columns`,
		`{"key":"a","columns":{"a":"json"}}`:                                                        `/t/key the column "a" is json, which cannot be a key`,
		`{"key":["a","b","c"],"columns":{"a":"text","b":"text","c":"text"}}`:                        `/t/key the key a, b, c has up to 765 characters`,
		`{"label":"b","columns":{"a":"text"}}`:                                                      `/t/label there is no column "b"`,
		`{"delete":"sort","columns":{"a":"text"}}`:                                                  `/t/delete "sort" is not known here, did you mean "soft"?`,
		`{"history":"all","columns":{"a":"text"}}`:                                                  `/t/history "all" is not known here`,
		`{"keep":"-1d","columns":{"a":"text"}}`:                                                     `/t/keep`,
		`{"rules":[{"when":[],"scenario":"s"}],"columns":{"a":"text"}}`:                             `/t/rules/0/when must name at least one of`,
		`{"rules":[{"when":["create"],"scenario":"s"}],"columns":{"a":"text"}}`:                     `/t/rules/0/when/0 "create" is not known here, did you mean "created"?`,
		`{"rules":[{"when":["created"]}],"columns":{"a":"text"}}`:                                   `/t/rules/0/scenario is required`,
		`{"rules":[{"when":["created"],"scenario":"s","if":"a eq"}],"columns":{"a":"text"}}`:        `/t/rules/0/if character`,
		`{"buttons":{"a b":{"scenario":"s"}},"columns":{"a":"text"}}`:                               `/t/buttons/a b "a b" is not usable as a name`,
		`{"buttons":{"a":{}},"columns":{"a":"text"}}`:                                               `/t/buttons/a/scenario is required`,
		column(`"text!!"`):                                                                          `"text!" is no type`,
		column(`5`):                                                                                 `/t/columns/a must be an object`,
	} {
		_, found := class.NewModel(map[string]json.RawMessage{"t": json.RawMessage(body)})
		var lines []string
		for _, f := range found {
			lines = append(lines, f.Pointer+" "+f.Detail)
		}
		if all := strings.Join(lines, "\n"); !strings.Contains(all, want) {
			t.Errorf("%s\nwant %s\ngot  %s", body, want, all)
		} else if len(found) > 2 {
			t.Errorf("%s: more than was asked for:\n%s", body, all)
		}
	}
}

func TestMistakesBetweenClasses(t *testing.T) {
	for _, c := range []struct {
		codes []string
		want  string
	}{
		{[]string{"orders", "Orders"}, `/orders differs from the class "Orders" by case only`},
		{[]string{"1orders"}, `/1orders "1orders" is not usable as a name`},
		{[]string{"tokens"}, `/tokens "tokens" is taken`},
		{[]string{"a/b"}, `/a~1b "a/b" is not usable as a name`},
	} {
		all := map[string]json.RawMessage{}
		for _, code := range c.codes {
			all[code] = json.RawMessage(`{"columns":{"a":"text"}}`)
		}
		_, found := class.NewModel(all)
		if len(found) != 1 || !strings.Contains(found[0].Pointer+" "+found[0].Detail, c.want) {
			t.Errorf("%v: want %s, got %v", c.codes, c.want, found)
		}
	}
}

// No body makes the parser panic or take long.
func FuzzClass(f *testing.F) {
	f.Add(`{"key":"t","columns":{"t":"text!","r":"ref(t)","e":{"type":"enum","values":["a"]},"c":{"type":"text","computed":"t"}}}`)
	f.Add(`{"columns":{"a":{"type":"decimal(12,2)","default":1,"min":0}},"rules":[{"when":["created"],"scenario":"x","if":"a gt 1"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		m, found := class.NewModel(map[string]json.RawMessage{"t": json.RawMessage(body)})
		if len(found) == 0 && m.Class("t").Column("id") == nil {
			t.Error("a class without an id")
		}
	})
}
