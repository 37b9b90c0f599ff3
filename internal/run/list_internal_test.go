package run

import (
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// What people ask about most is looked up, however many runs there are.
func TestSubjectsAndWebhookIDsAreFoundByTheirIndex(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		for index, f := range map[string]Filter{
			"runs_subject":    {Subject: "4711", State: []State{Succeeded}},
			"runs_webhook_id": {WebhookID: "msg_1", Program: "delivery"},
		} {
			if plan := planned(t, d, f); !strings.Contains(plan, index) {
				t.Errorf("without %s:\n%s", index, plan)
			}
		}
	})
}

// planned is how the database would make the list of a filter.
func planned(t *testing.T, d *db.DB, f Filter) string {
	t.Helper()
	where, args, err := f.conditions()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	err = d.Read(t.Context(), func(tx *db.Tx) error {
		order, err := f.order(tx, where, args)
		if err != nil {
			return err
		}
		explain := "EXPLAIN QUERY PLAN "
		if d.Postgres() {
			explain = "EXPLAIN "
			if _, err := tx.Exec(`SET LOCAL enable_seqscan = off`); err != nil { // an empty table is not worth an index
				return err
			}
		}
		rows, err := tx.Query(explain+`SELECT id FROM runs`+where+` ORDER BY `+order+` DESC LIMIT 101`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n int
			var line string
			into := []any{&n, &n, &n, &line}
			if d.Postgres() {
				into = into[3:]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			plan.WriteString(line + "\n")
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan.String()
}
