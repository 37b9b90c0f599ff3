package access

import (
	"encoding/json"
	"testing"

	"junctor/internal/fault"
)

func TestRolesAreRead(t *testing.T) {
	r, found := ParseRole("shop", json.RawMessage(`{
		"classes":{"orders":{"read":"state ne 'done'","create":true,"update":true,"delete":false,"hide":["margin"],"readonly":["state"]}},
		"functions":["placeOrder"],"packets":["customer_card"],"events":{"read":["record.orders.*"],"publish":["order.*"]},"admin":["runs"]}`))
	wantPointers(t, "a role", found)
	c := r.Grants.Class("orders")
	if c.Read.All || c.Read.Filter == nil || !c.Create.All || !c.Update.All || !c.Delete.None() || c.Sees("margin") || c.Writes("state") {
		t.Errorf("orders are %+v", c)
	}
	if g := r.Grants; !g.MayCall("placeOrder") || g.MayCall("other") || !g.MayFetch("customer_card") || !g.MayRead("record.orders.created") || !g.MayPublish("order.paid") || !g.MayManage("runs") || g.MayManage("access") {
		t.Errorf("it grants %+v", g)
	}
}

func TestRolesThatCannotBe(t *testing.T) {
	for body, pointers := range map[string][]string{
		`{"class":{}}`: {"/class"},
		`{"classes":{"orders":{"read":"state ne","update":7,"remove":true,"hide":"x"}}}`:    {"/classes/orders/read", "/classes/orders/update", "/classes/orders/remove", "/classes/orders/hide"},
		`{"admin":["runs","everything"]}`:                                                   {"/admin/1"},
		`{"events":{"read":["a..b","**.a","a.*b","order.**"],"publish":["", "two words"]}}`: {"/events/read/0", "/events/read/1", "/events/read/2", "/events/publish/0", "/events/publish/1"},
		`{"functions":"f"}`: {"/functions"},
	} {
		_, found := ParseRole("shop", json.RawMessage(body))
		wantPointers(t, body, found, pointers...)
	}
}

func TestObjectsNameWhatThereIs(t *testing.T) {
	bodies := func(text string) (all map[string]map[string]json.RawMessage) {
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	o, found := ParseObjects(bodies(`{
		"applications":{"eshop":{"password":"x","roles":["shop","shopp"],"unit":"brno"},"both":{"password":"x"}},
		"accounts":{"jana":{"password":"x","roles":["shop"],"unit":"prague"},"both":{"password":"x"}},
		"roles":{"shop":{"functions":["place","*"],"packets":["card"],"classes":{"orders":{"read":true}}}},
		"units":{"cz":{},"prague":{"parent":"cz"},"a":{"parent":"b"},"b":{"parent":"a"},"lost":{"parent":"nowhere"},"self":{"parent":"self"}},
		"channels":{"shop":{}}}`))
	wantPointers(t, "parsed", found)
	found = o.Check(Names{Functions: []string{"placeOrder"}, Packets: []string{"card"}})
	wantPointers(t, "checked", found,
		"/applications/eshop/roles/1", "/applications/eshop/unit", "/accounts/both",
		"/roles/shop/classes/orders", "/roles/shop/functions",
		"/units/a/parent", "/units/b/parent", "/units/lost/parent", "/units/self/parent")
	if want := (fault.Field{Pointer: "/applications/eshop/roles/1", Detail: `there is no role "shopp", did you mean "shop"?`}); found[0] != want {
		t.Errorf("said as %+v", found[0])
	}
	_, found = ParseObjects(bodies(`{"roles":{"a/b":{"admin":["x"]}},"units":{"u":{"parents":"x"}}}`))
	wantPointers(t, "parsed", found, "/roles/a~1b/admin/0", "/units/u/parents")
}
