package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/value"
)

// Migration brings tables with data to their wanted definitions, by runs of
// MigrationProgram: the rows are copied into a new table in small transactions
// while triggers note which ones are written meanwhile, and the new table takes
// the old one's place in a short one. Every step can be made again: a run that is
// interrupted anywhere goes on where it was.
type Migration struct {
	DB *db.DB
	// Changed is called in the transaction in which a class's table changes:
	// every node has to load Applied again. May be nil.
	Changed func(tx *db.Tx) error
	// Pause waits between two transactions; time.After by itself when nil.
	Pause func(ctx context.Context, d time.Duration)
}

// A chunk is as many rows as take about this long to copy. Others write between
// two chunks.
const (
	chunkTime  = 15 * time.Millisecond
	chunkFirst = 200
	chunkLeast = 100
	chunkMost  = 500             // a machine may become slow from one to the next
	stepTime   = 5 * time.Second // of copying that make one step of the run
	swapBelow  = 50              // records that are still to be copied again when the swap begins
)

// Version is the only version of MigrationProgram.
const Version = "1"

func (u Unfinished) input() []byte {
	input, _ := json.Marshal(u) //nolint:errcheck // two plain members
	return input
}

// Execute implements run.Program. The steps of the run show how far it is.
func (m *Migration) Execute(_ context.Context, x *run.Execution) run.Outcome {
	p := process{x: x}
	superseded := false
	for _, name := range []string{"table.prepare", "table.copy", "table.swap", "table.clean"} {
		for !superseded || name == "table.clean" {
			c, err := p.step(name, x.Input())
			if err != nil {
				return run.Outcome{Left: err}
			}
			if c.Err != nil {
				return run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Name: c.Err.Name, Message: c.Err.Message, Permanent: c.Err.Permanent}, Calls: []int{p.calls}}}
			}
			var done progress
			if err := json.Unmarshal(c.Result, &done); err != nil {
				return run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Name: "Error", Message: err.Error(), Permanent: true}}}
			}
			if superseded = superseded || done.Superseded; done.Done {
				break
			}
		}
	}
	output, err := json.Marshal(progress{Done: true, Superseded: superseded})
	if err != nil {
		return run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Name: "Error", Message: err.Error(), Permanent: true}}}
	}
	return run.Outcome{Output: output}
}

// process calls one step after another.
type process struct {
	x     *run.Execution
	calls int
}

func (p *process) step(name string, args []byte) (run.Completion, error) {
	p.calls++
	p.x.Call(p.calls, name, args)
	for {
		c, err := p.x.Next(nil)
		if err != nil || c.Call == p.calls {
			return c, err
		}
	}
}

// progress is a step's result.
type progress struct {
	Done       bool  `json:"done"`
	Copied     int64 `json:"copied,omitempty"` // rows, all in all
	Superseded bool  `json:"superseded,omitempty"`
}

// Handlers are the steps of MigrationProgram.
func (m *Migration) Handlers() run.Handlers {
	handler := func(f func(context.Context, Unfinished) (progress, error)) run.Handler {
		return run.Handler{External: func(ctx context.Context, c *run.Call) ([]byte, error) {
			var u Unfinished
			if err := json.Unmarshal(c.Args, &u); err != nil {
				return nil, &run.StepError{Name: "Error", Message: err.Error(), Permanent: true}
			}
			done, err := f(ctx, u)
			if err != nil {
				return nil, explain(u, err)
			}
			return json.Marshal(done)
		}}
	}
	return run.Handlers{
		"table.prepare": handler(m.prepare), "table.copy": handler(m.copy), "table.swap": handler(m.swap), "table.clean": handler(m.clean),
	}
}

var errSuperseded = errors.New("another change of the class has taken this one's place")

// explain makes an error of a step what the run shows.
func explain(u Unfinished, err error) error {
	var bad *misfit
	switch {
	case errors.As(err, &bad):
		return &run.StepError{Name: "DataError", Permanent: true, Message: fmt.Sprintf("The class %s stays as it was: %s. Change the record or the class, and apply again or retry this run.", u.Class, bad.text)}
	case fault.Is(err, fault.Conflict):
		return &run.StepError{Name: "Conflict", Permanent: true, Message: err.Error()}
	}
	return err
}

