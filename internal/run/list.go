package run

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"junctor/internal/db"
	"junctor/internal/fault"
)

const (
	pageDefault = 100
	pageMax     = 1000
)

// conditions makes the WHERE of a filter.
func (f *Filter) conditions() (string, []any, error) {
	var where []string
	var args []any
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, condition)
	}
	if len(f.State) > 0 {
		marks := make([]string, len(f.State))
		values := make([]any, len(f.State))
		for i, s := range f.State {
			if !known(s) {
				return "", nil, fault.New(fault.Invalid, "There is no state %q; the states are queued, running, waiting, succeeded, failed and cancelled.", clean(string(s), 40))
			}
			marks[i], values[i] = "?", string(s)
		}
		add("state IN ("+strings.Join(marks, ", ")+")", values...)
		if f.open() {
			add("finished_at IS NULL") // what the index of open runs holds
		}
	}
	for _, c := range []struct{ column, value string }{
		{"program", f.Program}, {"channel", f.Channel}, {"function", f.Function}, {"account", f.Account}, {"source", f.Source},
	} {
		if c.value != "" {
			add(c.column+" = ?", clean(c.value, 1000))
		}
	}
	for _, c := range []struct{ column, value string }{{"subject", f.Subject}, {"webhook_id", f.WebhookID}} {
		if c.value != "" {
			add(c.column+" = ? AND "+c.column+" <> ''", clean(c.value, 1000)) // as its index has it: SQLite does not see that it is so
		}
	}
	if f.Tag != "" {
		add("id IN (SELECT run FROM run_tags WHERE tag = ?)", clean(f.Tag, 1000))
	}
	if !f.Since.IsZero() {
		add("created_at >= ?", db.Micros(f.Since))
	}
	if !f.Until.IsZero() {
		add("created_at < ?", db.Micros(f.Until))
	}
	if q := clean(f.Q, 1000); q != "" {
		end := q + string(utf8.MaxRune)
		add(`((id >= ? AND id < ?) OR (subject <> '' AND subject >= ? AND subject < ?)
			OR id IN (SELECT run FROM run_tags WHERE tag >= ? AND tag < ?))`, q, end, q, end, q, end)
	}
	return " WHERE " + strings.Join(append(where, "true"), " AND "), args, nil
}

// after is the id behind which a page begins, "" at the start.
func (f *Filter) after() (string, error) {
	id, err := base64.RawURLEncoding.DecodeString(f.After)
	if err != nil {
		return "", fault.New(fault.Invalid, "The cursor in after is not one that a list has given.")
	}
	return clean(string(id), 100), nil
}

// open reports whether the filter wants runs that have not ended, and no others.
func (f *Filter) open() bool {
	return len(f.State) > 0 && !slices.ContainsFunc(f.State, State.Ended)
}

// few is up to how many open runs are sorted for a page.
const few = 1000

// order is how a page is put in order. Open runs are mostly few among many that
// have ended: to go through all by their ids would take as long as there are runs.
func (f *Filter) order(tx *db.Tx, where string, args []any) (string, error) {
	const sorted = "id || ''" // not by the index of ids
	if f.WebhookID != "" {    // of which there are few, whatever a database without statistics thinks
		return sorted, nil
	}
	if !f.open() {
		return "id", nil
	}
	var n int
	err := tx.QueryRow(fmt.Sprintf(`SELECT count(*) FROM (SELECT id FROM runs%s LIMIT %d) AS open`, where, few+1), args...).Scan(&n)
	if err != nil || n > few {
		return "id", err
	}
	return sorted, nil
}

func known(s State) bool {
	for _, k := range States {
		if k == s {
			return true
		}
	}
	return false
}

// List finds runs, newest first, without their content. next is the cursor of
// the following page, "" at the end. Errors: fault.Invalid for a bad filter.
func (e *Engine) List(ctx context.Context, f Filter) (runs []Info, next string, err error) {
	limit := f.Limit
	if limit == 0 {
		limit = pageDefault
	}
	limit = min(max(limit, 1), pageMax)
	where, args, err := f.conditions()
	if err != nil {
		return nil, "", err
	}
	after, err := f.after()
	if err != nil {
		return nil, "", err
	}
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		runs = []Info{}
		// Content stays where it is: a page must not carry megabytes.
		light := strings.Replace(columns, "input, output,", "NULL, NULL,", 1)
		order, err := f.order(tx, where, args)
		if err != nil {
			return err
		}
		page, values := "", args
		if after != "" {
			values = append(slices.Clone(args), after)
			page = fmt.Sprintf(" AND %s < $%d", order, len(values))
		}
		rows, err := tx.Query(fmt.Sprintf(`SELECT %s FROM runs%s%s ORDER BY %s DESC LIMIT %d`, light, where, page, order, limit+1), values...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scan(rows)
			if err != nil {
				return err
			}
			runs = append(runs, e.present(r))
		}
		return rows.Err()
	})
	if err != nil {
		return nil, "", fmt.Errorf("list the runs: %w", err)
	}
	if len(runs) > limit {
		runs = runs[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(runs[limit-1].ID))
	}
	return runs, next, nil
}

