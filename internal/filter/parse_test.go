package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"junctor/internal/filter"
	"junctor/internal/value"
)

func parse(t testing.TB, text string) *filter.Expr {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

// tree writes every level in parentheses, operators first.
func tree(e *filter.Expr) string {
	switch e.Op {
	case filter.Literal:
		return e.Value.Type().String() + ":" + e.Value.String()
	case filter.Name, filter.Param, filter.List:
		if len(e.Args) == 0 {
			return e.String()
		}
	}
	parts := []string{e.Op.String()}
	if e.Op == filter.Call {
		parts[0] = e.Func
	}
	for _, arg := range e.Args {
		parts = append(parts, tree(arg))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

// same compares two trees but for where their parts stand.
func same(a, b *filter.Expr) string {
	return cmp.Diff(a, b, cmpopts.IgnoreFields(filter.Expr{}, "At"), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b value.Value) bool { return a == b }))
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, want, written string }{
		// precedence and association: 5.1.1.17
		{"a eq 1", "(eq a integer:1)", ""},
		{"a or b and c", "(or a (and b c))", ""},
		{"a and b or c", "(or (and a b) c)", ""},
		{"(a or b) and c", "(and (or a b) c)", ""},
		{"a and b and c", "(and a b c)", ""},
		{"a or b or c or d", "(or a b c d)", ""},
		{"(a and b) and c", "(and (and a b) c)", ""},
		{"a and (b and c)", "(and a (and b c))", ""},
		{"a eq b and c ne d", "(and (eq a b) (ne c d))", ""},
		{"a gt 1 eq true", "(eq (gt a integer:1) boolean:true)", ""},
		{"a eq b gt 1", "(eq a (gt b integer:1))", ""},
		{"(a eq b) gt false", "(gt (eq a b) boolean:false)", ""},
		{"a eq b eq c", "(eq (eq a b) c)", ""},
		{"a eq (b eq c)", "(eq a (eq b c))", ""},
		{"a add b mul c", "(add a (mul b c))", ""},
		{"(a add b) mul c", "(mul (add a b) c)", ""},
		{"a sub b sub c", "(sub (sub a b) c)", ""},
		{"a sub (b sub c)", "(sub a (sub b c))", ""},
		{"a div b divby c mod d", "(mod (divby (div a b) c) d)", ""},
		{"a add 1 gt b sub 1", "(gt (add a integer:1) (sub b integer:1))", ""},
		{"not a and b", "(and (not a) b)", ""},
		{"not (a and b)", "(not (and a b))", ""},
		{"not a eq b", "(eq (not a) b)", ""},
		{"not not a", "(not (not a))", ""},
		{"not(a)", "(not a)", "not a"},
		{"not a in (1)", "(not (in a (a list integer:1)))", ""},
		{"-a add b", "(add (- a) b)", ""},
		{"-(a add b)", "(- (add a b))", ""},
		{"--a", "(- (- a))", ""},
		{"-5", "integer:-5", ""},
		{"- 5", "(- integer:5)", "-(5)"},
		{"--5", "(- integer:-5)", ""},
		{"-(5 in (1))", "(- (in integer:5 (a list integer:1)))", ""},
		{"a sub -5", "(sub a integer:-5)", ""},
		{"a in (1,2) eq true", "(eq (in a (a list integer:1 integer:2)) boolean:true)", ""},
		{"a in ('x', null,@p )", "(in a (a list text:x null:null @p))", "a in ('x',null,@p)"},
		{"a in @list", "(in a @list)", ""},
		{"a in ()", "(in a ())", ""},
		{"a in(1)", "(in a (a list integer:1))", "a in (1)"},
		{" ( ( a ) ) ", "a", "a"},
		{"a\teq\r\n1", "(eq a integer:1)", "a eq 1"},
		{"(a eq 1)or(b eq 2)", "(or (eq a integer:1) (eq b integer:2))", "a eq 1 or b eq 2"},

		// names, in any case where 4.01 says so
		{"a EQ 1 AND NOT b Or c In (1)", "(or (and (eq a integer:1) (not b)) (in c (a list integer:1)))", "a eq 1 and not b or c in (1)"},
		{"Contains(a,'b')", "(contains a text:b)", "contains(a,'b')"},
		{"eq eq ne", "(eq eq ne)", ""},
		{"and and or or in", "(or (and and or) in)", ""},
		{"not/a", "not/a", ""},
		{"customer/country/code", "customer/country/code", ""},
		{"data/true eq data/not", "(eq data/true data/not)", ""},
		{"_a1 eq Größe", "(eq _a1 Größe)", ""},
		{"@p eq @account.id", "(eq @p @account.id)", ""},
		{"now()", "(now)", ""},
		{"concat( a , concat(b,'c') )", "(concat a (concat b text:c))", "concat(a,concat(b,'c'))"},
		{"nothing(1)", "(nothing integer:1)", ""},
		{"year (a)", "(year a)", "year(a)"},

		// literals; the names are those of the ABNF's rules
		{"null", "null:null", ""},                                    // nullValue
		{"TRUE", "boolean:true", "true"},                             // booleanValue
		{"false", "boolean:false", ""},                               // booleanValue
		{"0", "integer:0", ""},                                       // sbyteValue and the like
		{"+7", "integer:7", "7"},                                     // SIGN
		{"-9223372036854775808", "integer:-9223372036854775808", ""}, // int64Value
		{"9223372036854775808", "decimal:9223372036854775808", ""},   // decimalValue
		{"10.10", "decimal:10.10", ""},
		{"-0.5", "decimal:-0.5", ""},
		{"1e3", "decimal:1000", "1000e0"},
		{"1.5E-3", "decimal:0.0015", "0.0015"},
		{"''", "text:", ""}, // string
		{"'O''Neil'", "text:O'Neil", ""},
		{"''''''", "text:''", ""},
		{"'and or ) é \t😀'", "text:and or ) é \t😀", ""},
		{"2026-11-22", "date:2026-11-22", ""},                         // dateValue
		{"2026-11-22T13:45:00Z", "datetime:2026-11-22T13:45:00Z", ""}, // dateTimeOffsetValue
		{"2026-11-22T13:45:00.120+01:00", "datetime:2026-11-22T12:45:00.12Z", "2026-11-22T12:45:00.12Z"},                         // fractionalSeconds
		{"2026-11-22t13:45z", "datetime:2026-11-22T13:45:00Z", "2026-11-22T13:45:00Z"},                                           // without seconds
		{"a ge 2026-11-22T13:45-01:00 and b", "(and (ge a datetime:2026-11-22T14:45:00Z) b)", "a ge 2026-11-22T14:45:00Z and b"}, // offset
	} {
		e, err := filter.Parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got := tree(e); got != tt.want {
			t.Errorf("%s is read as %s, want %s", tt.text, got, tt.want)
		}
		written := tt.written
		if written == "" {
			written = tt.text
		}
		if e.String() != written {
			t.Errorf("%s is written as %s, want %s", tt.text, e, written)
		}
		if diff := same(e, parse(t, e.String())); diff != "" {
			t.Errorf("%s is written as %s and read as another: %s", tt.text, e, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		text   string
		at     int
		detail string
	}{
		{"", 1, "is empty"},
		{"  ", 3, "is empty"},
		{"a eq", 5, "expected a value, a name or a function, found the end"},
		{"a eq ", 6, "found the end"},
		{"a eq eq", 0, ""}, // a column named eq
		{"eq 1", 4, `expected an operator such as eq, found "1"`},
		{"a equals 1", 3, `expected an operator such as eq, found "equals"`},
		{"a and1 b", 3, "did you mean and?"},
		{"a gte 1", 3, "gte is written ge"},
		{"a = 1", 3, `found "=": it is written eq`},
		{"a == 1", 3, `it is written eq`},
		{"a != 1", 3, `it is written ne`},
		{"a <> 1", 3, `it is written ne`},
		{"a >= 1", 3, `it is written ge`},
		{"a<1", 2, `it is written lt`},
		{"a && b", 3, `it is written and`},
		{"a || b", 3, `it is written or`},
		{"a + b", 3, `it is written add`},
		{"a-5 eq 1", 2, `it is written sub`},
		{"a * b", 3, `it is written mul`},
		{"a % b", 3, `it is written mod`},
		{"a / b", 3, `it is written div`},
		{"!a", 1, "it is written not"},
		{"a b", 3, `expected an operator such as eq, found "b"`},
		{"a eq 'x' b", 10, `expected an operator such as eq, found "b"`},
		{"é eq 'ü' ö", 10, `found "ö"`},
		{"a is null", 3, "x eq null"},
		{"a not in (1)", 3, "not (x in (1,2))"},
		{"a like 'x%'", 3, "contains(x,'a')"},
		{"a between 1 and 2", 3, "x ge 1 and x le 5"},
		{"a contains 'x'", 3, "contains is a function"},
		{"style has 'Yellow'", 7, "has is not supported"},
		{"a eq 1)", 7, "a ) without its ("},
		{"(a eq 1", 8, "expected ), found the end"},
		{"(a eq 1 b", 9, `found "b"`},
		{"()", 2, `expected a value, a name or a function, found ")"`},
		{"length(a", 9, "expected ), found the end"},
		{"length(a b)", 10, `found "b"`},
		{"length(a,)", 10, `found ")"`},
		{"length(,a)", 8, `found ","`},
		{"a, b", 2, `expected an operator such as eq, found ","`},
		{"a in", 5, "expected a list such as ('a','b'), found the end"},
		{"a in b", 6, `expected a list such as ('a','b'), found "b"`},
		{"a in (b)", 7, "expected a literal in the list, found a name"},
		{"a in (1 2)", 9, `expected a comma or ), found "2"`},
		{"a in (1,)", 9, `found ")"`},
		{"a in (1", 8, "expected a comma or ), found the end"},
		{"a in ((1))", 0, ""},
		{"(1,2)", 3, `found ","`},
		{"'abc", 1, "the quote that opens here is never closed"},
		{"a eq 'it's'", 10, `found "s"`},
		{"a eq 'x''", 6, "never closed"},
		{`a eq "x"`, 6, "text is written in single quotes"},
		{"a eq [1]", 6, "lists and objects are not supported"},
		{"a eq {}", 6, "lists and objects are not supported"},
		{"a eq 12M", 6, "no letter behind numbers"},
		{"a eq 5L", 6, "no letter behind numbers"},
		{"a eq 1.5f", 6, "no letter behind numbers"},
		{"a eq 0x10", 6, "is not a number"},
		{"a eq 1_000", 6, "is not a number"},
		{"a eq .5", 6, `found "."`},
		{"a eq 5.", 6, "is not a number"},
		{"a eq 5-3", 6, "write add and sub"},
		{"a eq 1+1", 6, "write add and sub"},
		{"a eq 1e999", 6, "at most 38 digits"},
		{"a eq INF", 0, ""}, // a name; that there is none says Check
		{"a eq -INF", 0, ""},
		{"a eq 2026-02-30", 6, "a date is expected"},
		{"a eq 2026-11-22T10:00:00", 6, "the offset from UTC is missing"},
		{"a eq 2026-11-22T10:00:00 01:00", 6, "%2B"},
		{"a eq 13:45:00", 6, "a time of day is not supported"},
		{"a eq datetime'2026-11-22T00:00:00'", 6, "without datetime and without quotes"},
		{"a eq guid'x'", 6, "ids are text"},
		{"a eq 3f2504e0-4f89-11d3-9a0c-0305e82c3301", 6, "ids are text"},
		{"a eq duration'P1D'", 6, "literals of duration are not supported"},
		{"a eq Sales.Pattern'Yellow'", 6, "values of an enum are text"},
		{"a eq Pattern'Yellow'", 6, "values of an enum are text"},
		{"geo.distance(a,b) lt 5", 1, "geo.distance is not supported"},
		{"a.b eq 1", 1, "names have no dots"},
		{"orders/any(o:o/total gt 5)", 8, "any() behind a name is not supported"},
		{"orders/$count gt 5", 8, "$count is not supported"},
		{"$it/a eq 1", 1, "$it is not supported"},
		{"customer/ eq 1", 10, "expected a name behind /"},
		{"customer/1", 10, "expected a name behind /"},
		{"@ eq 1", 2, "expected a parameter's name behind @"},
		{"@1 eq 1", 2, "expected a parameter's name behind @"},
		{"@account. eq 1", 10, "expected a parameter's name behind @"},
		{"a eq 'x\x00y'", 8, "U+0000"},
		{"a eq '\xff'", 1, "is not UTF-8"},
		{"a eq\u00a01", 5, `found "\u00a0"`},
		{"a;drop table x", 2, `found ";"`},
		{"a eq 1 -- x", 8, `it is written sub`},
		{"not", 4, "found the end"},
		{"-", 2, "found the end"},
		{"+", 1, "is not a number"},
		{"case(a:1)", 7, `found ":"`},
		{strings.Repeat("(", 101) + "a" + strings.Repeat(")", 101), 101, "nested deeper than 100 levels"},
		{strings.Repeat("not ", 200) + "a", 401, "nested deeper than 100 levels"},
		{strings.Repeat("-", 200) + "a", 101, "nested deeper than 100 levels"},
		{strings.Repeat("length(", 200), 701, "nested deeper than 100 levels"},
		{"1" + strings.Repeat(" add 1", 100), 1, "nested deeper than 100 levels"},
		{"a" + strings.Repeat(" in (1)", 100), 1, "nested deeper than 100 levels"},
		{"'" + strings.Repeat("x", filter.MaxLength) + "'", 1, "has at most 16384 bytes"},
	} {
		e, err := filter.Parse(tt.text)
		if tt.detail == "" && tt.at == 0 {
			if err != nil {
				t.Errorf("%.100s: %v", tt.text, err)
			}
			continue
		}
		var found *filter.Error
		if !errors.As(err, &found) || found.At != tt.at || !strings.Contains(found.Detail, tt.detail) || e != nil {
			t.Errorf("%.100s: %v, %v; want character %d: %s", tt.text, e, err, tt.at, tt.detail)
		}
	}
}

func TestWhatIsWithinTheLimitsIsRead(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("(", 99) + "a" + strings.Repeat(")", 99),
		strings.Repeat("not ", 99) + "a",
		"1" + strings.Repeat(" add 1", 99),
		"a" + strings.Repeat(" or a", 3000),
		"a in (" + strings.Repeat("1,", 8000) + "1)",
		"'" + strings.Repeat("'", filter.MaxLength-2) + "'",
	} {
		parse(t, text)
	}
}

func TestWhereThingsStand(t *testing.T) {
	e := parse(t, "é eq 'ü' and (b add 1) in (2,@p)")
	var at []int
	var walk func(e *filter.Expr)
	walk = func(e *filter.Expr) {
		at = append(at, e.At)
		for _, arg := range e.Args {
			walk(arg)
		}
	}
	walk(e)
	if diff := cmp.Diff([]int{10, 3, 1, 6, 24, 17, 15, 21, 27, 28, 30}, at); diff != "" {
		t.Error(diff)
	}
}

func TestParseOrder(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"received desc,number", "received desc,number"},
		{" a asc , b DESC , length(c) add 1", "a,b desc,length(c) add 1"},
		{"customer/code", "customer/code"},
		{"desc desc", "desc desc"},
		{"a", "a"},
		{"", "!character 1: is empty"},
		{"a,", "!character 3: expected a value"},
		{",a", `!character 1: expected a value, a name or a function, found ","`},
		{"a descending", `!character 3: expected a comma, asc or desc, found "descending"`},
		{"a desc desc", `!character 8: expected a comma, asc or desc, found "desc"`},
		{"a, b up", `!character 6: expected a comma, asc or desc, found "up"`},
		{"a;b", `!character 2: expected an operator`},
		{"a,1" + strings.Repeat(" add 1", 100), "!character 3: is nested deeper"},
	} {
		orders, err := filter.ParseOrder(tt.text)
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%.50s: %v, %v; want %s", tt.text, orders, err, want)
			}
			continue
		}
		var parts []string
		for _, o := range orders {
			parts = append(parts, o.Expr.String()+map[bool]string{true: " desc"}[o.Desc])
		}
		if got := strings.Join(parts, ","); err != nil || got != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.text, got, err, tt.want)
		}
	}
}

