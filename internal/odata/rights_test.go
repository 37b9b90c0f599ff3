package odata_test

import (
	"fmt"
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/odata"
	"junctor/internal/right"
)

const (
	secretText   = "the-secret"
	foreignLines = "9007199254740993" // of the order that is not hers
)

// guarded is a site with roles: ann sees and changes the orders of her customers
// and no margin, reader reads everything, writer may only create, nobody nothing.
func guarded(t *testing.T, d *db.DB) *site {
	t.Helper()
	s := newSite(t, d)
	s.fill()
	for _, id := range []string{"o1", "o2", "o3"} {
		s.must(204, "PATCH /orders/"+id, `{"margin":987654.32}`)
	}
	s.must(204, "PATCH /orders/o2", `{"note":"`+secretText+`"}`)
	ann := right.Account{ID: "acc_ann", Login: "ann", Kind: "application"}
	own := rows(t, "customer/owner eq 'ann'")
	all := right.Row{All: true}
	hidden := map[string]bool{"margin": true}
	s.rights["ann"] = role(t, ann, map[string]right.Class{
		"orders":    {Read: own, Create: own, Update: own, Delete: own, Hidden: hidden, ReadOnly: map[string]bool{"state": true}},
		"customers": {Read: rows(t, "owner eq 'ann'"), Hidden: map[string]bool{"region": true}},
	})
	s.rights["reader"] = role(t, ann, map[string]right.Class{"orders": {Read: all}, "customers": {Read: all}, "regions": {Read: all}, "locked": {Read: all}})
	s.rights["writer"] = role(t, ann, map[string]right.Class{"orders": {Create: all}})
	s.rights["nothing"] = role(t, ann, nil)
	return s
}

// TestRoutes calls every route with every credential: on an own record, on a
// foreign one, and with a hidden column wherever a column can be named.
func TestRoutes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := guarded(t, open())
		calls := 0
		for _, r := range odata.Routes() {
			for _, record := range []string{"o1", "o2"} {
				for _, property := range []string{"total", "margin", "customer"} {
					path := strings.NewReplacer("{class}", "orders", "{key}", record, "{property}", property, "{button}", "approve", "{query}", "totals").Replace(r.Pattern)
					if !strings.Contains(r.Pattern, "{property}") && property != "total" || !strings.Contains(r.Pattern, "{key}") && record == "o2" {
						continue
					}
					path = strings.ReplaceAll(path, "/$ref", "/customer/$ref")
					body := map[string]string{"POST": `{}`, "PATCH": `{"margin":1}`, "PUT": `{"value":1,"@odata.id":"customers('c2')"}`}[r.Method]
					for _, login := range []string{"stranger", "nothing", "writer", "reader", "ann"} {
						if r.Pattern == "/$batch" {
							body = `{"requests":[{"id":"1","method":"GET","url":"orders"},{"id":"2","method":"GET","url":"orders/o2"}]}`
						}
						if r.Pattern == "/$entity" {
							path = "/$entity?$id=orders('o2')"
						}
						got := s.as(login, r.Method+" "+path, body)
						calls++
						s.judge(login, r, record, property, got)
					}
				}
			}
		}
		if calls < 150 {
			t.Errorf("only %d calls", calls)
		}
		if got := s.do("GET /orders/o2?$select=margin,version,customer,total", ""); !strings.Contains(got.body, `"margin":987654.32`) || !strings.Contains(got.body, `"customer_id":"c2"`) || !strings.Contains(got.body, `"total":20.20`) {
			t.Errorf("somebody has changed a foreign record: %s", got.body)
		}
	})
}

