package access

import (
	"context"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/secret"
)

// Rotation is what RotateKey has done.
type Rotation struct {
	Sealed   int  // secrets that were sealed anew; the others were sealed with the new key already
	Finished bool // the key was made by an earlier rotation that had been broken off
	Spare    int  // keys of the environment that nothing is sealed with any more
}

// RotateKey makes a new master key in the file, seals every secret anew in one
// transaction, and takes the old key out of the file. In between the file has
// both, so that it can be broken off anywhere and called again: then it goes on
// with the key that was made. Without a path the keys are those of the
// environment: the secrets are sealed with the first.
//
// Nobody else may be using the old key meanwhile. A secret that no key opens is
// an error that names it, and nothing is changed.
func (s *Store) RotateKey(ctx context.Context, path, author string) (Rotation, error) {
	return s.rotateKey(ctx, path, author, func(string) error { return nil })
}

// rotateKey tells at where it has got to; what that returns ends it there, as
// the end of the process would.
func (s *Store) rotateKey(ctx context.Context, path, author string, at func(step string) error) (Rotation, error) {
	r := Rotation{Finished: path != "" && len(s.keys) > 1}
	if path == "" {
		r.Spare = len(s.keys) - 1
	}
	if err := s.allOpen(ctx); err != nil {
		return r, err
	}
	if err := at("checked"); err != nil {
		return r, err
	}
	if path != "" && !r.Finished {
		keys := append(secret.Keys{secret.RandomKey()}, s.keys...)
		if err := secret.ReplaceKeys(path, keys); err != nil {
			return r, err
		}
		s.keys = keys
		if err := at("both keys written"); err != nil {
			return r, err
		}
	}
	var err error
	if r.Sealed, err = s.reseal(ctx, author, at); err != nil {
		return r, err
	}
	if err := at("sealed"); err != nil || path == "" {
		return r, err
	}
	if err := secret.ReplaceKeys(path, s.keys[:1]); err != nil {
		return r, err
	}
	s.keys = s.keys[:1]
	return r, at("done")
}

// Unopened names the secrets that none of the keys opens, and counts all.
func (s *Store) Unopened(ctx context.Context) (names []string, all int, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := sealedRows(tx)
		for _, row := range rows {
			if _, err := s.keys.Open(row.sealed, sealContext(row.name)); err != nil {
				names = append(names, row.name)
			}
		}
		all = len(rows)
		return err
	})
	return names, all, wrap(err, "try the master key")
}

// allOpen finds out before anything is changed.
func (s *Store) allOpen(ctx context.Context) error {
	return s.db.Read(ctx, func(tx *db.Tx) error {
		all, err := sealedRows(tx)
		for _, row := range all {
			if _, err := s.keys.Open(row.sealed, sealContext(row.name)); err != nil {
				return otherKey(err, row.name)
			}
		}
		return err
	})
}

func (s *Store) reseal(ctx context.Context, author string, at func(step string) error) (n int, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		n = 0
		all, err := sealedRows(tx)
		if err != nil {
			return err
		}
		for _, row := range all {
			if _, err := s.keys[0].Open(row.sealed, sealContext(row.name)); err == nil {
				continue
			}
			value, err := s.keys.Open(row.sealed, sealContext(row.name))
			if err != nil {
				return otherKey(err, row.name)
			}
			if _, err := tx.Exec(`UPDATE secrets SET sealed = $1 WHERE name = $2`, s.keys.Seal(value, sealContext(row.name)), row.name); err != nil {
				return err
			}
			tx.Notify(TopicSecrets, row.name)
			n++
		}
		if s.others != nil {
			more, err := s.others(tx, s.anew)
			if err != nil {
				return err
			}
			n += more
		}
		if err := s.Audit(tx, Entry{Author: author, Action: "secret.rotate-key", Object: "secrets"}); err != nil {
			return err
		}
		return at("within the transaction")
	})
	return n, wrap(err, "seal the secrets anew")
}

// anew seals with the first key what any of the keys opens.
func (s *Store) anew(place string, sealed []byte) ([]byte, error) {
	plain, err := s.keys.Open(sealed, []byte(place))
	if err != nil {
		return nil, otherKey(err, place)
	}
	return s.keys.Seal(plain, []byte(place)), nil
}

// AlsoSealed has RotateKey call f, in its transaction, for what another package
// keeps sealed: anew is to be called with each of the places and values. It is to
// be said before the store is used.
func (s *Store) AlsoSealed(f func(tx *db.Tx, anew func(place string, sealed []byte) ([]byte, error)) (int, error)) {
	s.others = f
}

// Seal makes a value unreadable for whoever does not have the master key, and
// ties it to a place, which is not that of a secret.
func (s *Store) Seal(place string, plain []byte) []byte { return s.keys.Seal(plain, []byte(place)) }

// Open is the reverse of Seal. Errors: for a value of another place or key.
func (s *Store) Open(place string, sealed []byte) ([]byte, error) {
	plain, err := s.keys.Open(sealed, []byte(place))
	if err != nil {
		return nil, otherKey(err, place)
	}
	return plain, nil
}

type sealedRow struct {
	name   string
	sealed []byte
}

func sealedRows(tx *db.Tx) (all []sealedRow, err error) {
	rows, err := tx.Query(`SELECT name, sealed FROM secrets ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row sealedRow
		if err := rows.Scan(&row.name, &row.sealed); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func otherKey(err error, name string) error {
	return fault.Wrap(err, fault.Internal, "the secret %q was sealed with another master key; start with that key, or set the secret again", name)
}
