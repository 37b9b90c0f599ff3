package value_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"junctor/internal/value"
)

// The literals are those of the rules that the OData 4.01 ABNF names
// booleanValue, int64Value, decimalValue, dateValue and dateTimeOffsetValue.
var texts = []struct {
	kind       value.Type
	text, want string // want is "" where text is refused with what follows
	refused    string
}{
	{value.Boolean, "true", "true", ""},
	{value.Boolean, "false", "false", ""},
	{value.Boolean, "1", "true", ""}, // XML Schema
	{value.Boolean, "0", "false", ""},
	{value.Boolean, "yes", "", "true or false is expected"},
	{value.Boolean, "TRUE", "", "true or false is expected"},
	{value.Boolean, "", "", "true or false is expected"},

	{value.Integer, "0", "0", ""},
	{value.Integer, "-0", "0", ""},
	{value.Integer, "+7", "7", ""},
	{value.Integer, "007", "7", ""},
	{value.Integer, "9223372036854775807", "9223372036854775807", ""},
	{value.Integer, "-9223372036854775808", "-9223372036854775808", ""},
	{value.Integer, "5.000", "5", ""},
	{value.Integer, "1e3", "1000", ""},
	{value.Integer, "9223372036854775808", "", "beyond 64 bits"},
	{value.Integer, "1e300", "", "a whole number is expected"},
	{value.Integer, "1.5", "", "a whole number is expected"},
	{value.Integer, "", "", "a whole number is expected"},
	{value.Integer, " 1", "", "a whole number is expected"},
	{value.Integer, "1_000", "", "a whole number is expected"},
	{value.Integer, "0x10", "", "a whole number is expected"},

	{value.Decimal, "10.10", "10.10", ""},
	{value.Decimal, "-0.00", "0.00", ""},
	{value.Decimal, "-0.001", "-0.001", ""},
	{value.Decimal, "+00.50", "0.50", ""},
	{value.Decimal, "1e3", "1000", ""},
	{value.Decimal, "1.5E-3", "0.0015", ""},
	{value.Decimal, "123.456e2", "12345.6", ""},
	{value.Decimal, "0e99", "0", ""},
	{value.Decimal, "99999999999999999999999999999999999999", "99999999999999999999999999999999999999", ""},
	{value.Decimal, "-0.99999999999999999999999999999999999999", "-0.99999999999999999999999999999999999999", ""},
	{value.Decimal, "123456789012345678901234.567890", "123456789012345678901234.567890", ""},
	{value.Decimal, "1e-38", "0.00000000000000000000000000000000000001", ""},
	{value.Decimal, "1e37", "10000000000000000000000000000000000000", ""},
	{value.Decimal, "999999999999999999999999999999999999999", "", "at most 38 digits"},
	{value.Decimal, "1e38", "", "at most 38 digits"},
	{value.Decimal, "1e-39", "", "at most 38 digits"},
	{value.Decimal, "1e99999999999999999999", "", "at most 38 digits"},
	{value.Decimal, "1e1000", "", "at most 38 digits"},
	{value.Decimal, "12,5", "", "without separators"},
	{value.Decimal, ".5", "", "a number is expected"},
	{value.Decimal, "5.", "", "a number is expected"},
	{value.Decimal, "1e", "", "a number is expected"},
	{value.Decimal, "1e+-5", "", "a number is expected"},
	{value.Decimal, "--1", "", "a number is expected"},
	{value.Decimal, "+-1", "", "a number is expected"},
	{value.Decimal, "INF", "", "a number is expected"},
	{value.Decimal, "NaN", "", "a number is expected"},
	{value.Decimal, "١", "", "a number is expected"},
	{value.Decimal, "", "", "a number is expected"},

	{value.Text, "", "", ""},
	{value.Text, "O'Neil \U0001f600", "O'Neil \U0001f600", ""},
	{value.Text, "a\x00b", "", "U+0000"},
	{value.Text, "a\xffb", "", "UTF-8"},

	{value.Date, "2026-11-22", "2026-11-22", ""},
	{value.Date, "0001-01-01", "0001-01-01", ""},
	{value.Date, "9999-12-31", "9999-12-31", ""},
	{value.Date, "2024-02-29", "2024-02-29", ""},
	{value.Date, "2026-02-29", "", "a date is expected"},
	{value.Date, "2026-00-10", "", "a date is expected"},
	{value.Date, "2026-13-10", "", "a date is expected"},
	{value.Date, "2026-11-31", "", "a date is expected"},
	{value.Date, "2026-11-00", "", "a date is expected"},
	{value.Date, "0000-01-01", "", "the years are"},
	{value.Date, "-0044-03-15", "", "a date is expected"},
	{value.Date, "12026-01-01", "", "a date is expected"},
	{value.Date, "2026-1-1", "", "a date is expected"},
	{value.Date, "22.11.2026", "", "a date is expected"},
	{value.Date, "2026-11-22T00:00:00Z", "", "a date is expected"},
	{value.Date, "", "", "a date is expected"},

	{value.DateTime, "2026-11-22T13:45:00Z", "2026-11-22T13:45:00Z", ""},
	{value.DateTime, "2026-11-22t13:45:00z", "2026-11-22T13:45:00Z", ""},
	{value.DateTime, "2026-11-22T13:45Z", "2026-11-22T13:45:00Z", ""},
	{value.DateTime, "2026-11-22T13:45:00.5Z", "2026-11-22T13:45:00.5Z", ""},
	{value.DateTime, "2026-11-22T13:45:00.000000Z", "2026-11-22T13:45:00Z", ""},
	{value.DateTime, "2026-11-22T13:45:00.123456999999Z", "2026-11-22T13:45:00.123456Z", ""},
	{value.DateTime, "2026-11-22T00:30:00+01:00", "2026-11-21T23:30:00Z", ""},
	{value.DateTime, "2026-11-22T23:30:00-01:30", "2026-11-23T01:00:00Z", ""},
	{value.DateTime, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", ""},
	{value.DateTime, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", ""},
	{value.DateTime, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", ""},
	{value.DateTime, "0001-01-01T00:00:00+00:01", "", "the years are"},
	{value.DateTime, "9999-12-31T23:59:59-00:01", "", "the years are"},
	{value.DateTime, "2026-11-22T13:45:00", "", "the offset from UTC is missing"},
	{value.DateTime, "2026-11-22T13:45:00 01:00", "", "%2B"},
	{value.DateTime, "2026-11-22T13:45:00+0100", "", "a moment is expected"},
	{value.DateTime, "2026-11-22T13:45:00+01:60", "", "a moment is expected"},
	{value.DateTime, "2026-11-22T13:45:00ZZ", "", "a moment is expected"},
	{value.DateTime, "2026-11-22T13:45:00.Z", "", "a moment is expected"},
	{value.DateTime, "2026-11-22T13:45:00.1234567890123Z", "", "a moment is expected"},
	{value.DateTime, "2026-11-22T24:00:00Z", "", "a moment is expected"},
	{value.DateTime, "2026-11-22T13:60:00Z", "", "a moment is expected"},
	{value.DateTime, "2026-11-22T13:45:60Z", "", "a moment is expected"},
	{value.DateTime, "2026-11-22T13Z", "", "a moment is expected"},
	{value.DateTime, "2026-11-22 13:45:00Z", "", "a moment is expected"},
	{value.DateTime, "2026-02-30T13:45:00Z", "", "a date is expected"},
	{value.DateTime, "2026-11-22", "", "a moment is expected"},

	{value.JSON, ` {"a": [1, 2.50, "x"], "a" : null} `, `{"a":[1,2.50,"x"],"a":null}`, ""},
	{value.JSON, `"text"`, `"text"`, ""},
	{value.JSON, `{"a":}`, "", "is not JSON"},
	{value.JSON, "", "", "is not JSON"},
	{value.JSON, "\"\xff\"", "", "UTF-8"},

	{value.Null, "x", "", "nothing can be read as null"},
}

func TestFromText(t *testing.T) {
	for _, tt := range texts {
		v, err := value.FromText(tt.kind, tt.text)
		if tt.refused != "" {
			if err == nil || !strings.Contains(err.Error(), tt.refused) || !v.IsNull() {
				t.Errorf("%s %q: %v, %v; want an error with %q", tt.kind, tt.text, v, err, tt.refused)
			}
			continue
		}
		if err != nil || string(v.AppendText(nil)) != tt.want || v.Type() != tt.kind {
			t.Errorf("%s %q: %s %s, %v; want %s", tt.kind, tt.text, v.Type(), v, err, tt.want)
		}
	}
}

func TestErrorsShowNoEndlessText(t *testing.T) {
	for _, kind := range []value.Type{value.Boolean, value.Integer, value.Decimal, value.Date, value.DateTime, value.JSON} {
		_, err := value.FromText(kind, strings.Repeat("x\n\x00", 100_000))
		if err == nil || len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%s: the error is %.500q", kind, err)
		}
	}
}

func TestFromJSON(t *testing.T) {
	for _, tt := range []struct {
		kind      value.Type
		raw, want string // want starts with ! where raw is refused
	}{
		{value.Boolean, `true`, `true`},
		{value.Boolean, ` false `, `false`},
		{value.Boolean, `null`, `null`},
		{value.Boolean, `1`, `!true or false is expected, not "1"`},
		{value.Boolean, `"true"`, `!true or false is expected, not a text`},
		{value.Integer, `5`, `5`},
		{value.Integer, `5.0`, `5`},
		{value.Integer, `"5"`, `5`},
		{value.Integer, `null`, `null`},
		{value.Integer, `5.5`, `!a whole number is expected, not "5.5"`},
		{value.Integer, `9223372036854775808`, `!beyond 64 bits`},
		{value.Integer, `"x"`, `!a whole number is expected`},
		{value.Integer, `true`, `!a whole number is expected, not true or false`},
		{value.Integer, `[5]`, `!a whole number is expected, not a list`},
		{value.Decimal, `10.10`, `10.10`},
		{value.Decimal, `"10.10"`, `10.10`},
		{value.Decimal, `1E+2`, `100`},
		{value.Decimal, `12345678901234567890.123456789012345678`, `12345678901234567890.123456789012345678`},
		{value.Decimal, `"1,5"`, `!"1,5" is not a number`},
		{value.Decimal, `{}`, `!a number is expected, not an object`},
		{value.Text, `"a"`, `"a"`},
		{value.Text, `""`, `""`},
		{value.Text, `"\u00e9\n\"\\\/\ud83d\ude00"`, `"é\n\"\\/😀"`},
		{value.Text, `"\u001f<>&"`, `"\u001f<>&"`},
		{value.Text, `"\ufffd"`, `"` + "\ufffd" + `"`},
		{value.Text, `"\ud83d"`, `!half of a surrogate pair`},
		{value.Text, `"\u0000"`, `!U+0000`},
		{value.Text, "\"\xff\"", `!surrogate`},
		{value.Text, "\"a\nb\"", `!is not a text of JSON`},
		{value.Text, `"`, `!is not a text of JSON`},
		{value.Text, `"a`, `!is not a text of JSON`},
		{value.Text, `5`, `!a text is expected, not "5"`},
		{value.Date, `"2026-11-22"`, `"2026-11-22"`},
		{value.Date, `20261122`, `!a date like "2026-11-22" is expected, not "20261122"`},
		{value.DateTime, `"2026-11-22T13:45:00.120+01:00"`, `"2026-11-22T12:45:00.12Z"`},
		{value.DateTime, `1700000000`, `!a moment like "2026-11-22T13:45:00Z" is expected`},
		{value.JSON, `{ "a" : 1.10 }`, `{"a":1.10}`},
		{value.JSON, `null`, `null`},
		{value.JSON, `nul`, `!is not JSON`},
		{value.JSON, ``, `!a value is expected`},
		{value.Null, `null`, `null`},
		{value.Null, `5`, `!null is expected, not "5"`},
	} {
		v, err := value.FromJSON(tt.kind, []byte(tt.raw))
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) || !v.IsNull() {
				t.Errorf("%s %s: %v, %v; want an error with %q", tt.kind, tt.raw, v, err, want)
			}
		} else if got := string(v.AppendJSON(nil)); err != nil || got != want {
			t.Errorf("%s %s: %s, %v; want %s", tt.kind, tt.raw, got, err, want)
		}
	}
}

