package hub_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/config"
)

// onBoth runs a test on both databases.
func onBoth(t *testing.T, body func(t *testing.T, database string)) {
	t.Helper()
	t.Setenv("JUNCTOR_MASTER_KEY", strings.Repeat("5a", 32)) // of all nodes
	t.Run("sqlite", func(t *testing.T) { body(t, "") })
	t.Run("postgres", func(t *testing.T) { body(t, database(t)) })
}

// callAs is call with other credentials: "login:password", a token, or none.
func (s *site) callAs(method, path, body, credentials string) (int, string) {
	s.t.Helper()
	authorization := ""
	if strings.Contains(credentials, ":") {
		authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
	} else if credentials != "" {
		authorization = "Bearer " + credentials
	}
	resp, answer := s.call(method, path, body, "Authorization", authorization)
	return resp.StatusCode, answer
}

func (s *site) wantCall(status int, method, path, body, credentials string) string {
	s.t.Helper()
	got, answer := s.callAs(method, path, body, credentials)
	if got != status {
		s.t.Errorf("%s %s as %s is answered %d, want %d: %s", method, path, credentials, got, status, answer)
	}
	return answer
}

const sessionPath = "/api/v1/session"

// login begins a session for an application whose password is its login.
func (s *site) login(login string) (status int, token string) {
	s.t.Helper()
	status, answer := s.callAs("POST", sessionPath, fmt.Sprintf(`{"login":%q,"password":%q}`, login, login), "")
	var begun struct{ Token string }
	if status == http.StatusCreated {
		if err := json.Unmarshal([]byte(answer), &begun); err != nil {
			s.t.Fatal(err)
		}
	}
	return status, begun.Token
}

const admin = "admin:" + adminPassword

func TestApplicationsComeInAsTheFilesSay(t *testing.T) {
	t.Setenv("ESHOP_PASSWORD", "eshop")
	yaml := func(more string) map[string]string {
		return map[string]string{"junctor.yaml": `
applications:
  eshop: { password: "${env:ESHOP_PASSWORD}", roles: [shop] ` + more + ` }
  crm: { password: crm }
accounts:
  jana: { password: "${secret:jana}", roles: [shop, staff] }
roles:
  shop: { admin: [runs] }
  staff: { admin: [access] }
`}
	}
	const runs, tokens = "/api/v1/admin/runs", "/api/v1/admin/tokens"
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, yaml(""))
		_, token := s.login("eshop")
		s.wantCall(200, "GET", runs, "", token)
		s.wantCall(403, "GET", tokens, "", token)
		s.wantCall(200, "GET", runs, "", "eshop:eshop")
		s.wantCall(403, "GET", runs, "", "crm:crm")
		s.wantCall(401, "GET", runs, "", "eshop:${env:ESHOP_PASSWORD}")
		s.wantCall(401, "GET", runs, "", "jana:")

		// A secret that the configuration refers to is a password from now on.
		s.wantCall(204, "PUT", "/api/v1/admin/secrets/jana", `{"value":"first"}`, admin)
		s.wantCall(200, "GET", tokens, "", "jana:first")
		s.wantCall(204, "PUT", "/api/v1/admin/secrets/jana", `{"value":"second"}`, admin)
		s.wantCall(401, "GET", tokens, "", "jana:first")
		s.wantCall(200, "GET", tokens, "", "jana:second")
		s.wantCall(409, "PUT", "/api/v1/admin/accounts/jana/password", `{"password":"x"}`, admin)

		// What the files or the API change holds for who is in.
		s.apply(yaml(`, allow: [192.0.2.0/24]`))
		s.wantCall(403, "GET", runs, "", token)
		s.wantCall(403, "GET", runs, "", "eshop:eshop")
		s.apply(yaml(`, allow: [127.0.0.1, "::1"]`))
		s.wantCall(200, "GET", runs, "", token)
		s.wantCall(200, "PUT", "/api/v1/admin/roles/shop", `{"admin":["audit"]}`, admin)
		s.wantCall(403, "GET", runs, "", token)
		s.wantCall(200, "GET", "/api/v1/admin/audit", "", token)
		s.apply(yaml(`, enabled: false`))
		s.wantCall(401, "GET", runs, "", token)
		s.wantCall(401, "GET", runs, "", "eshop:eshop")
		s.apply(yaml(""))
		s.wantCall(401, "GET", runs, "", token)
		s.wantCall(200, "GET", runs, "", "eshop:eshop")

		// The API makes the same accounts as files do.
		s.wantCall(201, "PUT", "/api/v1/admin/applications/made", `{"password":"made","roles":["shop"]}`, admin)
		s.wantCall(200, "GET", runs, "", "made:made")
		shown := s.wantCall(200, "GET", "/api/v1/admin/applications/made", "", admin)
		if strings.Contains(shown, `"made","roles"`) || !strings.Contains(shown, "${secret:applications.made.password}") {
			t.Errorf("the application is shown as %s", shown)
		}
		s.wantCall(200, "PUT", "/api/v1/admin/accounts/made/password", `{"password":"other"}`, admin)
		s.wantCall(401, "GET", runs, "", "made:made")
		s.wantCall(200, "GET", runs, "", "made:other")
		s.wantCall(204, "DELETE", "/api/v1/admin/applications/made", "", admin)
		s.wantCall(401, "GET", runs, "", "made:other")
		s.wantCall(422, "PUT", "/api/v1/admin/accounts/admin", `{"password":"mine"}`, admin)
		s.wantCall(422, "PUT", "/api/v1/admin/accounts/crm", `{"password":"mine"}`, admin)
		s.wantCall(422, "PUT", "/api/v1/admin/applications/x", `{"password":"x","roles":["nobody"]}`, admin)
		s.wantCall(409, "DELETE", "/api/v1/admin/roles/shop", "", admin)
	})
}