func TestParseParam(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"5", "5"},
		{"'a'", "'a'"},
		{" a add 1", "a add 1"},
		{"(a add 1) mul 2", "(a add 1) mul 2"},
		{"(1 add 2)", "1 add 2"},
		{"('a','b')", "('a','b')"},
		{"(5)", "(5)"},
		{"()", "()"},
		{"(1,2) ", "(1,2)"},
		{`["a","it's",null,true,5,1.50]`, "('a','it''s',null,true,5,1.50)"},
		{` [ ] `, "()"},
		{"[1234567890123456789,-12345678901234567890]", "(1234567890123456789,-12345678901234567890)"},
		{"(1,2) eq", `!character 3: expected an operator such as eq, found ","`},
		{"(a,b)", `!character 3: expected an operator`},
		{"", "!is empty"},
		{`["a"`, "!character 1: is no list in JSON"},
		{` [{"a":1}]`, `!character 2: {"a":1} in the list is no text`},
		{`[[1]]`, `![1] in the list is no text`},
		{`["\u0000"]`, `!in the list is no text`},
		{"[" + strings.Repeat("[", 20_000), "!at most 16384 bytes"},
	} {
		e, err := filter.ParseParam(tt.text)
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%.50s: %v, %v; want %s", tt.text, e, err, want)
			}
		} else if err != nil || e.String() != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.text, e, err, tt.want)
		}
	}
}

