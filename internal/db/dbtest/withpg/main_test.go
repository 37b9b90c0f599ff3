package main

import (
	"testing"

	"junctor/internal/db/dbtest"
)

func TestRunHandsOnStatusAndURL(t *testing.T) {
	dbtest.URL(t) // without PostgreSQL there is nothing to hand on
	t.Setenv(dbtest.Variable, "")
	for script, want := range map[string]int{
		`test -n "$JUNCTOR_TEST_POSTGRES" && exit 7`: 7,
		`exit 0`: 0,
	} {
		if got, err := run("/bin/sh", []string{"-c", script}); got != want || err != nil {
			t.Errorf("%s: status %d, %v; want %d", script, got, err, want)
		}
	}
	if status, err := run("/no/such/command", nil); status == 0 || err == nil {
		t.Errorf("a command that is not there: status %d, %v", status, err)
	}
}
