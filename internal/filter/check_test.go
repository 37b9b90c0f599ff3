package filter_test

import (
	"errors"
	"strings"
	"testing"

	"junctor/internal/filter"
	"junctor/internal/value"
)

// orders are the columns of the examples in this package's tests.
var orders = map[string]value.Type{
	"number": value.Text, "state": value.Text, "total": value.Decimal, "quantity": value.Integer, "paid": value.Boolean,
	"due": value.Date, "received": value.DateTime, "address": value.JSON, "customer/code": value.Text, "data/x": value.Null,
}

var env = filter.Env{
	Column: func(path []string) (value.Type, error) {
		if t, ok := orders[strings.Join(path, "/")]; ok {
			return t, nil
		}
		return value.Null, errors.New("orders has no " + strings.Join(path, "/"))
	},
	Params: map[string]filter.ParamType{
		"account.id": {Type: value.Text}, "account.units": {Type: value.Text, List: true}, "n": {Type: value.Integer},
	},
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"number", "text"},
		{"null", "null"},
		{"5", "integer"},
		{"5.0", "decimal"},
		{"number eq '4711'", "boolean"},
		{"number eq null", "boolean"},
		{"null gt number", "boolean"},
		{"total ge 5 and quantity lt 2.5", "boolean"},
		{"paid and not paid or null", "boolean"},
		{"paid gt false", "boolean"},
		{"paid eq (total gt 5)", "boolean"},
		{"due lt 2026-11-22", "boolean"},
		{"received lt 2026-11-22T00:00:00Z and received lt now()", "boolean"},
		{"date(received) eq due", "boolean"},
		{"address eq null or null ne address", "boolean"},
		{"state in ('new',null) and number in @account.units and quantity in (1,2.5,@n)", "boolean"},
		{"customer/code eq @account.id", "boolean"},
		{"data/x eq 5 and data/x eq 'a' and data/x and contains(data/x,'a') and data/x in (1,'b')", "boolean"},
		{"quantity add 1", "integer"},
		{"quantity div 2", "integer"},
		{"quantity divby 2", "decimal"},
		{"quantity mul 1.5", "decimal"},
		{"-total mod 2", "decimal"},
		{"quantity add null", "null"},
		{"quantity add data/x", "null"},
		{"length(concat(number,state))", "integer"},
		{"indexof(number,'1')", "integer"},
		{"substring(number,1)", "text"},
		{"substring(number,quantity,quantity)", "text"},
		{"substring(null,null)", "text"},
		{"tolower(toupper(trim(number)))", "text"},
		{"year(due) add month(received) add day(due)", "integer"},
		{"hour(received) add minute(received) add second(received)", "integer"},
		{"fractionalseconds(received)", "decimal"},
		{"date(due)", "date"},
		{"now()", "datetime"},
		{"round(total)", "decimal"},
		{"floor(quantity)", "integer"},
		{"ceiling(data/x)", "null"},

		{"numbr", "!1: orders has no numbr"},
		{"number eq INF", "!11: orders has no INF"},
		{"total gt 1 and (customer/name eq 'x')", "!17: orders has no customer/name"},
		{"number eq 4711", "!8: number is text and 4711 is integer, which cannot be compared: write it in quotes"},
		{"total eq '5.00'", "!7: total is decimal and '5.00' is text, which cannot be compared: write it without quotes"},
		{"due gt '2026-11-22'", "!5: due is date and '2026-11-22' is text, which cannot be compared: write it without quotes"},
		{"due gt 2026-11-22T00:00:00Z", "!5: due is date and 2026-11-22T00:00:00Z is datetime"},
		{"received gt 2026-11-22", "!10: received is datetime and 2026-11-22 is date, which cannot be compared: date(x) is the date of a datetime"},
		{"paid eq 'true'", "!6: paid is boolean and 'true' is text"},
		{"paid eq 1", "!6: paid is boolean and 1 is integer"},
		{"number eq total", "!8: number is text and total is decimal"},
		{"number eq due", "!8: number is text and due is date"},
		{"address eq 'x'", "!9: json can be compared with null only"},
		{"address eq address", "!9: json can be compared with null only"},
		{"address in (null)", "!9: json can be compared with null only"},
		{"state in ('new',5)", "!7: state is text and 5 is integer"},
		{"quantity in @account.units", "!10: quantity is integer and @account.units is text"},
		{"number in @account.id", "!11: @account.id is one value; in takes a list"},
		{"number eq @account.units", "!11: @account.units is a list"},
		{"number in (@account.units)", "!12: @account.units is a list"},
		{"number eq @acount.id", "!11: there is no parameter @acount.id, did you mean @account.id?"},
		{"number in @units", "!11: there is no parameter @units"},
		{"number eq @x", "!11: there is no parameter @x"},
		{"number and paid", "!1: and takes what is true or false, number is text"},
		{"paid or 1", "!9: or takes what is true or false, 1 is integer"},
		{"not state eq 'new'", "!5: not takes what is true or false, state is text: not binds more than eq"},
		{"not length(state)", "!5: not takes what is true or false, length(state) is integer"},
		{"number add 1", "!1: add takes numbers, number is text"},
		{"1 sub due", "!7: sub takes numbers, due is date"},
		{"-paid", "!2: - takes numbers, paid is boolean"},
		{"-quantity in (1)", "!11: - takes numbers, quantity in (1) is boolean"},
		{"total div 0", "!7: div by zero"},
		{"total divby 0.00", "!7: divby by zero"},
		{"quantity mod 0", "!10: mod by zero"},
		{"containz(number,'x')", "!1: there is no function containz, did you mean contains?"},
		{"substringof('x',number)", "!1: there is no function substringof"},
		{"cast(number,Edm.Int64)", "!13"}, // a name with dots
		{"isof(number)", "!1: there is no function isof"},
		{"time(received)", "!1: there is no function time"},
		{"length()", "!1: length takes 1 value, not 0"},
		{"length(number,state)", "!1: length takes 1 value, not 2"},
		{"contains(number)", "!1: contains takes 2 values, not 1"},
		{"substring(number)", "!1: substring takes 2 or 3 values, not 1"},
		{"substring(number,1,2,3)", "!1: substring takes 2 or 3 values, not 4"},
		{"now(1)", "!1: now takes nothing, not 1"},
		{"length(total)", "!8: length takes text here, total is decimal"},
		{"contains(number,5)", "!17: contains takes text here, 5 is integer"},
		{"substring(number,1.5)", "!18: substring takes an integer here, 1.5 is decimal"},
		{"substring(number,-1)", "!18: substring takes a number from 0 up here, not -1"},
		{"substring(number,0,-1)", "!20: substring takes a number from 0 up here, not -1"},
		{"hour(due)", "!6: hour takes a datetime here, due is date"},
		{"year(number)", "!6: year takes a date or datetime here, number is text"},
		{"round(number)", "!7: round takes a number here, number is text"},
		{"length('" + strings.Repeat("x", 100) + "' eq 'y')", "!111: length takes text here, '" + strings.Repeat("x", 39) + "... is boolean"},
	} {
		e, err := filter.Parse(tt.text)
		kind := value.Null
		if err == nil {
			kind, err = filter.Check(e, env)
		}
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			var found *filter.Error
			if !errors.As(err, &found) || !strings.HasPrefix(found.Error(), "character "+want) {
				t.Errorf("%s: %s, %v; want %s", tt.text, kind, err, want)
			}
		} else if err != nil || kind.String() != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.text, kind, err, tt.want)
		}
	}
}

func TestCondition(t *testing.T) {
	for text, want := range map[string]string{
		"paid": "", "null": "", "data/x": "", "total gt 5": "", "contains(number,'x')": "", "total gt 'x'": "character 7",
		"total":          "character 1: expected a condition, which is true or false; total is decimal",
		"a":              "character 1: orders has no a",
		"1 add quantity": "character 3: expected a condition, which is true or false; 1 add quantity is integer",
	} {
		err := filter.Condition(parse(t, text), env)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
