package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"junctor/internal/config"
	"junctor/internal/fault"
)

const portal = `classes:
  customers:
    key: code
    columns: { code: text!, name: text }
  orders:
    key: number
    columns: { number: text!, customer: ref(customers), total: "decimal(12,2)", margin: "decimal(12,2)", state: "enum(new,sent,done)" }
    rules: [{ when: [created], scenario: order }]
functions:
  placeOrder: { scenario: order }
units:
  company: { label: Company }
  sales: { parent: company }
roles:
  shop:
    classes:
      orders: { read: "customer/code eq @account.login", create: true, update: "state ne 'done'", hide: [margin] }
    functions: [placeOrder]
applications:
  eshop: { password: "${env:ESHOP}", roles: [shop], unit: sales, allow: [10.0.0.0/8] }
accounts:
  eve: { password: written-out, roles: [shop] }
`

const portalScenario = "export default () => 1;\n"

func portalFiles(yaml string) []string {
	return []string{"junctor.yaml", yaml, "scenarios/order.ts", portalScenario}
}

// An export is the configuration: applied, exported, written and loaded again it
// is the same.
func TestPortalRoundTrip(t *testing.T) {
	t.Setenv("ESHOP", "open sesame")
	each(t, func(t *testing.T, s *config.Service) {
		set := load(t, folder(t, portalFiles(portal)...))
		first := apply(t, s, set, false)
		if len(first.Changes) != 9 || len(first.Tables) != 2 || !strings.Contains(first.Tables[1].Text, "the class orders is made") {
			t.Errorf("changes %+v, tables %+v", first.Changes, first.Tables)
		}
		out, err := s.Export(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := config.Write(out, dir); err != nil {
			t.Fatal(err)
		}
		again := load(t, dir)
		plan, err := s.Plan(t.Context(), again, config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Changes) > 0 || len(plan.Tables) > 0 {
			t.Errorf("the exported folder would change %+v %+v (%v)", plan.Changes, plan.Tables, err)
		}
		if text := string(again.Objects[config.Accounts]["eve"]); strings.Contains(text, "written-out") || !strings.Contains(text, "${secret:accounts.eve.password}") {
			t.Errorf("the exported account is %s", text)
		}
		snap, err := s.Snapshot(t.Context())
		if err != nil || snap.Model.Class("orders") == nil || snap.Functions["placeOrder"] == nil || len(snap.Problems) > 0 {
			t.Errorf("the snapshot has %+v, problems %v (%v)", snap.Model, snap.Problems, err)
		}
	})
}

// Mistakes about each other have their places.
func TestPortalMistakes(t *testing.T) {
	for change, want := range map[string]string{
		"hide: [margin] -> hide: [marginn]":                                   `junctor.yaml:17:105: roles.shop.classes.orders.hide: there is no column "marginn", did you mean "margin"?`,
		"functions: [placeOrder] -> functions: [placeOrders]":                 `junctor.yaml:18:16: roles.shop.functions: there is no function "placeOrders", did you mean "placeOrder"?`,
		"roles: [shop], unit: sales -> roles: [shp], unit: sale":              `junctor.yaml:20:46: applications.eshop.roles.0: there is no role "shp", did you mean "shop"?`,
		"      orders: { read ->       oders: { read":                         `roles.shop.classes.oders: there is no class "oders", did you mean "orders"?`,
		"customer/code eq -> customer/cod eq":                                 `roles.shop.classes.orders.read: character 1 of the filter: of the class customers: "cod" is not known here, did you mean "code"?`,
		"customer/code eq @account.login -> total eq @account.name":           `roles.shop.classes.orders.read: character 10 of the filter`,
		"state ne 'done' -> state add 1":                                      `roles.shop.classes.orders.update: character`,
		"ref(customers) -> ref(customer)":                                     `classes.orders.columns.customer: refers to the class "customer", which does not exist; did you mean "customers"?`,
		"decimal(12,2)\", margin -> decimal(12,20)\", margin":                 `classes.orders.columns.total`,
		"when: [created], scenario: order -> when: [created], scenario: ordr": `classes.orders.rules.0.scenario: there is no scenario "ordr", did you mean "order"?`,
		"parent: company -> parent: sales":                                    `units.sales.parent: leads back to the unit itself`,
		"accounts:\n  eve -> accounts:\n  eshop":                              `accounts.eshop: is the login of an application already`,
		"allow: [10.0.0.0/8] -> allow: [10.0.0.0/99]":                         `applications.eshop.allow.0: "10.0.0.0/99" is no address`,
		"key: number -> key: nr":                                              `classes.orders.key`,
	} {
		from, to, _ := strings.Cut(change, " -> ")
		changed := strings.Replace(portal, from, to, 1)
		if changed == portal {
			t.Errorf("%q changes nothing", change)
		}
		_, problems := config.Load(t.Context(), folder(t, portalFiles(changed)...))
		var all []string
		for _, p := range problems {
			all = append(all, p.String())
		}
		if got := strings.Join(all, "\n"); !strings.Contains(got, want) {
			t.Errorf("%s\n gives %s\n want  %s", change, got, want)
		}
		if len(all) > 2 {
			t.Errorf("%s has the problems\n%s", change, strings.Join(all, "\n"))
		}
	}
}

// What is in use cannot be taken away under its users.
func TestPortalByAPI(t *testing.T) {
	t.Setenv("ESHOP", "open sesame")
	each(t, func(t *testing.T, s *config.Service) {
		apply(t, s, load(t, folder(t, portalFiles(portal)...)), false)
		for _, c := range []struct{ kind, code, want string }{
			{config.Classes, "customers", `Class "customers" is used by the classes orders`},
			{config.Classes, "orders", `Class "orders" is used by the roles shop`},
			{config.Functions, "placeOrder", `Function "placeOrder" is used by the roles shop`},
			{config.Roles, "shop", `Role "shop" is used by the applications eshop and the accounts eve`},
			{config.Units, "sales", `Unit "sales" is used by the applications eshop`},
			{config.Scenarios, "order", `Scenario "order" is used by the classes orders and the functions placeOrder`},
		} {
			if err := s.Delete(t.Context(), c.kind, c.code, config.Edit{}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("delete %s %s: %v", c.kind, c.code, err)
			}
		}
		for _, c := range []struct{ kind, code, body, want string }{
			{config.Classes, "orders", `{"columns":{"number":"text!","state":"text"},"key":"number"}`, `roles.shop.classes.orders.hide: there is no column "margin"`},
			{config.Roles, "shop", `{"classes":{"oders":{"read":true}}}`, `/classes/oders there is no class "oders", did you mean "orders"?`},
			{config.Units, "company", `{"parent":"sales"}`, `/parent leads back to the unit itself`},
			{config.Applications, "eve", `{"password":"x"}`, "is the login of an application already"},
			{config.Accounts, "bob", `{"roles":[]}`, "/password is required"},
			{config.Functions, "f", `{"scenario":"nothing"}`, `/scenario there is no scenario "nothing"`},
		} {
			if err := putErr(t, s, c.kind, c.code, c.body); !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %s %s\n gives %v\n want  %s", c.kind, c.code, c.body, err, c.want)
			}
		}
		put(t, s, config.Classes, "orders", `{"columns":{"number":"text!","state":"text","margin":"decimal(12,2)","customer":"ref(customers)","note":"text"},"key":"number"}`)
		snap, err := s.Snapshot(t.Context())
		if err != nil || snap.Model.Class("orders").Column("note") == nil || snap.Model.Class("orders").Column("total") != nil {
			t.Errorf("the class has not changed (%v)", err)
		}
		stored, err := s.Get(t.Context(), config.Classes, "orders")
		if err != nil || !json.Valid(stored.Body) || stored.Version != 2 {
			t.Errorf("%+v (%v)", stored, err)
		}
	})
}
