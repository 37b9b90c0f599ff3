package csv

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		o          Options
		want       [][]string
		lines      []int
	}{
		{"nothing", "", Options{}, nil, nil},
		{"one field", "a", Options{}, [][]string{{"a"}}, []int{1}},
		{"line ends", "a,b\r\nc,d\ne,f\rg,h", Options{}, [][]string{{"a", "b"}, {"c", "d"}, {"e", "f"}, {"g", "h"}}, []int{1, 2, 3, 4}},
		{"empty fields", ",\n\"\",", Options{}, [][]string{{"", ""}, {"", ""}}, []int{1, 2}},
		{"empty lines are left out", "\n\na\n\n\r\nb\n", Options{}, [][]string{{"a"}, {"b"}}, []int{3, 6}},
		{"byte order mark", "\ufeff\"a\",b", Options{}, [][]string{{"a", "b"}}, []int{1}},
		{"quotes", `"a""b","c,d"` + ",\"e\r\nf\"\nx,y,z", Options{}, [][]string{{`a"b`, "c,d", "e\r\nf"}, {"x", "y", "z"}}, []int{1, 3}},
		{"other delimiter", "a;'b;''c'\n", Options{Delimiter: ';', Quote: '\''}, [][]string{{"a", "b;'c"}}, []int{1}},
		{"wide delimiter", "a→„b→c„→d", Options{Delimiter: '→', Quote: '„'}, [][]string{{"a", "b→c", "d"}}, []int{1}},
		{"no quotes", "5\" pipe\tx", Options{Delimiter: '\t', Quote: NoQuote}, [][]string{{`5" pipe`, "x"}}, []int{1}},
		{"spaces stay", " a , b ", Options{}, [][]string{{" a ", " b "}}, []int{1}},
		{"trim", " a ,\t\" b \" , ", Options{Trim: true}, [][]string{{"a", " b ", ""}}, []int{1}},
		{"trim between tabs", "a \t\t b", Options{Trim: true, Delimiter: '\t'}, [][]string{{"a", "", "b"}}, []int{1}},
		{"ragged", "a,b\nc\nd,e,f", Options{Ragged: true}, [][]string{{"a", "b"}, {"c"}, {"d", "e", "f"}}, []int{1, 2, 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := Parse(tt.text, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			var got [][]string
			var lines []int
			for _, r := range rows {
				got, lines = append(got, r.Fields), append(lines, r.Line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.lines, lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		text string
		o    Options
		want string
	}{
		{"a,b\nc\n", Options{}, "line 2 has 1 field, line 1 has 2"},
		{"a\n\nb,c,d", Options{}, "line 3 has 3 fields, line 1 has 1"},
		{"a,b\n\"x\ny\",z,q", Options{}, "line 2 has 3 fields"},
		{"a,\"b\nc", Options{}, "line 1, field 2: the quote that opens here is never closed"},
		{"a\nb\"c", Options{}, "line 2, field 1: a quote inside"},
		{"\"a\nb\" c,d", Options{}, "line 2, field 1: ' ' after the closing quote"},
		{"\"a\"b", Options{}, "'b' after the closing quote"},
		{"a", Options{Delimiter: '"'}, "two different characters"},
		{"a", Options{Delimiter: '\n'}, "cannot be a delimiter"},
		{"a", Options{Newline: "x"}, "not a line end"},
	} {
		if rows, err := Parse(tt.text, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, %v; want %q", tt.text, rows, err, tt.want)
		}
	}
}

func TestWrite(t *testing.T) {
	rows := [][]string{{"a", "b c", `d"e`, "f,g", "h\ni", " j", ""}}
	got, err := Write(rows, Options{})
	if want := `a,b c,"d""e","f,g","h` + "\n" + `i"," j",` + "\r\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	got, err = Write([][]string{{"a", "1"}, {""}}, Options{Delimiter: ';', QuoteAll: true, Newline: "\n", BOM: true})
	if want := "\ufeff\"a\";\"1\"\n\"\"\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	got, err = Write([][]string{{"5\" pipe", "x"}}, Options{Quote: NoQuote, Delimiter: '\t'})
	if want := "5\" pipe\tx\r\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err = Write([][]string{{"a"}, {"b", "c\td"}}, Options{Quote: NoQuote, Delimiter: '\t'}); err == nil || !strings.Contains(err.Error(), "row 2, field 2") {
		t.Errorf("a field that cannot be written: %v", err)
	}
}

func TestNeutralise(t *testing.T) {
	for field, want := range map[string]string{
		"=1+1": "'=1+1", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-2+3": "'-2+3", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "  =1": "'  =1",
		"-5": "-5", "+1.5": "+1.5", "-1,25": "-1,25", "-1e-3": "-1e-3", "a=1": "a=1", "": "", "  ": "  ", "'=1": "'=1", "-": "'-", "+420 123": "'+420 123",
	} {
		if got := Neutralise(field); got != want {
			t.Errorf("%q becomes %q, want %q", field, got, want)
		}
	}
	if got, err := Write([][]string{{"=1", "-5", "x"}}, Options{Formulas: true}); err != nil || got != "'=1,-5,x\r\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("a,b\n\"c\"\"d\",e", ',', '"', true)
	f.Add("\ufeff\"\r\n\";;'", ';', '\'', false)
	f.Fuzz(func(t *testing.T, text string, delimiter, quote rune, trim bool) {
		o := Options{Delimiter: delimiter, Quote: quote, Trim: trim, Ragged: true}
		rows, err := Parse(text, o)
		if err != nil || quote == NoQuote {
			return
		}
		var fields [][]string
		for _, r := range rows {
			fields = append(fields, r.Fields)
		}
		written, err := Write(fields, o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written, o)
		if err != nil {
			t.Fatalf("%q written as %q: %v", text, written, err)
		}
		var back [][]string
		for _, r := range again {
			back = append(back, r.Fields)
		}
		if diff := cmp.Diff(fields, back); diff != "" {
			t.Errorf("%q written as %q: %s", text, written, diff)
		}
	})
}

func TestFieldsAreBounded(t *testing.T) {
	for _, text := range []string{strings.Repeat(",", MaxFields), strings.Repeat("a\n", MaxFields+1)} {
		if rows, err := Parse(text, Options{}); err == nil || !strings.Contains(err.Error(), "more than 2000000 fields") {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	}
}
