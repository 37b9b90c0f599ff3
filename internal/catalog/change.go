package catalog

import (
	"errors"
	"fmt"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Lock makes every other writer of the configuration wait until this
// transaction ends. Whoever decides by what it has read calls it before reading.
func (s *Store) Lock(tx *db.Tx) error {
	if _, err := tx.Exec(`UPDATE catalog_revision SET revision = revision WHERE id = 1`); err != nil {
		return fmt.Errorf("lock the configuration: %w", err)
	}
	return nil
}

// Put writes an object as a new version and returns it as stored. Kind, code,
// body and author are the caller's; the origin is that of the present object,
// the caller's only when there is none; version and time are set here.
func (s *Store) Put(tx *db.Tx, o Object) (Object, error) {
	if err := s.change(tx); err != nil {
		return Object{}, err
	}
	present, err := s.Find(tx, o.Kind, o.Code)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Object{}, err
	}
	if err == nil {
		o.Origin = present.Origin
	}
	if o, err = s.record(tx, o); err != nil {
		return Object{}, err
	}
	_, err = tx.Exec(`INSERT INTO catalog_objects (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (kind, code) DO UPDATE SET version = excluded.version, body = excluded.body,
			author = excluded.author, origin = excluded.origin, changed_at = excluded.changed_at`,
		o.Kind, o.Code, o.Version, string(o.Body), o.Author, o.Origin, db.Micros(o.ChangedAt))
	if err != nil {
		return Object{}, fmt.Errorf("write %s %q: %w", o.Kind, o.Code, err)
	}
	return o, nil
}

// Delete removes an object; its history stays and gets the deletion as a
// version. Errors: fault.NotFound.
func (s *Store) Delete(tx *db.Tx, kind, code, author string) error {
	if err := s.change(tx); err != nil {
		return err
	}
	o, err := s.Find(tx, kind, code)
	if err != nil {
		return err
	}
	o.Author, o.Body = author, nil
	if _, err := s.record(tx, o); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM catalog_objects WHERE kind = $1 AND code = $2`, kind, code); err != nil {
		return fmt.Errorf("delete %s %q: %w", kind, code, err)
	}
	return nil
}

// Claim changes where an object counts as made, and nothing else: neither its
// version nor the revision moves.
func (s *Store) Claim(tx *db.Tx, kind, code, origin string) error {
	if _, err := tx.Exec(`UPDATE catalog_objects SET origin = $1 WHERE kind = $2 AND code = $3`, origin, kind, code); err != nil {
		return fmt.Errorf("claim %s %q: %w", kind, code, err)
	}
	return nil
}

// Touch makes every process read the configuration again that has not changed:
// something that goes with it has.
func (s *Store) Touch(tx *db.Tx) error { return s.change(tx) }

// change raises the revision, which holds its row's lock until the commit.
func (s *Store) change(tx *db.Tx) error {
	if _, err := tx.Exec(`UPDATE catalog_revision SET revision = revision + 1 WHERE id = 1`); err != nil {
		return fmt.Errorf("raise the configuration's revision: %w", err)
	}
	tx.Notify(Topic, "")
	return nil
}

// record appends a version to the history; a nil body is a deletion.
func (s *Store) record(tx *db.Tx, o Object) (Object, error) {
	now, err := s.db.Now(tx.Context())
	if err != nil {
		return Object{}, err
	}
	var last int64
	err = tx.QueryRow(`SELECT version FROM catalog_history WHERE kind = $1 AND code = $2 ORDER BY version DESC LIMIT 1`, o.Kind, o.Code).Scan(&last)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return Object{}, fmt.Errorf("read the history of %s %q: %w", o.Kind, o.Code, err)
	}
	o.Version, o.ChangedAt = last+1, now
	_, err = tx.Exec(`INSERT INTO catalog_history (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		o.Kind, o.Code, o.Version, o.Body, o.Author, o.Origin, db.Micros(now))
	if err != nil {
		return Object{}, fmt.Errorf("write the history of %s %q: %w", o.Kind, o.Code, err)
	}
	return o, nil
}