// The environment that counts is that of the server which starts.
func TestAPasswordInTheEnvironmentIsTakenAtAStart(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		t.Setenv("ESHOP_PASSWORD", "old")
		files := map[string]string{"junctor.yaml": "applications:\n  eshop: { password: \"${env:ESHOP_PASSWORD}\" }\n"}
		first := serveOn(t, database, files)
		first.wantCall(200, "GET", sessionPath, "", "eshop:old")
		if database == "" {
			return // a data directory has one process
		}
		t.Setenv("ESHOP_PASSWORD", "new")
		second := serveOn(t, database, files)
		second.wantCall(200, "GET", sessionPath, "", "eshop:new")
		second.wantCall(401, "GET", sessionPath, "", "eshop:old")
	})
}

// shared is two applications under a policy, whose password is their login.
func shared(t *testing.T, policy, rule string) map[string]string {
	t.Helper()
	t.Setenv("ESHOP", "eshop")
	t.Setenv("CRM", "crm")
	return map[string]string{"junctor.yaml": fmt.Sprintf(`
settings: { sessions: { policy: %s, on_conflict: %s } }
applications:
  eshop: { password: "${env:ESHOP}" }
  crm: { password: "${env:CRM}" }
`, policy, rule)}
}

// nodes runs a test with a server on SQLite, and with two on one PostgreSQL.
func nodes(t *testing.T, files map[string]string, body func(t *testing.T, nodes []*site)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { body(t, []*site{serveOn(t, "", files)}) })
	t.Run("postgres", func(t *testing.T) {
		t.Setenv("JUNCTOR_MASTER_KEY", strings.Repeat("5a", 32)) // both nodes need it
		database := database(t)
		body(t, []*site{serveOn(t, database, files), serveOn(t, database, files)})
	})
}

// Under exclusive and reject, however many come at once and wherever, one is in;
// the others are told who.
func TestExclusiveUnderConcurrentLogins(t *testing.T) {
	nodes(t, shared(t, "exclusive", "reject"), func(t *testing.T, nodes []*site) {
		for round := range 3 {
			var mu sync.Mutex
			var tokens []string
			var work sync.WaitGroup
			for i := range 8 {
				work.Go(func() {
					status, token := nodes[i%len(nodes)].login([]string{"eshop", "crm"}[i/2%2])
					mu.Lock()
					defer mu.Unlock()
					switch status {
					case http.StatusCreated:
						tokens = append(tokens, token)
					case http.StatusConflict:
					default:
						t.Errorf("a login is answered %d", status)
					}
				})
			}
			work.Wait()
			if len(tokens) != 1 {
				t.Fatalf("round %d let %d in", round, len(tokens))
			}
			for _, n := range nodes {
				n.wantCall(200, "GET", sessionPath, "", tokens[0])
				answer := n.wantCall(409, "POST", sessionPath, `{"login":"crm","password":"crm"}`, "")
				if !strings.Contains(answer, `"holder":{"login":"`) {
					t.Errorf("the refusal is %s", answer)
				}
			}
			nodes[0].wantCall(204, "DELETE", sessionPath, "", tokens[0])
		}
	})
}

// From the answer to a login that replaces on, the former token is taken on no
// node.
func TestReplaceEndsTheFirstOnEveryNode(t *testing.T) {
	nodes(t, shared(t, "exclusive", "replace"), func(t *testing.T, nodes []*site) {
		former := ""
		for i := range 6 {
			n := nodes[i/2%len(nodes)]
			status, token := n.login([]string{"eshop", "crm"}[i%2])
			if status != http.StatusCreated {
				t.Fatalf("a login is answered %d", status)
			}
			for _, n := range nodes {
				if former != "" {
					n.wantCall(401, "GET", sessionPath, "", former)
				}
				n.wantCall(200, "GET", sessionPath, "", token)
			}
			former = token
		}
		nodes[0].wantCall(200, "GET", sessionPath, "", "eshop:eshop") // a call takes over as a login does
		nodes[len(nodes)-1].wantCall(401, "GET", sessionPath, "", former)
	})
}

