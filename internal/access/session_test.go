package access

import (
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

func TestASessionEndsWhenIdle(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		session := f.login(t)
		for range 4 { // in use it goes on
			f.clock.Advance(29 * time.Minute)
			if _, err := f.Authenticate(f.ctx, session.Token, office); err != nil {
				t.Fatal(err)
			}
		}
		f.clock.Advance(30 * time.Minute)
		_, err := f.Authenticate(f.ctx, session.Token, office)
		wantCode(t, err, fault.Unauthorized)
	})
}

func TestASessionEndsWithAge(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.SetLimits(Limits{Age: time.Hour})
		session := f.login(t)
		for range 3 {
			f.clock.Advance(20*time.Minute - time.Second)
			if _, err := f.Authenticate(f.ctx, session.Token, office); err != nil {
				t.Fatal(err)
			}
		}
		f.clock.Advance(3 * time.Second) // while it is remembered
		_, err := f.Authenticate(f.ctx, session.Token, office)
		wantCode(t, err, fault.Unauthorized)
	})
}

func TestLogout(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		one, other := f.login(t), f.login(t)
		for _, s := range []Session{one, other} {
			if _, err := f.Authenticate(f.ctx, s.Token, office); err != nil {
				t.Fatal(err)
			}
		}
		caller, err := f.Authenticate(f.ctx, one.Token, office)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Logout(f.ctx, caller); err != nil {
			t.Fatal(err)
		}
		_, err = f.Authenticate(f.ctx, one.Token, office)
		wantCode(t, err, fault.Unauthorized)
		wantCode(t, f.Logout(f.ctx, caller), fault.NotFound)
		wantCode(t, f.EndSession(f.ctx, one.ID, AdminLogin), fault.NotFound)
		if _, err := f.Authenticate(f.ctx, other.Token, office); err != nil {
			t.Errorf("the other session: %v", err)
		}
	})
}

func TestANewPasswordEndsSessionsOnEveryNode(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		session, node := f.login(t), f.another(t)
		if _, err := node.Authenticate(f.ctx, session.Token, office); err != nil {
			t.Fatal(err)
		}
		if _, err := node.AuthenticatePassword(f.ctx, AdminLogin, password, office); err != nil {
			t.Fatal(err)
		}
		if _, err := f.SetPassword(f.ctx, AdminLogin, "new", AdminLogin); err != nil {
			t.Fatal(err)
		}
		_, err := f.Authenticate(f.ctx, session.Token, office)
		wantCode(t, err, fault.Unauthorized)

		// The other node remembers until the notice comes, some seconds at most.
		for every, limit := time.Tick(time.Millisecond), time.After(10*time.Second); node.remembers() > 0; {
			select {
			case <-every:
			case <-limit:
				t.Fatal("the other node was not told")
			}
		}
		_, err = node.Authenticate(f.ctx, session.Token, office)
		wantCode(t, err, fault.Unauthorized)
		_, err = node.AuthenticatePassword(f.ctx, AdminLogin, password, office)
		wantCode(t, err, fault.Unauthorized)
		if _, err := node.AuthenticatePassword(f.ctx, AdminLogin, "new", office); err != nil {
			t.Error(err)
		}
	})
}

func TestListSessions(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		first := f.login(t)
		f.clock.Advance(20 * time.Minute)
		second, third := f.login(t), f.login(t)
		list, next, err := f.ListSessions(f.ctx, SessionFilter{}, "", 2)
		if err != nil || len(list) != 2 || list[0].ID != first.ID || list[1].ID != second.ID || next != second.ID {
			t.Fatalf("first page %+v, next %q, %v", list, next, err)
		}
		for _, s := range list {
			if s.Token != "" || s.Login != AdminLogin || s.Address != office {
				t.Errorf("the list shows %+v", s)
			}
		}
		list, next, err = f.ListSessions(f.ctx, SessionFilter{}, next, 2)
		if err != nil || len(list) != 1 || list[0].ID != third.ID || next != "" {
			t.Fatalf("second page %+v, next %q, %v", list, next, err)
		}
		f.clock.Advance(20 * time.Minute) // the first has been idle for 40
		if list, _, err = f.ListSessions(f.ctx, SessionFilter{}, "", 0); err != nil || len(list) != 2 {
			t.Errorf("an ended session is listed: %+v, %v", list, err)
		}
	})
}

func TestEndedSessionsAreClearedAway(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.login(t)
		f.clock.Advance(13 * time.Hour)
		f.login(t)
		var n int64
		err := f.db.Read(f.ctx, func(tx *db.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM sessions`).Scan(&n) })
		if err != nil || n != 1 {
			t.Errorf("%d sessions are stored, %v; want the new one only", n, err)
		}
	})
}

func TestUseIsWrittenOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		session := f.login(t)
		seen := func() time.Time {
			list, _, err := f.ListSessions(f.ctx, SessionFilter{}, "", 0)
			if err != nil || len(list) != 1 {
				t.Fatalf("%v, %v", list, err)
			}
			return list[0].SeenAt
		}
		for _, step := range []struct{ after, want time.Duration }{{30 * time.Second, 0}, {40 * time.Second, 70 * time.Second}, {50 * time.Second, 70 * time.Second}} {
			f.clock.Advance(step.after)
			if _, err := f.Authenticate(f.ctx, session.Token, office); err != nil {
				t.Fatal(err)
			}
			if got := seen().Sub(start); got != step.want {
				t.Errorf("seen after %v, want %v", got, step.want)
			}
		}
	})
}

func TestADisabledAccountIsOut(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		session := f.login(t)
		token, err := f.CreateToken(f.ctx, TokenOptions{Name: "ci"})
		if err != nil {
			t.Fatal(err)
		}
		err = f.db.Write(f.ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE accounts SET enabled = 0`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, bearer := range []string{session.Token, token.Token} {
			_, err := f.Authenticate(f.ctx, bearer, office)
			wantCode(t, err, fault.Unauthorized)
		}
	})
}

// remembers is how many callers the store need not ask the database about.
func (s *Store) remembers() int {
	s.callers.mu.Lock()
	defer s.callers.mu.Unlock()
	return len(s.callers.by)
}
