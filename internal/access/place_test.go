package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// put brings an object into use.
func (f *fixture) put(t *testing.T, kind, code, body string) {
	t.Helper()
	err := f.db.Write(f.ctx, func(tx *db.Tx) error { return f.PutObject(tx, kind, code, json.RawMessage(body), AdminLogin) })
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) drop(t *testing.T, kind, code string) {
	t.Helper()
	if err := f.db.Write(f.ctx, func(tx *db.Tx) error { return f.DropObject(tx, kind, code, AdminLogin) }); err != nil {
		t.Fatal(err)
	}
}

// applications makes some that have their login for a password. more is the
// rest of their body.
func (f *fixture) applications(t *testing.T, more string, logins ...string) {
	t.Helper()
	for _, login := range logins {
		f.put(t, Applications, login, `{"password":"`+login+`"`+more+`}`)
	}
}

func (f *fixture) share(p Policy, c OnConflict) {
	f.SetLimits(Limits{Sharing: Sharing{p, c}})
}

// begin is a login that succeeds.
func (f *fixture) begin(t *testing.T, login string) Session {
	t.Helper()
	session, err := f.Login(f.ctx, login, login, office)
	if err != nil {
		t.Fatalf("%s: %v", login, err)
	}
	return session
}

func (f *fixture) wantIn(t *testing.T, s Session) {
	t.Helper()
	if _, err := f.Authenticate(f.ctx, s.Token, office); err != nil {
		t.Errorf("%s is out: %v", s.Login, err)
	}
}

func (f *fixture) wantOut(t *testing.T, s Session) {
	t.Helper()
	_, err := f.Authenticate(f.ctx, s.Token, office)
	wantCode(t, err, fault.Unauthorized)
}

// wantHeld says who is named as the holder.
func wantHeld(t *testing.T, err error, by Session) {
	t.Helper()
	wantCode(t, err, fault.Conflict)
	var held *HeldError
	if !errors.As(err, &held) || held.Holder.Login != by.Login || held.Holder.Address != office || !held.Holder.Since.Equal(db.Time(db.Micros(by.CreatedAt))) {
		t.Errorf("the holder is told as %+v, want %+v", held, by)
	}
}

func TestExclusiveLetsOneIn(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, "", "eshop", "crm")
		f.share(Exclusive, Reject)
		first := f.begin(t, "eshop")
		f.clock.Advance(time.Minute)
		for _, second := range []string{"crm", "eshop"} {
			_, err := f.Login(f.ctx, second, second, office)
			wantHeld(t, err, first)
		}
		_, err := f.Login(f.ctx, "crm", "wrong", office)
		wantCode(t, err, fault.Unauthorized) // credentials before policy
		f.wantIn(t, first)
		f.login(t) // people are not counted
		if err := f.EndSession(f.ctx, first.ID, AdminLogin); err != nil {
			t.Fatal(err)
		}
		f.wantIn(t, f.begin(t, "crm"))
	})
}

func TestExclusiveIsFreeWhenTheHolderIsIdle(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, "", "eshop", "crm")
		f.share(Exclusive, Reject)
		first := f.begin(t, "eshop")
		for range 4 { // a holder who calls is not idle
			f.clock.Advance(20 * time.Minute)
			f.wantIn(t, first)
		}
		_, err := f.Login(f.ctx, "crm", "crm", office)
		wantCode(t, err, fault.Conflict)
		f.clock.Advance(31 * time.Minute)
		second := f.begin(t, "crm")
		f.wantOut(t, first)
		f.wantIn(t, second)
	})
}

func TestReplaceEndsTheFirstAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, "", "eshop", "crm")
		f.share(Exclusive, Replace)
		first := f.begin(t, "eshop")
		f.wantIn(t, first) // and is remembered
		second := f.begin(t, "crm")
		f.wantOut(t, first)
		f.wantIn(t, second)
		third := f.begin(t, "crm")
		f.wantOut(t, second)
		f.wantIn(t, third)
	})
}

func TestPerApplication(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, "", "eshop", "crm")
		f.share(PerApplication, Reject)
		eshop, crm := f.begin(t, "eshop"), f.begin(t, "crm")
		_, err := f.Login(f.ctx, "eshop", "eshop", office)
		wantHeld(t, err, eshop)
		f.share(PerApplication, Replace)
		again := f.begin(t, "eshop")
		f.wantOut(t, eshop)
		f.wantIn(t, again)
		f.wantIn(t, crm)
	})
}

func TestUnlimited(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, "", "eshop")
		one, two := f.begin(t, "eshop"), f.begin(t, "eshop")
		f.wantIn(t, one)
		f.wantIn(t, two)
	})
}

func TestAnApplicationsSettingBeatsTheDomainsUnlessThatIsExclusive(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, `,"sessions":{"policy":"per-application"}`, "strict")
		f.applications(t, `,"sessions":{"policy":"unlimited","on_conflict":"replace"}`, "loose")
		strict, loose := f.begin(t, "strict"), f.begin(t, "loose")
		_, err := f.Login(f.ctx, "strict", "strict", office)
		wantHeld(t, err, strict)
		f.wantIn(t, loose)

		// Who is in without the place that he needs from now on has ended.
		f.share(Exclusive, Reject)
		f.wantOut(t, strict)
		f.wantOut(t, loose)
		loose = f.begin(t, "loose")
		_, err = f.Login(f.ctx, "loose", "loose", office)
		wantHeld(t, err, loose)
		_, err = f.Login(f.ctx, "strict", "strict", office)
		wantHeld(t, err, loose)
	})
}

