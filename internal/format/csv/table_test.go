package csv

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{`[{"a":1.50,"b":"x;\"y\""},{"c":true,"a":null}]`, "a,b,c\r\n1.50,\"x;\"\"y\"\"\",\r\n,,true\r\n"},
		{` {"a":1e3,"ž":"α"}`, "a,ž\r\n1e3,α\r\n"},
		{`[]`, ""},
		{`[{}]`, ""},
		{`[{"a":"1"},{"a":"2","a":"3"}]`, "a\r\n1\r\n3\r\n"},
	} {
		rows, err := Table([]byte(c.data))
		if err != nil {
			t.Errorf("%s: %v", c.data, err)
			continue
		}
		if got, err := Write(rows, Options{}); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.data, got, err)
		}
	}
	wide := `[` + strings.Repeat(`{"a":1},`, 5000) + `{` + strings.Repeat(`"a":1,`, 10) + `"x":1`
	for i := range 400 {
		wide += `,"` + strings.Repeat("c", i+1) + `":1`
	}
	for _, c := range []struct{ data, want string }{
		{`7`, "neither"}, {`"a"`, "neither"}, {`null`, "neither"}, {``, "neither"},
		{`[[1]]`, "row 1 is not an object"}, {`[{"a":1},2]`, "row 2 is not"}, {`{"a":{}}`, `"a" is an object or a list`}, {`[{"a":[]}]`, "row 1"},
		{wide + `}]`, "more than 1000000 fields"},
		{"[" + strings.Repeat("{},", 1_000_000) + "{}]", "more than 1000000 fields"},
	} {
		if rows, err := Table([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40s: %d rows, %v", c.data, len(rows), err)
		}
	}
}
