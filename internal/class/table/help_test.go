package table_test

import (
	"context"
	"sort"
	"strings"
	"testing"

	"junctor/internal/class/classtest"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
)

// prepareOnly makes the first step of a change.
func prepareOnly(t *testing.T, d *db.DB, u table.Unfinished) {
	t.Helper()
	m := &table.Migration{DB: d}
	if _, err := m.Handlers()["table.prepare"].External(context.Background(), &run.Call{Args: u.Start().Input}); err != nil {
		t.Fatal(err)
	}
}

// plan is the sentences of a plan, sorted; a run's begin with "run: ", a refusal
// stands behind it.
func plan(t *testing.T, d *db.DB, pairs ...string) []string {
	t.Helper()
	var lines []string
	classtest.Read(t, d, func(tx *db.Tx) error {
		lines = nil
		all, err := table.Plan(tx, classtest.Model(t, pairs...))
		for _, a := range all {
			line := a.Text
			if a.ByRun {
				line = "run: " + line
			}
			if a.Loses {
				line += " (loses)"
			}
			if a.Problem != "" {
				line += " -- " + a.Problem
			}
			lines = append(lines, line)
		}
		return err
	})
	sort.Strings(lines)
	return lines
}

func mustFail(t *testing.T, err error, code fault.Code, part string) {
	t.Helper()
	if !fault.Is(err, code) || !strings.Contains(err.Error(), part) {
		t.Errorf("want %s with %q, got %v", code, part, err)
	}
}
