package host

import "testing"

func TestCSV(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`csv.parse("code,name\r\n1,\"a, b\"\r\n2,\"c\"\"\nd\"\r\n")`, `[{"code":"1","name":"a, b"},{"code":"2","name":"c\"\nd"}]`},
		{`csv.parse("")`, `[]`}, {`csv.parse("a,b")`, `[]`}, {`csv.parse("", { header: false })`, `[]`},
		{`csv.parse("a;b\n1;2", { header: false, delimiter: ";" })`, `[["a","b"],["1","2"]]`},
		{`csv.parse("1,2", { columns: ["x", "y"] })`, `[{"x":"1","y":"2"}]`},
		{`csv.parse("a,b\n1,2", { columns: ["x", "y"], header: true })`, `[{"x":"1","y":"2"}]`},
		{`csv.parse("a,b\n1", { ragged: true })`, `[{"a":"1","b":""}]`},
		{`csv.parse("a\tb\n5\" pipe\tx", { delimiter: "\t", quote: "" })`, `[{"a":"5\" pipe","b":"x"}]`},
		{`csv.parse("a , b\n 1 , 2 ", { trim: true })`, `[{"a":"1","b":"2"}]`},
		{`csv.parse("__proto__,b\n1,2").map((r) => Object.entries(r))`, `[[["__proto__","1"],["b","2"]]]`},
		{`csv.parse(encoding.decode(bytes("n\xe1zev\n\x9e"), "windows-1250"))`, `[{"název":"ž"}]`},
		{`csv.stringify([{ a: 1, b: "x,y" }, { b: null, c: true }])`, `"a,b,c\r\n1,\"x,y\",\r\n,,true\r\n"`},
		{`csv.stringify([{ a: decimal("1.50"), b: new Date(0), c: -2.5 }], { header: false })`, `"1.50,1970-01-01T00:00:00.000Z,-2.5\r\n"`},
		{`csv.stringify([{ a: 1, b: 2 }], { columns: ["b"], newline: "\n", delimiter: ";" })`, `"b\n2\n"`},
		{`csv.stringify([["a", 1], ["=1+1", ""]], { neutraliseFormulas: true, quoteAll: true })`, `"\"a\",\"1\"\r\n\"'=1+1\",\"\"\r\n"`},
		{`csv.stringify([["a"]], { columns: ["x"], bom: true })`, "\"\ufeffx\\r\\na\\r\\n\""},
		{`csv.stringify([])`, `""`},
		{`csv.parse(csv.stringify([{ a: "x\ny", b: " z" }]))`, `[{"a":"x\ny","b":" z"}]`},
	})
}

func TestCSVErrors(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`csv.parse("a,b\n1")`, `!CsvError: csv.parse: line 2 has 1 field, line 1 has 2`},
		{`csv.parse("a,b\n1,2,3", { ragged: true })`, `!CsvError: csv.parse: line 2 has 3 fields for 2 columns`},
		{`csv.parse("a,b", { columns: ["a"] })`, `!CsvError: csv.parse: line 1 has 2 fields for 1 columns`},
		{`csv.parse("a,\n1,2")`, `!CsvError: csv.parse: column 2 has no name`},
		{`csv.parse("a,a\n1,2")`, `!CsvError: csv.parse: column 2 has the name "a" of another`},
		{`csv.parse("a\n\"b")`, `!CsvError: csv.parse: line 2, field 1: the quote that opens here is never closed`},
		{`csv.parse("a", { delimiter: "ab" })`, `!CsvError: csv.parse: the delimiter "ab" is not one character`},
		{`csv.parse("a", { quote: "ab" })`, `!CsvError: csv.parse: the quote "ab" is not one character`},
		{`csv.parse("a", { delimiter: 1 })`, `!CsvError: csv.parse: the options are delimiter`},
		{`csv.parse("a", { separator: ";" })`, `!TypeError: csv.parse: unknown option "separator"; known are delimiter`},
		{`csv.parse(bytes("a"))`, `!TypeError: csv.parse: a text is expected, not object; encoding.decode`},
		{`csv.stringify({})`, `!TypeError: csv.stringify: a list of rows is expected, not object`},
		{`csv.stringify([1])`, `!CsvError: csv.stringify: row 1 is neither an object nor a list`},
		{`csv.stringify([null])`, `!CsvError: csv.stringify: row 1 is neither`},
		{`csv.stringify([{ a: 1 }, { a: { b: 1 } }])`, `!CsvError: csv.stringify: row 2, field 1: an object or a list does not fit`},
		{`csv.stringify([["a,b"]], { quote: "" })`, `!CsvError: csv.stringify: row 1, field 1: contains the delimiter`},
		{`csv.stringify([["a"]], { newline: "x" })`, `!CsvError: csv.stringify: "x" is not a line end`},
		{`csv.parse("x".repeat(1e6) + "\n" + "1\n".repeat(1000)).length`, `!CsvError: csv.parse: the names of 1 columns in 1000 rows take more than 32 MiB`},
		{`csv.parse(Array.from({ length: 20000 }, (_, i) => "c" + i).join() + "\n" + "1\n".repeat(1000), { ragged: true }).length`, `!CsvError: csv.parse: the names of 20000 columns in 1000 rows take more than 32 MiB`},
		{`csv.stringify(Array.from({ length: 10000 }, () => ({})), { columns: Array.from({ length: 1000 }, (_, i) => "c" + i) })`, `!CsvError: csv.stringify: 10000 rows of 1000 columns are more than 5000000 fields`},
		{`csv.stringify([["a"]], { columns: "a" })`, `!CsvError: csv.stringify: the option`},
	})
}
