package filter_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"junctor/internal/filter"
	"junctor/internal/filter/filtertest"
	"junctor/internal/value"
)

func scalar(kind value.Type, text string) value.Value {
	v, err := value.FromText(kind, text)
	if err != nil {
		panic(err)
	}
	return v
}

// row is an order; what it does not have is null.
type row map[string]value.Value

func (r row) scope() filter.Scope {
	return filter.Scope{
		Column: func(path []string) (value.Value, error) {
			if path[0] == "broken" {
				return value.Value{}, errors.New("cannot be read")
			}
			if len(path) == 1 {
				return r[path[0]], nil
			}
			return r[strings.Join(path, "/")], nil
		},
		Now: scalar(value.DateTime, "2026-11-22T12:00:00Z"),
	}
}

var order = row{
	"number": value.String("A-4711"), "state": value.String("new"), "name": value.String("Żółć O'Neil 😀"), "white": value.String("\u00a0\t x \u3000"),
	"total": value.Scaled(1010, 2), "quantity": value.Int(7), "zero": value.Int(0), "most": value.Int(1<<63 - 1), "paid": value.Bool(true),
	"due": scalar(value.Date, "2026-11-22"), "received": scalar(value.DateTime, "2026-11-21T23:59:58.000123Z"), "customer/code": value.String("C1"),
	"data/price": value.Scaled(15, 1), "data/at": value.String("2026-11-22T01:00:00+01:00"), "data/day": value.String("2026-11-22"),
}

