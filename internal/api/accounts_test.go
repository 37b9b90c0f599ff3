package api

import (
	"fmt"
	"strings"
	"testing"

	"junctor/internal/access"
	"junctor/internal/fault"
)

func TestTokensAreShownOnce(t *testing.T) {
	f := newFixture(t, nil)
	const tokens = "/api/v1/admin/tokens"
	w := f.admin(t, "POST", tokens, `{"name":"deploy","expires_at":"2027-01-01T00:00:00Z"}`)
	wantStatus(t, w, 201)
	made := read[access.Token](t, w)
	if made.Token == "" || made.Login != "admin" || made.CreatedBy != "admin (token ci)" {
		t.Fatalf("made %+v", made)
	}
	w = f.admin(t, "GET", tokens, "")
	if strings.Contains(w.Body.String(), made.Token) || strings.Contains(w.Body.String(), f.token) {
		t.Error("the list shows a token's text")
	}
	if p := read[page[access.Token]](t, w); len(p.Items) != 2 {
		t.Errorf("the tokens are %+v", p)
	}
	wantProblem(t, f.admin(t, "POST", tokens, `{"name":"deploy"}`), fault.Conflict)
	wantProblem(t, f.admin(t, "POST", tokens, `{"name":"a b"}`), fault.Unprocessable, "/name")
	wantProblem(t, f.admin(t, "POST", tokens, `{"name":"late","expires_at":"2020-01-01T00:00:00Z"}`), fault.Unprocessable, "/expires_at")
	wantStatus(t, f.admin(t, "DELETE", tokens+"/deploy", ""), 200)
	wantProblem(t, f.call(t, "GET", tokens, "", "Authorization: Bearer "+made.Token), fault.Unauthorized)
	wantProblem(t, f.admin(t, "DELETE", tokens+"/deploy", ""), fault.NotFound)
}

func TestListsOfNamesGoByPage(t *testing.T) {
	f := newFixture(t, nil)
	for i := range 3 {
		wantStatus(t, f.admin(t, "PUT", fmt.Sprintf("/api/v1/admin/secrets/s%d", i), `{"value":"v"}`), 204)
	}
	first := read[page[access.SecretInfo]](t, f.admin(t, "GET", "/api/v1/admin/secrets?limit=2", ""))
	if len(first.Items) != 2 || first.Next == "" {
		t.Fatalf("the first page is %+v", first)
	}
	rest := read[page[access.SecretInfo]](t, f.admin(t, "GET", "/api/v1/admin/secrets?limit=2&after="+first.Next, ""))
	if len(rest.Items) != 1 || rest.Items[0].Name != "s2" || rest.Next != "" {
		t.Errorf("the second page is %+v", rest)
	}
	for value, warned := range map[string]bool{`v`: false, ` v`: true, `v\n`: true, `-----BEGIN X-----\n`: false} {
		set := f.admin(t, "PUT", "/api/v1/admin/secrets/s2", `{"value":"`+value+`"}`)
		wantStatus(t, set, 204)
		if got := set.Header().Get("Junctor-Warning"); (got != "") != warned {
			t.Errorf("%q is set with the warning %q", value, got)
		}
	}
	wantStatus(t, f.admin(t, "DELETE", "/api/v1/admin/secrets/s1", ""), 204)
	wantProblem(t, f.admin(t, "DELETE", "/api/v1/admin/secrets/s1", ""), fault.NotFound)
	wantStatus(t, f.admin(t, "PUT", "/api/v1/admin/secrets/used", `{"value":"v"}`), 204)
	wantProblem(t, f.admin(t, "DELETE", "/api/v1/admin/secrets/used", ""), fault.Conflict)
	wantStatus(t, f.admin(t, "DELETE", "/api/v1/admin/secrets/used?force=true", ""), 204)
	wantProblem(t, f.admin(t, "PUT", "/api/v1/admin/secrets/a%20b", `{"value":"v"}`), fault.Unprocessable, "/name")
	wantProblem(t, f.admin(t, "PUT", "/api/v1/admin/secrets/s1", `{}`), fault.Unprocessable, "/value")
}

func TestAccounts(t *testing.T) {
	f := newFixture(t, nil)
	const accounts = "/api/v1/admin/accounts"
	w := f.admin(t, "POST", accounts, `{"login":"eve"}`)
	wantStatus(t, w, 201)
	made := read[generated](t, w)
	if made.Login != "eve" || made.Password == "" {
		t.Fatalf("made %+v", made)
	}
	wantStatus(t, f.call(t, "GET", "/api/v1/session", "", "Authorization: "+basic("eve", made.Password)), 200)
	w = f.admin(t, "PUT", accounts+"/eve/password", `{"password":"another"}`)
	wantStatus(t, w, 200)
	if strings.Contains(w.Body.String(), "another") {
		t.Error("a given password is shown")
	}
	wantProblem(t, f.call(t, "GET", "/api/v1/session", "", "Authorization: "+basic("eve", made.Password)), fault.Unauthorized)
	wantStatus(t, f.call(t, "GET", "/api/v1/session", "", "Authorization: "+basic("eve", "another")), 200)
	wantProblem(t, f.admin(t, "PUT", accounts+"/nobody/password", `{}`), fault.NotFound)
	wantProblem(t, f.admin(t, "POST", accounts, `{"login":"eve"}`), fault.Conflict)
	if p := read[page[access.Account]](t, f.admin(t, "GET", accounts, "")); len(p.Items) != 2 {
		t.Errorf("the accounts are %+v", p)
	}
}

// What proves or opens something is in no answer but the one that made it, in
// no log and in no audit entry.
func TestSecretsAreNowhere(t *testing.T) {
	f := newFixture(t, nil)
	const value = "s3cr3t-value"
	var shown strings.Builder
	wantStatus(t, f.admin(t, "PUT", "/api/v1/admin/secrets/erp", `{"value":"`+value+`"}`), 204)
	session := read[begunSession](t, f.call(t, "POST", "/api/v1/session", "", "Authorization: "+basic("admin", password)))
	for _, body := range []string{`{"value":"` + value + `","x":1}`, `{"value":["` + value + `"]}`, `{"value":"` + value} {
		shown.WriteString(f.admin(t, "PUT", "/api/v1/admin/secrets/erp", body).Body.String())
	}
	shown.WriteString(f.call(t, "POST", "/api/v1/session", `{"login":"admin","password":"`+value+`"}`).Body.String())
	shown.WriteString(f.call(t, "GET", "/api/v1/session", "", "Authorization: "+value).Body.String())
	for i := range f.door.routes {
		if r := &f.door.routes[i]; r.method == "GET" {
			shown.WriteString(f.call(t, r.method, example(r), "", "Authorization: Bearer "+session.Token).Body.String())
		}
	}
	shown.WriteString(f.log.String())
	for _, secret := range []string{value, password, session.Token, f.token, "$argon2id$"} {
		if at := strings.Index(shown.String(), secret); at >= 0 {
			t.Errorf("%q is shown in ...%s", secret, shown.String()[max(0, at-200):at])
		}
	}
}