// Count is how many runs a filter chooses, whatever its Limit. Errors:
// fault.Invalid for a bad filter.
func (e *Engine) Count(ctx context.Context, f Filter) (n int64, err error) {
	where, args, err := f.conditions()
	if err != nil {
		return 0, err
	}
	err = e.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT count(*) FROM runs`+where, args...).Scan(&n)
	})
	return n, err
}

// Open reports whether there is such a run and it has not ended.
func (e *Engine) Open(tx *db.Tx, id string) (open bool, err error) {
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM runs WHERE id = $1 AND finished_at IS NULL)`, id).Scan(&open)
	return open, err
}

// present is a row as people see it: one that computes here is running.
func (e *Engine) present(r *row) Info {
	info := r.info()
	if r.state == Queued {
		e.mu.Lock()
		if e.active[r.id] != nil {
			info.State = Running
		}
		e.mu.Unlock()
	}
	return info
}

// Get is one run with its content, steps and logs. Errors: fault.NotFound.
func (e *Engine) Get(ctx context.Context, id string) (*Info, error) {
	var info Info
	err := e.db.Read(ctx, func(tx *db.Tx) error { // all at one moment: the run's end may take content away
		r, err := readRow(tx, id)
		if err != nil {
			return err
		}
		info = e.present(r)
		return e.content(tx, r, &info)
	})
	if err != nil {
		return nil, err
	}
	return &info, nil
}

// content adds what a run was given, what it did and what came of it.
func (e *Engine) content(tx *db.Tx, r *row, info *Info) error {
	input, err := loadOptional(tx, r.input)
	if err != nil {
		return fmt.Errorf("read the input of %s: %w", r.id, err)
	}
	if input != nil {
		info.Input = asJSON(e.show(r.program, input))
	}
	output, err := loadOptional(tx, r.output)
	if err != nil {
		return fmt.Errorf("read the output of %s: %w", r.id, err)
	}
	info.Output = asJSON(output)
	j, err := loadJournal(tx, r.id)
	if err == nil {
		info.Steps, err = steps(tx, j)
	}
	if err != nil {
		return fmt.Errorf("read the steps of %s: %w", r.id, err)
	}
	if !r.state.Ended() {
		info.Awaits = e.awaited(j, info.Steps)
	}
	if info.Tags == nil {
		info.Tags = []string{}
	}
	info.Logs, err = logs(tx, r.id)
	return err
}

// awaited are those of the steps that the run waits for.
func (e *Engine) awaited(j *journal, shown []Step) (all []Awaited) {
	for _, one := range shown {
		h := e.handlers[one.Name]
		if one.FinishedAt != nil || h.Sleep == nil && h.Wait == nil && h.Child == nil {
			continue
		}
		a := Awaited{Step: one.Seq, Name: one.Name, For: one.Arguments}
		if until := j.bySeq[one.Seq].deadline; until != 0 {
			at := db.Time(until)
			a.Until = &at
		}
		all = append(all, a)
	}
	return all
}

func steps(tx *db.Tx, j *journal) ([]Step, error) {
	list := []Step{}
	for seq := 1; seq <= j.maxSeq; seq++ {
		s, ok := j.bySeq[seq]
		if !ok || s.dropped {
			continue
		}
		arguments, err := loadOptional(tx, s.arguments)
		if err != nil {
			return nil, err
		}
		result, err := loadOptional(tx, s.result)
		if err != nil {
			return nil, err
		}
		shown := Step{Seq: s.seq, Name: s.name, Arguments: asJSON(arguments), Result: asJSON(result), StartedAt: db.Time(s.startedAt)}
		if s.err != nil {
			shown.Error = asJSON([]byte(stepErrorText(s.err)))
		}
		if s.finishedAt != 0 {
			at := db.Time(s.finishedAt)
			shown.FinishedAt = &at
		}
		list = append(list, shown)
	}
	return list, nil
}

func logs(tx *db.Tx, id string) ([]LogLine, error) {
	rows, err := tx.Query(`SELECT at, level, text FROM run_logs WHERE run = $1 ORDER BY n`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []LogLine{}
	for rows.Next() {
		var l LogLine
		var at int64
		if err := rows.Scan(&at, &l.Level, &l.Text); err != nil {
			return nil, err
		}
		l.At = db.Time(at)
		list = append(list, l)
	}
	return list, rows.Err()
}

func loadOptional(tx *db.Tx, b db.Blob) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	return tx.Load(b)
}

// asJSON shows content that is JSON as it is, and anything else as text.
func asJSON(b []byte) json.RawMessage {
	if b == nil || json.Valid(b) {
		return b
	}
	text, _ := json.Marshal(clean(string(b), len(b))) //nolint:errcheck // strings always marshal
	return text
}
