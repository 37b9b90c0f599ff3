package access

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"junctor/internal/db"
	"junctor/internal/right"
)

// directory is the roles and units as they were at one epoch, and what accounts
// may do by them. It is never changed; a newer one takes its place.
type directory struct {
	epoch int64
	roles map[string]*right.Set
	units map[string]Unit
	made  sync.Map // what accounts are -> *right.Set
}

// rights is what an account may do. A role or unit that there is not grants
// nothing.
func (d *directory) rights(a Account) *right.Set {
	who := right.Account{ID: a.ID, Login: a.Login, Kind: string(a.Kind)}
	if a.Kind == Admin {
		return right.Full(who)
	}
	key := strings.Join(append([]string{a.ID, a.Login, a.Unit}, a.Roles...), "\x00")
	if made, ok := d.made.Load(key); ok {
		return made.(*right.Set)
	}
	if who.Units = below(d.units, a.Unit); who.Units != nil {
		who.Unit = a.Unit
	}
	var granted []*right.Set
	for _, code := range a.Roles {
		if role := d.roles[code]; role != nil {
			granted = append(granted, role)
		}
	}
	made, _ := d.made.LoadOrStore(key, right.Merge(who, granted...))
	return made.(*right.Set)
}

// directoryOf is the directory of an epoch, or a newer one.
func (s *Store) directoryOf(ctx context.Context, epoch int64) (*directory, error) {
	if d := s.directory.Load(); d != nil && d.epoch >= epoch {
		return d, nil
	}
	s.reading.Lock() // one reads, the others take what it has read
	defer s.reading.Unlock()
	if d := s.directory.Load(); d != nil && d.epoch >= epoch {
		return d, nil
	}
	var d *directory
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		d = &directory{roles: map[string]*right.Set{}, units: map[string]Unit{}}
		if err = tx.QueryRow(`SELECT epoch FROM access_epoch WHERE id = 1`).Scan(&d.epoch); err != nil {
			return err
		}
		err = eachObject(tx, `SELECT code, body FROM access_roles`, func(code string, body json.RawMessage) {
			if role, found := ParseRole(code, body); len(found) == 0 { // of another release: it grants nothing
				d.roles[code] = role.Grants
			}
		})
		if err != nil {
			return err
		}
		return eachObject(tx, `SELECT code, body FROM access_units`, func(code string, body json.RawMessage) {
			if unit, found := ParseUnit(code, body); len(found) == 0 {
				d.units[code] = unit
			}
		})
	})
	if err != nil {
		return nil, wrap(err, "read the roles")
	}
	s.directory.Store(d)
	return d, nil
}

func eachObject(tx *db.Tx, sql string, f func(code string, body json.RawMessage)) error {
	rows, err := tx.Query(sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var code, body string
		if err := rows.Scan(&code, &body); err != nil {
			return err
		}
		f(code, json.RawMessage(body))
	}
	return rows.Err()
}
