package record_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class/classtest"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/record"
)

func grouping(t testing.TB, text string) *record.Grouping {
	t.Helper()
	g, err := record.ParseApply(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return g
}

func TestGroups(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := filled(t, open())
		for text, want := range map[string][]string{
			"groupby((customer/code),aggregate(total with sum as revenue,$count as orders))": {`{"customer":{"code":null},"revenue":null,"orders":1}`, `{"customer":{"code":"C1"},"revenue":30.30,"orders":2}`, `{"customer":{"code":"C2"},"revenue":5.00,"orders":1}`},
			"groupby((state))": {`{"state":"done"}`, `{"state":"new"}`},
			"aggregate(total with average as a,total with min as low,total with max as high,total with count as n)": {`{"a":11.766667,"low":5.00,"high":20.20,"n":3}`},
			"filter(total gt 5)/aggregate(customer_id with countdistinct as customers,$count as n)":                 {`{"customers":1,"n":2}`},
			"filter(total gt 500)/aggregate(total with sum as s,$count as n)":                                       {`{"s":null,"n":0}`},
			"groupby((customer/code,customer/name,state),aggregate($count as n))":                                   {`{"customer":{"code":null,"name":null},"state":"new","n":1}`, `{"customer":{"code":"C1","name":"Ada"},"state":"done","n":1}`, `{"customer":{"code":"C1","name":"Ada"},"state":"new","n":1}`, `{"customer":{"code":"C2","name":"Bob"},"state":"new","n":1}`},
		} {
			if diff := cmp.Diff(want, s.list(admin, record.Query{Class: "orders", Apply: grouping(t, text)})); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
		got := s.list(admin, record.Query{Class: "orders", Apply: grouping(t, "groupby((customer_id),aggregate(total with sum as s))"), Order: order(t, "s desc"), Top: new(1)})
		if diff := cmp.Diff([]string{`{"customer_id":"c1","s":30.30}`}, got); diff != "" {
			t.Error(diff)
		}
		q := record.Query{Class: "orders", Apply: grouping(t, "groupby((number))"), Page: 3}
		page := must(s.query(admin, q))
		q.Cursor = page.Next
		if next := must(s.query(admin, q)); len(page.Groups) != 3 || len(next.Groups) != 1 || next.Next != "" {
			t.Errorf("%d %d", len(page.Groups), len(next.Groups))
		}
	})
}

func TestBadGroupings(t *testing.T) {
	for _, text := range []string{
		"", "groupby", "groupby()", "groupby((a)", "groupby((a),filter(b eq 1))", "aggregate(a with sum)", "aggregate(a with total as b)",
		"aggregate(a with sum as b c)", "groupby((a))/groupby((b))", "filter(a eq)/groupby((a))", "filter(a eq 1)", "topcount(2,a)", "aggregate(a with sum as 1x)",
		"aggregate($count as a,$count as a)", "groupby((a,a))", "groupby((a),aggregate($count as a))", "groupby((a b))",
	} {
		if _, err := record.ParseApply(text); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseApply(f *testing.F) {
	f.Add("filter(state eq 'd)(one')/groupby((customer/code,state),aggregate(total with sum as revenue,$count as orders))")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := record.ParseApply(text); err != nil && !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

// Sums are exact where 64 bits and doubles are not, also when they leave 18 digits.
func TestSumsAreExact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open(), record.Hooks{}, "amounts", `{"columns":{"short":"decimal(18,2)","long":"decimal(30,8)","whole":"integer"}}`)
		short, long, whole := new(big.Int), new(big.Int), new(big.Int)
		classtest.Write(t, s.d, func(tx *db.Tx) error {
			short.SetInt64(0)
			long.SetInt64(0)
			whole.SetInt64(0)
			r := newRandom(3)
			for range 2000 {
				a, c := r.Int64N(1e18)-2e17, r.Int64()-1e18
				b := new(big.Int).Mul(big.NewInt(r.Int64()-4e18), big.NewInt(r.Int64N(1e11)))
				short.Add(short, big.NewInt(a))
				long.Add(long, b)
				whole.Add(whole, big.NewInt(c))
				body := fmt.Sprintf(`{"short":%se-2,"long":%se-8,"whole":%d}`, big.NewInt(a), b, c)
				if _, err := s.store.Create(tx, s.model, admin, "amounts", []byte(body)); err != nil {
					return err
				}
			}
			return nil
		})
		got := s.list(admin, record.Query{Class: "amounts", Apply: grouping(t, "aggregate(short with sum as a,long with sum as b,whole with sum as c)")})
		want := fmt.Sprintf(`{"a":%s,"b":%s,"c":%s}`, pointed(short, 2), pointed(long, 8), whole)
		if strings.Join(got, "") != want {
			t.Errorf("%s, not %s", got, want)
		}
	})
}

func pointed(n *big.Int, scale int) string {
	text := n.String()
	return text[:len(text)-scale] + "." + text[len(text)-scale:]
}
