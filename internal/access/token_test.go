package access

import (
	"strings"
	"testing"
	"time"

	"junctor/internal/fault"
)

func TestAPITokens(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		expires := start.Add(time.Hour)
		made, err := f.CreateToken(f.ctx, TokenOptions{Name: "ci", ExpiresAt: &expires, Author: "admin"})
		if err != nil || !strings.HasPrefix(made.Token, "jt_") {
			t.Fatalf("%+v, %v", made, err)
		}
		caller, err := f.Authenticate(f.ctx, made.Token, office)
		if err != nil || caller.Via != ByToken || caller.Account.Login != AdminLogin || caller.Author() != "admin (token ci)" {
			t.Errorf("the caller is %+v, %v", caller, err)
		}
		list, _, err := f.ListTokens(f.ctx, "", 0)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		got := list[0]
		if got.Token != "" || got.Name != "ci" || got.Login != AdminLogin || got.UsedAt == nil || !got.ExpiresAt.Equal(expires) || got.RevokedAt != nil {
			t.Errorf("listed as %+v", got)
		}
		f.clock.Advance(time.Hour - time.Second)
		if _, err := f.Authenticate(f.ctx, made.Token, office); err != nil {
			t.Error(err)
		}
		f.clock.Advance(time.Second) // while it is remembered
		_, err = f.Authenticate(f.ctx, made.Token, office)
		wantCode(t, err, fault.Unauthorized)
	})
}

func TestARevokedTokenIsOutAndItsNameFree(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		options := TokenOptions{Name: "ci", Author: "admin"}
		made, err := f.CreateToken(f.ctx, options)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Authenticate(f.ctx, made.Token, office); err != nil {
			t.Fatal(err)
		}
		_, err = f.CreateToken(f.ctx, options)
		wantCode(t, err, fault.Conflict)
		if revoked, err := f.RevokeToken(f.ctx, "ci", "admin"); err != nil || revoked.ID != made.ID || revoked.RevokedAt == nil {
			t.Errorf("revoked %+v, %v", revoked, err)
		}
		_, err = f.Authenticate(f.ctx, made.Token, office)
		wantCode(t, err, fault.Unauthorized)
		_, err = f.RevokeToken(f.ctx, "ci", "admin")
		wantCode(t, err, fault.NotFound)
		again, err := f.CreateToken(f.ctx, options)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.RevokeToken(f.ctx, again.ID, "admin"); err != nil {
			t.Errorf("revoke by id: %v", err)
		}
	})
}

func TestTokensThatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, name := range []string{"", "with space", "a/b", "nul\x00", strings.Repeat("a", 101), "-dash"} {
			_, err := f.CreateToken(f.ctx, TokenOptions{Name: name})
			wantCode(t, err, fault.Unprocessable)
		}
		past := start
		_, err := f.CreateToken(f.ctx, TokenOptions{Name: "late", ExpiresAt: &past})
		wantCode(t, err, fault.Unprocessable)
		_, err = f.CreateToken(f.ctx, TokenOptions{Name: "whose", Login: "nobody"})
		wantCode(t, err, fault.NotFound)
	})
}

func TestStrangeBearersAreNobody(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, bearer := range []string{"", "js_", "jt_", "js_0000", "jt_" + strings.Repeat("0", 32), "nul\x00", "\xff", strings.Repeat("x", 1<<16)} {
			_, err := f.Authenticate(f.ctx, bearer, office)
			wantCode(t, err, fault.Unauthorized)
		}
		token, err := f.CreateToken(f.ctx, TokenOptions{Name: "ci"})
		if err != nil {
			t.Fatal(err)
		}
		caller, err := f.Authenticate(f.ctx, token.Token, office)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, f.Logout(f.ctx, caller), fault.Conflict)
	})
}
