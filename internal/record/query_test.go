package record_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/right"
)

// clerk may do what is given with orders, customers and regions.
func clerk(orders, customers, regions right.Class) record.Actor {
	return record.Actor{By: "clerk", Rights: &right.Set{
		Account: right.Account{ID: "acc_1", Login: "clerk"},
		Classes: map[string]right.Class{"orders": orders, "customers": customers, "regions": regions},
	}}
}

var all = right.Row{All: true}

func filled(t *testing.T, d *db.DB) *shop {
	t.Helper()
	s := newShop(t, d, record.Hooks{})
	s.create("regions", `{"id":"r1","code":"N","name":"North","secret":"s"}`)
	s.create("customers", `{"id":"c1","code":"C1","name":"Ada","owner":"acc_1","region":"r1"}`)
	s.create("customers", `{"id":"c2","code":"C2","name":"Bob","owner":"acc_2"}`)
	for i, o := range []string{
		`"customer":{"code":"C1"},"total":10.10,"margin":1`, `"customer_id":"c1","total":20.20,"state":"done","margin":2`,
		`"customer":"c2","total":5,"margin":3`, `"margin":4`,
	} {
		s.create("orders", fmt.Sprintf(`{"id":"o%d","number":"%d",%s}`, i+1, i+1, o))
	}
	return s
}

func ids(page *record.Page) string {
	var all []string
	for _, r := range page.Records {
		all = append(all, r.ID())
	}
	return strings.Join(all, " ")
}

func TestQueriesSelectOrderAndExpand(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := filled(t, open())
		for _, c := range []struct {
			q    record.Query
			want string
		}{
			{record.Query{}, "o1 o2 o3 o4"},
			{record.Query{Filter: expr(t, "total gt 5")}, "o1 o2"},
			{record.Query{Filter: expr(t, "customer/code eq 'C1'")}, "o1 o2"},
			{record.Query{Filter: expr(t, "customer/region/name eq 'North' and state eq 'done'")}, "o2"},
			{record.Query{Filter: expr(t, "customer eq null")}, "o4"},
			{record.Query{Filter: expr(t, "startswith(number,'2')")}, "o2"},
			{record.Query{Filter: expr(t, "customer_id in ('c2','c3')")}, "o3"},
			{record.Query{Order: order(t, "total desc")}, "o2 o1 o3 o4"},
			{record.Query{Order: order(t, "total")}, "o4 o3 o1 o2"},
			{record.Query{Order: order(t, "customer/name desc,number desc")}, "o3 o2 o1 o4"},
			{record.Query{Skip: 1, Top: new(2)}, "o2 o3"},
			{record.Query{Top: new(0)}, ""},
		} {
			c.q.Class, c.q.Count = "orders", true
			page, err := s.query(admin, c.q)
			if err != nil {
				t.Errorf("%v: %v", c.q.Filter, err)
				continue
			}
			if got := ids(page); got != c.want {
				t.Errorf("%v %v: %q, not %q", c.q.Filter, c.q.Order, got, c.want)
			}
			if c.q.Filter != nil && int(page.Count) != len(page.Records) {
				t.Errorf("%v: counted %d", c.q.Filter, page.Count)
			}
		}
		got := s.list(admin, record.Query{Class: "orders", Select: []string{"number", "total", "doubled"}, Expand: []record.Expand{
			{Ref: "customer", Select: []string{"name"}, Expand: []record.Expand{{Ref: "region", Select: []string{"code"}}}},
		}})
		want := []string{
			`{"number":"1","total":10.10,"doubled":20.20,"customer":{"name":"Ada","region":{"code":"N"}}}`,
			`{"number":"2","total":20.20,"doubled":40.40,"customer":{"name":"Ada","region":{"code":"N"}}}`,
			`{"number":"3","total":5.00,"doubled":10.00,"customer":{"name":"Bob","region":null}}`,
			`{"number":"4","total":null,"doubled":null,"customer":null}`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		text, err := s.get(admin, "orders", number("3"))
		if want := `{"id":"o3","customer_id":"c2","doubled":10.00,"margin":3.00,"note":null,"number":"3","received":null,"state":"new","total":5.00,"version":1,"created_at":"2027-01-04T12:00:00Z","created_by":"admin","modified_at":"2027-01-04T12:00:00Z","modified_by":"admin"}`; err != nil || text != want {
			t.Errorf("%s %v", text, err)
		}
	})
}

