package table_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class/classtest"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

// change is one change of a class that has rows.
type change struct {
	name     string
	old, new string
	rows     map[string]string // by id: what is put
	want     map[string]string // by id: what is there afterwards
	plan     []string          // sentences; "run: " is left out, it may differ between the databases
	run      bool              // whether it is a run on both
	once     bool              // whether it is done at once on both
	drop     bool              // with --allow-drop
}

var changes = []change{
	{
		name: "nothing", old: `{"columns":{"a":"text"}}`, new: `{"columns":{"a":"text"}}`,
		rows: map[string]string{"1": `{"a":"x"}`}, want: map[string]string{"1": `{"a":"x"}`}, once: true,
	},
	{
		name: "add a column", old: `{"columns":{"a":"text"}}`, new: `{"columns":{"a":"text","b":"boolean"}}`,
		rows: map[string]string{"1": `{"a":"x"}`}, want: map[string]string{"1": `{"a":"x","b":null}`},
		plan: []string{"the column b is added: boolean"}, once: true,
	},
	{
		name: "add a required column with a default", old: `{"columns":{"a":"text"}}`,
		new:  `{"columns":{"a":"text","b":{"type":"decimal(5,2)!","default":1.5},"c":{"type":"date!","default":"2026-01-01"},"d":{"type":"datetime!","default":"2026-01-01T00:00:00Z"},"e":{"type":"text!","default":"it's"},"f":{"type":"boolean!","default":true},"g":{"type":"decimal(20,2)!","default":-1},"h":{"type":"json!","default":{"a":[1]}}}}`,
		rows: map[string]string{"1": `{"a":"x"}`},
		want: map[string]string{"1": `{"a":"x","b":1.50,"c":"2026-01-01","d":"2026-01-01T00:00:00Z","e":"it's","f":true,"g":-1.00,"h":{"a":[1]}}`},
		plan: []string{"the column b is added: decimal(5,2)", "the column c is added: date", "the column d is added: datetime", "the column e is added: text", "the column f is added: boolean", "the column g is added: decimal(20,2)", "the column h is added: json"}, once: true,
	},
	{
		name: "rename", old: `{"key":"a","columns":{"a":"text","b":"ref(x)"}}`, new: `{"key":"c","columns":{"c":{"type":"text","was":"a"},"d":{"type":"ref(x)","was":"b"}}}`,
		rows: map[string]string{"1": `{"a":"x","b":"r"}`}, want: map[string]string{"1": `{"c":"x","d":"r"}`},
		plan: []string{"the column a is renamed to c", "the column b is renamed to d"}, once: true,
	},
	{
		name: "rename and change", old: `{"columns":{"a":"text"}}`, new: `{"columns":{"b":{"type":"integer!","was":"a"}}}`,
		rows: map[string]string{"1": `{"a":"12"}`}, want: map[string]string{"1": `{"b":12}`},
		plan: []string{"b becomes required", "the column a is renamed to b", "the type of b changes from text to integer"}, run: true,
	},
	{
		name: "drop a column", old: `{"columns":{"a":"text","b":"text"}}`, new: `{"columns":{"a":"text"}}`,
		rows: map[string]string{"1": `{"a":"x","b":"y"}`}, want: map[string]string{"1": `{"a":"x"}`},
		plan: []string{"the column b is dropped (loses)"}, drop: true,
	},
	{
		name: "widen", old: `{"columns":{"a":"text(5)","d":"decimal(5,2)","e":"enum(x)","i":{"type":"integer","min":1},"l":"decimal(17,2)"}}`,
		new:  `{"columns":{"a":"text(10)","d":"decimal(9,2)","e":"enum(x,y)","i":"integer","l":"decimal(20,2)"}}`,
		rows: map[string]string{"1": `{"a":"x","d":123.45,"e":"x","i":1,"l":-123456789012345.67}`},
		want: map[string]string{"1": `{"a":"x","d":123.45,"e":"x","i":1,"l":-123456789012345.67}`},
		plan: []string{"a becomes wider: from text of up to 5 characters to text of up to 10 characters", "e becomes wider: from enum(x) to enum(x,y)", "i becomes wider: from integer from 1 to integer",
			"d becomes wider: from decimal(5,2) to decimal(9,2)", "l becomes wider: from decimal(17,2) to decimal(20,2)"},
	},
	{
		name: "narrow", old: `{"columns":{"a":"text(10)","d":"decimal(9,3)","e":"enum(x,y)","i":"integer"}}`,
		new:  `{"columns":{"a":{"type":"text","length":5,"pattern":"x+"},"d":"decimal(5,2)","e":"enum(x)","i":{"type":"integer","min":1}}}`,
		rows: map[string]string{"1": `{"a":"xx","d":123.450,"e":"x","i":1}`}, want: map[string]string{"1": `{"a":"xx","d":123.45,"e":"x","i":1}`},
		plan: []string{"the length of a becomes narrower: from text of up to 10 characters to text of up to 5 characters like x+", "the list of values of e becomes narrower: from enum(x,y) to enum(x)",
			"the range of i becomes narrower: from integer to integer from 1", "the type of d changes from decimal(9,3) to decimal(5,2)"}, run: true,
	},
	{
		name: "change types", old: `{"columns":{"a":"text","b":"text","c":"text","d":"date","e":"datetime","f":"integer","g":"integer","h":"decimal(9,2)","i":"boolean","j":"text"}}`,
		new:  `{"columns":{"a":"integer","b":"date","c":"boolean","d":"datetime","e":"date","f":"decimal(9,2)","g":"text","h":"integer","i":"text","j":"enum(x,y)"}}`,
		rows: map[string]string{"1": `{"a":"12","b":"2026-11-22","c":"true","d":"2026-11-22","e":"2026-11-22T00:00:00Z","f":7,"g":-7,"h":12.00,"i":false,"j":"x"}`, "2": `{}`},
		want: map[string]string{"1": `{"a":12,"b":"2026-11-22","c":true,"d":"2026-11-22T00:00:00Z","e":"2026-11-22","f":7.00,"g":"-7","h":12,"i":"false","j":"x"}`,
			"2": `{"a":null,"b":null,"c":null,"d":null,"e":null,"f":null,"g":null,"h":null,"i":null,"j":null}`}, run: true,
	},
	{
		name: "required, unique, key, index, computed", old: `{"columns":{"a":"text","b":"text","c":"integer","d":"text"}}`,
		new:  `{"key":["a","b"],"columns":{"a":"text","b":"text","c":{"type":"integer!","unique":true},"d":{"type":"text","index":true},"e":{"type":"integer","computed":"c mul 2"}}}`,
		rows: map[string]string{"1": `{"a":"x","b":"y","c":1,"d":"d"}`, "2": `{"a":"x","b":"z","c":2}`},
		want: map[string]string{"1": `{"a":"x","b":"y","c":1,"d":"d","e":2}`, "2": `{"a":"x","b":"z","c":2,"d":null,"e":4}`}, run: true,
	},
	{
		name: "no longer unique", old: `{"key":"a","columns":{"a":"text!","b":{"type":"text","unique":true}}}`, new: `{"columns":{"a":"text(255)!","b":"text(255)"}}`,
		rows: map[string]string{"1": `{"a":"x","b":"y"}`}, want: map[string]string{"1": `{"a":"x","b":"y"}`},
		plan: []string{"a need not be unique any more", "b need not be unique any more"}, once: true,
	},
	{
		name: "required with a default fills the gaps", old: `{"columns":{"a":"text"}}`, new: `{"columns":{"a":{"type":"text!","default":"none"}}}`,
		rows: map[string]string{"1": `{"a":"x"}`, "2": `{}`}, want: map[string]string{"1": `{"a":"x"}`, "2": `{"a":"none"}`}, run: true,
	},
	{
		name: "defaults and not required", old: `{"columns":{"a":{"type":"text!","default":"x"},"b":"integer"}}`, new: `{"columns":{"a":"text","b":{"type":"integer","default":5}}}`,
		rows: map[string]string{"1": `{"a":"x","b":1}`}, want: map[string]string{"1": `{"a":"x","b":1}`},
		plan: []string{"a has no default any more", "a is no longer required", "the default of b becomes 5"},
	},
}