func TestEval(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		// 5.1.1.1: comparisons, null among them
		{"state eq 'new'", "true"}, {"state eq 'New'", "false"}, {"state ne 'new'", "false"}, {"number gt 'A'", "true"}, {"number lt 'B'", "true"},
		{"total eq 10.1", "true"}, {"total eq 10.100", "true"}, {"total gt 10", "true"}, {"total le 10.10", "true"}, {"quantity ge 7.0", "true"},
		{"quantity lt 7.00001", "true"}, {"paid eq true", "true"}, {"paid gt false", "true"}, {"due eq 2026-11-22", "true"},
		{"received lt 2026-11-22T00:59:59+01:00", "true"}, {"received eq 2026-11-21T23:59:58.000123Z", "true"}, {"customer/code eq 'C1'", "true"},
		{"none eq null", "true"}, {"none ne null", "false"}, {"state eq null", "false"}, {"state ne null", "true"}, {"null eq null", "true"},
		{"none ne 'x'", "true"}, {"none eq 'x'", "false"}, {"none gt 1", "false"}, {"none le 1", "false"}, {"none ge null", "false"}, {"1 lt none", "false"},
		{"not (none gt 1)", "true"},
		{"state in ('old','new')", "true"}, {"state in ('old')", "false"}, {"state in ()", "false"}, {"none in ('x')", "false"}, {"none in ('x',null)", "true"},
		{"quantity in (1,7.00)", "true"}, {"not (state in ('old'))", "true"}, {"state in (null)", "false"},

		// and, or, not have three values
		{"true and null", "null"}, {"null and false", "false"}, {"false and null", "false"}, {"null or true", "true"}, {"null or false", "null"},
		{"not null", "null"}, {"not none", "null"}, {"true and true and null and false", "false"}, {"paid and total gt 5", "true"},
		{"none or paid", "true"}, {"none and paid", "null"}, {"(none and paid) eq null", "true"},

		// 5.1.1.2
		{"quantity add 1", "8"}, {"total add 2.45", "12.55"}, {"total sub 0.1", "10.00"}, {"total mul 2", "20.20"}, {"total mul 0.5", "5.050"},
		{"quantity div 2", "3"}, {"quantity divby 2", "3.500000"}, {"total div 3", "3.366667"}, {"-quantity div 2", "-3"}, {"quantity mod 4", "3"},
		{"-quantity mod 4", "-3"}, {"total mod 3", "1.10"}, {"-total", "-10.10"}, {"-(quantity sub 9)", "2"}, {"none add 1", "null"}, {"-none", "null"},
		{"quantity div zero", "null"}, {"total div zero", "null"}, {"quantity mod zero", "null"}, {"quantity divby zero gt 1", "false"},
		{"(4 add 5) mod (4 sub 1) eq 0", "true"}, {"state add 1", "null"}, {"most add 0.5", "9223372036854775807.5"},
		{"most add 1", "!character 6: add: the result is beyond 64 bits"},
		{"total mul 1e37", "!character 7: mul: a number has at most 38 digits"},

		// 5.1.1.5
		{"concat(concat(state,', '),number)", "new, A-4711"}, {"concat(state,none)", "null"},
		{"contains(name,'Neil')", "true"}, {"contains(name,'neil')", "false"}, {"contains(name,'')", "true"}, {"contains(none,'x')", "null"}, {"contains('x',none)", "null"},
		{"startswith(name,'Ż')", "true"}, {"endswith(name,'😀')", "true"}, {"endswith(name,'x')", "false"}, {"not contains(none,'x')", "null"},
		{"indexof(name,'O''')", "5"}, {"indexof(name,'x')", "-1"}, {"indexof(name,'')", "0"}, {"length(name)", "13"}, {"length('')", "0"}, {"length(none)", "null"},
		{"substring(name,5)", "O'Neil 😀"}, {"substring(name,1,3)", "ółć"}, {"substring(name,12,9)", "😀"}, {"substring(name,13)", ""}, {"substring(name,99,1)", ""},
		{"substring(name,0,0)", ""}, {"substring(name,none)", "null"}, {"substring(name,1,none)", "null"}, {"substring(name,most,most)", ""},
		{"substring(name,indexof(name,'x'))", "null"}, {"substring(name,0,zero sub 1)", "null"},
		// 5.1.1.7: one character to one character
		{"tolower(name)", "żółć o'neil 😀"}, {"toupper(name)", "ŻÓŁĆ O'NEIL 😀"}, {"toupper('straße')", "STRASSE"[:4] + "ßE"}, {"tolower('İΣ')", "iσ"}, {"trim(white)", "x"}, {"trim(name)", "Żółć O'Neil 😀"},
		// 5.1.1.8, in UTC
		{"year(due)", "2026"}, {"month(due)", "11"}, {"day(due)", "22"}, {"year(received)", "2026"}, {"day(received)", "21"}, {"hour(received)", "23"},
		{"minute(received)", "59"}, {"second(received)", "58"}, {"fractionalseconds(received)", "0.000123"}, {"date(received)", "2026-11-21"}, {"date(due)", "2026-11-22"},
		{"now()", "2026-11-22T12:00:00Z"}, {"received lt now()", "true"}, {"year(none)", "null"}, {"date(none)", "null"}, {"hour(2026-11-22T00:30:00+01:00)", "23"},
		// 5.1.1.9
		{"round(2.5)", "3"}, {"round(-2.5)", "-3"}, {"floor(-0.1)", "-1"}, {"ceiling(total)", "11"}, {"round(quantity)", "7"}, {"floor(none)", "null"},

		// what has no type before there is a row
		{"data/price gt 1", "true"}, {"data/price eq 'x'", "false"}, {"data/price ne 'x'", "true"}, {"data/price gt 'x'", "false"}, {"contains(data/price,'1')", "null"},
		{"data/at eq 2026-11-22T00:00:00Z", "true"}, {"2026-11-22 le data/day", "true"}, {"data/at lt 2026-11-22", "false"}, {"data/none eq null", "true"},
		{"not data/price", "null"}, {"data/price and true", "null"}, {"-data/at", "null"},

		{"broken eq 1", "!cannot be read"}, {"1 eq broken", "!cannot be read"}, {"1 in (1) and broken", "!cannot be read"}, {"length(broken)", "!cannot be read"},
		{"broken in (1)", "!cannot be read"}, {"not broken", "!cannot be read"}, {"false and broken", "false"}, {"true or broken", "true"},
		{"state eq @p", "!character 10: @p has no value here"}, {"state in @p", "!character 10: @p has no value here"}, {"state in (@p)", "!character 11: @p has no value here"},
		{"contain(state)", "!character 1: contain cannot be called so"}, {"length(state,state)", "!character 1: length cannot be called so"}, {"length()", "!cannot be called so"},
	} {
		v, err := filter.Eval(parse(t, tt.text), order.scope())
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, %v; want an error with %s", tt.text, v, err, want)
			}
		} else if err != nil || v.String() != tt.want {
			t.Errorf("%s is %v, %v; want %s", tt.text, v, err, tt.want)
		}
		taken, err := filter.Match(parse(t, tt.text), order.scope())
		if err == nil && taken != (tt.want == "true") {
			t.Errorf("%s takes the row: %v", tt.text, taken)
		}
	}
}

