package hub_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

// example is the files of an integration of the repository.
func example(t *testing.T, name string) map[string]string {
	t.Helper()
	files, dir := map[string]string{}, os.DirFS("../../examples/"+name)
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".test.ts") {
			return err
		}
		text, err := fs.ReadFile(dir, path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The brokerage's portal sees and fills in its own client only; the back office
// sees all.
func TestBrokeragePortal(t *testing.T) {
	t.Setenv("PORTAL_PASSWORD", "open sesame")
	t.Setenv("BACKOFFICE_PASSWORD", "open sesame")
	eachDatabase(t, example(t, "brokerage-portal"), func(s *site) {
		const data = "/api/v1/data"
		for _, c := range []struct {
			login, method, path, body string
			status                    int
			want                      string
		}{
			{"backoffice", "POST", data + "/clients", `{"code":"C1001","name":"Novak"}`, 201, `"Novak"`},
			{"backoffice", "POST", data + "/clients", `{"code":"C1002","name":"Other"}`, 201, `"Other"`},
			{"backoffice", "POST", data + "/accounts", `{"number":"A1","client":{"code":"C1001"},"currency":"EUR","cash":"1000.00"}`, 201, `"cash":1000.00`},
			{"backoffice", "POST", data + "/accounts", `{"number":"A2","client":{"code":"C1002"},"currency":"EUR","cash":"5.00"}`, 201, `"cash":5.00`},
			{"backoffice", "POST", data + "/instruments", `{"isin":"CZ0008040318","name":"Moneta","currency":"EUR","lot":10}`, 201, `"lot":10`},
			{"backoffice", "POST", data + "/orders", `{}`, 403, `"forbidden"`},
			{"backoffice", "POST", "/api/v1/functions/placeOrder", `{}`, 403, `"status":403`},
			{"C1001", "GET", data + "/clients", "", 200, `"code":"C1001"`},
			{"C1001", "PATCH", data + "/clients(code='C1001')", `{"email":"novak@example.com"}`, 200, `novak@`},
			{"C1001", "PATCH", data + "/clients(code='C1001')", `{"code":"C9"}`, 422, `"code"`},
			{"C1001", "PATCH", data + "/clients(code='C1002')", `{"email":"x"}`, 404, `"not-found"`},
			{"C1001", "PATCH", data + "/accounts(number='A1')", `{"cash":"1000000.00"}`, 403, `"forbidden"`},
			{"C1001", "GET", data + "/accounts", "", 200, `"A1"`},
			{"C1001", "POST", data + "/orders", `{}`, 403, `"forbidden"`},
			{"C1001", "POST", "/api/v1/functions/placeOrder", `{"instrument":"CZ0008040318","side":"buy","quantity":20,"limit":"4.0512"}`, 201, `{"number":"ORD-00001","state":"new","amount":"81.02"}`},
			{"C1001", "POST", "/api/v1/functions/placeOrder", `{"instrument":"CZ0008040318","side":"buy","quantity":2000,"limit":"4.0512"}`, 422, `comes to 8102.40, and there are 1000.00`},
			{"C1001", "GET", data + "/orders?$expand=account", "", 200, `"amount":81.02`},
			{"C1001", "GET", "/api/v1/packets/client_card?code=C1001", "", 200, `"amount":81.02`},
			{"C1001", "GET", "/api/v1/packets/client_card?code=C1002", "", 200, `"client":null`},
			{"backoffice", "GET", "/api/v1/packets/client_card?code=C1002", "", 200, `"A2"`},
			{"backoffice", "PATCH", data + "/orders(number='ORD-00001')", `{"quantity":25}`, 422, `must be a multiple of 10`},
			{"backoffice", "PATCH", data + "/orders(number='ORD-00001')", `{"quantity":30}`, 200, `"amount":121.54`},
			{"backoffice", "PATCH", data + "/orders(number='ORD-00001')", `{"state":"approved"}`, 422, `"state"`},
		} {
			resp, body := s.as(c.login, c.method, c.path, c.body, "Prefer", "return=representation")
			own := c.login == "backoffice" || !strings.Contains(body, "C1002") && !strings.Contains(body, `"A2"`) || strings.Contains(c.path, "C1002")
			if resp.StatusCode != c.status || !strings.Contains(body, c.want) || !own {
				t.Errorf("%s: %s %s %s: %d %s, want %d %s", c.login, c.method, c.path, c.body, resp.StatusCode, body, c.status, c.want)
			}
		}
		if _, body := s.as("backoffice", "GET", "/api/v1/events?types=order.*&wait=20s", ""); !strings.Contains(body, `"order.new"`) || !strings.Contains(body, `"was":null`) {
			t.Errorf("the events are %s", body)
		}
	})
}
