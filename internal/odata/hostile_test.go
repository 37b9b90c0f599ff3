package odata_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/right"
)

// Who asks by key for a record that is not his is not told its id.
func TestForeignRecordsAreNamedAsTheyWereAskedFor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := guarded(t, open())
		for _, request := range []string{"PUT /orders(number='2')", "PATCH /orders(number='2')", "DELETE /orders(number='2')"} {
			if got := s.as("ann", request, `{"note":"x"}`); got.status != 404 || strings.Contains(got.body, "o2") {
				t.Errorf("%s: %d %s", request, got.status, got.body)
			}
		}
		// Who may neither read nor change learns of no record whether it is there.
		for _, request := range []string{"PATCH /orders/", "DELETE /orders/"} {
			there, absent := s.as("writer", request+"o1", `{}`), s.as("writer", request+"nothing", `{}`)
			if there.status != 403 || there.body != absent.body {
				t.Errorf("%s: %d %s, %d %s", request, there.status, there.body, absent.status, absent.body)
			}
		}
	})
}

// An address without an id stands for no record: not for the one that a body names.
func TestAnEmptyIDIsNoRecord(t *testing.T) {
	each(t, func(s *site) {
		for _, address := range []string{"/orders('')", "/orders(id='')", "/orders(id=5)"} {
			for _, method := range []string{"GET ", "PUT ", "PATCH ", "DELETE "} {
				if got := s.do(method+address, `{"number":"1","note":"changed"}`, "Prefer", "upsert"); got.status != 404 && got.status != 400 {
					s.Errorf("%s%s: %d %s", method, address, got.status, got.body)
				}
			}
		}
		if got := s.do("GET /orders/$count?$filter=note%20eq%20'changed'", ""); got.body != "0" {
			s.Errorf("%s records were changed", got.body)
		}
	})
}

// However much is wrong, the answer stays small.
func TestMistakesAreListedToABound(t *testing.T) {
	each(t, func(s *site) {
		var members strings.Builder
		for i := range 20_000 {
			fmt.Fprintf(&members, `"a%d":1,`, i)
		}
		wrong := "{" + strings.TrimSuffix(members.String(), ",") + "}"
		names := strings.TrimSuffix(strings.ReplaceAll(members.String(), ":1", ""), ",")
		for request, body := range map[string]string{
			"POST /orders":        wrong,
			"POST /customers":     `{"region":` + wrong + `}`,
			"POST /$batch":        `{"requests":[` + wrong + `]}`,
			"POST /$batch?":       `{"requests":[{"id":"1","method":"GET","url":"orders","dependsOn":[` + names + `]}]}`,
			"POST /$batch?x=many": `{"requests":[` + strings.TrimSuffix(strings.Repeat(`{"id":"1"},`, 20_000), ",") + `]}`,
			"POST /$batch?x=if":   `{"requests":[{"id":"1","method":"GET","url":"orders","if":"$1/$succeeded` + strings.Repeat(" and $1/$succeeded", 5000) + `"}]}`,
		} {
			got := s.do(request, body)
			if got.status < 400 || got.status >= 500 || len(got.body) > 100_000 {
				s.Errorf("%s: %d, %d bytes", request, got.status, len(got.body))
			}
		}
	})
}

// A refusal in a group goes into the audit log, which writes in a transaction of
// its own: that of the group has to be over.
func TestARefusalInAGroupIsNotedBehindIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := guarded(t, d)
		s.note = func() {
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				_, err := tx.Exec(`DELETE FROM odata_test_log WHERE n < 0`)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		got := s.as("reader", "POST /$batch", `{"requests":[{"id":"1","atomicityGroup":"g","method":"PATCH","url":"orders/o1","body":{"note":"x"}},{"id":"2","atomicityGroup":"g","method":"DELETE","url":"orders/o1"}]}`)
		if got.status != 200 || !strings.Contains(got.body, `"status":403`) || s.refused.Load() != 1 {
			t.Errorf("%d %s, noted %d times", got.status, got.body, s.refused.Load())
		}
	})
}

