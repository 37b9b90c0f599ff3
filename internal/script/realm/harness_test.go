package realm_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"modernc.org/quickjs"

	"junctor/internal/script/realm"
)

// fixedNow is what the clock of every test's run shows.
const fixedNow = 1764072000123 // 2025-11-25T12:00:00.123Z

// newVM returns a VM with the world in it: the parts over a fixed clock, a simple
// generator and a console that collects lines in the global array lines.
func newVM(t testing.TB, zone string, frozen bool) *quickjs.VM {
	t.Helper()
	vm, err := quickjs.NewVM()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vm.Close() })
	vm.SetEvalTimeout(5 * time.Minute)
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	eval(t, vm, setUp(t, vm, loc))
	if frozen {
		eval(t, vm, harden)
	}
	return vm
}

// setUp registers the natives and returns the script that installs the parts.
func setUp(t testing.TB, vm *quickjs.VM, loc *time.Location) string {
	t.Helper()
	var names []string
	for name, native := range realm.Natives(loc) {
		if err := vm.RegisterHostFunc("native_"+name, native); err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprintf("%s: native_%[1]s", name))
	}
	transitions, offsets := realm.Zone(loc)
	table, err := json.Marshal(map[string]any{"transitions": append([]int64{}, transitions...), "offsets": offsets, "name": loc.String()})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `(() => { const lines = []; let seed = 1;
const env = { now: () => %d, random: () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x80000000,
  console(level, text) { lines.push(level + ' ' + text); }, zone: %s, native: { %s } };
`, fixedNow, table, strings.Join(names, ", "))
	for _, p := range realm.Parts() {
		fmt.Fprintf(&b, "(%s\n)(globalThis, env);\n", strings.TrimSpace(p.Source))
	}
	for name := range realm.Natives(loc) {
		fmt.Fprintf(&b, "delete globalThis.native_%s;\n", name)
	}
	b.WriteString("globalThis.takeLines = () => lines.splice(0); })()")
	return b.String()
}

// harden freezes whatever can be reached and lets objects still override inherited
// properties by assignment, as the engine does it.
const harden = `(() => {
const gp = Object.getPrototypeOf, seen = new Set();
const todo = [globalThis, gp([][Symbol.iterator]()), gp(''[Symbol.iterator]()), gp(new Map()[Symbol.iterator]()), gp(new Set()[Symbol.iterator]()), gp(/a/[Symbol.matchAll]('')), gp((function* () {}).prototype), gp(async () => {}), gp(function* () {}), gp(async function* () {})];
while (todo.length) {
  const o = todo.pop();
  if ((typeof o !== 'object' && typeof o !== 'function') || o === null || seen.has(o)) continue;
  seen.add(o); todo.push(gp(o));
  const enable = o !== globalThis && typeof o === 'object' && Object.prototype.hasOwnProperty.call(o, 'constructor');
  for (const k of Reflect.ownKeys(o)) {
    const d = Object.getOwnPropertyDescriptor(o, k);
    if (!('value' in d)) { todo.push(d.get, d.set); continue; }
    const v = d.value; todo.push(v);
    if (!enable || !d.configurable || !d.writable) continue;
    const get = () => v, set = function (n) { if (this === o) throw new TypeError('read only ' + String(k)); Object.defineProperty(this, k, { value: n, writable: true, enumerable: true, configurable: true }); };
    seen.add(get); seen.add(set);
    Object.defineProperty(o, k, { get, set, enumerable: d.enumerable, configurable: false });
  }
}
for (const o of seen) Object.freeze(o);
})()`

func eval(t testing.TB, vm *quickjs.VM, source string) any {
	t.Helper()
	v, err := vm.Eval(source, quickjs.EvalGlobal)
	if err != nil {
		t.Fatalf("%v\nin %.300s", err, source)
	}
	return v
}
