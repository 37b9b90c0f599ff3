package realm_test

import (
	"testing"
	"time"

	"modernc.org/quickjs"

	"junctor/internal/script/realm"
)

// BenchmarkSetUp is what a VM costs with the parts installed, from source and from
// bytecode, against one without them.
func BenchmarkSetUp(b *testing.B) {
	loc, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		b.Fatal(err)
	}
	source := setUp(b, mustVM(b), loc)
	code, err := mustVM(b).Compile(source, quickjs.EvalGlobal)
	if err != nil {
		b.Fatal(err)
	}
	natives := realm.Natives(loc)
	run := func(b *testing.B, install func(vm *quickjs.VM)) {
		for b.Loop() {
			vm, err := quickjs.NewVM()
			if err != nil {
				b.Fatal(err)
			}
			for name, native := range natives {
				if err := vm.RegisterHostFunc("native_"+name, native); err != nil {
					b.Fatal(err)
				}
			}
			install(vm)
			vm.Close()
		}
	}
	b.Run("without", func(b *testing.B) { run(b, func(*quickjs.VM) {}) })
	b.Run("source", func(b *testing.B) { run(b, func(vm *quickjs.VM) { eval(b, vm, source) }) })
	b.Run("bytecode", func(b *testing.B) {
		run(b, func(vm *quickjs.VM) {
			v, err := vm.EvalBytecodeValue(code)
			if err != nil {
				b.Fatal(err)
			}
			v.Free()
		})
	})
}

func mustVM(b *testing.B) *quickjs.VM {
	vm, err := quickjs.NewVM()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { vm.Close() })
	return vm
}

// BenchmarkCalls is the cost of one call inside of a frozen VM.
func BenchmarkCalls(b *testing.B) {
	for _, c := range []struct{ name, setUp, call string }{
		{"empty", "", "0"},
		{"new Date()", "", "new Date()"},
		{"getHours", "const d = new Date()", "d.getHours()"},
		{"local date", "", "new Date(2026, 5, 1, 12, 30)"},
		{"parse", "", "Date.parse('2026-06-01T12:30:00')"},
		{"toLocaleString of a number", "", "(1234.5).toLocaleString('cs')"},
		{"NumberFormat.format", "const f = new Intl.NumberFormat('cs', { style: 'currency', currency: 'CZK' })", "f.format(1234.5)"},
		{"DateTimeFormat.format", "const f = new Intl.DateTimeFormat('cs', { dateStyle: 'long' })", "f.format(0)"},
		{"localeCompare", "", "'abc'.localeCompare('abd')"},
		{"new URL", "", "new URL('https://example.com/a?b=c')"},
		{"TextEncoder", "const e = new TextEncoder()", "e.encode('hello world')"},
		{"structuredClone", "const o = { a: 1, b: [1, 2, { c: 'x' }] }", "structuredClone(o)"},
		{"randomUUID", "", "crypto.randomUUID()"},
	} {
		b.Run(c.name, func(b *testing.B) {
			vm := newVM(b, "Europe/Prague", true)
			const batch = 100
			script := "(() => { " + c.setUp + "; for (let i = 0; i < 100; i++) " + c.call + "; })()"
			b.ResetTimer()
			for i := 0; i < b.N; i += batch {
				eval(b, vm, script)
			}
		})
	}
}