// Nothing is stored of a file that its sender may not give to the record.
func TestRefusedFilesLeaveNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := guarded(t, d)
		s.rights["blind"] = role(t, right.Account{Login: "blind"}, map[string]right.Class{"orders": {Create: right.Row{All: true}}})
		for login, status := range map[string]int{"ann": 404, "reader": 403, "blind": 403} {
			if got := s.as(login, "PUT /orders/o2/paper", "a file", "Content-Type", "text/plain"); got.status != status {
				t.Errorf("%s: %d %s", login, got.status, got.body)
			}
		}
		var n int
		err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT count(*) FROM record_files`).Scan(&n) })
		if err != nil || n != 0 {
			t.Errorf("%d files are stored, %v", n, err)
		}
	})
}

// A record can be addressed by whatever key it could be made with.
func TestKeysWithControlCharacters(t *testing.T) {
	each(t, func(s *site) {
		for _, c := range [][2]string{{`a\tb`, "a%09b"}, {`a\nb`, "a%0Ab"}, {`a\u007fb`, "a%7Fb"}, {`a\u0085b`, "a%C2%85b"}} {
			s.must(201, "POST /orders", `{"number":"`+c[0]+`"}`)
			address := "/orders(number='" + c[1] + "')"
			s.must(200, "GET "+address, "")
			s.must(204, "PATCH "+address, `{"note":"x"}`)
			s.must(404, "GET /orders(number='"+c[1]+"%0A')", "")
			s.must(404, "GET /orders(number='"+c[1]+"%00')", "")
			s.must(204, "DELETE "+address, "")
		}
		s.must(404, "GET /orders/%09/total", "")
	})
}

// What an administrator's trigger or constraint does not let through is refused,
// not taken for a mistake of the server, and nothing of it is stored.
func TestAnAdministratorsTriggerRefuses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := newSite(t, d)
		s.fill()
		triggers := []string{
			`CREATE TRIGGER theirs AFTER INSERT ON class_orders WHEN NEW.note = 'no' BEGIN SELECT RAISE(ABORT, 'secret'); END`,
			`CREATE TRIGGER theirs_too BEFORE UPDATE ON class_orders WHEN NEW.note = 'no' BEGIN SELECT RAISE(ABORT, 'secret'); END`,
		}
		if d.Postgres() {
			triggers = []string{
				`CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''secret''; END'`,
				`CREATE TRIGGER theirs BEFORE INSERT ON class_orders FOR EACH ROW WHEN (NEW.note = 'no') EXECUTE FUNCTION theirs()`,
				`ALTER TABLE class_orders ADD CONSTRAINT theirs CHECK (version = 1 OR note <> 'no')`,
			}
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, sql := range triggers {
				if _, err := tx.Exec(sql); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ request, body string }{
			{"POST /orders", `{"number":"90","note":"no"}`},
			{"PUT /orders(number='90')", `{"note":"no"}`},
			{"PATCH /orders(number='1')", `{"note":"no"}`},
			{"PUT /orders(number='1')/note", `{"value":"no"}`},
		} {
			got := s.do(c.request, c.body)
			if code, _, _ := got.failure(s); got.status != 422 || code != "unprocessable" || strings.Contains(got.body, "secret") {
				s.Errorf("%s: %d %s", c.request, got.status, got.body)
			}
		}
		all := s.batch(`{"id":"#1","atomicityGroup":"g","method":"POST","url":"orders","body":{"number":"91"}},{"id":"#2","atomicityGroup":"g","method":"POST","url":"orders","body":{"number":"92","note":"no"}}`)
		if got := statuses(all, "#1", "#2"); got != "424 422" {
			s.Errorf("in a group: %s", got)
		}
		if got := s.do("GET /orders/$count?$filter=number%20ge%20%2790%27%20or%20note%20eq%20%27no%27", ""); got.body != "0" {
			s.Errorf("stored: %s", got.body)
		}
		s.must(201, "POST /orders", `{"number":"90","note":"yes"}`)
	})
}
