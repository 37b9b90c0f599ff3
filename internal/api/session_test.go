package api

import (
	"testing"
	"time"

	"junctor/internal/access"
	"junctor/internal/fault"
)

// share makes two applications under a policy, eshop and crm, whose password is
// their login.
func (f *fixture) share(t *testing.T, p access.Policy, c access.OnConflict) {
	t.Helper()
	f.put(t, access.Applications, "eshop", `{"password":"eshop"}`)
	f.put(t, access.Applications, "crm", `{"password":"crm","roles":["all"]}`)
	f.put(t, access.Roles, "all", `{"admin":["*"]}`)
	f.access.SetLimits(access.Limits{Sharing: access.Sharing{Policy: p, OnConflict: c}})
}

const session = "/api/v1/session"

func (f *fixture) begin(t *testing.T, login string) string {
	t.Helper()
	w := f.call(t, "POST", session, `{"login":"`+login+`","password":"`+login+`"}`)
	wantStatus(t, w, 201)
	return "Authorization: Bearer " + read[begunSession](t, w).Token
}

func TestASecondComerIsToldWhoIsIn(t *testing.T) {
	f := newFixture(t, nil)
	f.share(t, access.Exclusive, access.Reject)
	eshop := f.begin(t, "eshop")
	f.clock.Advance(time.Minute)
	token, err := f.access.CreateToken(t.Context(), access.TokenOptions{Name: "crm", Login: "crm", Author: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]struct{ method, body, header string }{
		"a login":          {"POST", `{"login":"crm","password":"crm"}`, ""},
		"a login by Basic": {"POST", "", basic("crm", "crm")},
		"a call by Basic":  {"GET", "", basic("crm", "crm")},
		"an API token":     {"GET", "", "Bearer " + token.Token},
		"the same one":     {"POST", `{"login":"eshop","password":"eshop"}`, ""},
	} {
		w := f.call(t, call.method, session, call.body, "Authorization: "+call.header)
		wantProblem(t, w, fault.Conflict)
		holder := read[heldProblem](t, w).Holder
		if holder.Login != "eshop" || holder.Address != "192.0.2.1" || !holder.Since.Equal(start) {
			t.Errorf("%s: the holder is %+v in %s", name, holder, w.Body)
		}
	}
	wantProblem(t, f.call(t, "POST", session, `{"login":"crm","password":"x"}`), fault.Unauthorized)
	wantStatus(t, f.admin(t, "GET", session, ""), 200)
	wantStatus(t, f.call(t, "DELETE", session, "", eshop), 204)
	f.begin(t, "crm")
}

func TestATakeoverEndsTheFirstAtOnce(t *testing.T) {
	f := newFixture(t, nil)
	f.share(t, access.Exclusive, access.Replace)
	eshop := f.begin(t, "eshop")
	wantStatus(t, f.call(t, "GET", session, "", eshop), 200)
	crm := f.begin(t, "crm")
	wantProblem(t, f.call(t, "GET", session, "", eshop), fault.Unauthorized)
	wantStatus(t, f.call(t, "GET", "/api/v1/admin/runs", "", crm), 200)
	wantStatus(t, f.call(t, "GET", session, "", "Authorization: "+basic("eshop", "eshop")), 200)
	wantProblem(t, f.call(t, "GET", "/api/v1/admin/runs", "", crm), fault.Unauthorized)
}

// A session that calls have made can be looked at and ended by them.
func TestTheSessionOfCallsWithoutOne(t *testing.T) {
	f := newFixture(t, nil)
	f.share(t, access.PerApplication, access.Reject)
	as := "Authorization: " + basic("eshop", "eshop")
	w := f.call(t, "GET", session, "", as)
	wantStatus(t, w, 200)
	c := read[access.Caller](t, w)
	if c.Account.Login != "eshop" || c.Account.Kind != access.Application || c.Via != access.ByPassword || c.Session == nil || c.Session.Via != access.ByPassword {
		t.Errorf("the caller is shown as %s", w.Body)
	}
	list := read[page[access.Session]](t, f.admin(t, "GET", "/api/v1/admin/sessions?login=eshop", ""))
	if len(list.Items) != 1 || list.Items[0].ID != c.Session.ID {
		t.Errorf("the sessions are %+v", list)
	}
	if list := read[page[access.Session]](t, f.admin(t, "GET", "/api/v1/admin/sessions?login=crm", "")); len(list.Items) != 0 {
		t.Errorf("the sessions of another are %+v", list)
	}
	wantStatus(t, f.call(t, "DELETE", session, "", as), 204)
	if list := read[page[access.Session]](t, f.admin(t, "GET", "/api/v1/admin/sessions", "")); len(list.Items) != 0 {
		t.Errorf("the sessions are %+v", list)
	}
}

func TestAddressesAndHours(t *testing.T) {
	f := newFixture(t, nil)
	f.put(t, access.Applications, "far", `{"password":"far","allow":["198.51.100.0/24"]}`)
	f.put(t, access.Applications, "late", `{"password":"late","hours":["mon-sat 00:00-24:00"]}`)
	f.put(t, access.Applications, "near", `{"password":"near","allow":["192.0.2.1"],"hours":["sun 08:00-08:30"]}`)
	for _, login := range []string{"far", "late"} {
		wantProblem(t, f.call(t, "POST", session, `{"login":"`+login+`","password":"`+login+`"}`), fault.Forbidden)
		wantProblem(t, f.call(t, "GET", session, "", "Authorization: "+basic(login, login)), fault.Forbidden)
		wantProblem(t, f.call(t, "POST", session, `{"login":"`+login+`","password":"x"}`), fault.Unauthorized)
	}
	near := f.begin(t, "near")
	wantStatus(t, f.call(t, "GET", session, "", near), 200)
	f.clock.Advance(30 * time.Minute) // the session is idle by then, too
	wantProblem(t, f.call(t, "GET", session, "", "Authorization: "+basic("near", "near")), fault.Forbidden)
}

func TestWhatIsRefusedIsAudited(t *testing.T) {
	f := newFixture(t, nil)
	f.put(t, access.Accounts, "jana", `{"password":"jana"}`)
	wantProblem(t, f.call(t, "GET", "/api/v1/admin/runs", "", "Authorization: "+basic("jana", "jana")), fault.Forbidden)
	list := read[page[access.Entry]](t, f.admin(t, "GET", "/api/v1/admin/audit?action=call.refuse", ""))
	if len(list.Items) != 1 || list.Items[0].Author != "jana" || list.Items[0].Object != "GET /api/v1/admin/runs" || list.Items[0].Address != "192.0.2.1" {
		t.Errorf("the log has %+v", list.Items)
	}
}
