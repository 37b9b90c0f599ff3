package access

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

func (f *fixture) wantLogin(t *testing.T, login, password string, ok bool) {
	t.Helper()
	_, err := f.Login(f.ctx, login, password, office)
	if ok && err != nil {
		t.Errorf("%s with %q: %v", login, password, err)
	}
	if !ok {
		wantCode(t, err, fault.Unauthorized)
	}
	f.clock.Advance(time.Minute) // guesses are limited elsewhere
}

func TestPasswordsOfTheConfiguration(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		t.Setenv("ESHOP_PASSWORD", "from the environment")
		f.put(t, Applications, "literal", `{"password":"written out"}`)
		f.put(t, Applications, "eshop", `{"password":"${env:ESHOP_PASSWORD}"}`)
		f.put(t, Applications, "later", `{"password":"${secret:later}"}`)
		f.wantLogin(t, "literal", "written out", true)
		f.wantLogin(t, "eshop", "from the environment", true)
		f.wantLogin(t, "later", "", false)
		f.wantLogin(t, "later", "${secret:later}", false)

		session := f.begin0(t, "eshop", "from the environment")
		f.put(t, Applications, "eshop", `{"password":"${env:ESHOP_PASSWORD}","comment":"the same password"}`)
		f.wantIn(t, session)

		// The value of a secret is the password from the moment on that it is set.
		for _, value := range []string{"first", "second"} {
			if err := f.SetSecret(f.ctx, "later", value, AdminLogin); err != nil {
				t.Fatal(err)
			}
			f.wantLogin(t, "later", value, true)
		}
		f.wantLogin(t, "later", "first", false)

		// That of an environment variable when a node starts with it.
		t.Setenv("ESHOP_PASSWORD", "another")
		f.wantIn(t, session)
		if problems, err := f.another(t).RenewPasswords(f.ctx, "junctor"); err != nil || problems != nil {
			t.Fatal(problems, err)
		}
		f.callers.clear()
		f.wantOut(t, session)
		f.wantLogin(t, "eshop", "another", true)
		f.wantLogin(t, "eshop", "from the environment", false)

		f.put(t, Applications, "eshop", `{"password":"${env:NO_SUCH_VARIABLE}"}`)
		f.wantLogin(t, "eshop", "another", false)
		problems, err := f.RenewPasswords(f.ctx, "junctor")
		if err != nil || len(problems) != 1 || !strings.Contains(problems[0].Error(), "NO_SUCH_VARIABLE") {
			t.Errorf("the problems are %v, %v", problems, err)
		}
		var stored string
		err = f.db.Read(f.ctx, func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT definition FROM accounts WHERE login = 'literal'`).Scan(&stored)
		})
		if err != nil || strings.Contains(stored, "written out") {
			t.Errorf("stored is %s, %v", stored, err)
		}
	})
}

// begin0 is begin with another password than the login.
func (f *fixture) begin0(t *testing.T, login, password string) Session {
	t.Helper()
	s, err := f.Login(f.ctx, login, password, office)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAPasswordIsChangedWhereItIsWritten(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		t.Setenv("ESHOP_PASSWORD", "x")
		f.put(t, Applications, "eshop", `{"password":"${env:ESHOP_PASSWORD}"}`)
		_, err := f.SetPassword(f.ctx, "eshop", "new", AdminLogin)
		wantCode(t, err, fault.Conflict)
		f.wantLogin(t, "eshop", "x", true)

		if err := f.SetSecret(f.ctx, "accounts.jana.password", "old", AdminLogin); err != nil {
			t.Fatal(err)
		}
		f.put(t, Accounts, "jana", `{"password":"${secret:accounts.jana.password}"}`)
		session := f.begin0(t, "jana", "old")
		if _, err := f.SetPassword(f.ctx, "jana", "new", AdminLogin); err != nil {
			t.Fatal(err)
		}
		f.wantOut(t, session)
		f.wantLogin(t, "jana", "new", true)
		if _, err := f.RenewPasswords(f.ctx, "junctor"); err != nil {
			t.Fatal(err)
		}
		f.wantLogin(t, "jana", "new", true)
	})
}

func TestWhatEndsAnAccountsSessions(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for name, end := range map[string]func(){
			"disabled": func() { f.put(t, Applications, "eshop", `{"password":"eshop","enabled":false}`) },
			"deleted":  func() { f.drop(t, Applications, "eshop") },
			"password": func() { f.put(t, Applications, "eshop", `{"password":"another"}`) },
		} {
			f.share(PerApplication, Reject)
			f.applications(t, "", "eshop")
			token, err := f.CreateToken(f.ctx, TokenOptions{Name: name, Login: "eshop"})
			if err != nil {
				t.Fatal(err)
			}
			session := f.begin(t, "eshop")
			f.wantIn(t, session)
			if _, err := f.Authenticate(f.ctx, token.Token, office); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			end()
			f.wantOut(t, session)
			_, err = f.Authenticate(f.ctx, token.Token, office)
			if out := fault.Is(err, fault.Unauthorized); out != (name != "password") {
				t.Errorf("%s: the API token is answered %v", name, err)
			}
			// Who comes by the same name later is free to, and is another one.
			f.applications(t, "", "eshop")
			f.wantOut(t, session)
			if name == "deleted" {
				_, err = f.Authenticate(f.ctx, token.Token, office)
				wantCode(t, err, fault.Unauthorized)
			}
			f.drop(t, Applications, "eshop")
		}
	})
}

func TestRightsAreThoseOfNow(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.put(t, Units, "cz", `{}`)
		f.put(t, Units, "prague", `{"parent":"cz"}`)
		f.put(t, Roles, "clerk", `{"classes":{"orders":{"read":"unit_id in @account.units"}},"functions":["place"]}`)
		f.put(t, Accounts, "jana", `{"password":"jana","roles":["clerk","gone"],"unit":"cz"}`)
		session, node := f.begin(t, "jana"), f.another(t)
		rights := func(s *Store) *Caller {
			c, err := s.Authenticate(f.ctx, session.Token, office)
			if err != nil {
				t.Fatal(err)
			}
			return &c
		}
		r := rights(f.Store).Rights
		if r.Everything || !r.MayCall("place") || r.MayManage("runs") || r.Class("orders").Read.None() || strings.Join(r.Account.Units, " ") != "cz prague" || r.Account.Login != "jana" || r.Account.ID == "" {
			t.Errorf("the rights are %+v", r)
		}
		f.put(t, Roles, "clerk", `{"admin":["runs"]}`)
		if r := rights(f.Store).Rights; r.MayCall("place") || !r.MayManage("runs") {
			t.Errorf("the rights are %+v", r)
		}
		if r := rights(node).Rights; r.MayCall("place") || !r.MayManage("runs") {
			t.Errorf("on another node the rights are %+v", r)
		}
		f.drop(t, Roles, "clerk")
		f.drop(t, Units, "cz")
		if r := rights(f.Store).Rights; r.MayManage("runs") || r.Account.Units != nil || r.Account.Unit != "" {
			t.Errorf("the rights are %+v", r)
		}
		admin, err := f.AuthenticatePassword(f.ctx, AdminLogin, password, office)
		if err != nil || !admin.Rights.Everything {
			t.Errorf("an administrator is %+v, %v", admin, err)
		}
	})
}

func TestWhoMayNotComeFromThereOrNow(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.put(t, Applications, "eshop", `{"password":"eshop","allow":["192.0.2.0/24"],"hours":["sun 08:00-09:00"]}`)
		session := f.begin(t, "eshop") // a Sunday, 8:00
		f.wantIn(t, session)
		for _, elsewhere := range []string{"198.51.100.1", "::1", "nonsense", ""} {
			_, err := f.Login(f.ctx, "eshop", "eshop", elsewhere)
			wantCode(t, err, fault.Forbidden)
			_, err = f.Authenticate(f.ctx, session.Token, elsewhere)
			wantCode(t, err, fault.Forbidden)
			_, err = f.AuthenticatePassword(f.ctx, "eshop", "eshop", elsewhere)
			wantCode(t, err, fault.Forbidden)
			_, err = f.Login(f.ctx, "eshop", "wrong", elsewhere) // nothing is told to who does not know the password
			wantCode(t, err, fault.Unauthorized)
			f.clock.Advance(time.Minute)
		}
		if _, err := f.Authenticate(f.ctx, session.Token, "::ffff:192.0.2.200"); err != nil {
			t.Error(err)
		}
		f.put(t, Applications, "eshop", `{"password":"eshop","allow":["198.51.100.1"]}`)
		_, err := f.Authenticate(f.ctx, session.Token, office)
		wantCode(t, err, fault.Forbidden)

		f.put(t, Applications, "eshop", `{"password":"eshop","hours":["sun 08:00-09:00"]}`)
		f.SetLimits(Limits{Zone: time.FixedZone("", 3600)}) // there it is 9 already
		_, err = f.Authenticate(f.ctx, session.Token, office)
		wantCode(t, err, fault.Forbidden)
		_, err = f.Login(f.ctx, "eshop", "eshop", office)
		wantCode(t, err, fault.Forbidden)
		f.put(t, Applications, "eshop", `{"password":"eshop","hours":["sun 08:00-10:00"]}`)
		f.wantIn(t, session)
	})
}

func TestObjectsThatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, "", "eshop")
		for _, c := range []struct{ kind, code, body string }{
			{Accounts, AdminLogin, `{"password":"x"}`},
			{Applications, AdminLogin, `{"password":"x"}`},
			{Accounts, "eshop", `{"password":"x"}`},
			{Applications, "shop", `{"password":"x","allow":["here"]}`},
			{Applications, "two words", `{"password":"x"}`},
			{Roles, "r", `{"admin":["x"]}`},
			{Units, "u", `{"parents":"x"}`},
		} {
			err := f.db.Write(f.ctx, func(tx *db.Tx) error { return f.PutObject(tx, c.kind, c.code, json.RawMessage(c.body), AdminLogin) })
			wantCode(t, err, fault.Unprocessable)
		}
		f.wantLogin(t, AdminLogin, password, true)
		f.drop(t, Accounts, AdminLogin)
		f.drop(t, Accounts, "eshop")
		f.wantLogin(t, AdminLogin, password, true)
		f.wantLogin(t, "eshop", "eshop", true)
		f.put(t, "channels", "shop", `{}`) // not ours
	})
}

func TestRefusalsAreInTheAuditLog(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.put(t, Applications, "eshop", `{"password":"eshop","allow":["198.51.100.1"]}`)
		f.applications(t, "", "crm", "erp")
		f.share(Exclusive, Reject)
		f.begin(t, "crm")
		for range 5 {
			f.Login(f.ctx, "erp", "erp", office)       //nolint:errcheck // refused, as TestExclusiveLetsOneIn shows
			f.Login(f.ctx, "eshop", "eshop", office)   //nolint:errcheck // refused
			f.Login(f.ctx, "eshop", "guessed", office) //nolint:errcheck // refused
			f.Login(f.ctx, "my-secret", "x", office)   //nolint:errcheck // refused
		}
		// For logins that there are not as for those that there are.
		for _, login := range []string{"another", "crm"} {
			before := f.entries(t)
			f.Login(f.ctx, login, "x", "198.51.100.77") //nolint:errcheck // refused
			if now := f.entries(t); now != before+1 {
				t.Errorf("a wrong password of %q makes %d entries", login, now-before)
			}
		}
		list, _, err := f.ListAudit(f.ctx, AuditFilter{Action: "session.refuse"}, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, e := range list {
			if e.Address == "198.51.100.77" {
				continue
			}
			if e.Address != office {
				t.Errorf("from %q", e.Address)
			}
			got[e.Author+"|"+e.Object+"|"+e.Detail]++
		}
		for _, want := range []string{
			"erp|account/erp|held by crm", "eshop|account/eshop|not from this address",
			"|account/eshop|wrong login or password", "|account|wrong login or password",
		} {
			if got[want] != 3 {
				t.Errorf("%q is there %d times in %v", want, got[want], got)
			}
		}
		if len(got) != 4 {
			t.Errorf("the log has %v", got)
		}
	})
}

// entries counts those of the audit log.
func (f *fixture) entries(t *testing.T) (n int64) {
	t.Helper()
	err := f.db.Read(f.ctx, func(tx *db.Tx) error { return tx.QueryRow(`SELECT count(*) FROM audit`).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}
