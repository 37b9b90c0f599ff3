package script

import (
	"fmt"
	"runtime"
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
  const depths = [ours, engines].map((parse) => { let n = 0; const f = () => { n++; return parse('1', f); }; try { f(); } catch { /* too deep */ } return n; });
  if (depths[0] !== depths[1]) return () => 'depth ' + depths;
  const stacks = [ours, engines].map((parse) => { try { parse('{bad'); } catch (e) { return e.stack.replace(/:\d+/g, ''); } });
  if (stacks[0] !== stacks[1]) return () => 'stack ' + stacks;
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

// written is given two JSON.stringify and says in what they differ.
const written = `(function (ours, engines) {
  const attempt = (stringify, value) => { try { return stringify(value); } catch (e) { return String(e.name); } };
  const values = () => [
    undefined, null, true, false, 0, -0, 1, -1, 2147483647, -2147483648, 2147483648, 0.1, -1.5, 1e20, 1e21, -1e21, 123456789012345680000, 1e-6, 1e-7, 1.5e-7,
    5e-324, 1.7976931348623157e308, 1/3, NaN, Infinity, -Infinity, 9007199254740993, 4294967295, 100, 1e2,
    '', 'text', 'a"b\\\\c/d\\b\\f\\n\\r\\t', '\\u0000\\u001f\\u007f\\u0080\\u2028\\u2029', 'é', '漢字', '😀', '\\ud800', '\\udc00x', 'x\\ud83d', 'a'.repeat(3000) + 'b',
    [], [[]], [undefined, null, () => 1, Symbol('s')], [1, , 3], new Array(5), [1, 2, 3].slice(1), Object.assign([1], { extra: 2 }), Object.create([1]),
    {}, { a: 1 }, { a: undefined }, { a: undefined, b: 1 }, { b: 1, a: undefined, c: [{}] }, { a() {} }, { [Symbol('s')]: 1, b: 2 }, { 2: 'b', 1: 'a', x: 1 },
    { 4294967294: 1, 4294967295: 2, 5000000000: 3, a: 4 }, { 'é': 1 }, { 'k"e\\ny': 1 }, { '': 1 }, { '01': 1 }, { a: 1n }, 1n,
    { get a() { return 1; } }, Object.defineProperty({ b: 1 }, 'a', { value: 2 }), Object.create({ inherited: 1 }), Object.create(null), Object.assign(Object.create(null), { a: 1 }),
    { toJSON() { return 'own'; } }, { a: { toJSON: 1, b: 2 } }, { a: { toJSON: () => undefined } }, new Date(0), { d: new Date(1e12) }, /x/, new Map([[1, 2]]), new Set([1]), new Error('e'),
    new (class P { constructor() { this.x = 1; } }), new (class Q extends Array { constructor() { super(); this.push(1); } }), new (class R { #p = 1; q = 2; }),
    new Number(1), new String('s'), new Boolean(false), Object(Symbol()), new Uint8Array([1, 2]), new Proxy({ a: 1 }, {}), new Proxy([1], {}), function f() {}, Symbol('x'),
    (() => { const o = { a: 1, b: 2, c: 3 }; delete o.b; return o; })(), (() => { const o = { a: 1, b: 2 }; delete o.a; o.a = 3; return o; })(),
    (() => { const o = { a: 1 }; o.self = o; return o; })(), (() => { const a = [1]; a.push(a); return a; })(),
    (() => { let o = 1; for (let i = 0; i < 99; i++) o = [o]; return o; })(), (() => { let o = 1; for (let i = 0; i < 500; i++) o = { o }; return o; })(),
    Object.freeze({ a: 1, b: Object.freeze([1]) }), (function () { return arguments; })(1, 2), JSON, Math, Array.from({ length: 300 }, (_, i) => ({ i, s: 'x' + i })), 'x'.repeat(3 << 20),
  ];
  const first = values(), second = values();
  for (let i = 0; i < first.length; i++) {
    const got = attempt(ours, first[i]), want = attempt(engines, second[i]);
    if (got !== want) return 'value ' + i + ': ' + String(got).slice(0, 200) + ', not ' + String(want).slice(0, 200);
  }
  const pretty = ours({ a: [1] }, null, 2), chosen = ours({ a: 1, b: 2 }, ['b']), replaced = ours({ a: 1 }, (k, v) => (k === 'a' ? 7 : v));
  if (pretty !== engines({ a: [1] }, null, 2) || chosen !== '{"b":2}' || replaced !== '{"a":7}') return 'other arguments';
  const stacks = [ours, engines].map((stringify) => { try { stringify({ toJSON() { throw new Error('x'); } }); } catch (e) { return e.stack.replace(/:\\d+/g, ''); } });
  if (stacks[0] !== stacks[1]) return 'stack ' + stacks;
  const depths = [ours, engines].map((stringify) => { let n = 0; const o = { toJSON() { n++; return stringify(o); } }; try { stringify(o); } catch { /* too deep */ } return n; });
  if (depths[0] !== depths[1]) return 'depth ' + depths;
  if (ours() !== undefined || ours.length !== 3 || ours.name !== 'stringify') return 'its own properties';
  Object.prototype.sneaked = 1;
  const inherited = ours({ a: 1 });
  delete Object.prototype.sneaked;
  if (inherited !== '{"a":1}') return 'inherited';
  return (text) => {
    let value;
    try { value = JSON.parse(text); } catch { value = text; }
    const got = ours(value), want = engines(value);
    return got === want ? '' : got + ' is not ' + want;
  };
})`

// twoOfEach answers in what the JSON.parse, and then the JSON.stringify, of the
// engine and the one in its place differ for a text.
func twoOfEach(t testing.TB) func(text string) string {
	t.Helper()
	engine, err := quickjs.NewVM()
	if err != nil {
		t.Fatal(err)
	}
	in, err := newInternals(engine)
	if err != nil {
		t.Fatal(err)
	}
	var held []quickjs.Value
	hold := func(v quickjs.Value, err error) quickjs.Value {
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, v)
		return v
	}
	eval := func(source string) quickjs.Value { return hold(engine.EvalValue(source, quickjs.EvalGlobal)) }
	parse, stringify := eval("JSON.parse"), eval("JSON.stringify")
	parser, writer := replaceJSONParse(in), replaceJSONStringify(in)
	parsed := hold(eval(compare).CallValue(undefined, eval("JSON.parse"), parse))
	wrote := hold(eval(written).CallValue(undefined, eval("JSON.stringify"), stringify))
	if found, err := wrote.Any(); err == nil && !strings.HasPrefix(fmt.Sprint(found), "(text)") {
		if text, ok := found.(string); ok {
			t.Fatal(text)
		}
	}
	t.Cleanup(func() {
		for i := range held {
			held[i].Free()
		}
		parser.forgetNames()
		in.free()
		runtime.KeepAlive(writer)
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(text string) string {
		for _, differ := range []quickjs.Value{parsed, wrote} {
			found, err := differ.Call(undefined, text)
			if err != nil {
				t.Fatalf("%.100q: %v", text, err)
			}
			if found != "" {
				return fmt.Sprint(found)
			}
		}
		return ""
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
	`3232711.19609704124741256237030029296875`, `0.1000000000000000055511151231257827021181583404541015625`,
	`9007199254740993`, `123456789012345678901234567890`, `0.1`, `1e21`, `1.7976931348623157e308`, `2.2250738585072011e-308`,
	`true`, `false`, `null`, " \t\r\n[ 1 , 2 ] \n", `{ "a" : 1 , "b" : [ ] }`,
	``, ` `, `{`, `[`, `"`, `"\`, `"\"`, `"a`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1,`, `[1,]`, `[1 2]`, `{"a" 1}`, `{a:1}`, `{'a':1}`,
	`tru`, `truex`, `nul`, `01`, `-`, `-01`, `1.`, `.5`, `1e`, `1e+`, `+1`, `0x10`, `NaN`, `Infinity`, `undefined`, `1 2`, `[]]`, "\"a\nb\"", "\"a\x00b\"", "{\"a\x01\":1}",
	`"\x"`, `"\u12"`, "\uFEFF1", "\u00a01", `// 1`,
	strings.Repeat("[", 99) + strings.Repeat("]", 99), strings.Repeat("[", 300) + strings.Repeat("]", 300), strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200),
	`{"` + strings.Repeat("k", 100) + `":1}`, "[" + strings.Repeat("0,", 70_000) + "0]", `"` + strings.Repeat(`
`, 70_000) + `"`,
}

func TestJSON(t *testing.T) {
	differ := twoOfEach(t)
	for _, text := range documents {
		if found := differ(text); found != "" {
			t.Errorf("%.100q: %s", text, found)
		}
	}
}

// A long name counts towards the run's limit like anything else: it must not be
// copied outside of it.
func TestJSONOfLongNames(t *testing.T) {
	program := compile(t, `export default async function () {
	  const o: any = { ["\u0001".repeat(8e6)]: 1, toJSON() { return 1; } };
	  return JSON.stringify(o);
	}`)
	p := pool(t, quick)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, turn := start(t, p, program)
	runtime.ReadMemStats(&after)
	if turn.Err == nil && turn.Output != "1" {
		t.Errorf("answered %q", turn.Output)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 40<<20 {
		t.Errorf("%d MiB of Go's memory were used", grown>>20)
	}
}

// TestPanicBelowACall: after a panic through the engine none of its code runs, not
// even to free an object.
func TestPanicBelowACall(t *testing.T) {
	p := pool(t, quick)
	v, err := newVM(p.image)
	if err != nil {
		t.Fatal(err)
	}
	v.parser.in = nil // stands for any mistake in there
	e := &Exec{pool: p, vm: v, result: make(chan *Turn, 1)}
	turn := e.safely(v, func(v *vm) error {
		f, err := v.engine.EvalValue(`(() => [1].map(() => JSON.parse('[1]')))`, quickjs.EvalGlobal)
		if err == nil {
			_, err = v.internals.call(&f)
		}
		return err
	})
	if turn.Err == nil || !strings.Contains(turn.Err.Message, "panicked") {
		t.Errorf("%+v", turn)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the engine is used as if nothing had happened")
			}
		}()
		v.engine.Eval("1", quickjs.EvalGlobal) //nolint:errcheck // a panic
	}()
	v.close()
}

// TestJSONForgetsNames: names without end are not kept, and still right.
func TestJSONForgetsNames(t *testing.T) {
	differ := twoOfEach(t)
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

func FuzzJSON(f *testing.F) {
	for _, text := range documents {
		f.Add(text)
	}
	differ := twoOfEach(f)
	f.Fuzz(func(t *testing.T, text string) {
		if found := differ(text); found != "" {
			t.Errorf("%q: %s", text, found)
		}
	})
}