const otherX = `{"key":"k","columns":{"k":"text"}}`

// Every change keeps what was there, whether it is done at once or by a run.
func TestChangesOfTablesWithData(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		for _, c := range changes {
			t.Run(c.name, func(t *testing.T) { c.test(t, open()) })
		}
	})
}

func (c change) test(t *testing.T, d *db.DB) {
	t.Helper()
	defer d.Close()
	defer classtest.Apply(t, d, true) // the next one finds nothing
	classtest.Apply(t, d, false, "t", c.old, "x", otherX)
	for id, values := range c.rows {
		classtest.Put(t, d, "t", id, values)
	}
	before := classtest.Rows(t, d, "t")
	sentences := plan(t, d, "t", c.new, "x", otherX)
	byRun := slices.ContainsFunc(sentences, func(s string) bool { return strings.HasPrefix(s, "run: ") })
	if c.run && !byRun || c.once && byRun {
		t.Errorf("by a run: %v", byRun)
	}
	if c.plan != nil {
		for i := range sentences {
			sentences[i] = strings.TrimPrefix(sentences[i], "run: ")
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(c.plan)), sentences); diff != "" {
			t.Error(diff)
		}
	}
	if c.drop {
		_, err := classtest.TryApply(t, d, false, "t", c.new, "x", otherX)
		mustFail(t, err, fault.Conflict, "--allow-drop")
	}
	left := classtest.Apply(t, d, c.drop, "t", c.new, "x", otherX)
	if byRun {
		if len(left) != 1 || left[0].Class != "t" {
			t.Fatalf("left: %v", left)
		}
		if diff := cmp.Diff(before, classtest.Rows(t, d, "t")); diff != "" {
			t.Errorf("before its run the class is as it was:\n%s", diff)
		}
	}
	if err := classtest.Finish(t, d, left); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.want, classtest.Rows(t, d, "t")); diff != "" {
		t.Error(diff)
	}
	if again := plan(t, d, "t", c.new, "x", otherX); len(again) > 0 {
		t.Errorf("a second plan: %v", again)
	}
	if left := classtest.Apply(t, d, false, "t", c.new, "x", otherX); len(left) > 0 {
		t.Errorf("a second apply leaves %v", left)
	}
	classtest.Put(t, d, "t", "later", laterRow[c.name])
}