// current finds the change in the tables' state; errSuperseded when it is not
// wanted any more, or done.
func (m *Migration) current(tx *db.Tx, u Unfinished) (*state, *tableState, *Class, error) {
	s, err := load(tx)
	if err != nil {
		return nil, nil, nil, err
	}
	t := s.tables[u.Class]
	if t == nil || t.wanted == nil || t.change != u.Number {
		return nil, nil, nil, errSuperseded
	}
	if *t.wanted == "" {
		return s, t, nil, nil
	}
	c, found := parseClass(u.Class, json.RawMessage(*t.wanted))
	if len(found) > 0 {
		return nil, nil, nil, fault.New(fault.Internal, "The wanted definition of the class cannot be read.").WithFields(found...)
	}
	return s, t, c, nil
}

// write is a transaction of a step. superseded is no error of it.
func (m *Migration) write(ctx context.Context, u Unfinished, f func(tx *db.Tx, s *state, t *tableState, c *Class) error) (superseded bool, err error) {
	err = m.DB.Write(ctx, func(tx *db.Tx) error {
		s, t, c, err := m.current(tx, u)
		if err != nil {
			return err
		}
		return f(tx, s, t, c)
	})
	if errors.Is(err, errSuperseded) {
		return true, nil
	}
	return false, err
}

// prepare makes the shadow and the triggers.
func (m *Migration) prepare(ctx context.Context, u Unfinished) (progress, error) {
	// A vacuum of the old table would be in the way of the swap. One that is under
	// way gives up after a second; readers and writers do not wait for this.
	if superseded, err := m.write(ctx, u, func(tx *db.Tx, s *state, t *tableState, c *Class) error {
		if !s.dialect.postgres || t.position != nil || c == nil {
			return nil
		}
		return tx.Define("SET LOCAL lock_timeout = '5s'; ALTER TABLE " + quote(t.class.Table()) + " SET (autovacuum_enabled = false)")
	}); superseded || err != nil {
		return progress{Done: true, Superseded: superseded}, err
	}
	superseded, err := m.write(ctx, u, func(tx *db.Tx, s *state, t *tableState, c *Class) error {
		if t.position != nil || c == nil {
			return nil
		}
		if err := s.dialect.impatient(tx); err != nil {
			return err
		}
		statements := append(s.dialect.createTable(c, shadow(u.Class), stamp()), s.dialect.touchTriggers(t.class)...)
		if s.dialect.postgres { // a vacuum would hold the table when it is to take the other's place
			statements = append(statements, fmt.Sprintf("ALTER TABLE %s SET (autovacuum_enabled = false)", quote(shadow(u.Class))))
		}
		if err := define(tx, statements); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM record_touched WHERE class = $1`, u.Class); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE record_tables SET position = '', copied = 0 WHERE class = $1`, u.Class)
		return err
	})
	return progress{Done: true, Superseded: superseded}, err
}

