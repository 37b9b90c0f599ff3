package channel_test

import (
	"errors"
	"regexp"
	"testing"

	"junctor/internal/channel"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

func TestTokensNeverChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		tokens := channel.NewTokens(d)
		ensure := func(code string) (token string) {
			t.Helper()
			if err := d.Write(t.Context(), func(tx *db.Tx) (err error) { token, err = tokens.Ensure(tx, code); return err }); err != nil {
				t.Fatal(err)
			}
			return token
		}
		shop, crm := ensure("shop"), ensure("crm")
		if !regexp.MustCompile(`^[0-9a-z]{32}$`).MatchString(shop) || shop == crm {
			t.Errorf("tokens %q and %q", shop, crm)
		}
		if again := ensure("shop"); again != shop {
			t.Errorf("the token became %q", again)
		}
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			all, err := tokens.All(tx)
			if len(all) != 2 || all["shop"] != shop || all["crm"] != crm {
				t.Errorf("all tokens: %v", all)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		if got, err := tokens.Token(t.Context(), "crm"); got != crm || err != nil {
			t.Errorf("Token gives %q, %v", got, err)
		}
		if _, err := tokens.Token(t.Context(), "none"); !errors.Is(err, db.ErrNoRows) {
			t.Errorf("no token: %v", err)
		}
	})
}

func TestTokensAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		tokens := channel.NewTokens(d)
		made := make(chan string)
		for range 8 {
			go func() {
				var token string
				if err := d.Write(t.Context(), func(tx *db.Tx) (err error) { token, err = tokens.Ensure(tx, "shop"); return err }); err != nil {
					t.Error(err)
				}
				made <- token
			}()
		}
		first := <-made
		for range 7 {
			if token := <-made; token != first {
				t.Errorf("one channel got %q and %q", first, token)
			}
		}
	})
}
