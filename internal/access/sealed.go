package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
)

// SecretInfo is what may be shown of a secret: not its value.
type SecretInfo struct {
	Name      string    `json:"name"`
	Author    string    `json:"author"`
	ChangedAt time.Time `json:"changed_at"`
}

// maxSecret bounds a value: a certificate chain with its key fits.
const maxSecret = 64 << 10

// SetSecret seals a value under a name, in place of one that was there, and
// notifies TopicSecrets. The value is in no answer of this package but
// Secret's.
func (s *Store) SetSecret(ctx context.Context, name, value, author string) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error { return s.PutSecret(tx, name, value, author) })
	return wrap(err, "set the secret %q", name)
}

// PutSecret is SetSecret within a transaction. Accounts whose password the
// configuration writes with the secret have the new one from then on, and their
// sessions end.
func (s *Store) PutSecret(tx *db.Tx, name, value, author string) error {
	if err := s.CheckSecret(name, value); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO secrets (name, sealed, author, changed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, author = excluded.author, changed_at = excluded.changed_at`,
		name, s.keys.Seal([]byte(value), sealContext(name)), author, db.Micros(s.clock.Now()))
	if err != nil {
		return err
	}
	tx.Notify(TopicSecrets, name)
	if err := s.renewReferring(tx, name, author); err != nil {
		return err
	}
	return s.Audit(tx, Entry{Author: author, Action: "secret.set", Object: "secret/" + name})
}

// CheckSecret says, without the value, why this cannot be a secret.
func (s *Store) CheckSecret(name, value string) error {
	if err := checkName("secret", name); err != nil {
		return err
	}
	if value == "" || len(value) > maxSecret {
		return fault.New(fault.Unprocessable, "the value of the secret %q has %d bytes; 1 to %d are allowed", name, len(value), maxSecret)
	}
	if strings.ContainsRune(value, 0) {
		return fault.New(fault.Unprocessable, "the value of the secret %q has a NUL character; bytes are kept as base64 or hexadecimal", name)
	}
	return nil
}

// Surrounded reports whether white space that a credential hardly has stands
// before or behind a value. Keys and certificates in PEM end with a line.
func Surrounded(value string) bool {
	return strings.TrimSpace(value) != value && !strings.Contains(value, "-----BEGIN ")
}

// DeleteSecret forgets a secret and notifies TopicSecrets. An unknown name is
// a fault.NotFound.
func (s *Store) DeleteSecret(ctx context.Context, name, author string) error {
	err := s.db.Write(ctx, func(tx *db.Tx) error { return s.DropSecret(tx, name, author) })
	return wrap(err, "delete the secret %q", name)
}

// DropSecret is DeleteSecret within a transaction.
func (s *Store) DropSecret(tx *db.Tx, name, author string) error {
	n, err := tx.Exec(`DELETE FROM secrets WHERE name = $1`, name)
	if err != nil {
		return err
	}
	if n == 0 {
		return noSecret(name)
	}
	tx.Notify(TopicSecrets, name)
	return s.Audit(tx, Entry{Author: author, Action: "secret.delete", Object: "secret/" + name})
}

// ListSecrets returns names, by name, beyond the name after; next is "" on the
// last page.
func (s *Store) ListSecrets(ctx context.Context, after string, limit int) (list []SecretInfo, next string, err error) {
	infos := page[SecretInfo]{
		scan: func(row scanner) (info SecretInfo, err error) {
			var changed int64
			err = row.Scan(&info.Name, &info.Author, &changed)
			info.ChangedAt = db.Time(changed)
			return info, err
		},
		key: func(info SecretInfo) string { return info.Name },
	}
	list, next, err = infos.read(ctx, s.db, limit, `SELECT name, author, changed_at FROM secrets WHERE name > $1 ORDER BY name`, after)
	return list, next, wrap(err, "list the secrets")
}

// SecretInfo says what there is to know of a secret but its value. Errors:
// fault.NotFound.
func (s *Store) SecretInfo(ctx context.Context, name string) (info SecretInfo, err error) {
	var changed int64
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT name, author, changed_at FROM secrets WHERE name = $1`, name).Scan(&info.Name, &info.Author, &changed)
	})
	if errors.Is(err, db.ErrNoRows) {
		return SecretInfo{}, fault.New(fault.NotFound, "there is no secret %q", name)
	}
	info.ChangedAt = db.Time(changed)
	return info, wrap(err, "find the secret %q", name)
}

// Secret opens a value, for the one who opens a connection with it. An unknown
// name is a fault.NotFound; a value sealed with another master key an error
// that says so.
func (s *Store) Secret(ctx context.Context, name string) (value string, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		value, err = s.SecretIn(tx, name)
		return err
	})
	return value, err
}

// SecretIn is Secret within a transaction.
func (s *Store) SecretIn(tx *db.Tx, name string) (string, error) {
	var sealed []byte
	err := tx.QueryRow(`SELECT sealed FROM secrets WHERE name = $1`, name).Scan(&sealed)
	if errors.Is(err, db.ErrNoRows) {
		return "", noSecret(name)
	}
	if err != nil {
		return "", wrap(err, "read the secret %q", name)
	}
	value, err := s.keys.Open(sealed, sealContext(name))
	if err != nil {
		return "", otherKey(err, name)
	}
	return string(value), nil
}

// SecretsDigest is another one when any secret has changed.
func (s *Store) SecretsDigest(tx *db.Tx) (digest [sha256.Size]byte, err error) {
	all, err := sealedRows(tx)
	h := sha256.New()
	for _, row := range all {
		h.Write([]byte(row.name))
		h.Write(row.sealed) // with a nonce of its own: never twice the same
	}
	return [sha256.Size]byte(h.Sum(nil)), err
}

// sealContext binds a sealed value to its name: swapped rows do not open.
func sealContext(name string) []byte { return []byte("secret:" + name) }

func noSecret(name string) error {
	return fault.New(fault.NotFound, "there is no secret %q; set it with `junctor secret set %s`", name, name)
}

// Sealed counts the secrets of a database. It needs no key, so that it can be
// asked before one is made.
func Sealed(ctx context.Context, d *db.DB) (n int64, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(`SELECT count(*) FROM secrets`).Scan(&n) })
	return n, err
}

// SigningKey is a key of this installation for one purpose, made when it is first
// asked for; nil in a transaction of Read before that. It is kept as the secret
// "junctor.PURPOSE": whoever deletes that ends all that was signed with it.
func (s *Store) SigningKey(tx *db.Tx, purpose string) ([]byte, error) {
	name := "junctor." + purpose
	key, err := s.SecretIn(tx, name)
	if fault.Is(err, fault.NotFound) && !tx.Reading() {
		// Another node may make one at this moment: the first is everybody's.
		_, err = tx.Exec(`INSERT INTO secrets (name, sealed, author, changed_at) VALUES ($1, $2, 'junctor', $3) ON CONFLICT (name) DO NOTHING`,
			name, s.keys.Seal([]byte(id.Token(64)), sealContext(name)), db.Micros(s.clock.Now()))
		if err == nil {
			key, err = s.SecretIn(tx, name)
		}
	}
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return []byte(key), err
}