// The lexical forms of XML Schema Part 2 that OData does not have.
func TestFromXML(t *testing.T) {
	for _, tt := range []struct {
		kind       value.Type
		text, want string // want starts with ! where text is refused
	}{
		{value.Boolean, " 1\n", "true"},
		{value.Boolean, "", "!true or false is expected"},
		{value.Integer, "\t+5 ", "5"},
		{value.Integer, "5 5", "!a whole number is expected"},
		{value.Decimal, ".5", "0.5"},
		{value.Decimal, "-.50", "-0.50"},
		{value.Decimal, "5.", "5"},
		{value.Decimal, " 10.10 ", "10.10"},
		{value.Decimal, ".", "!a number is expected"},
		{value.Decimal, "-", "!a number is expected"},
		{value.Decimal, "", "!a number is expected"},
		{value.Decimal, "--.5", "!a number is expected"},
		{value.Decimal, "INF", "!a number is expected"},
		{value.Date, "2026-11-22Z", "2026-11-22"},
		{value.Date, "2026-11-22+14:00", "2026-11-22"},
		{value.Date, "2026-11-22T00:00:00Z", "!a date is expected"},
		{value.Date, "2026-11-22+14", "!a date is expected"},
		{value.DateTime, " 2026-11-22T13:45:00+01:00 ", "2026-11-22T12:45:00Z"},
		{value.DateTime, "2026-11-22T13:45:00", "!the offset from UTC is missing"},
		{value.Text, " a ", " a "},
		{value.Text, "", ""},
		{value.JSON, ` {"a": 1} `, `{"a":1}`},
	} {
		v, err := value.FromXML(tt.kind, tt.text)
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %q: %v, %v; want an error with %q", tt.kind, tt.text, v, err, want)
			}
		} else if err != nil || string(v.AppendText(nil)) != tt.want || v.Type() != tt.kind {
			t.Errorf("%s %q: %v, %v; want %s", tt.kind, tt.text, v, err, tt.want)
		}
	}
}

