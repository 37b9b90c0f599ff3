package subscription

import (
	"encoding/json"
	"errors"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// PutObject takes a configured subscription over in the transaction of its
// change. One that was disabled or had ended begins again where it stopped.
func (s *Store) PutObject(tx *db.Tx, code string, body json.RawMessage) error {
	c, found := Parse(code, body)
	if len(found) > 0 {
		return fault.New(fault.Unprocessable, "The subscription %q is not valid.", code).WithFields(found...)
	}
	if err := bump(tx); err != nil {
		return err
	}
	r, err := readRow(tx, code)
	if fault.Is(err, fault.NotFound) {
		fresh := row{code: code, body: string(body), held: !c.Enabled, createdAt: db.Micros(s.Clock.Now())}
		if c.Secret == "" {
			fresh.sealed = s.Seal(place(code), []byte(newSecret()))
		}
		if err := s.insert(tx, fresh); err != nil {
			return err
		}
		return s.tell(tx, code, "created", "", nil)
	}
	if err != nil {
		return err
	}
	if r.sealed == nil && c.Secret == "" {
		r.sealed = s.Seal(place(code), []byte(newSecret()))
	}
	if err := park(tx, `code = $1`, code); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE subscriptions SET body = $2, held = $3, sealed = $4, version = version + 1, state = $5, reason = '', failing_since = 0 WHERE code = $1`,
		code, string(body), !c.Enabled, r.sealed, Active)
	return err
}

// DropObject removes a configured subscription in the transaction in which it is
// deleted.
func (s *Store) DropObject(tx *db.Tx, code string) error {
	if err := bump(tx); err != nil {
		return err
	}
	r, err := readRow(tx, code)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.drop(tx, r)
}

// PutChannel says, in the transaction of the change, of which types a channel
// lets its subscribers hear, and whether it is enabled: while it is not, they
// wait where they are.
func (s *Store) PutChannel(tx *db.Tx, channel string, allowed []string, enabled bool) error {
	list, err := listText(allowed)
	if err != nil {
		return err
	}
	if err := bump(tx); err != nil {
		return err
	}
	if err := park(tx, `channel = $1`, channel); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE subscriptions SET allowed = $2, held = $3 WHERE channel = $1`, channel, list, !enabled)
	return err
}

// DropChannel removes the subscriptions of a channel in the transaction in which
// it is deleted.
func (s *Store) DropChannel(tx *db.Tx, channel string) error {
	if err := bump(tx); err != nil {
		return err
	}
	if err := dropNames(tx, channel); err != nil {
		return err
	}
	all, err := readRows(tx, `WHERE channel = $1`, channel)
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := s.drop(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// Reseal seals the secrets anew with open and seal, for another master key, and
// returns how many there are.
func Reseal(tx *db.Tx, anew func(place string, sealed []byte) ([]byte, error)) (n int, err error) {
	rows, err := tx.Query(`SELECT ` + columns + ` FROM subscriptions WHERE sealed IS NOT NULL ORDER BY code`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var all []row
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return 0, err
		}
		all = append(all, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	for _, r := range all {
		if r.sealed, err = anew(place(r.code), r.sealed); err != nil {
			return n, err
		}
		if r.oldSealed != nil {
			if r.oldSealed, err = anew(place(r.code), r.oldSealed); err != nil {
				return n, err
			}
		}
		if _, err = tx.Exec(`UPDATE subscriptions SET sealed = $2, old_sealed = $3, version = version + 1 WHERE code = $1`, r.code, r.sealed, r.oldSealed); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
