package hub_test

import (
	"encoding/json"
	"strings"
	"testing"
)

var portal = map[string]string{"junctor.yaml": `
classes:
  customers: { key: code, columns: { code: text!, owner: text } }
  orders: { key: number, columns: { number: text!, customer: ref(customers), total: "decimal(12,2)", margin: "decimal(12,2)" } }
roles:
  portal:
    classes:
      customers: { read: "owner eq @account.login" }
      orders: { read: "customer/owner eq @account.login", create: "customer/owner eq @account.login", hide: [margin] }
applications:
  ann: { password: "${env:PORTAL_PASSWORD}", roles: [portal] }
`}

// TestData goes the whole way: classes and rights from junctor.yaml, a session,
// records by OData, their events.
func TestData(t *testing.T) {
	t.Setenv("PORTAL_PASSWORD", "a-password-of-ann")
	onBoth(t, dataWay)
}

func dataWay(t *testing.T, database string) {
	t.Helper()
	s := serveOn(t, database, portal)
	const data = "/api/v1/data"
	for _, body := range []string{`{"id":"c1","code":"C1","owner":"ann"}`, `{"id":"c2","code":"C2","owner":"bob"}`} {
		if resp, answer := s.call("POST", data+"/customers", body); resp.StatusCode != 201 {
			t.Fatalf("%d %s", resp.StatusCode, answer)
		}
	}
	s.call("POST", data+"/orders", `{"number":"1","customer":{"code":"C2"},"total":1,"margin":987654}`)
	status, answer := s.callAs("POST", "/api/v1/session", `{"login":"ann","password":"a-password-of-ann"}`, "")
	var session struct{ Token string }
	if err := json.Unmarshal([]byte(answer), &session); err != nil || status != 201 {
		t.Fatalf("%d %s", status, answer)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", data, "", 200, `"url":"orders"`},
		{"GET", data + "/$metadata", "", 200, `<EntityType Name="orders">`},
		{"POST", data + "/orders", `{"number":"2","customer":{"code":"C1"},"total":10.1}`, 201, `"total":10.10`},
		{"POST", data + "/orders", `{"number":"3","customer_id":"c2"}`, 422, `"target":"customer_id"`},
		{"GET", data + "/orders", "", 200, `"number":"2"`},
		{"GET", data + "/orders/$count", "", 200, "1"},
		{"DELETE", data + "/orders(number='2')", "", 403, `"code":"forbidden"`},
		{"GET", data + "/orders(number='1')", "", 404, `"code":"not-found"`},
		{"GET", data + "/nothing", "", 404, `"error"`},
	} {
		status, answer := s.callAs(c.method, c.path, c.body, session.Token)
		if status != c.status || !strings.Contains(answer, c.want) || strings.Contains(answer, "margin") || strings.Contains(answer, "C2") {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, answer)
		}
	}
	if status, answer := s.callAs("GET", data+"/orders", "", ""); status != 401 || !strings.Contains(answer, `"code":"unauthorized"`) {
		t.Errorf("without a session: %d %s", status, answer)
	}
	if resp, answer := s.call("GET", "/api/v1/events?types=record.orders.created", ""); !strings.Contains(answer, `"subject":"2"`) {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
	if resp, answer := s.call("GET", data+"/orders", "", "Prefer", "odata.track-changes"); !strings.Contains(answer, "@odata.deltaLink") {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
}