func TestInfer(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		kind value.Type
		want string
	}{
		{` "a" `, value.Text, "a"}, {"true", value.Boolean, "true"}, {"false", value.Boolean, "false"}, {"null", value.Null, "null"},
		{"5", value.Integer, "5"}, {"-0", value.Integer, "0"}, {"5.0", value.Decimal, "5.0"}, {"1e2", value.Decimal, "100"},
		{"12345678901234567890", value.Decimal, "12345678901234567890"},
		{`{"a": 1}`, value.JSON, `{"a":1}`}, {"[ ]", value.JSON, "[]"},
		{"", value.Null, "!a value is expected"}, {"tru", value.Null, "!true or false is expected"}, {"nul", value.Null, "!true or false"},
		{"[1", value.Null, "!is not JSON"}, {`"\ud800"`, value.Null, "!surrogate"}, {"1e99", value.Null, "!38 digits"}, {"x", value.Null, "!is not a number"},
	} {
		v, err := value.Infer([]byte(tt.raw))
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, %v; want an error with %q", tt.raw, v, err, want)
			}
		} else if err != nil || v.Type() != tt.kind || v.String() != tt.want {
			t.Errorf("%s: %s %v, %v; want %s %s", tt.raw, v.Type(), v, err, tt.kind, tt.want)
		}
	}
}

