package hub_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"junctor/internal/fault"
)

// What is wrong with the configuration is logged once until it changes, and a
// step's error says in which connection it is.
func TestMissingValuesAreNamedOnce(t *testing.T) {
	echo := httptest.NewServer(http.NotFoundHandler())
	defer echo.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": fmt.Sprintf(`connections:
  crm: { type: http, url: %q, allow_private: true, auth: { bearer: "${secret:crm_token}" } }
  erp: { type: http, url: "${env:JUNCTOR_TEST_NO_URL}" }
channels:
  crm: { type: public, scenario: ask }
  erp: { type: public, scenario: ask }
  locked: { type: public, scenario: ask, verify: { bearer: "${env:JUNCTOR_TEST_NO_TOKEN}" } }
`, echo.URL),
		"scenarios/ask.ts": `import { http, type Request } from "junctor";
export default async (request: Request) => { await http.get(request.channel.code, "/"); };`,
	})
	for _, name := range []string{"one", "two"} {
		if err := s.hub.Access().SetSecret(t.Context(), name, "value", "test"); err != nil {
			t.Fatal(err)
		}
		if err := s.hub.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, problem := range []string{
		`auth.bearer: ${secret:crm_token}: there is no secret`, `url: ${env:JUNCTOR_TEST_NO_URL}: the environment variable JUNCTOR_TEST_NO_URL is not set`,
		`${env:JUNCTOR_TEST_NO_TOKEN}: the environment variable JUNCTOR_TEST_NO_TOKEN is not set`,
	} {
		if n := strings.Count(s.logged(), problem); n != 1 {
			t.Errorf("%d times: %s", n, problem)
		}
	}
	if err := s.hub.Config().Unreferred(t.Context(), "crm_token"); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), `is referred to by connections "crm"`) {
		t.Errorf("a secret that is referred to: %v", err)
	}
	if err := s.hub.Config().Unreferred(t.Context(), "one"); err != nil {
		t.Errorf("another: %v", err)
	}
	for channel, want := range map[string]string{
		"crm": `connection "crm": auth.bearer: ${secret:crm_token}: there is no secret "crm_token"`,
		"erp": `connection "erp": url: ${env:JUNCTOR_TEST_NO_URL}: the environment variable JUNCTOR_TEST_NO_URL is not set`,
	} {
		resp, _ := s.send("POST", channel, "", "")
		if r := s.ended(resp.Header.Get("Junctor-Run")); r.Error == nil || !strings.Contains(r.Error.Message, want) {
			t.Errorf("%s: %+v", channel, r.Error)
		}
	}
}
