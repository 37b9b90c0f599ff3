package table_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"junctor/internal/class/classtest"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/id"
)

// On PostgreSQL who may read a view or a table may do so after every change,
// and the role for reading reads the views of later classes too, and nothing else.
func TestGrantsSurvive(t *testing.T) {
	o := dbtest.PostgresOptions(t)
	d := classtest.Opened(t, o)
	schema := "junctor_" + o.Domain
	reader, other := schema+"_reader", "other_"+id.Token(8)
	conn, err := pgx.Connect(context.Background(), o.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	must := func(format string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(context.Background(), fmt.Sprintf(format, args...)); err != nil {
			t.Fatalf(format+": %v", append(args, err)...)
		}
	}
	may := func(role, query string, want bool) {
		t.Helper()
		must("SET ROLE %s", role)
		defer must("RESET ROLE")
		_, err := conn.Exec(context.Background(), query)
		if want != (err == nil) || !want && !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %s: %v", role, query, err)
		}
	}
	for _, role := range []string{reader, other} {
		must("CREATE ROLE %s NOLOGIN", role)
		t.Cleanup(func() {
			conn, err := pgx.Connect(context.Background(), o.URL)
			if err == nil {
				_, err = conn.Exec(context.Background(), fmt.Sprintf("DROP OWNED BY %s; DROP ROLE %s", role, role))
				conn.Close(context.Background())
			}
			if err != nil {
				t.Error(err)
			}
		})
		must("GRANT USAGE ON SCHEMA %s TO %s", schema, role)
	}
	classtest.Apply(t, d, false, "t", narrow)
	classtest.Put(t, d, "t", "rec_1", `{"a":"1","b":"2"}`)
	must("GRANT SELECT ON %s.api_t TO %s", schema, other)
	must("GRANT SELECT, INSERT, UPDATE, DELETE ON %s.class_t TO %s", schema, other)
	for _, body := range []string{typed, strings.Replace(typed, `"t":`, `"u":"text","t":`, 1)} {
		if err := classtest.Finish(t, d, classtest.Apply(t, d, true, "t", body, "later", `{"columns":{"x":"text"}}`)); err != nil {
			t.Fatal(err)
		}
		may(reader, "SELECT * FROM "+schema+".api_t", true)
		may(reader, "SELECT * FROM "+schema+".api_later", true)
		may(reader, "SELECT * FROM "+schema+".class_t", false)
		may(other, "SELECT * FROM "+schema+".api_t", true)
		may(other, "SELECT * FROM "+schema+".api_later", false)
		may(other, "UPDATE "+schema+".class_t SET b = 3", true) // the capture works with Junctor's own rights
		may(other, "SELECT * FROM "+schema+".record_captured", false)
	}
	// A temporary table of the same name catches nothing.
	may(other, "CREATE TEMP TABLE record_captured (class TEXT, record TEXT, operation TEXT, before TEXT, after TEXT)", true)
	may(other, "UPDATE "+schema+".class_t SET b = 4", true)
	var captured string
	classtest.Read(t, d, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT string_agg(class || ' ' || record || ' ' || operation || ' b:' || (before::json ->> 'b') || '>' || (after::json ->> 'b'), ', ' ORDER BY seq) FROM record_captured`).Scan(&captured)
	})
	if want := "t rec_1 updated b:2>3, t rec_1 updated b:3>3, t rec_1 updated b:3>4"; captured != want {
		t.Errorf("captured: %s, want %s", captured, want)
	}
	classtest.Write(t, d, table.RefreshViews)
	may(other, "SELECT * FROM "+schema+".api_t", true)
}