func TestMarshal(t *testing.T) {
	raw, err := json.Marshal(map[string]value.Value{"a": value.Scaled(1010, 2), "b": {}, "c": value.String("<é>")})
	if err != nil || string(raw) != `{"a":10.10,"b":null,"c":"\u003cé\u003e"}` {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestEveryTextIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var back string
		raw := value.String(text).AppendJSON(nil)
		if err := json.Unmarshal(raw, &back); err != nil || back != text {
			t.Fatalf("%q is written as %s and read as %q, %v", text, raw, back, err)
		}
	})
	if got := string(value.String("a\xffb").AppendJSON(nil)); got != "\"a\ufffdb\"" {
		t.Errorf("what is not UTF-8 becomes %s", got)
	}
}

// FuzzValue reads any text as every type: what is taken comes back from each of
// its forms.
func FuzzValue(f *testing.F) {
	for _, tt := range texts {
		f.Add(uint8(tt.kind), tt.text)
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		k := value.Type(kind % 8)
		v, err := value.FromText(k, text)
		if x, wrong := value.FromXML(k, text); err == nil && (wrong != nil || x != v) {
			t.Errorf("%s %q is %v, and %v, %v in XML", k, text, v, x, wrong)
		}
		if err != nil {
			return
		}
		if again, err := value.FromText(k, string(v.AppendText(nil))); !v.IsNull() && (err != nil || again != v) {
			t.Errorf("%s %q is written as %s and read as %v, %v", k, text, v.AppendText(nil), again, err)
		}
		raw := v.AppendJSON(nil)
		if again, err := value.FromJSON(k, raw); err != nil || again != v {
			t.Errorf("%s %q is written as %s and read as %v, %v", k, text, raw, again, err)
		}
		if !json.Valid(raw) {
			t.Errorf("%s %q is written as %s", k, text, raw)
		}
	})
}
