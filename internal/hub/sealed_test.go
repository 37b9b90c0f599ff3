package hub_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A secret that is written out in the files is used sealed, and another one in
// its place is used at once, although the object's body is the same.
func TestAnotherSecretWrittenOutIsUsedAtOnce(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer second-of-erp" {
			fmt.Fprint(w, "second")
		} else if r.Header.Get("Authorization") == "Bearer first-of-erp" {
			fmt.Fprint(w, "first")
		}
	}))
	defer echo.Close()
	files := func(which string) map[string]string {
		return map[string]string{
			"junctor.yaml": fmt.Sprintf(`connections:
  erp: { type: http, url: %q, allow_private: true, auth: { bearer: %s-of-erp } }
channels:
  shop: { type: public, scenario: ask, await: true, verify: { bearer: %s-of-shop } }
`, echo.URL, which, which),
			"scenarios/ask.ts": `import { http } from "junctor";
export default async () => ({ text: (await http.get("erp", "/")).text() });`,
		}
	}
	s := serve(t, files("first"))
	for _, which := range []string{"first", "second"} {
		s.apply(files(which))
		if resp, body := s.send("POST", "shop", "", "", "Authorization", "Bearer "+which+"-of-shop"); resp.StatusCode != 200 || body != which {
			t.Errorf("%s: %d %q", which, resp.StatusCode, body)
		}
	}
	if resp, _ := s.send("POST", "shop", "", "", "Authorization", "Bearer first-of-shop"); resp.StatusCode != 401 {
		t.Errorf("the former secret: %d", resp.StatusCode)
	}
}
