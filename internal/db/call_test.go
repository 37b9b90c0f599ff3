package db_test

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

func TestStatementsCallGo(t *testing.T) {
	d := dbtest.SQLite(t)(nil)
	var handle int64
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		handle = tx.Call(func(arguments []driver.Value) (any, error) {
			if arguments[0] == nil {
				return nil, errors.New("no null, please")
			}
			return fmt.Sprint(arguments[0], arguments[1], arguments[2]), nil
		})
		var got string
		if err := tx.QueryRow(`SELECT junctor_call($1, 7, 'a', x'62')`, handle).Scan(&got); err != nil {
			return err
		}
		if got != "7a[98]" {
			t.Errorf("%q", got)
		}
		if err := tx.QueryRow(`SELECT junctor_call($1, NULL)`, handle).Scan(&got); err == nil || !strings.Contains(err.Error(), "no null, please") {
			t.Errorf("%v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []func(func(*db.Tx) error) error{
		func(f func(*db.Tx) error) error { return d.Read(t.Context(), f) },
		func(f func(*db.Tx) error) error { return d.Write(t.Context(), f) },
	} {
		if err := after(func(tx *db.Tx) error {
			var got string
			return tx.QueryRow(`SELECT junctor_call($1, 7)`, handle).Scan(&got)
		}); err == nil || !strings.Contains(err.Error(), "no such handle") {
			t.Errorf("the transaction has ended, and its function is called: %v", err)
		}
	}
}

// More texts of statements than are kept do no harm to those that come again.
func TestManyTextsOfStatements(t *testing.T) {
	d := dbtest.SQLite(t)(nil)
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		for i := range 1200 {
			var got int
			if err := tx.QueryRow(fmt.Sprintf(`SELECT %d`, i%600)).Scan(&got); err != nil || got != i%600 {
				return fmt.Errorf("%d: %d %w", i, got, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
