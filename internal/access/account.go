package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
)

// Kind says what sort of caller an account is.
type Kind string

// The kinds.
const (
	Admin       Kind = "admin"       // every right, on every door
	Application Kind = "application" // an external program, with the rights of its roles; its sessions are counted
	Person      Kind = "person"      // somebody with the rights of his roles
)

// AdminLogin is the login of the account that the first start makes.
const AdminLogin = "admin"

// Account is somebody who may come in.
type Account struct {
	ID        string    `json:"id"`
	Kind      Kind      `json:"kind"`
	Login     string    `json:"login"`
	Label     string    `json:"label,omitempty"`
	Enabled   bool      `json:"enabled"`
	Roles     []string  `json:"roles,omitempty"`
	Unit      string    `json:"unit,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ChangedAt time.Time `json:"changed_at"`

	definition Definition // empty of an administrator
	reference  string     // what the password is written as, "" when it is known here only
}

// maxPassword bounds what is hashed.
const maxPassword = 1024

// EnsureAdmin makes the account "admin" unless there is an account of that
// kind. An empty password means a random one, which is returned: nobody can
// find it out later. created is false when there was nothing to do.
func (s *Store) EnsureAdmin(ctx context.Context, password string) (generated string, created bool, err error) {
	exists := false
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		var n int64
		err := tx.QueryRow(`SELECT COUNT(*) FROM accounts WHERE kind = $1`, string(Admin)).Scan(&n)
		exists = n > 0
		return err
	})
	if err != nil || exists {
		return "", false, wrap(err, "look for an administrator")
	}
	generated, err = s.CreateAdmin(ctx, AdminLogin, password, "junctor")
	if fault.Is(err, fault.Conflict) {
		return "", false, nil // another node was faster
	}
	return generated, err == nil, err
}

// CreateAdmin makes an account with every right. An empty password means a
// random one, which is returned. A login that is taken is a fault.Conflict.
func (s *Store) CreateAdmin(ctx context.Context, login, password, author string) (generated string, err error) {
	if !validLogin(login) {
		return "", fault.New(fault.Unprocessable, "%q cannot be a login: use 1 to 100 letters, digits and signs, without spaces", login)
	}
	if password == "" {
		generated = id.Token(20)
		password = generated
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return "", err
	}
	now := s.clock.Now()
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO accounts (id, kind, login, password, enabled, created_at, changed_at)
			VALUES ($1, $2, $3, $4, 1, $5, $5)`,
			s.ids.New("acc", now), string(Admin), login, hash, db.Micros(now))
		if err != nil {
			return err
		}
		return s.Audit(tx, Entry{Author: author, Action: "account.create", Object: "account/" + login})
	})
	if errors.Is(err, db.ErrUnique) {
		return "", fault.New(fault.Conflict, "there is an account %q already; use `junctor admin reset-password --login %s` to change its password", login, login)
	}
	return generated, wrap(err, "create the account %q", login)
}

// SetPassword gives the account another password and ends its sessions. API
// tokens stay: they are credentials of their own, to be revoked one by one.
// An empty password means a random one, which is returned. A password that the
// configuration refers to is changed where it refers to: a fault.Conflict.
func (s *Store) SetPassword(ctx context.Context, login, password, author string) (generated string, err error) {
	if password == "" {
		generated = id.Token(20)
		password = generated
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		a, _, err := accountByLogin(tx, login)
		if err != nil {
			return err
		}
		if a.reference == "" {
			return s.storePassword(tx, a, hash, author)
		}
		own := kindWord(a.Kind) + "." + login + ".password" // what was written out in the configuration
		if a.reference != "${secret:"+own+"}" {
			return fault.New(fault.Conflict, "the password of %q is %s in the configuration; change it there", login, a.reference)
		}
		return s.PutSecret(tx, own, password, author)
	})
	s.callers.clear()
	return generated, wrap(err, "set the password of %q", login)
}

