package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
	"junctor/internal/value"
)

// copy copies rows for some seconds.
func (m *Migration) copy(ctx context.Context, u Unfinished) (progress, error) {
	var v *conversion
	done, err := m.chunks(ctx, u, func(n int, room bool) (done progress, took time.Duration, err error) {
		err = m.DB.Write(ctx, func(tx *db.Tx) (err error) {
			start := time.Now()
			if v == nil {
				if v, err = m.conversion(tx, u); err != nil || v == nil {
					done = progress{Done: err == nil}
					return err
				}
			}
			if room {
				if err := makeRoom(tx, u.Class); err != nil {
					return err
				}
			}
			rows, copied, err := v.chunk(tx, u, n)
			took = time.Since(start)
			done = progress{Done: rows < n, Copied: copied}
			return err
		})
		return done, took, err
	})
	if err == nil && done.Done && v != nil && v.dialect.postgres { // queries are planned well from the swap on
		err = m.DB.Write(ctx, func(tx *db.Tx) error { return tx.Define("ANALYZE " + db.Quote(shadow(u.Class))) })
	}
	return done, err
}

// chunks repeats do for some seconds, or until it is done, with as many rows as
// it can do in chunkTime. After a clash of unique values, which may be with a
// record that was written meanwhile, do is to make room first; one that stays is
// for duplicates to judge.
func (m *Migration) chunks(ctx context.Context, u Unfinished, do func(n int, room bool) (done progress, took time.Duration, err error)) (progress, error) {
	var done progress
	n, clashes := chunkFirst, 0
	for began := time.Now(); !done.Done && time.Since(began) < stepTime; {
		now, took, err := do(n, clashes > 0)
		switch {
		case errors.Is(err, errSuperseded):
			return progress{Superseded: true}, nil
		case errors.Is(err, db.ErrUnique) && clashes < 3:
			clashes++
			continue
		case errors.Is(err, db.ErrUnique):
			if err := m.duplicates(ctx, u, err); err != nil {
				return progress{}, err
			}
		case err != nil:
			return progress{}, err
		default:
			done = now
		}
		clashes = 0
		n = adapt(n, took)
		if !done.Done {
			m.pause(ctx, took)
		}
	}
	return done, ctx.Err()
}

// conversion is how the class's rows are copied; nil when there is nothing to copy.
func (m *Migration) conversion(tx *db.Tx, u Unfinished) (*conversion, error) {
	s, t, c, err := m.current(tx, u)
	if err != nil || c == nil || t.position == nil {
		return nil, err
	}
	return newConversion(s.dialect, t.class, c), nil
}

// adapt makes the next chunk so large that it takes its time.
func adapt(n int, took time.Duration) int {
	switch {
	case took > 2*chunkTime:
		n /= 2
	case took < chunkTime/2:
		n *= 2
	}
	return min(max(n, chunkLeast), chunkMost)
}

func (m *Migration) pause(ctx context.Context, d time.Duration) {
	if m.Pause != nil {
		m.Pause(ctx, d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// chunk copies the next rows and returns how many there were, and have been in all.
func (v *conversion) chunk(tx *db.Tx, u Unfinished, n int) (rows int, copied int64, err error) {
	var position string
	err = tx.QueryRow(`SELECT position, copied FROM record_tables WHERE class = $1 AND change = $2 AND wanted IS NOT NULL AND position IS NOT NULL`, u.Class, u.Number).Scan(&position, &copied)
	if errors.Is(err, db.ErrNoRows) {
		return 0, 0, errSuperseded
	}
	if err != nil {
		return 0, 0, err
	}
	found, err := v.rows(tx, `WHERE id > $1 ORDER BY id LIMIT $2`, position, n)
	if err != nil || len(found) == 0 {
		return 0, copied, err
	}
	if err := v.put(tx, found); err != nil {
		return 0, 0, err
	}
	copied += int64(len(found))
	_, err = tx.Exec(`UPDATE record_tables SET position = $2, copied = $3 WHERE class = $1`, u.Class, found[len(found)-1][0].Text(), copied)
	return len(found), copied, err
}

// makeRoom removes the copies of records that were written meanwhile, which are
// copied again later: an old one may be in the way of another's unique value.
func makeRoom(tx *db.Tx, code string) error {
	_, err := tx.Exec(fmt.Sprintf(`DELETE FROM %s WHERE id IN (SELECT record FROM record_touched WHERE class = $1)`, db.Quote(shadow(code))), code)
	return err
}

func (v *conversion) put(tx *db.Tx, rows [][]value.Value) error {
	converted := make([][]any, 0, len(rows))
	for _, row := range rows {
		args, err := v.convert(row)
		if err != nil {
			return err
		}
		converted = append(converted, args)
	}
	_, err := tx.Many(v.insert, converted)
	return err
}

// again copies records that were written meanwhile, up to n, and returns how
// many are left.
func (v *conversion) again(tx *db.Tx, code string, n int) (left int64, err error) {
	seqs, list, err := touched(tx, code, n)
	if err != nil {
		return 0, err
	}
	if len(seqs) > 0 {
		if _, err := tx.Exec(fmt.Sprintf(`DELETE FROM %s WHERE %s`, db.Quote(shadow(code)), tx.Among("id", "$1")), list); err != nil {
			return 0, err
		}
		// Forgotten before they are read: what is written after that is noted anew.
		if _, err := tx.Many(stmtForget, seqs); err != nil {
			return 0, err
		}
		rows, err := v.rows(tx, `WHERE `+tx.Among("id", "$1"), list)
		if err != nil {
			return 0, err
		}
		if err := v.put(tx, rows); err != nil {
			return 0, err
		}
	}
	err = tx.QueryRow(`SELECT count(*) FROM record_touched WHERE class = $1`, code).Scan(&left)
	return left, err
}

var stmtForget = db.NewStmt(0, `DELETE FROM record_touched WHERE seq IN (SELECT r.seq FROM {rows} AS r)`, db.Int("seq"))

// touched are the oldest notes, and the records that they are about as a JSON list.
func touched(tx *db.Tx, code string, n int) (seqs [][]any, list string, err error) {
	rows, err := tx.Query(`SELECT seq, record FROM record_touched WHERE class = $1 ORDER BY seq LIMIT $2`, code, n)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var seq int64
		var id string
		if err := rows.Scan(&seq, &id); err != nil {
			return nil, "", err
		}
		seqs, ids = append(seqs, []any{seq}), append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(ids)
	return seqs, string(text), err
}
