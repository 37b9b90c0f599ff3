package access

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/secret"
)

const (
	office   = "192.0.2.7"
	password = "correct horse"
)

var start = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// fixture is a store with an administrator, over a clock that stands still.
type fixture struct {
	*Store
	db    *db.DB
	clock *clock.Fake
	ctx   context.Context //nolint:containedctx // of the test
}

// each runs the body on both databases. Passwords are hashed cheaply but in
// the tests of hashing itself.
func each(t *testing.T, body func(t *testing.T, f *fixture)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		f := &fixture{db: d, clock: clock.NewFake(start), ctx: t.Context()}
		f.Store = f.another(t)
		if _, created, err := f.EnsureAdmin(f.ctx, password); err != nil || !created {
			t.Fatalf("EnsureAdmin: created %v, %v", created, err)
		}
		body(t, f)
	})
}

// another is a second store on the same data, as another node has one.
func (f *fixture) another(t *testing.T) *Store {
	t.Helper()
	key, err := secret.NewKey([]byte(strings.Repeat("k", secret.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	s := New(f.db, secret.Keys{key}, f.clock)
	s.hashPassword = func(password string) string { return "plain:" + password }
	s.checkPassword = func(hash, password string) bool { return hash == "plain:"+password }
	s.needsRehash = func(string) bool { return false }
	s.elsewhere = 0 // nobody moves the clock while a login waits; see TestATakeoverWaits
	return s
}

func (f *fixture) login(t *testing.T) Session {
	t.Helper()
	session, err := f.Login(f.ctx, AdminLogin, password, office)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("error %v, want one with the code %q", err, code)
	}
}

func TestTheFirstStartMakesAnAdministrator(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		generated, created, err := f.EnsureAdmin(f.ctx, "another")
		if generated != "" || created || err != nil {
			t.Errorf("the second start: %q, %v, %v; want nothing to happen", generated, created, err)
		}
		if _, err := f.Login(f.ctx, AdminLogin, "another", office); err == nil {
			t.Error("the second start changed the password")
		}
		accounts, next, err := f.ListAccounts(f.ctx, "", 0)
		if err != nil || next != "" || len(accounts) != 1 {
			t.Fatalf("accounts %v, next %q, %v", accounts, next, err)
		}
		if a := accounts[0]; a.Login != AdminLogin || a.Kind != Admin || !a.Enabled || !a.CreatedAt.Equal(start) {
			t.Errorf("the account is %+v", a)
		}
	})
}

func TestAnAdministratorWithoutAPasswordGetsOne(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		generated, err := f.CreateAdmin(f.ctx, "eve", "", AdminLogin)
		if err != nil || len(generated) < 16 {
			t.Fatalf("generated %q, %v", generated, err)
		}
		if _, err := f.Login(f.ctx, "eve", generated, office); err != nil {
			t.Error(err)
		}
		_, err = f.CreateAdmin(f.ctx, "eve", "x", AdminLogin)
		wantCode(t, err, fault.Conflict)
		for _, login := range []string{"", "two words", "nul\x00", "bad\xff", "a:b", strings.Repeat("a", 101)} {
			_, err := f.CreateAdmin(f.ctx, login, "x", AdminLogin)
			wantCode(t, err, fault.Unprocessable)
		}
		_, err = f.CreateAdmin(f.ctx, "long", strings.Repeat("x", maxPassword+1), AdminLogin)
		wantCode(t, err, fault.Unprocessable)
	})
}

func TestLogin(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		session := f.login(t)
		if !strings.HasPrefix(session.Token, "js_") || len(session.Token) != 35 {
			t.Errorf("the token is %q", session.Token)
		}
		if !session.ExpiresAt.Equal(start.Add(12 * time.Hour)) {
			t.Errorf("it expires at %v", session.ExpiresAt)
		}
		caller, err := f.Authenticate(f.ctx, session.Token, office)
		if err != nil {
			t.Fatal(err)
		}
		if caller.Account.Login != AdminLogin || caller.Via != BySession || caller.Session.Address != office || caller.Session.Token != "" {
			t.Errorf("the caller is %+v", caller)
		}
		for _, wrong := range []struct{ login, password string }{
			{AdminLogin, "wrong"}, {AdminLogin, ""}, {"nobody", password}, {"", ""}, {"nul\x00", password}, {"bad\xff", password},
		} {
			_, err := f.Login(f.ctx, wrong.login, wrong.password, office)
			wantCode(t, err, fault.Unauthorized)
			if err == nil || err.Error() != "login or password is wrong" {
				t.Errorf("login %q tells %q", wrong.login, err)
			}
		}
	})
}

// What takes time is the hashing: it is done once, against a hash of the same
// cost, whether there is such an account or not.
func TestUnknownAccountsTakeAsLongAsKnownOnes(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		if _, err := f.CreateAdmin(f.ctx, "off", password, AdminLogin); err != nil {
			t.Fatal(err)
		}
		err := f.db.Write(f.ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE accounts SET enabled = 0 WHERE login = 'off'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var checked []string
		f.checkPassword = func(hash, _ string) bool {
			checked = append(checked, hash)
			return true // and still nobody without an account comes in
		}
		for i, login := range []string{"nobody", "off", "", "nul\x00"} {
			_, err := f.Login(f.ctx, login, password, office)
			wantCode(t, err, fault.Unauthorized)
			if len(checked) != i+1 || checked[i] != f.decoy() {
				t.Errorf("after %q these hashes were checked: %q", login, checked)
			}
		}
	})
}

func TestTheDecoyCostsWhatAPasswordCosts(t *testing.T) {
	cost := func(hash string) string { return strings.Join(strings.Split(hash, "$")[:4], "$") }
	s := &Store{hashPassword: secret.HashPassword}
	each(t, func(t *testing.T, f *fixture) {
		f.hashPassword = s.hashPassword
		hash, err := f.hash(f.ctx, password)
		if err != nil || cost(hash) != cost(f.decoy()) || !strings.HasPrefix(hash, "$argon2id$") {
			t.Errorf("a password is stored as %q, the decoy is %q, %v", hash, f.decoy(), err)
		}
	})
}

func TestOldHashesAreRenewedByALogin(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.hashPassword = func(password string) string { return "new:" + password }
		f.checkPassword = func(hash, given string) bool {
			_, kept, _ := strings.Cut(hash, ":")
			return kept == given
		}
		f.needsRehash = func(hash string) bool { return strings.HasPrefix(hash, "plain:") }
		stored := func() (hash string) {
			err := f.db.Read(f.ctx, func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT password FROM accounts WHERE login = $1`, AdminLogin).Scan(&hash)
			})
			if err != nil {
				t.Fatal(err)
			}
			return hash
		}
		if _, err := f.Login(f.ctx, AdminLogin, "wrong", office); err == nil || stored() != "plain:"+password {
			t.Fatalf("after a wrong password %q is stored, %v", stored(), err)
		}
		f.login(t)
		if stored() != "new:"+password {
			t.Errorf("after a login %q is stored", stored())
		}
		f.login(t)
	})
}

func TestHashingIsBounded(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for range maxHashing {
			if err := f.acquireHashing(f.ctx); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		_, err := f.hash(ctx, password)
		wantCode(t, err, fault.Unavailable)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the cause is lost: %v", err)
		}
	})
}
