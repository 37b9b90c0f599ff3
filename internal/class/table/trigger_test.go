package table_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"junctor/internal/class/classtest"
)

// An administrator's trigger is there after every kind of change, and a change
// that it does not fit is refused.
func TestAnAdministratorsTriggersSurvive(t *testing.T) {
	classtest.EachShared(t, func(t *testing.T, d *classtest.Shared) {
		classtest.Apply(t, d.DB, false, "t", narrow)
		classtest.Put(t, d.DB, "t", "rec_1", `{"a":"1","b":"2"}`)
		d.Must(`CREATE TABLE class_log (a TEXT)`)
		if d.Postgres() {
			d.Must(`CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE format(''INSERT INTO %I.class_log (a) VALUES ($1)'', TG_TABLE_SCHEMA) USING NEW.a; RETURN NULL; END'`)
			t.Cleanup(func() { d.Must(`DROP FUNCTION public.note() CASCADE`) })
			d.Must(`CREATE TRIGGER theirs AFTER UPDATE OF a ON class_t FOR EACH ROW EXECUTE FUNCTION public.note()`)
		} else {
			d.Must(`CREATE TRIGGER theirs AFTER UPDATE OF a ON class_t BEGIN INSERT INTO class_log (a) VALUES (NEW.a); END`)
			d.Must(`CREATE TABLE class_other (x TEXT); CREATE TRIGGER of_another AFTER INSERT ON class_other BEGIN UPDATE class_t SET a = NEW.x; END`)
		}
		for i, body := range []string{
			typed, // a run
			`{"key":"a","columns":{"a":"text!","b":{"type":"integer!","default":0},"c":{"type":"integer","computed":"b add 1"},"t":{"type":"text","default":"d"},"u":"text"}}`, // in place
			narrow, // a run that drops a column
		} {
			if err := classtest.Finish(t, d.DB, classtest.Apply(t, d.DB, true, "t", body)); err != nil {
				t.Fatal(err)
			}
			d.Must(fmt.Sprintf(`UPDATE class_t SET a = 'x%d'`, i))
		}
		if got := d.Must(`SELECT a FROM class_log ORDER BY a`); got != "x0\nx1\nx2" {
			t.Errorf("the trigger noted %q", got)
		}
		if !d.Postgres() {
			d.Must(`INSERT INTO class_other (x) VALUES ('y')`)
			if got := classtest.Rows(t, d.DB, "t")["rec_1"]; !strings.Contains(got, `"a":"y"`) {
				t.Errorf("another table's trigger wrote %s", got)
			}
		}
		left := classtest.Apply(t, d.DB, true, "t", `{"columns":{"b":"integer"}}`)
		err := classtest.Finish(t, d.DB, left)
		if d.Postgres() && len(left) == 0 {
			err = errors.New("theirs")
		}
		if err == nil || !strings.Contains(err.Error(), "theirs") {
			t.Errorf("a change that takes the trigger's column away: %v", err)
		}
	})
}
