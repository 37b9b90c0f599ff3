package script

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
)

// order is an order document of about 1 KiB.
func order() string {
	type item struct {
		SKU   string  `json:"sku"`
		Name  string  `json:"name"`
		Qty   int     `json:"qty"`
		Price float64 `json:"price"`
	}
	doc := map[string]any{"id": "A-10023", "customer": map[string]any{"name": "Jana Nováková", "city": "Brno"}}
	var items []item
	for i := range 12 {
		items = append(items, item{fmt.Sprintf("SKU-%05d", i*37), "Thing number " + fmt.Sprint(i), i%4 + 1, 12.5 * float64(i+1)})
	}
	doc["items"] = items
	text, _ := json.Marshal(doc)
	return string(text)
}

const orderScenario = `
	type Order = { id: string; items: { qty: number; price: number }[] };
	export default async function (text: string) {
		const order: Order = JSON.parse(text);
		let total = 0;
		for (const i of order.items) total += i.qty * i.price;
		return { status: 201, json: { id: order.id, total } };
	}`

func BenchmarkOrder(b *testing.B) {
	p, program, body := pool(b, Config{}), compile(b, orderScenario), order()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	answer(b, p, program, body)
	for b.Loop() {
		e, turn, err := p.Start(context.Background(), Start{Program: program, Entry: "default", Seed: 1, Now: testNow, Args: []string{body}})
		if err != nil || !turn.Done || turn.Err != nil {
			b.Fatal(err, turn)
		}
		e.Close()
	}
}

// BenchmarkOrders is BenchmarkOrder on all processors, from many goroutines.
func BenchmarkOrders(b *testing.B) {
	p, program, body := pool(b, Config{}), compile(b, orderScenario), order()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e, turn, err := p.Start(context.Background(), Start{Program: program, Entry: "default", Seed: 1, Now: testNow, Args: []string{body}})
			if err != nil || !turn.Done || turn.Err != nil {
				b.Error(err, turn)
				return
			}
			e.Close()
		}
	})
	b.ReportMetric(float64(len(p.all)), "machines")
}

func BenchmarkOneCall(b *testing.B) {
	p := pool(b, Config{})
	program := compile(b, `import { call } from "junctor"; export default async function () { return await call("x", "{}"); }`)
	b.ReportAllocs()
	for b.Loop() {
		e, turn, err := p.Start(context.Background(), Start{Program: program, Entry: "default", Seed: 1, Now: testNow})
		if err != nil || turn.Done {
			b.Fatal(err, turn)
		}
		if turn = e.Resume(Settle{ID: 1, OK: true, Value: "ok", Now: testNow}); turn.Output != "ok" {
			b.Fatal(turn)
		}
		e.Close()
	}
}

func BenchmarkInstantiate(b *testing.B) {
	p, program := pool(b, Config{}), compile(b, `export default function () { return ""; }`)
	for b.Loop() {
		e, turn, err := p.Start(context.Background(), Start{Program: program, Entry: "default", Seed: 1, Now: testNow})
		if err != nil || turn.Err != nil {
			b.Fatal(err, turn)
		}
		e.Close()
	}
}

func BenchmarkMachine(b *testing.B) {
	im, err := newImage(Config{}.withDefaults())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		v, err := newVM(im)
		if err != nil {
			b.Fatal(err)
		}
		v.close()
	}
}
