package realm_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// console writes each of these calls as one line; the lines are Node's, but for
// values over 72 characters, which Node breaks.
func TestConsole(t *testing.T) {
	cases := []struct{ call, want string }{
		{`log('a', 1, true, null, undefined, 5n, Symbol('s'), -0)`, "info a 1 true null undefined 5n Symbol(s) -0"},
		{`warn({ a: 1, 'b-c': 'x', [Symbol('k')]: [1, 'it\'s'] })`, `warn { a: 1, 'b-c': 'x', [Symbol(k)]: [ 1, "it's" ] }`},
		{`error(new TypeError('bad', { cause: 'why' }))`, "error [TypeError: bad] { [cause]: 'why' }"},
		{`info(Object.assign(new Error('x'), { code: 5 }))`, "info [Error: x] { code: 5 }"},
		{`debug([], {}, [[[[1]]]], { a: { b: { c: { d: 1 } } } })`, "debug [] {} [ [ [ [Array] ] ] ] { a: { b: { c: [Object] } } }"},
		{`log(new Map([[1, { a: 2 }]]), new Set(['x']), new Date(0), /a/g, new Uint8Array(2))`, "info Map(1) { 1 => { a: 2 } } Set(1) { 'x' } 1970-01-01T00:00:00.000Z /a/g Uint8Array(2) [ 0, 0 ]"},
		{`log(() => 1, function f() {}, class A {}, class B extends Array {}, async () => {})`, "info [Function (anonymous)] [Function: f] [class A] [class B] [AsyncFunction (anonymous)]"},
		{`log({ get a() { throw 1 }, set b(v) {}, get c() { return 1 }, set c(v) {} })`, "info { a: [Getter], b: [Setter], c: [Getter/Setter] }"},
		{`log((() => { const o = { n: 1 }; o.self = o; return o })())`, "info { n: 1, self: [Circular] }"},
		{`log([1, , , 2], Object.assign([1], { x: 2 }), Object.create(null), new (class Point { x = 1 })())`, "info [ 1, <2 empty items>, 2 ] [ 1, x: 2 ] [Object: null prototype] {} Point { x: 1 }"},
		{`log('%s is %d and %i, %j %o %%', 'x', '5.5', '7.9', { a: 1 }, [1], 'more')`, `info x is 5.5 and 7, {"a":1} [ 1 ] % more`},
		{`log('100%', 'a')`, "info 100% a"},
		{`log(new Array(150).fill(1).length, Array.from({ length: 102 }, (_, i) => 0).slice(-3).length)`, "info 150 3"},
		{`log('line\nbreak', ['line\nbreak\u0001'])`, "info line\nbreak [ 'line\\nbreak\\x01' ]"},
		{`log(new URL('http://a/'), new URLSearchParams('a=1'))`, "info URL 'http://a/' URLSearchParams 'a=1'"},
		{`assert(1 === 2, 'no %s', 'way')`, "error Assertion failed: no way"},
		{`trace('here')`, "debug Trace: here"},
		{`table([{ a: 1, b: 'x' }, { a: 22 }])`, "info (index) | a  | b\n0       | 1  | 'x'\n1       | 22 |"},
		{`table(5)`, "info 5"},
		{`log(new Proxy({}, { ownKeys() { throw 1 } }))`, "info [unreadable object]"},
		{`log(Object('s'), Object(1), Promise.resolve(1), new ArrayBuffer(3), Object.create(Date.prototype))`, "info [String: 's'] [Number: 1] Promise {} ArrayBuffer { byteLength: 3 } Date {}"},
		{`log()`, "info "},
	}
	for _, c := range cases {
		for _, frozen := range []bool{false, true} {
			got := eval(t, newVM(t, "UTC", frozen), `console.`+c.call+`; takeLines().join('\n---\n')`)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("console.%s (frozen: %v)\n%s", c.call, frozen, diff)
			}
		}
	}
}

func TestConsoleIsBounded(t *testing.T) {
	vm := newVM(t, "UTC", true)
	for _, call := range []string{`'x'.repeat(1e6)`, `Array.from({ length: 1e5 }, () => 'y'.repeat(1000))`, `Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => ['k' + i, { a: 'z'.repeat(500) }]))`, `new Map(Array.from({ length: 1e4 }, (_, i) => [i, 'z'.repeat(500)]))`} {
		n := number(eval(t, vm, `console.log(`+call+`); takeLines()[0].length`)).(float64)
		if n > 17000 {
			t.Errorf("%s: a line of %v characters", call, n)
		}
	}
}
