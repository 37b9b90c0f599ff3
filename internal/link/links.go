package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Usable chooses links that can still be used; what is empty chooses all.
type Usable struct {
	Kind   []Kind
	Target string // exactly
	From   string // the run that has made them
	After  string // the id that the page before ended with
	Limit  int
}

// undecided is the condition that a link is not one of an approval that is over.
const undecided = `(kind <> '` + string(choice) + `' OR EXISTS (SELECT 1 FROM approvals WHERE approvals.id = links.target AND state = '` + string(Open) + `'))`

// Links lists those that can still be used, newest first; next is "" on the last
// page.
func (s *Store) Links(ctx context.Context, f Usable) (list []*Link, next string, err error) {
	kinds, err := json.Marshal(append([]Kind{}, f.Kind...))
	if err != nil {
		return nil, "", err
	}
	err = s.o.DB.Read(ctx, func(tx *db.Tx) error {
		list = nil
		where, args := usable+" AND "+undecided, []any{db.Micros(s.o.Now()), f.Limit + 1}
		for _, c := range []struct{ condition, value string }{{"target = ", f.Target}, {"run = ", f.From}, {"id < ", f.After}} {
			if c.value != "" {
				args = append(args, c.value)
				where += fmt.Sprintf(" AND %s$%d", c.condition, len(args))
			}
		}
		if len(f.Kind) > 0 {
			args = append(args, string(kinds))
			where += " AND " + tx.Among("kind", fmt.Sprintf("$%d", len(args)))
		}
		rows, err := tx.Query(`SELECT `+columns+` FROM links WHERE `+where+` ORDER BY id DESC LIMIT $2`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			l, err := scan(rows)
			if err != nil {
				return err
			}
			list = append(list, l)
		}
		return errors.Join(rows.Err(), rows.Close())
	})
	if err != nil {
		return nil, "", fmt.Errorf("list the links: %w", err)
	}
	if len(list) > f.Limit {
		list, next = list[:f.Limit], list[f.Limit-1].ID
	}
	return list, next, nil
}

// End revokes a link by its id. Errors: fault.NotFound for one that could not be
// used any more, too.
func (s *Store) End(ctx context.Context, id string) error {
	return s.o.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE links SET revoked_at = $1 WHERE id = $2 AND `+usable+` AND `+undecided, db.Micros(s.o.Now()), id)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "There is no link %q that could still be used.", id)
		}
		return err
	})
}