// copy copies rows for some seconds.
func (m *Migration) copy(ctx context.Context, u Unfinished) (progress, error) {
	var done progress
	var v *conversion
	n, clashes := chunkFirst, 0
	for began := time.Now(); !done.Done && time.Since(began) < stepTime; {
		var took time.Duration
		err := m.DB.Write(ctx, func(tx *db.Tx) (err error) {
			start := time.Now()
			if v == nil {
				if v, err = m.conversion(tx, u); err != nil || v == nil {
					done.Done = err == nil
					return err
				}
			}
			if clashes > 0 {
				if err := makeRoom(tx, u.Class); err != nil {
					return err
				}
			}
			rows, copied, err := v.chunk(tx, u, n)
			took = time.Since(start)
			done = progress{Done: rows < n, Copied: copied}
			return err
		})
		switch {
		case errors.Is(err, errSuperseded):
			return progress{Superseded: true}, nil
		case errors.Is(err, db.ErrUnique) && clashes < 3: // with a record that was written meanwhile
			clashes++
			done.Done = false
			continue
		case errors.Is(err, db.ErrUnique):
			return progress{}, m.duplicates(ctx, u, err)
		case err != nil:
			return progress{}, err
		}
		clashes = 0
		n = adapt(n, took)
		m.pause(ctx, took)
	}
	if done.Done && v != nil && v.dialect.postgres { // queries are planned well from the swap on
		if err := m.DB.Write(ctx, func(tx *db.Tx) error { return tx.Define("ANALYZE " + quote(shadow(u.Class))) }); err != nil {
			return progress{}, err
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
	_, err := tx.Exec(fmt.Sprintf(`DELETE FROM %s WHERE id IN (SELECT record FROM record_touched WHERE class = $1)`, quote(shadow(code))), code)
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
		if _, err := tx.Exec(fmt.Sprintf(`DELETE FROM %s WHERE id IN (`, quote(shadow(code)))+tx.Elements("$1")+`)`, list); err != nil {
			return 0, err
		}
		// Forgotten before they are read: what is written after that is noted anew.
		if _, err := tx.Many(stmtForget, seqs); err != nil {
			return 0, err
		}
		rows, err := v.rows(tx, `WHERE id IN (`+tx.Elements("$1")+`)`, list)
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

// swap copies what was written meanwhile and, when little is left, puts the new
// table in the old one's place.
func (m *Migration) swap(ctx context.Context, u Unfinished) (progress, error) {
	var done progress
	n, clashes := chunkFirst, 0
	for began := time.Now(); !done.Done && time.Since(began) < stepTime; {
		var took time.Duration
		superseded, err := m.write(ctx, u, func(tx *db.Tx, s *state, t *tableState, c *Class) (err error) {
			done = progress{Copied: t.copied}
			if c == nil {
				done.Done = true
				return m.dropped(tx, s, t)
			}
			v := newConversion(s.dialect, t.class, c)
			start := time.Now()
			if clashes > 0 {
				if err := makeRoom(tx, u.Class); err != nil {
					return err
				}
			}
			left, err := v.again(tx, u.Class, n)
			took = time.Since(start)
			if err != nil || left > swapBelow {
				return err
			}
			done.Done = true
			return m.exchange(tx, s, t, v)
		})
		switch {
		case superseded:
			return progress{Superseded: true}, nil
		case errors.Is(err, db.ErrUnique) && clashes < 3:
			clashes++
			done.Done = false
			continue
		case errors.Is(err, db.ErrUnique):
			return progress{}, m.duplicates(ctx, u, err)
		case err != nil:
			return progress{}, err
		}
		clashes = 0
		n = adapt(n, took)
		if !done.Done {
			m.pause(ctx, took)
		}
	}
	return done, ctx.Err()
}

// exchange is the end of a change: nobody writes while it lasts.
func (m *Migration) exchange(tx *db.Tx, s *state, t *tableState, v *conversion) error {
	if s.dialect.postgres {
		if err := s.dialect.impatient(tx); err != nil {
			return err
		}
		if err := tx.Define("LOCK TABLE " + quote(t.class.Table()) + " IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
	}
	for left := int64(1); left > 0; {
		var err error
		if left, err = v.again(tx, t.code, 10_000); err != nil {
			return err
		}
	}
	changed := map[string]bool{t.code: true}
	kept, err := s.dropViews(tx, changed)
	if err != nil {
		return err
	}
	if err := define(tx, s.dialect.dropTouchTriggers(t.class)); err != nil {
		return err
	}
	if err := swap(tx, s.dialect, t.class, v.new); err != nil {
		return err
	}
	if s.dialect.postgres {
		if err := tx.Define(fmt.Sprintf("ALTER TABLE %s RESET (autovacuum_enabled)", quote(t.class.Table()))); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`UPDATE record_tables SET body = wanted, change = change + 1, wanted = NULL, position = NULL, generation = $2, changed_at = $3 WHERE class = $1`,
		t.code, stamp(), db.Micros(time.Now())); err != nil {
		return err
	}
	return m.finished(tx, changed, kept)
}

// dropped drops a class that had to wait for others, which refer to it no more.
func (m *Migration) dropped(tx *db.Tx, s *state, t *tableState) error {
	for _, other := range s.model.classes {
		if other.Code != t.code && slices.ContainsFunc(other.Columns, func(c *Column) bool { return c.Kind == Ref && c.Class == t.code }) {
			return fmt.Errorf("the class %s still refers to %s; its own change comes first", other.Code, t.code)
		}
	}
	if err := s.dialect.impatient(tx); err != nil {
		return err
	}
	a := applying{state: s, tx: tx}
	kept, err := s.dropViews(tx, map[string]bool{t.code: true})
	if err != nil {
		return err
	}
	if err := a.drop(t.class); err != nil {
		return inTheWay(t.class.Table(), err)
	}
	return m.finished(tx, nil, kept)
}

func (m *Migration) finished(tx *db.Tx, changed map[string]bool, kept grants) error {
	now, err := load(tx)
	if err != nil {
		return err
	}
	if err := now.createViews(tx, changed, kept); err != nil {
		return err
	}
	if m.Changed == nil {
		return nil
	}
	return m.Changed(tx)
}

// duplicates says which values are not unique.
func (m *Migration) duplicates(ctx context.Context, u Unfinished, cause error) error {
	bad := &misfit{}
	err := m.DB.Read(ctx, func(tx *db.Tx) error {
		s, t, c, err := m.current(tx, u)
		if err != nil {
			return err
		}
		for _, i := range c.indexes() {
			if !i.unique {
				continue
			}
			if bad.text, err = s.duplicate(tx, newConversion(s.dialect, t.class, c), i); err != nil || bad.text != "" {
				return err
			}
		}
		return nil
	})
	if err != nil || bad.text == "" {
		return cause
	}
	return bad
}

// duplicate looks for two records with the same values in the old table.
func (s *state) duplicate(tx *db.Tx, v *conversion, i index) (string, error) {
	var fields []string
	condition := alive
	for _, field := range i.columns {
		n := slices.IndexFunc(v.new.Columns, func(c *Column) bool { return c.Field() == field })
		if n < 0 || v.from[n] == nil {
			return "", nil
		}
		name := quote(v.from[n].Field())
		fields = append(fields, name)
		condition += " AND " + name + " IS NOT NULL"
	}
	var first, last string
	query := fmt.Sprintf("SELECT min(id), max(id) FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1 LIMIT 1", quote(v.old.Table()), condition, strings.Join(fields, ", "))
	err := tx.QueryRow(query).Scan(&first, &last)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return fmt.Sprintf("the records %s and %s have the same %s", first, last, strings.Join(i.columns, ", ")), err
}

// clean removes tables that nobody reads any more, bit by bit: on SQLite
// dropping one takes as long as reading it.
func (m *Migration) clean(ctx context.Context, _ Unfinished) (progress, error) {
	n := chunkFirst
	for began := time.Now(); time.Since(began) < stepTime; {
		var done bool
		start := time.Now()
		err := m.DB.Write(ctx, func(tx *db.Tx) (err error) {
			done, err = sweep(tx, n)
			return err
		})
		if err != nil || done {
			return progress{Done: done}, err
		}
		took := time.Since(start)
		n = adapt(n, took)
		m.pause(ctx, took)
	}
	return progress{}, ctx.Err()
}

// sweep removes some of what is left; done when nothing is.
func sweep(tx *db.Tx, n int) (done bool, err error) {
	var name string
	err = tx.QueryRow(`SELECT name FROM record_garbage ORDER BY name LIMIT 1`).Scan(&name)
	if errors.Is(err, db.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	var index string
	err = tx.QueryRow(`SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL LIMIT 1`, name).Scan(&index)
	if err == nil {
		return false, tx.Define("DROP INDEX " + quote(index))
	}
	if !errors.Is(err, db.ErrNoRows) {
		return false, err
	}
	gone, err := tx.Exec(fmt.Sprintf(`DELETE FROM %s WHERE rowid IN (SELECT rowid FROM %s LIMIT $1)`, quote(name), quote(name)), n)
	if err != nil || gone == int64(n) {
		return false, err
	}
	if err := tx.Define("DROP TABLE " + quote(name)); err != nil {
		return false, err
	}
	_, err = tx.Exec(`DELETE FROM record_garbage WHERE name = $1`, name)
	return false, err
}
