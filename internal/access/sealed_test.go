package access

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/secret"
)

func TestSecrets(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const value = "s3cr3t-value"
		for _, v := range []string{"first", value} {
			if err := f.SetSecret(f.ctx, "erp_token", v, "eve"); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := f.Secret(f.ctx, "erp_token"); got != value || err != nil {
			t.Errorf("the secret is %q, %v", got, err)
		}
		list, next, err := f.ListSecrets(f.ctx, "", 0)
		want := []SecretInfo{{Name: "erp_token", Author: "eve", ChangedAt: start}}
		if diff := cmp.Diff(want, list); diff != "" || next != "" || err != nil {
			t.Errorf("listed, next %q, %v:\n%s", next, err, diff)
		}
		var sealed []byte
		err = f.db.Read(f.ctx, func(tx *db.Tx) error { return tx.QueryRow(`SELECT sealed FROM secrets`).Scan(&sealed) })
		if err != nil || strings.Contains(string(sealed), value) {
			t.Errorf("stored as %q, %v", sealed, err)
		}
		entries, _, err := f.ListAudit(f.ctx, AuditFilter{}, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		if log, _ := json.Marshal(entries); strings.Contains(string(log), value) {
			t.Errorf("the audit log holds the value: %s", log)
		}
		if err := f.DeleteSecret(f.ctx, "erp_token", "eve"); err != nil {
			t.Fatal(err)
		}
		_, err = f.Secret(f.ctx, "erp_token")
		wantCode(t, err, fault.NotFound)
		wantCode(t, f.DeleteSecret(f.ctx, "erp_token", "eve"), fault.NotFound)
	})
}

func TestASecretOpensOnlyInItsPlaceAndWithItsKey(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, name := range []string{"a", "b"} {
			if err := f.SetSecret(f.ctx, name, "value of "+name, "eve"); err != nil {
				t.Fatal(err)
			}
		}
		err := f.db.Write(f.ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'a') WHERE name = 'b'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Secret(f.ctx, "b")
		wantCode(t, err, fault.Internal)

		key, err := secret.NewKey([]byte(strings.Repeat("x", secret.KeySize)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(f.db, secret.Keys{key}, f.clock).Secret(f.ctx, "a")
		wantCode(t, err, fault.Internal)
		if err == nil || !strings.Contains(err.Error(), "another master key") || strings.Contains(err.Error(), "value of") {
			t.Errorf("the error says %v", err)
		}
	})
}

func TestSecretsThatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, name := range []string{"", "a b", "${x}", "a/b", "nul\x00", "\xff"} {
			wantCode(t, f.SetSecret(f.ctx, name, "v", "eve"), fault.Unprocessable)
		}
		wantCode(t, f.SetSecret(f.ctx, "empty", "", "eve"), fault.Unprocessable)
		wantCode(t, f.SetSecret(f.ctx, "nul", "a\x00b", "eve"), fault.Unprocessable)
		wantCode(t, f.SetSecret(f.ctx, "long", strings.Repeat("x", maxSecret+1), "eve"), fault.Unprocessable)
	})
}

func TestAChangedSecretIsAnnounced(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		heard := make(chan string, 10)
		defer f.db.Listen(TopicSecrets, func(name string) { heard <- name })()
		if err := f.SetSecret(f.ctx, "erp", "v", "eve"); err != nil {
			t.Fatal(err)
		}
		select {
		case name := <-heard:
			if name != "erp" {
				t.Errorf("announced %q", name)
			}
		case <-f.ctx.Done():
			t.Error("nothing was announced")
		}
	})
}

func TestAuditLog(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.login(t)
		if err := f.SetSecret(f.ctx, "erp", "v", "eve"); err != nil {
			t.Fatal(err)
		}
		if err := f.Record(f.ctx, Entry{Author: "eve", Address: office, Action: "run.retry", Object: "run/1", Detail: "by hand"}); err != nil {
			t.Fatal(err)
		}
		all, _, err := f.ListAudit(f.ctx, AuditFilter{}, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		var actions []string
		for _, e := range all {
			actions = append(actions, e.Action)
			if !e.At.Equal(start) || e.ID == "" || e.Author == "" {
				t.Errorf("entry %+v", e)
			}
		}
		if diff := cmp.Diff([]string{"run.retry", "secret.set", "session.begin", "account.create"}, actions); diff != "" {
			t.Error(diff)
		}
		for _, filter := range []AuditFilter{{Action: "run.retry"}, {Object: "run/1"}} {
			if got, _, err := f.ListAudit(f.ctx, filter, "", 0); err != nil || len(got) != 1 || got[0] != all[0] {
				t.Errorf("%+v chooses %+v, %v", filter, got, err)
			}
		}
		if got, _, err := f.ListAudit(f.ctx, AuditFilter{Author: "eve"}, "", 0); err != nil || len(got) != 2 {
			t.Errorf("eve's entries: %+v, %v", got, err)
		}
		if got, _, err := f.ListAudit(f.ctx, AuditFilter{Until: start}, "", 0); err != nil || len(got) != 0 {
			t.Errorf("entries before the start: %+v, %v", got, err)
		}
		first, next, err := f.ListAudit(f.ctx, AuditFilter{}, "", 3)
		if err != nil || len(first) != 3 || next == "" {
			t.Fatalf("%v, %q, %v", first, next, err)
		}
		if rest, next, err := f.ListAudit(f.ctx, AuditFilter{}, next, 3); err != nil || len(rest) != 1 || rest[0] != all[3] || next != "" {
			t.Errorf("the second page: %+v, %q, %v", rest, next, err)
		}
	})
}