// Calls by password and API token take the place, and renew it.
func TestCallsWithoutASessionTakePart(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, "", "eshop", "crm")
		f.share(Exclusive, Reject)
		token, err := f.CreateToken(f.ctx, TokenOptions{Name: "crm", Login: "crm"})
		if err != nil {
			t.Fatal(err)
		}
		caller, err := f.AuthenticatePassword(f.ctx, "eshop", "eshop", office)
		if err != nil || caller.Session == nil || caller.Session.Via != ByPassword || caller.Session.Token != "" {
			t.Fatalf("the caller is %+v, %v", caller, err)
		}
		first := *caller.Session
		for range 3 {
			f.clock.Advance(20 * time.Minute)
			if caller, err = f.AuthenticatePassword(f.ctx, "eshop", "eshop", office); err != nil || caller.Session.ID != first.ID {
				t.Fatalf("a later call is %+v, %v", caller, err)
			}
			_, err = f.Authenticate(f.ctx, token.Token, office)
			wantHeld(t, err, first)
			_, err = f.Login(f.ctx, "crm", "crm", office)
			wantHeld(t, err, first)
		}
		session := f.begin(t, "eshop") // its own session takes the place of its calls
		if caller, err = f.AuthenticatePassword(f.ctx, "eshop", "eshop", office); err != nil || caller.Session.ID != session.ID {
			t.Errorf("a call beside the session is %+v, %v", caller, err)
		}
		if err := f.Logout(f.ctx, caller); err != nil {
			t.Fatal(err)
		}
		f.wantOut(t, session)
		if caller, err = f.Authenticate(f.ctx, token.Token, office); err != nil || caller.Session.Via != ByToken {
			t.Errorf("the other application is %+v, %v", caller, err)
		}
		f.share(Exclusive, Replace)
		if _, err = f.AuthenticatePassword(f.ctx, "eshop", "eshop", office); err != nil {
			t.Errorf("taking over by a call: %v", err)
		}
		list, _, err := f.ListSessions(f.ctx, SessionFilter{}, "", 0)
		if err != nil || len(list) != 1 || list[0].Login != "eshop" {
			t.Errorf("there are the sessions %+v, %v", list, err)
		}
	})
}

// Many logins at once, on several nodes: of all who were let in one is in, and
// under reject nobody else ever was.
func TestOnePlaceUnderConcurrentLogins(t *testing.T) {
	for _, rule := range []OnConflict{Reject, Replace} {
		t.Run(string(rule), func(t *testing.T) {
			each(t, func(t *testing.T, f *fixture) {
				f.applications(t, "", "eshop", "crm")
				nodes := []*Store{f.Store, f.another(t), f.another(t)}
				for _, n := range nodes {
					n.SetLimits(Limits{Sharing: Sharing{Exclusive, rule}})
				}
				var mu sync.Mutex
				var let []Session
				var work sync.WaitGroup
				for i := range 24 {
					work.Go(func() {
						login := []string{"eshop", "crm"}[i%2]
						s, err := nodes[i%3].Login(f.ctx, login, login, fmt.Sprintf("192.0.2.%d", i))
						if err != nil && !fault.Is(err, fault.Conflict) {
							t.Errorf("%s: %v", login, err)
						}
						if err == nil {
							mu.Lock()
							let = append(let, s)
							mu.Unlock()
						}
					})
				}
				work.Wait()
				in := 0
				for _, s := range let {
					if _, _, _, err := f.sessionOf(f.ctx, s.Token); err == nil {
						in++
					}
				}
				if in != 1 || (rule == Reject && len(let) != 1) || (rule == Replace && len(let) != 24) {
					t.Errorf("%d were let in and %d are", len(let), in)
				}
			})
		})
	}
}

// What another node may still remember is waited for before the next one is let
// in, and a node remembers nothing for longer.
func TestATakeoverWaits(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.applications(t, "", "eshop", "crm")
		node := f.another(t)
		for _, n := range []*Store{f.Store, node} {
			n.elsewhere = rememberElsewhere
			n.SetLimits(Limits{Sharing: Sharing{Exclusive, Replace}})
		}
		first := f.begin(t, "eshop")
		if _, err := node.Authenticate(f.ctx, first.Token, office); err != nil {
			t.Fatal(err)
		}
		done := make(chan Session)
		go func() {
			s, err := f.Login(f.ctx, "crm", "crm", office)
			if err != nil {
				t.Error(err)
			}
			done <- s
		}()
		for every, limit := time.Tick(time.Millisecond), time.After(20*time.Second); f.clock.Timers() == 0; {
			select {
			case <-every:
			case <-limit:
				t.Fatal("the second does not wait")
			}
		}
		f.clock.Advance(rememberElsewhere - time.Millisecond)
		select {
		case <-done:
			t.Error("the second is in while another node remembers the first")
		default:
		}
		f.clock.Advance(time.Millisecond)
		second := <-done
		_, err := node.Authenticate(f.ctx, first.Token, office)
		wantCode(t, err, fault.Unauthorized)
		if _, err := node.Authenticate(f.ctx, second.Token, office); err != nil {
			t.Error(err)
		}
	})
}
