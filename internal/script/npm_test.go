package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/db/dbtest"
)

// libraries are what scenarios import most, each with a use of it and what
// that must give.
var libraries = []struct{ name, source, want string }{
	{"zod", `import { z } from "zod";
		const Order = z.object({ id: z.string().min(2), email: z.email(), items: z.array(z.object({ qty: z.number().int().positive() })), when: z.coerce.date().optional() });
		export default () => [Order.safeParse({ id: "xx", email: "a@b.cz", items: [{ qty: 1 }], when: "2026-01-01" }).success, Order.safeParse({ id: "x", email: "no", items: [{ qty: -1 }] }).error!.issues.length]`,
		`[true,3]`},
	{"zod/mini", `import * as z from "zod/mini";
		const Order = z.object({ id: z.string().check(z.minLength(2)), items: z.array(z.object({ qty: z.int() })) });
		export default () => [Order.safeParse({ id: "xx", items: [{ qty: 1 }] }).success, Order.safeParse({ id: "x", items: [] }).success]`,
		`[true,false]`},
	{"lodash-es", `import { chunk, groupBy, merge, cloneDeep, sortBy, get, template } from "lodash-es";
		export default () => [chunk([1, 2, 3], 2), groupBy([{ a: 1 }, { a: 2 }], "a"), merge({ a: { b: 1 } }, { a: { c: 2 } }), cloneDeep({ x: new Map([[1, { q: 1 }]]) }).x.get(1), sortBy([3, 1, 2]), get({ a: { b: 1 } }, "a.b"), template("hi <%= n %>")({ n: 1 })]`,
		`[[[1,2],[3]],{"1":[{"a":1}],"2":[{"a":2}]},{"a":{"b":1,"c":2}},{"q":1},[1,2,3],1,"hi 1"]`},
	{"dayjs", `import dayjs from "dayjs"; import utc from "dayjs/plugin/utc";
		dayjs.extend(utc);
		export default () => { const d = dayjs("2026-03-29T00:30:00Z"); return [d.add(1, "month").toISOString(), d.utc().format("YYYY-MM-DD HH:mm"), dayjs().toISOString()] }`,
		`["2026-04-29T00:30:00.000Z","2026-03-29 00:30","2026-11-20T10:00:00.000Z"]`},
	{"date-fns", `import { format, addMonths, parseISO, differenceInDays } from "date-fns";
		export default () => [format(new Date(2026, 0, 31), "yyyy-MM-dd HH:mm xxx"), addMonths(parseISO("2026-01-31"), 1).toISOString(), differenceInDays(new Date(2026, 5, 1), new Date(2026, 0, 1))]`,
		`["2026-01-31 00:00 +00:00","2026-02-28T00:00:00.000Z",151]`},
	{"decimal.js", `import Decimal from "decimal.js";
		export default () => [new Decimal("0.1").plus("0.2").toString(), new Decimal(2).sqrt().toFixed(30)]`,
		`["0.3","1.414213562373095048800000000000"]`},
	{"fast-xml-parser", `import { XMLParser, XMLBuilder } from "fast-xml-parser";
		export default () => { const o = new XMLParser({ ignoreAttributes: false }).parse('<a x="1"><b>2</b><b>3</b></a>'); return [o, new XMLBuilder({ ignoreAttributes: false }).build(o)] }`,
		`[{"a":{"b":[2,3],"@_x":"1"}},"<a x=\"1\"><b>2</b><b>3</b></a>"]`},
	{"ajv", `import Ajv from "ajv";
		export default () => { const v = new Ajv().compile({ type: "object", properties: { a: { type: "integer" } }, required: ["a"] }); return [v({ a: 1 }), v({}), v({ a: "x" })] }`,
		`[true,false,false]`},
	{"handlebars", `import H from "handlebars/dist/cjs/handlebars";
		export default () => (H as any).compile("Hi {{n}} {{#each l}}{{this}},{{/each}}")({ n: "A&B", l: [1, 2] })`,
		`Hi A&amp;B 1,2,`},
	{"papaparse", `import Papa from "papaparse";
		export default () => [Papa.parse("a,b\n1,2\n", { header: true, skipEmptyLines: true }).data, Papa.unparse([{ a: 1, b: "x,y" }])]`,
		`[[{"a":"1","b":"2"}],"a,b\r\n1,\"x,y\""]`},
	{"uuid", `import { v4, v5, v7, validate } from "uuid";
		export default () => [v5("x", v5.URL), validate(v4()), validate(v7()), v4() !== v4()]`,
		`["4cd605e7-afa2-5360-b5b9-c5e9fb5c76f4",true,true,true]`},
}

// TestLibraries bundles and executes the libraries as their packages are, twice
// in one machine, and prints what instantiating each costs a run.
func TestLibraries(t *testing.T) {
	dir := dbtest.Packages(t, filepath.Join("testdata", "npm"))
	p := pool(t, Config{Size: 1})
	for _, l := range libraries {
		t.Run(l.name, func(t *testing.T) {
			entry := strings.NewReplacer("/", "-").Replace(l.name) + ".ts"
			if err := os.WriteFile(filepath.Join(dir, entry), []byte(l.source), 0o644); err != nil {
				t.Fatal(err)
			}
			b, diagnostics := Build(t.Context(), BuildOptions{Dir: dir, Entry: entry})
			if diagnostics != nil {
				t.Fatal(diagnostics)
			}
			program, diagnostics := Compile(b)
			if diagnostics != nil {
				t.Fatal(diagnostics)
			}
			for range 2 {
				if got := answer(t, p, program); got != l.want {
					t.Errorf("answer %s\nwant   %s", got, l.want)
				}
			}
			cost, err := p.Measure(program)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d KiB, instantiated in %s", len(b.Code)>>10, cost.Round(10*time.Microsecond))
		})
	}
}
