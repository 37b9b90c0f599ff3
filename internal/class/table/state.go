package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
)

// state is the tables as they are, in one transaction.
type state struct {
	dialect dialect
	list    []*tableState // by code
	tables  map[string]*tableState
	model   *class.Model // of the definitions that the tables have
}

// tableState is a row of record_tables.
type tableState struct {
	code       string
	body       string
	class      *class.Class
	generation int64
	change     int64
	wanted     *string // nil: nothing; "": to be dropped
	position   *string
	copied     int64
}

// load reads what the tables are.
func load(tx *db.Tx) (*state, error) {
	s := &state{dialect: dialect{tx.Postgres()}, tables: map[string]*tableState{}}
	rows, err := tx.Query(`SELECT class, body, generation, change, wanted, position, copied FROM record_tables ORDER BY class`)
	if err != nil {
		return nil, fmt.Errorf("read what the tables of classes are: %w", err)
	}
	defer rows.Close()
	bodies, changes := map[string]json.RawMessage{}, map[string]int64{}
	for rows.Next() {
		var t tableState
		if err := rows.Scan(&t.code, &t.body, &t.generation, &t.change, &t.wanted, &t.position, &t.copied); err != nil {
			return nil, fmt.Errorf("read what the tables of classes are: %w", err)
		}
		bodies[t.code], changes[t.code] = json.RawMessage(t.body), t.change
		s.list = append(s.list, &t)
		s.tables[t.code] = &t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read what the tables of classes are: %w", err)
	}
	model, found := class.ReadModel(bodies, changes)
	if len(found) > 0 { // a newer release wrote them, or somebody else
		return nil, fault.New(fault.Internal, "The definitions of the classes' tables cannot be read.").WithFields(found...)
	}
	s.model = model
	for _, t := range s.list {
		t.class = model.Class(t.code)
	}
	return s, nil
}

// Applied is the classes as their tables are now: what records are read and
// written by. It is what the configuration wants, but for classes whose change
// still waits for its run; those are as they were. Whoever keeps it loads it
// again when the configuration changes and when Migration.Changed is called.
func Applied(tx *db.Tx) (*class.Model, error) {
	s, err := load(tx)
	if err != nil {
		return nil, err
	}
	return s.model, nil
}

// ErrStale says that a class's table is not what the Model says any more: load
// Applied again, and do the whole again.
var ErrStale = errors.New("the table of the class has changed meanwhile")

// Current is ErrStale when a class's table has changed since Applied has made
// the Model. It tells for sure in a transaction that has read or written the
// class's table before, and until that ends: the change of a table waits for
// those who use it. A write has to ask, a value may be kept otherwise in the new
// table.
func Current(tx *db.Tx, m *class.Model, class string) error {
	known, ok := m.Change(class)
	if !ok {
		return nil // made by NewModel, for those who look at definitions only
	}
	var change int64
	err := tx.QueryRow(`SELECT change FROM record_tables WHERE class = $1`, class).Scan(&change)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return fmt.Errorf("ask whether the class %s is as it was: %w", class, err)
	}
	if err != nil || change != known {
		return ErrStale
	}
	return nil
}

// Hold is Current for who writes: it tells for sure, and until the transaction
// ends. On SQLite nothing changes while somebody writes.
func Hold(tx *db.Tx, m *class.Model, c *class.Class) error {
	if tx.Postgres() {
		if err := tx.Define("LOCK TABLE " + db.Quote(c.Table()) + " IN ROW EXCLUSIVE MODE"); errors.Is(err, db.ErrUnfit) {
			return errors.Join(ErrStale, err)
		} else if err != nil {
			return err
		}
	}
	return Current(tx, m, c.Code)
}

// Pending are the classes whose change waits for a run or is being made by one.
func Pending(tx *db.Tx) ([]Unfinished, error) {
	s, err := load(tx)
	if err != nil {
		return nil, err
	}
	var all []Unfinished
	for _, t := range s.list {
		if t.wanted != nil {
			all = append(all, Unfinished{Class: t.code, Number: t.change})
		}
	}
	return cleaning(tx, all)
}

// indexName finds Junctor's index of a table by what it is over; "" when there is none.
func (d dialect) indexName(tx *db.Tx, table string, i index) (name string, err error) {
	unique := 0
	if i.unique {
		unique = 1
	}
	query := `SELECT l.name FROM pragma_index_list($1) AS l WHERE l.origin = 'c' AND l."unique" = $2 AND
		(SELECT group_concat(x.name, ',' ORDER BY x.seqno) FROM pragma_index_info(l.name) AS x) = $3`
	if d.postgres {
		query = `SELECT t.relname FROM pg_index AS x JOIN pg_class AS t ON t.oid = x.indexrelid
			WHERE x.indrelid = to_regclass(quote_ident($1)) AND NOT x.indisprimary AND x.indisunique = ($2::int = 1) AND
			(SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(x.indkey) WITH ORDINALITY AS k (att, n)
				JOIN pg_attribute AS a ON a.attrelid = x.indrelid AND a.attnum = k.att) = $3`
	}
	rows, err := tx.Query(query, table, unique, strings.Join(i.columns, ","))
	if err != nil {
		return "", fmt.Errorf("look for the indexes of %s: %w", table, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&name); err != nil || ownIndex.MatchString(name) {
			return name, err
		}
	}
	return "", rows.Err()
}
