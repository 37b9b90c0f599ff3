package right

import (
	"testing"

	"junctor/internal/filter"
)

func parse(t *testing.T, text string) *filter.Expr {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhatIsNotGrantedIsRefused(t *testing.T) {
	for _, s := range []*Set{{}, Merge(Account{ID: "acc_1"})} {
		if !s.Class("orders").Nothing() || s.MayCall("f") || s.MayFetch("p") || s.MayManage(Runs) || s.MayRead("order.done") || s.MayPublish("order.done") {
			t.Errorf("%+v grants something", s)
		}
	}
	if (Class{ReadOnly: map[string]bool{"state": true}}).Writes("state") || (Class{Hidden: map[string]bool{"margin": true}}).Writes("margin") {
		t.Error("a read-only or hidden column may be written")
	}
}

func TestFullGrantsEverything(t *testing.T) {
	s := Full(Account{ID: "acc_1"})
	c := s.Class("orders")
	if !c.Create.All || !c.Read.All || !c.Update.All || !c.Delete.All || !c.Sees("margin") || !c.Writes("margin") {
		t.Errorf("the class is %+v", c)
	}
	if !s.MayCall("f") || !s.MayFetch("p") || !s.MayManage(Runs) || !s.MayRead("a.b") || !s.MayPublish("a.b") {
		t.Error("something is refused")
	}
	if !Merge(Account{}, &Set{}, Full(Account{})).Everything {
		t.Error("every right and another role are less than every right")
	}
}

func TestSeveralRolesUniteRowsAndNarrowColumns(t *testing.T) {
	one := &Set{
		Classes: map[string]Class{
			"orders":    {Read: Row{Filter: parse(t, "state eq 'new'")}, Create: Row{All: true}, Hidden: map[string]bool{"margin": true}},
			"customers": {Read: Row{Filter: parse(t, "code eq @account.login")}},
		},
		Functions: map[string]bool{"place": true}, Areas: map[string]bool{Runs: true}, Read: []string{"order.*"},
	}
	other := &Set{
		Classes: map[string]Class{
			"orders":    {Read: Row{Filter: parse(t, "total gt 100")}, ReadOnly: map[string]bool{"state": true}},
			"customers": {Read: Row{All: true}},
		},
		Packets: map[string]bool{Any: true}, Publish: []string{"order.paid"},
	}
	for _, roles := range [][]*Set{{one, other}, {other, one}} {
		s := Merge(Account{ID: "acc_1", Login: "eshop"}, roles...)
		orders := s.Class("orders")
		if f := orders.Read.Filter; orders.Read.All || f == nil || f.Op != filter.Or || len(f.Args) != 2 {
			t.Errorf("orders are read by %v", orders.Read)
		}
		if !orders.Create.All || !orders.Update.None() || !orders.Delete.None() {
			t.Errorf("orders are %+v", orders)
		}
		if orders.Sees("margin") || orders.Writes("state") || !orders.Sees("state") || !orders.Writes("total") {
			t.Errorf("columns are %+v", orders)
		}
		if !s.Class("customers").Read.All || s.Class("customers").Read.Filter != nil {
			t.Errorf("customers are %+v", s.Class("customers"))
		}
		if !s.MayCall("place") || s.MayCall("cancel") || !s.MayFetch("whatever") || !s.MayManage(Runs) || s.MayManage(Access) {
			t.Error("functions, packets or areas are wrong")
		}
		if !s.MayRead("order.done") || s.MayPublish("order.done") || !s.MayPublish("order.paid") {
			t.Error("events are wrong")
		}
	}
	if f := one.Classes["orders"].Read.Filter; f.Op == filter.Or {
		t.Error("Merge changed a role")
	}
}

// An empty unit must not be one that rows without a unit belong to.
func TestWhoHasNoUnitGetsNothingByIt(t *testing.T) {
	role := &Set{Classes: map[string]Class{"orders": {
		Read:   Row{Filter: parse(t, "unit_id in @account.units or state eq 'new'")},
		Update: Row{Filter: parse(t, "not (unit_id ne @account.unit)")},
		Delete: Row{Filter: parse(t, "owner eq @account.id")},
	}}}
	without := Merge(Account{ID: "acc_1"}, role).Class("orders")
	if !without.Read.None() || !without.Update.None() || without.Delete.None() {
		t.Errorf("without a unit: %+v", without)
	}
	with := Merge(Account{ID: "acc_1", Unit: "prague", Units: []string{"prague"}}, role).Class("orders")
	if with.Read.None() || with.Update.None() || with.Delete.None() {
		t.Errorf("with a unit: %+v", with)
	}
}

func TestParamsFillARolesFilter(t *testing.T) {
	a := Account{ID: "acc_1", Login: "eshop", Unit: "cz", Units: []string{"cz", "prague"}}
	for text, want := range map[string]string{
		"unit_id in @account.units":  "unit_id in ('cz','prague')",
		"unit_id eq @account.unit":   "unit_id eq 'cz'",
		"owner eq @account.login":    "owner eq 'eshop'",
		"created_by eq @account.id":  "created_by eq 'acc_1'",
		"state eq 'done' and a eq 1": "state eq 'done' and a eq 1",
	} {
		bound, err := filter.Bind(parse(t, text), a.Params())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := bound.String(); got != parse(t, want).String() {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}

func TestParamsAreOfTheirTypes(t *testing.T) {
	params, types := Account{Units: []string{"cz"}, Unit: "cz"}.Params(), ParamTypes()
	if len(params) != len(types) {
		t.Errorf("%d parameters have %d types", len(params), len(types))
	}
	for name, e := range params {
		if typ, ok := types[name]; !ok || typ.List != (e.Op == filter.List) {
			t.Errorf("%s is %+v", name, typ)
		}
	}
}

func TestPatternsOfEvents(t *testing.T) {
	for _, c := range []struct {
		pattern, typ string
		want         bool
	}{
		{"record.orders.*", "record.orders.created", true},
		{"record.orders.*", "record.orders", false},
		{"record.orders.*", "record.orders.created.twice", false},
		{"record.*.created", "record.orders.created", true},
		{"record.**", "record.orders.created", true},
		{"record.**", "record", false},
		{"record.**", "recorder.orders", false},
		{"**", "a", true},
		{"order.paid", "order.paid", true},
		{"order.paid", "order.Paid", false},
		{"", "order", false},
	} {
		if got := Match(c.pattern, c.typ); got != c.want {
			t.Errorf("Match(%q, %q) is %v", c.pattern, c.typ, got)
		}
	}
}