func (s *site) judge(login string, r odata.Route, record, property string, got reply) {
	s.Helper()
	about := fmt.Sprintf("%s: %s %s (%s, %s): %d %s", login, r.Method, r.Pattern, record, property, got.status, got.body)
	if got.status >= 500 {
		s.Error(about)
	}
	foreign := record == "o2" && strings.Contains(r.Pattern, "{key}") || r.Pattern == "/$entity"
	service := !strings.Contains(r.Pattern, "{class}") && !strings.Contains(r.Pattern, "{query}") && r.Pattern != "/$entity"
	switch login {
	case "stranger":
		if got.status != 401 {
			s.Error(about)
		}
	case "nothing":
		if service && got.status != 200 || !service && got.status != 404 || strings.Contains(got.body, "customer") {
			s.Error(about)
		}
	case "writer":
		if shows(got.body, "987654", foreignLines, secretText) || r.Method == "DELETE" && got.status < 400 {
			s.Error(about)
		}
	case "reader":
		if r.Method != "GET" && r.Method != "POST" && got.status < 400 {
			s.Error(about)
		}
	case "ann":
		told := strings.Contains(got.body, "margin") && !strings.Contains(got.body, `\"margin\" is not known here`) && !strings.Contains(got.body, `"target":"margin"`)
		if told || shows(got.body, "987654", foreignLines, secretText) {
			s.Error(about)
		}
		if foreign && got.status < 400 {
			s.Error(about)
		}
	}
}

func shows(body string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(body, part) {
			return true
		}
	}
	return false
}

// TestHidden looks for a hidden column, and for foreign rows, through everything
// that a query can say.
func TestHidden(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := guarded(t, open())
		for _, request := range []string{
			"GET /orders?$filter=margin%20gt%201", "GET /orders?$orderby=margin", "GET /orders?$select=margin",
			"GET /orders?$apply=aggregate(margin%20with%20sum%20as%20x)", "GET /orders?$apply=groupby((margin))", "GET /orders/o1/margin", "GET /orders/o1/margin/$value",
			"GET /orders?$filter=customer/region/name%20eq%20'North'", "GET /orders?$expand=customer($expand=region)", "GET /regions", "GET /locked",
		} {
			hidden := s.as("ann", request, "")
			invented := s.as("ann", strings.ReplaceAll(strings.ReplaceAll(request, "margin", "nargim"), "region", "noiger"), "")
			if hidden.status != invented.status || hidden.status < 400 {
				t.Errorf("%s: %d, and for what is not there %d", request, hidden.status, invented.status)
			}
		}
		for _, request := range []string{"GET /orders?$count=true", "GET /orders?$expand=customer", "GET /orders?$format=csv", "GET /orders?$format=xml", "GET /$metadata", "GET /$metadata?$format=json", "GET /orders?$filter=note%20eq%20'" + secretText + "'"} {
			got := s.as("ann", request, "", "Prefer", "odata.track-changes")
			if got.status != 200 || strings.Contains(got.body, "margin") || strings.Contains(got.body, "987654") || strings.Contains(got.body, secretText) && !strings.Contains(request, secretText) || strings.Contains(got.body, "region") || strings.Contains(got.body, `"C2"`) {
				t.Errorf("%s: %d %s", request, got.status, got.body)
			}
		}
		if got := s.as("ann", "GET /orders/$count", ""); got.body != "2" {
			t.Errorf("she counts %s", got.body)
		}
		if got := s.as("ann", "POST /orders", `{"number":"90","customer_id":"c2"}`); got.status < 400 {
			t.Errorf("for a foreign customer: %d %s", got.status, got.body)
		}
		if got := s.as("ann", "PATCH /orders/o1", `{"state":"done"}`); got.status != 422 {
			t.Errorf("a read-only column: %d %s", got.status, got.body)
		}
		if got := s.as("writer", "POST /orders", `{"number":"91"}`); got.status != 204 || got.header.Get("Location") == "" {
			t.Errorf("who cannot read: %d %s", got.status, got.body)
		}
		before := s.refused.Load()
		if got := s.as("reader", "DELETE /orders/o1", ""); got.status != 403 {
			t.Errorf("reader deletes: %d %s", got.status, got.body)
		}
		if s.refused.Load() != before+1 {
			t.Error("a refusal is not noted")
		}
		if got := s.as("reader", "GET /orders/o1", "", "Accept", "application/json"); got.status != 200 {
			t.Errorf("reader reads: %d", got.status)
		}
	})
}