func TestPerApplicationOnEveryNode(t *testing.T) {
	nodes(t, shared(t, "per-application", "reject"), func(t *testing.T, nodes []*site) {
		_, eshop := nodes[0].login("eshop")
		_, crm := nodes[len(nodes)-1].login("crm")
		for _, n := range nodes {
			for login, token := range map[string]string{"eshop": eshop, "crm": crm} {
				n.wantCall(200, "GET", sessionPath, "", token)
				n.wantCall(200, "GET", sessionPath, "", login+":"+login)
				if status, _ := n.login(login); status != http.StatusConflict {
					t.Errorf("a second login is answered %d", status)
				}
			}
		}
	})
}

// What an administrator does on one node holds on the others after a second.
func TestChangesReachTheOtherNodes(t *testing.T) {
	nodes(t, map[string]string{"junctor.yaml": "roles:\n  r: { admin: [runs] }\n"}, func(t *testing.T, nodes []*site) {
		here, there := nodes[0], nodes[len(nodes)-1]
		here.wantCall(201, "PUT", "/api/v1/admin/applications/a", `{"password":"a","roles":["r"]}`, admin)
		_, token := there.login("a")
		there.wantCall(200, "GET", "/api/v1/admin/runs", "", token)
		within := func(status int, what string) {
			t.Helper()
			for deadline := time.Now().Add(10 * time.Second); ; <-time.After(10 * time.Millisecond) {
				got, answer := there.callAs("GET", "/api/v1/admin/runs", "", token)
				if got == status {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("%s: answered %d: %s", what, got, answer)
				}
			}
		}
		here.wantCall(200, "PUT", "/api/v1/admin/roles/r", `{"admin":["audit"]}`, admin)
		within(403, "a role that lost its right")
		here.wantCall(200, "PUT", "/api/v1/admin/roles/r", `{"admin":["runs"]}`, admin)
		within(200, "a role that has it again")
		here.wantCall(200, "PUT", "/api/v1/admin/applications/a", `{"password":"a","roles":["r"],"allow":["192.0.2.1"]}`, admin)
		within(403, "an address list")
		here.wantCall(200, "PUT", "/api/v1/admin/applications/a", `{"password":"a","roles":["r"],"enabled":false}`, admin)
		within(401, "a disabled account")
	})
}

// Export writes what apply has read, and apply takes it without a change.
func TestApplicationsAreExported(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": `
applications:
  eshop: { password: written-out, roles: [shop], allow: [10.0.0.0/8], hours: ["mon-fri 08:00-18:00"], sessions: { policy: exclusive } }
accounts:
  jana: { password: "${secret:jana}", unit: prague }
roles:
  shop: { functions: ["*"], events: { read: ["order.*"] } }
units:
  company: {}
  prague: { parent: company }
`})
	set, err := s.hub.Config().Export(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(set)
	if err != nil || strings.Contains(string(text), "written-out") || strings.Contains(string(text), "argon2") {
		t.Errorf("exported as %s, %v", text, err)
	}
	result, err := s.hub.Config().Plan(context.Background(), set, config.Options{Author: "test"})
	if err != nil || len(result.Changes) != 0 {
		t.Errorf("applying the export again would change %+v, %v", result, err)
	}
}

// Who waits for events and loses the right to them meanwhile hears nothing more.
func TestWaitingForEventsWithoutTheRight(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		config := func(types string) map[string]string {
			return map[string]string{"junctor.yaml": "roles:\n  shop: { events: { read: [" + types + "] } }\napplications:\n  shop: { roles: [shop], password: \"${secret:shop}\" }\n"}
		}
		s := serveOn(t, database, config(`"order.*", "pay.*"`))
		if status, text := s.api("PUT", "/api/v1/admin/secrets/shop", `{"value":"shop"}`); status != 204 {
			t.Fatalf("%d %s", status, text)
		}
		heard := make(chan string, 1)
		go func() {
			_, text := s.callAs("GET", "/api/v1/events?after=latest&wait=1m", "", "shop:shop")
			heard <- text
		}()
		for range 5 { // as it began later, each of these is answered later
			s.callAs("GET", "/api/v1/events?limit=1", "", "shop:shop")
		}
		s.apply(config(`"pay.*"`))
		s.publish("order.made", 1, 1)
		if text := <-heard; strings.Contains(text, "order.made") || !strings.Contains(text, `"items":[]`) {
			t.Error(text)
		}
	})
}
