package table

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"junctor/internal/class"
	"junctor/internal/db"
)

// foreignIndex is an index on a class's table that is not Junctor's. When another
// table takes that one's place it is made on it before there are rows, under a
// name that is free, and is called what it was once the old table is gone.
type foreignIndex struct {
	name string
	form string // "CREATE INDEX %[1]s ON %[2]s": of the index and the table
	over string // what follows: (a, lower(b)) WHERE c > 0
}

func (i foreignIndex) create(name, table string) string {
	return fmt.Sprintf(i.form, db.Quote(name), db.Quote(table)) + i.over
}

// drop takes it off a table.
func (i foreignIndex) drop(tx *db.Tx, table string) error {
	if strings.HasPrefix(i.form, "ALTER") {
		return tx.Define(fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s", db.Quote(table), db.Quote(i.name)))
	}
	return tx.Define("DROP INDEX " + db.Quote(i.name))
}

// mark tells an index from others under any name.
func (i foreignIndex) mark() string {
	sum := sha256.Sum256([]byte(i.name + "\x00" + i.over))
	return hex.EncodeToString(sum[:8])
}

// carriedName is what an index is called on the way; carriedMark is the mark in it.
func carriedName(mark string) string { return fmt.Sprintf("shadow_%s_%d", mark, stamp()) }

func carriedMark(name string) string {
	mark, _, _ := strings.Cut(strings.TrimPrefix(name, "shadow_"), "_")
	return mark
}

// ownIndex is how objectName names indexes.
var ownIndex = regexp.MustCompile(`^class_.*_[0-9a-f]{8}$`)

// foreignIndexes are the indexes on a table that are not Junctor's.
func (d dialect) foreignIndexes(tx *db.Tx, table string) ([]foreignIndex, error) {
	query := `SELECT name, 'CREATE ' || CASE WHEN sql LIKE 'CREATE UNIQUE%' THEN 'UNIQUE ' ELSE '' END || 'INDEX %[1]s ON %[2]s ', sql
		FROM sqlite_schema WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL ORDER BY name`
	if d.postgres {
		query = `SELECT i.relname,
				CASE WHEN k.oid IS NULL THEN u.form || '%[1]s ON %[2]s ' ELSE 'ALTER TABLE %[2]s ADD CONSTRAINT %[1]s ' END,
				CASE WHEN k.oid IS NULL THEN substr(pg_get_indexdef(i.oid), length(u.form || format('%I ON %I.%I ', i.relname, n.nspname, t.relname)) + 1) ELSE pg_get_constraintdef(k.oid) END
			FROM pg_index AS x
				JOIN pg_class AS i ON i.oid = x.indexrelid
				JOIN pg_class AS t ON t.oid = x.indrelid
				JOIN pg_namespace AS n ON n.oid = t.relnamespace
				LEFT JOIN pg_constraint AS k ON k.conindid = i.oid AND k.conrelid = t.oid AND k.contype IN ('u', 'x')
				CROSS JOIN LATERAL (SELECT CASE WHEN x.indisunique THEN 'CREATE UNIQUE INDEX ' ELSE 'CREATE INDEX ' END AS form) AS u
			WHERE x.indrelid = to_regclass(quote_ident($1)) AND x.indisvalid AND NOT x.indisprimary ORDER BY i.relname`
	}
	rows, err := tx.Query(query, table)
	if err != nil {
		return nil, fmt.Errorf("look for the indexes of %s: %w", table, err)
	}
	defer rows.Close()
	var all []foreignIndex
	for rows.Next() {
		var i foreignIndex
		if err := rows.Scan(&i.name, &i.form, &i.over); err != nil {
			return nil, err
		}
		if !d.postgres {
			i.over = behindTable(i.over)
		}
		if !ownIndex.MatchString(i.name) {
			all = append(all, i)
		}
	}
	return all, rows.Err()
}

// sqlToken is a text, a comment, a name in quotes, a word, or one character.
var sqlToken = regexp.MustCompile(`(?s)'[^']*'|--[^\n]*|/\*.*?\*/|"(?:[^"]|"")*"|` + "`[^`]*`" + `|\[[^\]]*\]|[\pL_][\pL\pN_$]*|.`)

// behindTable is what follows the table's name in a CREATE INDEX: all from the
// first bracket.
func behindTable(sql string) string {
	for _, at := range sqlToken.FindAllStringIndex(sql, -1) {
		if sql[at[0]] == '(' {
			return sql[at[0]:]
		}
	}
	return sql
}

// fit gives the columns of an index the names that they have in the new class.
// gone is a column that the class has no more; "" when it has all.
func (i foreignIndex) fit(old, new *class.Class) (fitting foreignIndex, gone string) {
	now := map[string]string{} // by former field; "": gone
	for _, c := range old.Columns {
		now[c.Field()] = ""
	}
	for _, c := range new.Columns {
		if o := own(old, c.Code); o != nil {
			now[o.Field()] = c.Field()
		} else if o = own(old, c.Was); o != nil {
			now[o.Field()] = c.Field()
		}
	}
	var b strings.Builder
	for _, at := range sqlToken.FindAllStringIndex(i.over, -1) {
		token := i.over[at[0]:at[1]]
		call := strings.HasPrefix(strings.TrimLeft(i.over[at[1]:], " "), "(") // lower(...) is no column
		for was, is := range now {
			if call || !strings.EqualFold(strings.Trim(token, "\"`[]"), was) {
				continue
			}
			if is == "" {
				gone = was
			} else if is != was {
				token = db.Quote(is)
			}
			break
		}
		b.WriteString(token)
	}
	i.over = b.String()
	return i, gone
}

// lost says why an index is not there any more.
func (i foreignIndex) lost(format string, args ...any) string {
	return fmt.Sprintf("the index %s, which is not Junctor's, is not there any more: ", i.name) + fmt.Sprintf(format, args...)
}

// carryIndexes makes the foreign indexes of a class's table on its shadow, which
// has no rows yet. Those that cannot be made are noted when the shadow has taken
// the table's place, see adoptIndexes.
func (d dialect) carryIndexes(tx *db.Tx, old, new *class.Class) error {
	theirs, err := d.foreignIndexes(tx, old.Table())
	if err != nil {
		return err
	}
	for _, i := range theirs {
		fitting, gone := i.fit(old, new)
		if gone != "" {
			continue
		}
		if _, err := tryDefine(tx, fitting.create(carriedName(i.mark()), shadow(old.Code))); err != nil {
			return err
		}
	}
	return nil
}

// adoptIndexes gives the indexes of a table that has taken another's place the
// names that these had there. One that was not made beforehand is made now:
// somebody has made it meanwhile. notes are those that cannot be.
func (d dialect) adoptIndexes(tx *db.Tx, old, new *class.Class, theirs []foreignIndex) (notes []string, err error) {
	table := new.Table()
	carried, err := d.foreignIndexes(tx, table)
	if err != nil {
		return nil, err
	}
	for _, i := range theirs {
		if err := d.setAside(tx, i); err != nil {
			return nil, err
		}
		fitting, gone := i.fit(old, new)
		at := slices.IndexFunc(carried, func(c foreignIndex) bool { return carriedMark(c.name) == i.mark() })
		switch {
		case gone != "":
			notes = append(notes, i.lost("its column %s is gone", gone))
		case at >= 0:
			err = d.renameIndex(tx, carried[at].name, i.name, fitting.create(i.name, table))
			carried = slices.Delete(carried, at, at+1)
		default:
			var problem error
			if problem, err = tryDefine(tx, fitting.create(i.name, table)); problem != nil {
				notes = append(notes, i.lost("%v", problem))
			}
		}
		if err != nil {
			return nil, err
		}
	}
	for _, i := range carried { // somebody has dropped it meanwhile
		if err := i.drop(tx, table); err != nil {
			return nil, err
		}
	}
	return notes, nil
}

// uncarry takes the unique ones off a shadow, where the records as they are to be
// do not fit one of them; any is whether there were some.
func (d dialect) uncarry(tx *db.Tx, code string) (any bool, err error) {
	carried, err := d.foreignIndexes(tx, shadow(code))
	if err != nil {
		return false, err
	}
	for _, i := range carried {
		if strings.HasPrefix(i.form, "CREATE INDEX") {
			continue
		}
		if err := i.drop(tx, shadow(code)); err != nil {
			return false, err
		}
		any = true
	}
	return any, nil
}

// tryDefine executes a statement that may fail by itself: problem says how.
func tryDefine(tx *db.Tx, sql string) (problem, err error) {
	if err := tx.Define("SAVEPOINT attempt"); err != nil {
		return nil, err
	}
	if problem = tx.Define(sql); problem != nil {
		return problem, tx.Define("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")
	}
	return nil, tx.Define("RELEASE SAVEPOINT attempt")
}

// setAside frees the name of an index of a table that waits to be removed, as
// tables do on SQLite.
func (d dialect) setAside(tx *db.Tx, i foreignIndex) error {
	if d.postgres {
		return nil
	}
	var garbage string
	err := tx.QueryRow(`SELECT tbl_name FROM sqlite_schema WHERE type = 'index' AND name = $1`, i.name).Scan(&garbage)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	away := fmt.Sprintf("garbage_%s_%d", i.mark(), stamp())
	return d.renameIndex(tx, i.name, away, i.create(away, garbage))
}

// renameIndex gives an index another name, with which its statement is sql.
func (d dialect) renameIndex(tx *db.Tx, from, to, sql string) error {
	if d.postgres {
		return tx.Define(fmt.Sprintf("ALTER INDEX %s RENAME TO %s", db.Quote(from), db.Quote(to)))
	}
	return rewrite(tx, `UPDATE sqlite_schema SET name = $2, sql = $3 WHERE type = 'index' AND name = $1`, from, to, sql)
}
