package run

import (
	"context"
	"fmt"

	"junctor/internal/db"
)

// Unfinished are the runs of one version of a program that have not ended.
type Unfinished struct {
	Program, Version string
	Runs             int64
}

// Unfinished lists the versions that runs which have not ended execute.
func (e *Engine) Unfinished(ctx context.Context) (all []Unfinished, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		all = nil
		rows, err := tx.Query(`SELECT program, version, count(*) FROM runs WHERE finished_at IS NULL GROUP BY program, version ORDER BY program, version`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var u Unfinished
			if err := rows.Scan(&u.Program, &u.Version, &u.Runs); err != nil {
				return err
			}
			all = append(all, u)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list what runs have not ended: %w", err)
	}
	return all, nil
}

// calledMost is how many calls Called looks at.
const calledMost = 10_000

// Called counts those of the runs that have made a call whose arguments fit. Of
// very many calls the first ten thousand are looked at.
func (e *Engine) Called(ctx context.Context, u Unfinished, call string, fits func(arguments []byte) bool) (n int64, err error) {
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		n = 0
		calls, err := callsOf(tx, u, call)
		last := ""
		for _, c := range calls {
			if err != nil || c.run == last {
				continue
			}
			var arguments []byte
			if arguments, err = loadOptional(tx, c.arguments); err == nil && fits(arguments) {
				last = c.run
				n++
			}
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read what runs of %s have called: %w", u.Program, err)
	}
	return n, nil
}

type called struct {
	run       string
	arguments db.Blob
}

func callsOf(tx *db.Tx, u Unfinished, call string) (all []called, err error) {
	rows, err := tx.Query(fmt.Sprintf(`SELECT steps.run, steps.arguments FROM runs JOIN steps ON steps.run = runs.id
		WHERE runs.finished_at IS NULL AND runs.program = $1 AND runs.version = $2 AND steps.name = $3 ORDER BY steps.run, steps.seq LIMIT %d`, calledMost),
		u.Program, u.Version, call)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c called
		var arguments []byte
		if err := rows.Scan(&c.run, &arguments); err != nil {
			return nil, err
		}
		c.arguments = arguments
		all = append(all, c)
	}
	return all, rows.Err()
}
