package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"junctor/internal/access"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/right"
)

func basic(login, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password))
}

// Every route of the table with every credential: who is nobody gets a 401
// from all but the open ones, before anything else is looked at.
func TestEveryRouteWithEveryCredential(t *testing.T) {
	f := newFixture(t, func(s *Services) { s.MetricsByToken = func() bool { return true } })
	session := func() string {
		s, err := f.access.Login(t.Context(), access.AdminLogin, password, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		return s.Token
	}
	ended := session()
	wantStatus(t, f.call(t, "DELETE", "/api/v1/session", "", "Authorization: Bearer "+ended), 204)
	revoked, err := f.access.CreateToken(t.Context(), access.TokenOptions{Name: "revoked", Author: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.access.RevokeToken(t.Context(), "revoked", "admin"); err != nil {
		t.Fatal(err)
	}
	type credential struct {
		name, header string
		comesIn      bool
	}
	tested := 0
	for i := range f.door.routes {
		r := &f.door.routes[i]
		f.clock.Advance(10 * time.Second) // one more guess from this address; how many there are is tested elsewhere
		for _, c := range []credential{
			{"none", "", false},
			{"a wrong token", "Bearer js_" + strings.Repeat("0", 32), false},
			{"something else", "Digest username=admin", false},
			{"an ended session", "Bearer " + ended, false},
			{"a revoked token", "Bearer " + revoked.Token, false},
			{"a wrong password", basic(fmt.Sprint("nobody", i), "x"), false},
			{"a session", "Bearer " + session(), true},
			{"an API token", "bearer " + f.token, true},
			{"a password", basic(access.AdminLogin, password), true},
		} {
			w := f.call(t, r.method, example(r), "", "Authorization: "+c.header)
			refused := w.Code == http.StatusUnauthorized
			openAnswer := r.required() == open && r.pattern != v1+"/session" // beginning a session reads the credential by itself
			if r.pattern == "/openapi.json" {                                // it takes one or none, but no wrong one
				openAnswer = c.name == "none"
			}
			if want := !c.comesIn && !openAnswer; refused != want && r.pattern != v1+"/session" {
				t.Errorf("%s %s with %s answers %d", r.method, r.pattern, c.name, w.Code)
			}
			if refused {
				wantProblem(t, w, fault.Unauthorized)
				if len(w.Header().Values("WWW-Authenticate")) != 2 {
					t.Errorf("%s does not say how to come in", r.pattern)
				}
			}
			tested++
		}
	}
	if tested != 9*len(f.door.table()) {
		t.Errorf("%d of %d combinations were tested", tested, 9*len(f.door.table()))
	}
}

// example is a request target of a route.
func example(r *route) string {
	target := strings.ReplaceAll(r.pattern, "{$}", "")
	for _, name := range r.parameters() {
		target = strings.ReplaceAll(target, "{"+name+"}", "example")
	}
	return target
}

// Every route with every role: one for each area of the admin API, one with all
// of them, one with none. Who is let in goes on to what the route says of an
// empty call; who is not gets a 403 before anything is looked at.
func TestEveryRouteWithEveryRole(t *testing.T) {
	f := newFixture(t, func(s *Services) { s.MetricsByToken = func() bool { return true } })
	bearer := map[string]string{}
	for _, area := range append(right.Areas(), right.Any, "nothing") {
		role, login := "role-"+strings.Trim(area, "*"), "person-"+strings.Trim(area, "*")
		admin := `["` + area + `"]`
		if area == "nothing" {
			admin = "[]"
		}
		f.put(t, access.Roles, role, `{"admin":`+admin+`}`)
		f.put(t, access.Accounts, login, `{"password":"open sesame","roles":["`+role+`"]}`)
		token, err := f.access.CreateToken(t.Context(), access.TokenOptions{Name: login, Login: login, Author: "admin"})
		if err != nil {
			t.Fatal(err)
		}
		bearer[area] = "Authorization: Bearer " + token.Token
	}
	tested := 0
	for i := range f.door.routes {
		r := &f.door.routes[i]
		for area, header := range bearer {
			w := f.call(t, r.method, example(r), "", header)
			needs := r.required()
			want := needs != open && needs != signedIn && (needs == admin || (area != right.Any && area != string(needs)))
			want = want || strings.HasPrefix(r.pattern, v1+"/functions/") || strings.HasPrefix(r.pattern, v1+"/packets/") // a right of its own, that none of these has
			if refused := w.Code == http.StatusForbidden; refused != want || w.Code == http.StatusInternalServerError {
				t.Errorf("%s %s with the area %s answers %d: %s", r.method, r.pattern, area, w.Code, w.Body)
			}
			if want {
				wantProblem(t, w, fault.Forbidden)
			}
			tested++
		}
	}
	if want := len(f.door.table()) * (len(right.Areas()) + 2); tested != want {
		t.Errorf("%d of %d combinations were tested", tested, want)
	}
}

// put brings an object of the configuration into use.
func (f *fixture) put(t *testing.T, kind, code, body string) {
	t.Helper()
	err := f.db.Write(t.Context(), func(tx *db.Tx) error {
		return f.access.PutObject(tx, kind, code, json.RawMessage(body), "admin")
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every route of the admin API is in an area that a role can name, or for
// administrators only.
func TestEveryRouteHasItsArea(t *testing.T) {
	for _, r := range newFixture(t, nil).door.routes {
		inside := strings.HasPrefix(r.pattern, adm+"/")
		if inside && r.required() != admin && !slices.Contains(right.Areas(), string(r.required())) {
			t.Errorf("%s %s asks for %q", r.method, r.pattern, r.required())
		}
	}
}

// Who manages accounts has no way to an administrator's.
func TestAnAdministratorIsAboveTheAreaAccess(t *testing.T) {
	f := newFixture(t, nil)
	f.put(t, access.Roles, "personnel", `{"admin":["access"]}`)
	f.put(t, access.Accounts, "eve", `{"password":"open sesame","roles":["personnel"]}`)
	as := "Authorization: " + basic("eve", "open sesame")
	wantProblem(t, f.call(t, "POST", "/api/v1/admin/accounts", `{"login":"mallory"}`, as), fault.Forbidden)
	wantProblem(t, f.call(t, "PUT", "/api/v1/admin/accounts/admin/password", `{"password":"x"}`, as), fault.Forbidden)
	wantProblem(t, f.call(t, "POST", "/api/v1/admin/tokens", `{"name":"t","login":"admin"}`, as), fault.Forbidden)
	wantStatus(t, f.call(t, "POST", "/api/v1/admin/tokens", `{"name":"t"}`, as), 201)
	wantProblem(t, f.call(t, "POST", "/api/v1/admin/tokens", `{"name":"u","login":"nobody"}`, as), fault.NotFound)
}

// Nothing under the admin prefix is open, whoever adds a route.
func TestOpenRoutesAreThese(t *testing.T) {
	want := map[string]bool{
		"POST /api/v1/session": true, "GET /healthz": true, "GET /readyz": true, "GET /metrics": true,
		"GET /openapi.json": true, "GET /errors/{code}": true, "GET /{$}": true,
	}
	for _, r := range newFixture(t, nil).door.routes {
		if name := r.method + " " + r.pattern; (r.required() == open) != want[name] {
			t.Errorf("%s: open is %v", name, r.required() == open)
		}
	}
}

func TestSessions(t *testing.T) {
	f := newFixture(t, nil)
	for _, how := range []struct{ body, header string }{
		{`{"login":"admin","password":"correct horse"}`, ""},
		{"", basic("admin", password)},
	} {
		w := f.call(t, "POST", "/api/v1/session", how.body, "Authorization: "+how.header)
		wantStatus(t, w, 201)
		session := read[begunSession](t, w)
		if session.Token == "" || !session.ExpiresAt.After(start) {
			t.Fatalf("the session is %+v", session)
		}
		bearer := "Authorization: Bearer " + session.Token
		w = f.call(t, "GET", "/api/v1/session", "", bearer)
		wantStatus(t, w, 200)
		if c := read[access.Caller](t, w); c.Account.Login != "admin" || c.Via != access.BySession || strings.Contains(w.Body.String(), session.Token) {
			t.Errorf("the session is shown as %s", w.Body)
		}
		wantStatus(t, f.call(t, "DELETE", "/api/v1/session", "", bearer), 204)
		wantProblem(t, f.call(t, "GET", "/api/v1/session", "", bearer), fault.Unauthorized)
	}
	wantProblem(t, f.call(t, "POST", "/api/v1/session", ""), fault.Unauthorized)
	wantProblem(t, f.call(t, "POST", "/api/v1/session", `{"login":"admin"}`), fault.Unprocessable, "/password")
	wantProblem(t, f.call(t, "POST", "/api/v1/session", `{"login":"admin","password":"x"}`), fault.Unauthorized)
	wantProblem(t, f.admin(t, "DELETE", "/api/v1/session", ""), fault.Conflict)
}

func TestGuessingIsAnsweredWith429(t *testing.T) {
	f := newFixture(t, nil)
	for range 50 {
		w := f.call(t, "POST", "/api/v1/session", `{"login":"admin","password":"x"}`)
		if w.Code == http.StatusTooManyRequests {
			wantProblem(t, w, fault.TooMany)
			if w.Header().Get("Retry-After") == "" {
				t.Error("there is no Retry-After")
			}
			wantStatus(t, f.admin(t, "GET", "/api/v1/session", ""), 200)
			return
		}
	}
	t.Error("50 guesses were taken")
}

func TestAnAdministratorEndsSessions(t *testing.T) {
	f := newFixture(t, nil)
	session, err := f.access.Login(t.Context(), "admin", password, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	list := read[page[access.Session]](t, f.admin(t, "GET", "/api/v1/admin/sessions", ""))
	if len(list.Items) != 1 || list.Items[0].ID != session.ID {
		t.Fatalf("the sessions are %+v", list)
	}
	wantStatus(t, f.admin(t, "DELETE", "/api/v1/admin/sessions/"+session.ID, ""), 204)
	wantProblem(t, f.call(t, "GET", "/api/v1/session", "", "Authorization: Bearer "+session.Token), fault.Unauthorized)
	wantProblem(t, f.admin(t, "DELETE", "/api/v1/admin/sessions/"+session.ID, ""), fault.NotFound)
}
