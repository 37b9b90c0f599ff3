package record_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"junctor/internal/db"
	"junctor/internal/record"
	"junctor/internal/run"
)

// finishBy makes the steps of changes as the program does.
func finishBy(m *record.Migration, left []record.Unfinished) error {
	_, err := notedBy(m, left)
	return err
}

// notedBy is finishBy with what the run's log gets.
func notedBy(m *record.Migration, left []record.Unfinished) (notes []string, err error) {
	handlers := m.Handlers()
	for _, u := range left {
		for _, name := range []string{"table.prepare", "table.copy", "table.swap", "table.clean"} {
			for done, tries := false, 0; !done; tries++ {
				result, err := handlers[name].External(context.Background(), &run.Call{Args: u.Start().Input, Name: name})
				if err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
				var progress struct {
					Done, Superseded bool
					Notes            []string
				}
				if err := json.Unmarshal(result, &progress); err != nil {
					return nil, err
				}
				notes = append(notes, progress.Notes...)
				done = progress.Done || progress.Superseded
			}
		}
	}
	return notes, nil
}

// prepareOnly makes the first step of a change.
func prepareOnly(t *testing.T, d *db.DB, u record.Unfinished) {
	t.Helper()
	m := &record.Migration{DB: d}
	if _, err := m.Handlers()["table.prepare"].External(context.Background(), &run.Call{Args: u.Start().Input}); err != nil {
		t.Fatal(err)
	}
}