func TestPagesStandStillWhenRecordsCome(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open(), record.Hooks{})
		for i := range 25 {
			total := fmt.Sprint(i % 4)
			if i%5 == 0 {
				total = "null"
			}
			s.create("orders", fmt.Sprintf(`{"id":"o%02d","number":"%02d","total":%s}`, i, i, total))
		}
		for _, by := range []string{"", "total", "total desc", "total,number desc", "state,total desc"} {
			q := record.Query{Class: "orders", Filter: expr(t, "note eq null"), Page: 4}
			if by != "" {
				q.Order = order(t, by)
			}
			whole := q
			whole.Page = 1000
			page, err := s.query(admin, whole)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Fields(ids(page))
			var got []string
			for n := 0; n < 20; n++ {
				page, err := s.query(admin, q)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, strings.Fields(ids(page))...)
				// one that sorts before everything that was shown, and one that is changed
				s.create("orders", fmt.Sprintf(`{"id":"a%s%02d","number":"new%s%d","total":null}`, strings.ReplaceAll(strings.ReplaceAll(by, " ", ""), ",", "_"), n, by, n))
				if page.Next == "" {
					break
				}
				q.Cursor = page.Next
			}
			old := func(id string) bool { return id[0] == 'o' }
			if diff := cmp.Diff(slices.DeleteFunc(want, func(id string) bool { return !old(id) }), slices.DeleteFunc(got, func(id string) bool { return !old(id) })); diff != "" {
				t.Errorf("%q: %s", by, diff)
			}
		}
		// top counts over all pages
		q := record.Query{Class: "orders", Top: new(6), Page: 4}
		first, err := s.query(admin, q)
		if err != nil || len(first.Records) != 4 || first.Next == "" {
			t.Fatalf("%v %v", first, err)
		}
		q.Cursor = first.Next
		second, err := s.query(admin, q)
		if err != nil || len(second.Records) != 2 || second.Next != "" {
			t.Errorf("%d %q %v", len(second.Records), second.Next, err)
		}
		for name, change := range map[string]func(q *record.Query){
			"order":  func(q *record.Query) { q.Order = order(t, "total") },
			"filter": func(q *record.Query) { q.Filter = expr(t, "total gt 1") },
			"cut":    func(q *record.Query) { q.Cursor = q.Cursor[:len(q.Cursor)-3] },
			"other":  func(q *record.Query) { q.Cursor = "AAAA" + q.Cursor[4:] },
			"no":     func(q *record.Query) { q.Cursor = "no cursor!" },
		} {
			bad := q
			change(&bad)
			if _, err := s.query(admin, bad); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestWhatIsHiddenIsNotThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := filled(t, open())
		mine := right.Row{Filter: expr(t, "owner eq @account.id")}
		a := clerk(right.Class{Read: all, Create: all, Update: all, Hidden: map[string]bool{"margin": true}},
			right.Class{Read: mine}, right.Class{Read: all, Hidden: map[string]bool{"secret": true}})
		for _, line := range s.list(a, record.Query{Class: "orders"}) {
			if strings.Contains(line, "margin") {
				t.Errorf("shown: %s", line)
			}
		}
		for _, q := range []struct{ hidden, never record.Query }{
			{record.Query{Filter: expr(t, "margin gt 1")}, record.Query{Filter: expr(t, "xargin gt 1")}},
			{record.Query{Order: order(t, "margin")}, record.Query{Order: order(t, "xargin")}},
			{record.Query{Select: []string{"margin"}}, record.Query{Select: []string{"xargin"}}},
			{record.Query{Apply: grouping(t, "aggregate(margin with sum as m)")}, record.Query{Apply: grouping(t, "aggregate(xargin with sum as m)")}},
			{record.Query{Apply: grouping(t, "groupby((margin))")}, record.Query{Apply: grouping(t, "groupby((xargin))")}},
			{record.Query{Filter: expr(t, "customer/region/secret eq 's'")}, record.Query{Filter: expr(t, "customer/region/xecret eq 's'")}},
		} {
			q.hidden.Class, q.never.Class = "orders", "orders"
			_, hidden := s.query(a, q.hidden)
			_, never := s.query(a, q.never)
			if !fault.Is(hidden, fault.Invalid) || !fault.Is(never, fault.Invalid) {
				t.Fatalf("%v, %v", hidden, never)
			}
			if got, want := hidden.Error(), strings.NewReplacer("xargin", "margin", "xecret", "secret").Replace(never.Error()); got != want {
				t.Errorf("%q is not as for a name that was never there: %q", got, want)
			}
		}
		_, hidden := s.tryCreate(a, "orders", `{"number":"9","margin":1}`)
		_, never := s.tryCreate(a, "orders", `{"number":"9","xargin":1}`)
		if got, want := hidden.Error(), strings.ReplaceAll(never.Error(), "xargin", "margin"); got != want {
			t.Errorf("%q, not %q", got, want)
		}
		// rows behind refs
		if got := ids(must(s.query(a, record.Query{Class: "orders", Filter: expr(t, "customer/name eq 'Bob'")}))); got != "" {
			t.Errorf("found by a customer that cannot be seen: %s", got)
		}
		if got := ids(must(s.query(a, record.Query{Class: "orders", Filter: expr(t, "customer/name eq null")}))); got != "o3 o4" {
			t.Errorf("a ref to a hidden row is not null: %s", got)
		}
		got := s.list(a, record.Query{Class: "orders", Select: []string{"number"}, Expand: []record.Expand{{Ref: "customer", Select: []string{"code"}}}})
		if want := []string{`{"number":"1","customer":{"code":"C1"}}`, `{"number":"2","customer":{"code":"C1"}}`, `{"number":"3","customer":null}`, `{"number":"4","customer":null}`}; !slices.Equal(got, want) {
			t.Errorf("%s", got)
		}
		// a class without rights is not there, and neither is the way to it
		closed := clerk(right.Class{Read: all}, right.Class{}, right.Class{})
		if _, err := s.query(closed, record.Query{Class: "customers"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		for _, q := range []record.Query{{Filter: expr(t, "customer/code eq 'C1'")}, {Filter: expr(t, "customer eq null")}, {Expand: []record.Expand{{Ref: "customer"}}}} {
			q.Class = "orders"
			if _, err := s.query(closed, q); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "not known") {
				t.Errorf("%v: %v", q.Filter, err)
			}
		}
		// a role's own filter goes where its caller cannot
		through := clerk(right.Class{Read: right.Row{Filter: expr(t, "customer/owner eq @account.id and customer/region/secret eq 's'")}}, right.Class{}, right.Class{})
		if got := ids(must(s.query(through, record.Query{Class: "orders"}))); got != "o1 o2" {
			t.Errorf("%s", got)
		}
		if _, err := s.get(through, "orders", number("3")); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestBadQueriesAreRefused(t *testing.T) {
	s := filled(t, dbtest.SQLite(t)(nil))
	for part, q := range map[string]record.Query{
		"cannot be compared": {Filter: expr(t, "total eq 'x'")},
		"true or false":      {Filter: expr(t, "total add 1")},
		"not known":          {Filter: expr(t, "numbr eq '1'")},
		"by columns":         {Order: order(t, "tolower(number)")},
		"twice":              {Expand: []record.Expand{{Ref: "customer"}, {Ref: "customer"}}},
		`"total" is not known here, possible: customer.`: {Expand: []record.Expand{{Ref: "total"}}},
		`did you mean "customer"?`:                       {Expand: []record.Expand{{Ref: "custmer"}}},
		"deep":                                           {Expand: []record.Expand{{Ref: "customer", Expand: []record.Expand{{Ref: "region", Expand: []record.Expand{{Ref: "x"}}}}}}},
		"there is no function":                           {Filter: expr(t, "matches(number,'x')")},
		"is not set":                                     {Filter: expr(t, "number eq @p")},
		"are not kept":                                   {Track: true},
	} {
		q.Class = "orders"
		if _, err := s.query(admin, q); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", part, err)
		}
	}
	if _, err := s.query(admin, record.Query{Class: "order"}); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), `"orders"`) {
		t.Errorf("%v", err)
	}
	for part, at := range map[string]record.Address{
		"no key":      {Key: []record.KeyPart{{Column: "total"}}},
		"There is no": {ID: "nobody"},
	} {
		if _, err := s.get(admin, "orders", at); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", part, err)
		}
	}
}