// Account finds one by its login. An unknown one is a fault.NotFound.
func (s *Store) Account(ctx context.Context, login string) (a Account, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		a, _, err = accountByLogin(tx, login)
		return err
	})
	return a, wrap(err, "find the account %q", login)
}

// ListAccounts returns accounts by login, beyond the login after; next is "" on
// the last page.
func (s *Store) ListAccounts(ctx context.Context, after string, limit int) (list []Account, next string, err error) {
	accounts := page[Account]{
		scan: func(row scanner) (Account, error) { return scanAccount(row) },
		key:  func(a Account) string { return a.Login },
	}
	list, next, err = accounts.read(ctx, s.db, limit, `SELECT `+accountColumns+` FROM accounts a WHERE a.login > $1 ORDER BY a.login`, after)
	return list, next, wrap(err, "list the accounts")
}

// hash turns a new password into what is stored.
func (s *Store) hash(ctx context.Context, password string) (string, error) {
	if len(password) > maxPassword {
		return "", fault.New(fault.Unprocessable, "a password has at most %d bytes", maxPassword)
	}
	if err := s.acquireHashing(ctx); err != nil {
		return "", err
	}
	defer s.releaseHashing()
	return s.hashPassword(password), nil
}

func (s *Store) acquireHashing(ctx context.Context) error {
	select {
	case s.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "too many passwords are being checked at this moment; try again").WithRetryAfter(time.Second)
	}
}

func (s *Store) releaseHashing() { <-s.hashing }

// validLogin is also what keeps a login from outside from being an error of
// the database (NUL, bad UTF-8).
func validLogin(login string) bool {
	if login == "" || len(login) > 100 || !utf8.ValidString(login) {
		return false
	}
	for _, r := range login {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == ':' { // ":" ends the login in Basic credentials
			return false
		}
	}
	return true
}

// kindWord is how the configuration calls a kind of accounts.
func kindWord(k Kind) string {
	if k == Application {
		return Applications
	}
	return Accounts
}

const accountColumns = `a.id, a.kind, a.login, a.enabled, a.created_at, a.changed_at, a.definition, a.password_ref`

// scanner is a row of either sort.
type scanner interface{ Scan(into ...any) error }

// scanAccount reads accountColumns and then more.
func scanAccount(row scanner, more ...any) (Account, error) {
	var a Account
	var kind, definition string
	var enabled, created, changed int64
	err := row.Scan(append([]any{&a.ID, &kind, &a.Login, &enabled, &created, &changed, &definition, &a.reference}, more...)...)
	a.Kind, a.Enabled = Kind(kind), enabled != 0
	a.CreatedAt, a.ChangedAt = db.Time(created), db.Time(changed)
	if err != nil || definition == "" {
		return a, err
	}
	d, _, found := define(a.Kind, a.Login, json.RawMessage(definition))
	if len(found) > 0 { // of another release: nobody comes in by what cannot be read
		a.Enabled = false
	}
	a.definition, a.Label, a.Roles, a.Unit = d, d.Label, d.Roles, d.Unit
	return a, nil
}

// accountByLogin also returns the password's hash. An unknown login is a
// fault.NotFound.
func accountByLogin(tx *db.Tx, login string) (Account, string, error) {
	if !validLogin(login) {
		return Account{}, "", fault.New(fault.NotFound, "there is no account %q", login)
	}
	var hash string
	a, err := scanAccount(tx.QueryRow(`SELECT `+accountColumns+`, a.password FROM accounts a WHERE a.login = $1`, login), &hash)
	if errors.Is(err, db.ErrNoRows) {
		return Account{}, "", fault.New(fault.NotFound, "there is no account %q", login)
	}
	return a, hash, err
}

// wrap adds what was being done, and leaves errors that say it already alone.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if e := (*fault.Error)(nil); errors.As(err, &e) {
		return err
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
