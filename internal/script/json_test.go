package script

import (
	"fmt"
	"strings"
	"testing"

	"modernc.org/quickjs"
)

// compare is given two JSON.parse and a text, and answers in what they differ.
const compare = `(function (ours, engines) {
  const attempt = (parse, text) => { try { return { value: parse(text) }; } catch (e) { return { error: String(e) }; } };
  function differ(a, b, at) {
    if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b) ? '' : at + ': ' + String(a) + ' is not ' + String(b);
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b) || Array.isArray(a) !== Array.isArray(b)) return at + ': of another kind';
    const names = Reflect.ownKeys(a), others = Reflect.ownKeys(b);
    if (names.join('\0') !== others.join('\0')) return at + ': has ' + names.join() + ', not ' + others.join();
    for (const name of names) {
      const p = Object.getOwnPropertyDescriptor(a, name), q = Object.getOwnPropertyDescriptor(b, name);
      if (p.writable !== q.writable || p.enumerable !== q.enumerable || p.configurable !== q.configurable) return at + '/' + name + ': has other attributes';
      const found = differ(p.value, q.value, at + '/' + name);
      if (found !== '') return found;
    }
    return '';
  }
  // What a scenario may do with what it got must not show in the next.
  function use(value) {
    if (typeof value !== 'object' || value === null) return;
    for (const inner of Object.values(value)) use(inner);
    if (Array.isArray(value)) { value.push(1, 2, 3); value.shift(); value.length = 1; }
    else { value.added = 1; delete value[Object.keys(value)[0]]; value.another = 2; Object.freeze(value); }
  }
  return (text) => {
    const want = attempt(engines, text);
    for (let i = 0; i < 4; i++) {
      const got = attempt(ours, text);
      const found = differ(got, want, '');
      if (found !== '') return found;
      use(got.value);
    }
    return '';
  };
})`

// twoParsers is compare with both JSON.parse of one machine.
func twoParsers(t testing.TB) func(text string) string {
	t.Helper()
	engine, err := quickjs.NewVM()
	if err != nil {
		t.Fatal(err)
	}
	in, err := newInternals(engine)
	if err != nil {
		t.Fatal(err)
	}
	call := func(f, this quickjs.Value, args ...any) quickjs.Value {
		v, err := f.CallValue(this, args...)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	eval := func(source string) quickjs.Value {
		v, err := engine.EvalValue(source, quickjs.EvalGlobal)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	engines := eval("JSON.parse")
	parser := replaceJSONParse(in)
	ours, both := eval("JSON.parse"), eval(compare)
	differ := call(both, undefined, ours, engines)
	t.Cleanup(func() {
		for _, v := range []*quickjs.Value{&engines, &ours, &both, &differ} {
			v.Free()
		}
		parser.free()
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(text string) string {
		found, err := differ.Call(undefined, text)
		if err != nil {
			t.Fatalf("%.100q: %v", text, err)
		}
		return fmt.Sprint(found)
	}
}

var documents = []string{
	`{"number":"B1","lines":[{"sku":"P-1","price":3.5,"tags":["a","b"]},{"sku":"P-2","price":7.0,"tags":[]},{"sku":"P-3","price":-1e-3,"tags":["c"]}],"note":null,"paid":true,"late":false}`,
	`[{"a":1,"b":2},{"a":3,"b":4},{"a":5,"b":6},{"b":7,"a":8},{"a":9},{"a":1,"b":2,"c":3}]`,
	`[{"a":1,"a":2},{"a":3,"a":4},{"a":5,"a":6}]`,
	`[{"1":"x","0":"y","b":1,"a":2},{"1":"x","0":"y","b":1,"a":2},{"1":"x","0":"y","b":1,"a":2}]`,
	`[{"__proto__":{"x":1}},{"__proto__":{"x":1}},{"__proto__":{"x":1}}]`,
	`[{"constructor":1,"toString":2,"":3},{"constructor":1,"toString":2,"":3},{"constructor":1,"toString":2,"":3}]`,
	`{}`, `[]`, `[[],[[]],{}]`, `""`, `"text"`, `"\"\\\/\b\f\n\r\t"`, `"\u0041"`, `"\ud83d\ude00"`, `"\ud83d"`, `"é😀ÿ漢"`, `{"é😀":1,"k\"ey":2}`,
	`0`, `-0`, `-1`, `7`, `1.0`, `-0.0`, `1e400`, `-1e400`, `5e-324`, `1E+2`, `123456789`, `2147483647`, `2147483648`, `-2147483648`, `-2147483649`, `4294967295`,
	`9007199254740993`, `123456789012345678901234567890`, `0.1`, `1e21`, `1.7976931348623157e308`, `2.2250738585072011e-308`,
	`true`, `false`, `null`, " \t\r\n[ 1 , 2 ] \n", `{ "a" : 1 , "b" : [ ] }`,
	``, ` `, `{`, `[`, `"`, `"\`, `"\"`, `"a`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1,`, `[1,]`, `[1 2]`, `{"a" 1}`, `{a:1}`, `{'a':1}`,
	`tru`, `truex`, `nul`, `01`, `-`, `-01`, `1.`, `.5`, `1e`, `1e+`, `+1`, `0x10`, `NaN`, `Infinity`, `undefined`, `1 2`, `[]]`, "\"a\nb\"", "\"a\x00b\"", "{\"a\x01\":1}",
	`"\x"`, `"\u12"`, "\uFEFF1", "\u00a01", `// 1`,
	strings.Repeat("[", 99) + strings.Repeat("]", 99), strings.Repeat("[", 300) + strings.Repeat("]", 300), strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200),
	`{"` + strings.Repeat("k", 100) + `":1}`, "[" + strings.Repeat("0,", 70_000) + "0]", `"` + strings.Repeat(`
`, 70_000) + `"`,
}

func TestJSONParse(t *testing.T) {
	differ := twoParsers(t)
	for _, text := range documents {
		if found := differ(text); found != "" {
			t.Errorf("%.100q: %s", text, found)
		}
	}
}

// TestJSONParseForgets: names without end are not kept, and still right.
func TestJSONParseForgets(t *testing.T) {
	differ := twoParsers(t)
	for i := range 60 {
		var many []string
		for j := range 100 {
			many = append(many, fmt.Sprintf(`{"n%d":1,"m":{"o%d":2}}`, 100*i+j, j))
		}
		if found := differ("[" + strings.Join(many, ",") + "]"); found != "" {
			t.Fatal(found)
		}
		var wide []string
		for j := range 70 + i {
			wide = append(wide, fmt.Sprintf(`"n%d":%d`, j, i))
		}
		if found := differ("{" + strings.Join(wide, ",") + "}"); found != "" {
			t.Fatal(found)
		}
	}
}

func FuzzJSONParse(f *testing.F) {
	for _, text := range documents {
		f.Add(text)
	}
	differ := twoParsers(f)
	f.Fuzz(func(t *testing.T, text string) {
		if found := differ(text); found != "" {
			t.Errorf("%q: %s", text, found)
		}
	})
}