// A database is given these characters to trim.
func TestWhite(t *testing.T) {
	for r := range rune(unicode.MaxRune) {
		if unicode.Is(unicode.White_Space, r) != strings.ContainsRune(filter.White, r) {
			t.Errorf("%U is white space: %v", r, unicode.Is(unicode.White_Space, r))
		}
	}
}

func TestTextsDoNotGrowWithoutEnd(t *testing.T) {
	long := row{"a": value.String(strings.Repeat("x", 1<<20))}
	text := "a"
	for range 6 {
		text = "concat(" + text + "," + text + ")"
	}
	if _, err := filter.Eval(parse(t, text), long.scope()); err == nil || !strings.Contains(err.Error(), "a text of more than 16777216 bytes") {
		t.Errorf("64 MiB: %v", err)
	}
}

var columns = func() []filtertest.Column {
	null := value.Value{}
	texts := []value.Value{value.String("new"), value.String("sent"), value.String("O'Neil"), value.String("Żółć 😀"), value.String(""), value.String(" a\t"), null}
	return []filtertest.Column{
		{Path: []string{"state"}, Type: value.Text, Values: texts},
		{Path: []string{"customer", "code"}, Type: value.Text, Values: texts},
		{Path: []string{"total"}, Type: value.Decimal, Values: []value.Value{value.Scaled(1010, 2), value.Scaled(-5, 2), value.Scaled(99999999, 2), value.Scaled(0, 2), null}},
		{Path: []string{"quantity"}, Type: value.Integer, Values: []value.Value{value.Int(0), value.Int(7), value.Int(-3), value.Int(1_000_000), null}},
		{Path: []string{"paid"}, Type: value.Boolean, Values: []value.Value{value.Bool(true), value.Bool(false), null}},
		{Path: []string{"due"}, Type: value.Date, Values: []value.Value{scalar(value.Date, "2026-11-22"), scalar(value.Date, "1969-12-31"), null}},
		{Path: []string{"received"}, Type: value.DateTime, Values: []value.Value{scalar(value.DateTime, "2026-11-22T00:00:00.000001Z"), scalar(value.DateTime, "1969-12-31T23:59:59Z"), null}},
		{Path: []string{"address"}, Type: value.JSON, Values: []value.Value{scalar(value.JSON, `{"a":1}`), null}},
	}
}()

// anyRow is a row of these columns.
func anyRow(t *rapid.T) row {
	r := row{}
	for _, c := range columns {
		r[strings.Join(c.Path, "/")] = rapid.SampledFrom(c.Values).Draw(t, "value")
	}
	return r
}

var columnsEnv = filter.Env{Column: func(path []string) (value.Type, error) {
	for _, c := range columns {
		if strings.Join(c.Path, "/") == strings.Join(path, "/") {
			return c.Type, nil
		}
	}
	return value.Null, errors.New("there is no such column")
}}

func TestRandomExpressions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]value.Type{value.Boolean, value.Boolean, value.Integer, value.Decimal, value.Text, value.Date, value.DateTime}).Draw(t, "type")
		e := filtertest.Generator{Columns: columns}.Of(kind).Draw(t, "expression")
		text := e.String()
		again, err := filter.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := same(e, again); diff != "" {
			t.Fatalf("%s is read as another: %s", text, diff)
		}
		found, err := filter.Check(again, columnsEnv)
		if err != nil || found != kind && found != value.Null && (kind != value.Decimal || found != value.Integer) {
			t.Fatalf("%s is %s, %v; want %s", text, found, err, kind)
		}
		r := anyRow(t)
		v, err := filter.Eval(again, r.scope())
		if err != nil || !v.IsNull() && v.Type() != found {
			t.Fatalf("%s over %v is %s %v, %v; want %s", text, r, v.Type(), v, err, found)
		}
	})
}