func TestBind(t *testing.T) {
	params := map[string]*filter.Expr{
		"p": parse(t, "5"), "account.id": parse(t, "'u1'"), "list": parse(t, "a in ('x','y')").Args[1], "none": parse(t, "a in ()").Args[1],
		"sum": parse(t, "a add 1"),
	}
	for _, tt := range []struct{ text, want string }{
		{"a eq 1", "a eq 1"},
		{"@p", "5"},
		{"a eq @p and not (b ne @account.id) and c", "a eq 5 and not (b ne 'u1') and c"},
		{"a in @list or a in @none", "a in ('x','y') or a in ()"},
		{"a in (@p,1)", "a in (5,1)"},
		{"@sum mul 2", "(a add 1) mul 2"},
		{"length(@account.id)", "length('u1')"},
		{"a eq @q", "!character 6: @q is not set"},
		{"a eq @acount.id", "!character 6: @acount.id is not set, did you mean @account.id?"},
		{"a eq @list", "!character 6: @list is a list"},
		{"@list", "!character 1: @list is a list"},
		{"a in (@list)", "!character 7: @list is a list"},
		{"a in @p", "!character 6: @p is one value"},
		{"a in (@sum)", "!character 7: @sum stands for add, a literal is expected in a list"},
		{"not contains(a,@q)", "!character 16: @q is not set"},
	} {
		e := parse(t, tt.text)
		before := e.String()
		bound, err := filter.Bind(e, params)
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, %v; want %s", tt.text, bound, err, want)
			}
		} else if err != nil || bound.String() != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.text, bound, err, tt.want)
		}
		if e.String() != before {
			t.Errorf("binding changed %s to %s", before, e)
		}
	}
	if e := parse(t, "a eq 1"); func() *filter.Expr { b, _ := filter.Bind(e, nil); return b }() != e {
		t.Error("an expression without parameters is copied")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"a eq 1 and not (b ne 'x''y') or contains(tolower(c/d),'é') and @p in (1,null,2026-11-22)",
		"-(5) sub --a div 1.5e-3 gt 2026-11-22T13:45:00.5+01:00", "a in @account.units desc, b asc", "((((", "not not - -1", "a eq 12M", "'",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := filter.ParseParam(text); (err == nil) == (e == nil) {
			t.Errorf("%q: %v, %v", text, e, err)
		}
		if orders, err := filter.ParseOrder(text); (err == nil) == (len(orders) == 0) {
			t.Errorf("%q: %v, %v", text, orders, err)
		}
		e, err := filter.Parse(text)
		if err != nil {
			var found *filter.Error
			if !errors.As(err, &found) || found.At < 1 || found.At > len([]rune(text))+1 || found.Detail == "" {
				t.Errorf("%q: the error is %v", text, err)
			}
			return
		}
		again, err := filter.Parse(e.String())
		if err != nil {
			if len(e.String()) > filter.MaxLength {
				return // 1e37 is written in full
			}
			t.Fatalf("%q is written as %q: %v", text, e, err)
		}
		if diff := same(e, again); diff != "" {
			t.Errorf("%q is written as %q, which is another: %s", text, e, diff)
		}
		if _, err := filter.Check(e, anything); err == nil {
			if _, err := filter.Eval(e, nothing); err != nil && !strings.Contains(err.Error(), "beyond 64 bits") && !strings.Contains(err.Error(), "38 digits") {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// anything is an Env in which every name may be of every type, nothing a Scope
// in which every name is null.
var (
	anything = filter.Env{Column: func([]string) (value.Type, error) { return value.Null, nil }}
	nothing  = filter.Scope{Column: func([]string) (value.Value, error) { return value.Value{}, nil }}
)
