package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"junctor/internal/class"
	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/value"
)

// Foreign is a change of a record that a foreign program has made directly in
// the database.
type Foreign struct {
	Class         *class.Class
	ID            string
	Operation     string                 // created, updated, deleted
	Before, After map[string]value.Value // by column code, those of the system too; nil where there is none
}

// Capturer hands the changes that foreign programs have made to those who tell
// them on.
type Capturer struct {
	DB    *db.DB
	Model func() *class.Model // the present one
	// Take gets changes in the order in which they were made, in the transaction
	// in which they are taken off the list; it may be called again after a rollback.
	Take  func(tx *db.Tx, changes []Foreign) error
	Log   *slog.Logger
	Clock clock.Clock
}

const (
	captureEvery = 500 * time.Millisecond
	captureBatch = 200
)

// Run looks for changes until ctx ends.
func (c *Capturer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := c.Once(ctx)
		if err != nil && ctx.Err() == nil {
			c.Log.Error("what foreign programs have written could not be taken over; trying again", "error", err)
		}
		if n == captureBatch && err == nil {
			continue
		}
		due, stop := c.Clock.After(captureEvery)
		select {
		case <-due:
		case <-ctx.Done():
		}
		stop()
	}
}

// Once takes over what there is, up to a batch, and returns how many changes
// that were.
func (c *Capturer) Once(ctx context.Context) (n int, err error) {
	any := false
	err = c.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM record_captured)`).Scan(&any)
	})
	if err != nil || !any {
		return 0, err
	}
	err = c.DB.Write(ctx, func(tx *db.Tx) error {
		changes, taken, err := c.read(tx)
		if n = len(taken); err != nil || n == 0 {
			return err
		}
		if _, err := tx.Many(stmtTaken, taken); err != nil {
			return err
		}
		if len(changes) == 0 {
			return nil
		}
		return c.Take(tx, changes)
	})
	return n, err
}

// stmtTaken names each row: on PostgreSQL one with a lower number may be
// committed after those that were read.
var stmtTaken = db.NewStmt(0, `DELETE FROM record_captured WHERE seq IN (SELECT r.seq FROM {rows} AS r)`, db.Int("seq"))

// read reads a batch; changes of classes that are gone are left out.
func (c *Capturer) read(tx *db.Tx) (changes []Foreign, taken [][]any, err error) {
	err = eachCaptured(tx, c.Model(), func(seq int64, f Foreign, err error) {
		taken = append(taken, []any{seq})
		if err != nil {
			c.Log.Error("a change that a foreign program made cannot be read", "class", f.Class.Code, "record", f.ID, "error", err)
		} else if f.Class != nil {
			changes = append(changes, f)
		}
	}, `ORDER BY seq LIMIT $1 `, captureBatch)
	return changes, taken, err
}

// overtake tells what foreign programs have done to the record that has been
// loaded and nobody has told yet, so that it is told before what is done to it
// now. Only a record that was last written by them, or is as it was made, can have
// such changes; the others cost nothing.
func (w *write) overtake() error {
	if w.old[atVersion].Int() != 1 && w.old[atModifiedBy].Text() != class.ByDatabase {
		return nil
	}
	var changes []Foreign
	var taken [][]any
	err := eachCaptured(w.tx, w.model, func(seq int64, f Foreign, err error) {
		if err == nil { // another one is left to the Capturer, which says so
			changes, taken = append(changes, f), append(taken, []any{seq})
		}
	}, `WHERE class = $1 AND record = $2 ORDER BY seq `, w.class.Code, w.old[atID].Text())
	if err != nil || len(taken) == 0 {
		return err
	}
	if _, err := w.tx.Many(stmtTaken, taken); err != nil {
		return err
	}
	return w.store.Foreign(w.tx, w.model, changes)
}

// eachCaptured reads captured changes and keeps others from taking them. A change
// of a class that is gone has none; err is that of a change which cannot be read.
func eachCaptured(tx *db.Tx, m *class.Model, take func(seq int64, f Foreign, err error), which string, args ...any) error {
	rows, err := tx.Query(`SELECT seq, class, record, operation, before, after FROM record_captured `+which+tx.LockRows(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var class string
		var seq int64
		var before, after []byte
		var f Foreign
		if err := rows.Scan(&seq, &class, &f.ID, &f.Operation, &before, &after); err != nil {
			return err
		}
		if f.Class = m.Class(class); f.Class == nil {
			take(seq, f, nil)
			continue
		}
		if f.Before, err = capturedRow(f.Class, tx.Postgres(), before); err == nil {
			f.After, err = capturedRow(f.Class, tx.Postgres(), after)
		}
		if err == nil {
			f.judge()
		}
		take(seq, f, err)
	}
	return errors.Join(rows.Err(), rows.Close())
}

// judge gives an update that sets or clears deleted_at its meaning.
func (f *Foreign) judge() {
	if f.Operation != "updated" {
		return
	}
	was, is := !f.Before["deleted_at"].IsNull(), !f.After["deleted_at"].IsNull()
	switch {
	case is && !was:
		f.Operation = "deleted"
	case was && !is:
		f.Operation = "created"
	}
}

// capturedRow reads a row as a trigger has written it. A column that is gone
// meanwhile is left out.
func capturedRow(c *class.Class, postgres bool, row []byte) (map[string]value.Value, error) {
	if row == nil {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(row, &members); err != nil {
		return nil, err
	}
	values := map[string]value.Value{}
	for _, list := range [][]*class.Column{class.System(), c.Columns} {
		for _, column := range list {
			raw, ok := members[column.Field()]
			if !ok {
				continue
			}
			v, err := capturedValue(column, postgres, raw)
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", column.Field(), err)
			}
			values[column.Code] = v
		}
	}
	return values, nil
}

func capturedValue(c *class.Column, postgres bool, raw json.RawMessage) (value.Value, error) {
	if postgres {
		v, err := value.FromJSON(c.Type, raw)
		if err != nil || c.Type != value.Decimal {
			return v, err
		}
		return value.Fit(v, value.MaxDigits, c.Scale)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var any any
	if err := d.Decode(&any); err != nil {
		return value.Value{}, err
	}
	if number, ok := any.(json.Number); ok {
		n, err := number.Int64()
		if err != nil {
			return value.Value{}, err
		}
		return c.Read(n)
	}
	return c.Read(any)
}