// A good part of the random conditions must be true for some rows and not for
// others, or a comparison with a database would show nothing.
func TestRandomConditionsSelect(t *testing.T) {
	g := filtertest.Generator{Columns: columns}.Condition()
	selecting, all := 0, 500
	for seed := range all {
		e := g.Example(seed)
		taken := 0
		for n := range 40 {
			r := row{}
			for i, c := range columns {
				r[strings.Join(c.Path, "/")] = c.Values[(n*(i+1)+n/7)%len(c.Values)]
			}
			if ok, err := filter.Match(e, r.scope()); err != nil {
				t.Fatalf("%s: %v", e, err)
			} else if ok {
				taken++
			}
		}
		if taken > 0 && taken < 40 {
			selecting++
		}
	}
	if selecting < all*6/10 {
		t.Errorf("only %d of %d conditions take some rows and leave others", selecting, all)
	}
}

// The laws of logic with three values, over any conditions.
func TestThreeValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := filtertest.Generator{Columns: columns, Depth: 1}
		a, b, c := g.Condition().Draw(t, "a"), g.Condition().Draw(t, "b"), g.Condition().Draw(t, "c")
		r := anyRow(t)
		is := func(e *filter.Expr) string {
			v, err := filter.Eval(e, r.scope())
			if err != nil {
				t.Fatalf("%s: %v", e, err)
			}
			return v.String()
		}
		op := func(op filter.Op, args ...*filter.Expr) *filter.Expr { return &filter.Expr{Op: op, Args: args} }
		and := func(args ...*filter.Expr) *filter.Expr { return op(filter.And, args...) }
		or := func(args ...*filter.Expr) *filter.Expr { return op(filter.Or, args...) }
		not := func(a *filter.Expr) *filter.Expr { return op(filter.Not, a) }
		// Kleene's tables: false is least, null between, true greatest.
		order := map[string]int{"false": 0, "null": 1, "true": 2}
		if got, want := order[is(and(a, b))], min(order[is(a)], order[is(b)]); got != want {
			t.Fatalf("%s and %s of %v: %s", a, b, r, is(and(a, b)))
		}
		if got, want := order[is(or(a, b))], max(order[is(a)], order[is(b)]); got != want {
			t.Fatalf("%s or %s of %v: %s", a, b, r, is(or(a, b)))
		}
		if order[is(not(a))] != 2-order[is(a)] {
			t.Fatalf("not %s of %v: %s", a, r, is(not(a)))
		}
		for _, law := range [][2]*filter.Expr{
			{and(a, b), and(b, a)},
			{and(a, b, c), and(and(a, b), c)},
			{or(a, b, c), or(a, or(b, c))},
			{not(and(a, b)), or(not(a), not(b))},
			{and(a, or(b, c)), or(and(a, b), and(a, c))},
			{not(not(a)), a},
			{op(filter.Ne, a, b), not(op(filter.Eq, a, b))},
			{op(filter.Eq, a, b), op(filter.Eq, b, a)},
			{op(filter.Gt, a, b), op(filter.Lt, b, a)},
		} {
			if is(law[0]) != is(law[1]) {
				t.Fatalf("%s is %s and %s is %s, of %v", law[0], is(law[0]), law[1], is(law[1]), r)
			}
		}
		for _, e := range []*filter.Expr{op(filter.Eq, a, b), op(filter.Ne, a, b), op(filter.Ge, a, b)} {
			if is(e) == "null" {
				t.Fatalf("%s is null", e)
			}
		}
	})
}

const typical = "state eq 'new' and total gt 100.00 and received ge 2026-11-01T00:00:00Z and (customer/code in ('C1','C2','C3') or contains(tolower(number),'a-47'))"

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := filter.Parse(typical); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	e := parse(b, typical)
	for b.Loop() {
		if err := filter.Condition(e, env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	e, scope := parse(b, typical), order.scope()
	order["total"] = value.Scaled(10010, 2)
	for b.Loop() {
		if ok, err := filter.Match(e, scope); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