// laterRow is a row that the changed table takes.
var laterRow = map[string]string{
	"nothing": `{"a":"l"}`, "add a column": `{"b":true}`, "add a required column with a default": `{"b":1,"c":"2026-01-01","d":"2026-01-01T00:00:00Z","e":"x","f":true,"g":1,"h":1}`,
	"rename": `{"c":"l"}`, "rename and change": `{"b":5}`, "drop a column": `{"a":"l"}`, "widen": `{"d":1234567.89,"e":"y"}`,
	"narrow": `{"a":"x"}`, "change types": `{"a":5}`, "required, unique, key, index, computed": `{"a":"l","b":"l","c":9}`,
	"no longer unique": `{"a":"x","b":"y"}`, "required with a default fills the gaps": `{"a":"l"}`, "defaults and not required": `{}`,
}

// What does not fit is refused before anything is changed, with the record.
func TestChangesThatDoNotFit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		const old = `{"columns":{"a":"text","b":"integer"}}`
		classtest.Apply(t, d, false, "t", old)
		classtest.Put(t, d, "t", "rec_1", `{"a":"long","b":1}`)
		classtest.Put(t, d, "t", "rec_2", `{"a":"long"}`)
		for new, part := range map[string]string{
			`{"columns":{"a":"text(3)","b":"integer"}}`:                                    "the record rec_1 does not fit: a has 4 characters, at most 3 are possible; so do 1 others",
			`{"columns":{"a":"integer","b":"integer"}}`:                                    "rec_1 does not fit: a",
			`{"columns":{"a":"text","b":"integer!"}}`:                                      "the record rec_2 does not fit: b is required",
			`{"columns":{"a":{"type":"text","unique":true},"b":"integer"}}`:                "the records rec_1 and rec_2 have the same a",
			`{"key":"a","columns":{"a":"text","b":"integer"}}`:                             "the records rec_1 and rec_2 have the same a",
			`{"columns":{"a":"text","b":"integer","c":"text!"}}`:                           "a required column needs a default for the 2 records that there are",
			`{"columns":{"a":{"type":"text","pattern":"l"},"b":"integer"}}`:                "rec_1 does not fit: a does not match the pattern l",
			`{"columns":{"a":"text","b":{"type":"integer","min":2}}}`:                      "rec_1 does not fit: b must not be below 2",
			`{"columns":{"a":"enum(short)","b":"integer"}}`:                                "rec_1 does not fit: a",
			`{"columns":{"a":"text"}}`:                                                     "--allow-drop",
			`{"columns":{"a":"text","b":"date"}}`:                                          "rec_1 does not fit: b",
			`{"columns":{"a":"text","b":"integer","c":{"type":"text(2)","computed":"a"}}}`: "rec_1 does not fit: c cannot be computed: has 4 characters",
		} {
			_, err := classtest.TryApply(t, d, false, "t", new)
			mustFail(t, err, fault.Conflict, part)
		}
		_, err := classtest.TryApply(t, d, false)
		mustFail(t, err, fault.Conflict, "the class t is dropped with its 2 records")
		if got := classtest.Rows(t, d, "t"); len(got) != 2 || got["rec_1"] != `{"a":"long","b":1}` {
			t.Errorf("afterwards: %v", got)
		}
	})
}

// A table that is dropped is gone, and its name free.
func TestDropsOfClasses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		for range 2 {
			classtest.Apply(t, d, false, "t", `{"columns":{"a":"text"}}`, "u", `{"columns":{"t":"ref(t)"}}`)
			classtest.Put(t, d, "t", "rec_1", `{"a":"x"}`)
			if left := classtest.Apply(t, d, true, "u", `{"columns":{"t":"text"}}`); len(left) > 0 && left[0].Class != "" {
				t.Errorf("left: %v", left)
			} else if err := classtest.Finish(t, d, left); err != nil {
				t.Error(err)
			}
			classtest.Apply(t, d, true)
		}
		if left := classtest.Applied(t, d).Classes(); len(left) > 0 {
			t.Errorf("still there: %v", left)
		}
	})
}
