package access

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"junctor/internal/connection"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// PutObject brings an application, a person, a role or a unit into use, in the
// transaction in which the configuration takes it. Other kinds are left alone.
// What changes for those who are in holds from the commit on; see Authenticate
// for other nodes.
//
// A password is hashed. It may be written with references; where there is
// nothing that they refer to, nobody comes in by a password until there is.
func (s *Store) PutObject(tx *db.Tx, kind, code string, body json.RawMessage, author string) (err error) {
	switch kind {
	case Applications, Accounts:
		d, found := parseDefinition(kindOf(kind), code, body)
		if len(found) > 0 {
			return invalid(kind, code, found)
		}
		err = s.putDefinition(tx, d, body, author)
	case Roles:
		if _, found := ParseRole(code, body); len(found) > 0 {
			return invalid(kind, code, found)
		}
		_, err = tx.Exec(`INSERT INTO access_roles (code, body) VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET body = excluded.body`, code, string(body))
	case Units:
		if _, found := ParseUnit(code, body); len(found) > 0 {
			return invalid(kind, code, found)
		}
		_, err = tx.Exec(`INSERT INTO access_units (code, body) VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET body = excluded.body`, code, string(body))
	default:
		return nil
	}
	if err == nil {
		err = s.changed(tx)
	}
	return wrap(err, "bring %s %q into use", kind, code)
}

// DropObject is the reverse of PutObject. The sessions of an account end, its
// API tokens are revoked.
func (s *Store) DropObject(tx *db.Tx, kind, code, author string) (err error) {
	switch kind {
	case Applications, Accounts:
		err = s.dropAccount(tx, kindOf(kind), code)
	case Roles:
		_, err = tx.Exec(`DELETE FROM access_roles WHERE code = $1`, code)
	case Units:
		_, err = tx.Exec(`DELETE FROM access_units WHERE code = $1`, code)
	default:
		return nil
	}
	if err == nil {
		err = s.changed(tx)
	}
	return wrap(err, "take %s %q out of use", kind, code)
}

func kindOf(kind string) Kind {
	if kind == Applications {
		return Application
	}
	return Person
}

func invalid(kind, code string, found []fault.Field) error {
	for i := range found {
		found[i].Pointer = strict.Pointer("/"+kind, code) + found[i].Pointer
	}
	return fault.New(fault.Unprocessable, "The configuration is not valid (mistakes: %d); nothing was changed.", len(found)).WithFields(found...)
}

// changed tells all nodes that rights are others now.
func (s *Store) changed(tx *db.Tx) error {
	s.forgetAfter(tx)
	_, err := tx.Exec(`UPDATE access_epoch SET epoch = epoch + 1 WHERE id = 1`)
	return err
}

// forgetAfter makes every node forget whom it remembers when the transaction has
// committed; this one remembers nobody meanwhile.
func (s *Store) forgetAfter(tx *db.Tx) {
	s.callers.suspend()
	tx.Notify(topicCredentials, "")
}

func (s *Store) putDefinition(tx *db.Tx, d Definition, body json.RawMessage, author string) error {
	stored, err := withoutPassword(body)
	if err != nil {
		return err
	}
	account, hash, err := accountByLogin(tx, d.Login)
	exists := err == nil
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if exists && account.Kind != d.Kind {
		kind := map[Kind]string{Admin: "an administrator", Application: "an application", Person: "a person"}[account.Kind]
		return invalid(kindWord(d.Kind), d.Login,
			[]fault.Field{{Detail: "is the login of " + kind + " already"}})
	}
	reference := ""
	if connection.HasReference(d.Password) {
		reference = d.Password
	}
	now := db.Micros(s.clock.Now())
	if !exists {
		account.ID = s.ids.New("acc", s.clock.Now())
		_, err = tx.Exec(`INSERT INTO accounts (id, kind, login, password, enabled, created_at, changed_at) VALUES ($1, $2, $3, '', 0, $4, $4)`,
			account.ID, string(d.Kind), d.Login, now)
		if err != nil {
			return err
		}
	}
	_, err = tx.Exec(`UPDATE accounts SET definition = $1, enabled = $2, changed_at = $3, password_ref = $4 WHERE id = $5`,
		string(stored), d.Enabled, now, reference, account.ID)
	if err != nil {
		return err
	}
	if !d.Enabled {
		if err := s.endSessionsOf(tx, account.ID); err != nil {
			return err
		}
	}
	if reference != "" && reference == account.reference && hash != "" {
		return nil // a secret's new value has been taken when it was set
	}
	return s.renew(tx, account, hash, d.Password, author)
}

// renew makes the password what the configuration says, if it is another.
func (s *Store) renew(tx *db.Tx, account Account, hash, written, author string) error {
	value, err := s.resolve(tx, written)
	if fault.Is(err, fault.NotFound) {
		value, err = "", nil
	}
	if err != nil {
		return err
	}
	if err := s.acquireHashing(tx.Context()); err != nil {
		return err
	}
	defer s.releaseHashing()
	fresh := ""
	switch {
	case value == "":
	case hash != "" && s.checkPassword(hash, value):
		return nil
	default:
		fresh = s.hashPassword(value)
	}
	if fresh == hash {
		return nil
	}
	return s.storePassword(tx, account, fresh, author)
}

// storePassword ends the account's sessions with the old password.
func (s *Store) storePassword(tx *db.Tx, account Account, hash, author string) error {
	_, err := tx.Exec(`UPDATE accounts SET password = $1, changed_at = $2 WHERE id = $3`, hash, db.Micros(s.clock.Now()), account.ID)
	if err != nil {
		return err
	}
	if err := s.endSessionsOf(tx, account.ID); err != nil {
		return err
	}
	return s.Audit(tx, Entry{Author: author, Action: "account.password", Object: "account/" + account.Login})
}

// resolve is what a text with references stands for. A fault.NotFound names
// what there is not.
func (s *Store) resolve(tx *db.Tx, written string) (string, error) {
	return connection.NewExpander(func(ref string) (string, error) {
		if name, ok := strings.CutPrefix(ref, "secret:"); ok {
			return s.SecretIn(tx, name)
		}
		name := strings.TrimPrefix(ref, "env:")
		if value, ok := os.LookupEnv(name); ok {
			return value, nil
		}
		return "", fault.New(fault.NotFound, "the environment variable %s is not set", name)
	}).Expand(written)
}

// RenewPasswords takes the passwords that the configuration refers to, such as
// those in environment variables, as they are for this process. It belongs to a
// node's start: a secret's new value is taken when it is set. What cannot be
// resolved stays as it was; problems say what, for the log.
func (s *Store) RenewPasswords(ctx context.Context, author string) (problems []error, err error) {
	var all []referring
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = referringTo(tx, "")
		return err
	})
	for _, r := range all {
		if err != nil {
			break
		}
		var value string
		unknown := s.db.Read(ctx, func(tx *db.Tx) (err error) {
			value, err = s.resolve(tx, r.reference)
			return err
		})
		if unknown != nil {
			problems = append(problems, fmt.Errorf("the password of %s %q is not known: %w", r.Kind, r.Login, unknown))
			continue
		}
		var same bool
		if same, err = s.belongs(ctx, r.hash, value); err == nil && !same {
			err = s.db.Write(ctx, func(tx *db.Tx) error { return s.renew(tx, r.Account, r.hash, r.reference, author) })
		}
	}
	s.callers.clear()
	return problems, wrap(err, "take the passwords that the configuration refers to")
}

// belongs checks a hash outside of a transaction that writes.
func (s *Store) belongs(ctx context.Context, hash, password string) (bool, error) {
	if hash == "" {
		return false, nil
	}
	if err := s.acquireHashing(ctx); err != nil {
		return false, err
	}
	defer s.releaseHashing()
	return s.checkPassword(hash, password), nil
}

// renewReferring takes a secret's new value for the accounts whose password it
// is.
func (s *Store) renewReferring(tx *db.Tx, name, author string) error {
	all, err := referringTo(tx, "secret:"+name)
	for _, r := range all {
		if err == nil {
			err = s.renew(tx, r.Account, r.hash, r.reference, author)
		}
	}
	return err
}

// referring is an account whose password is written with references.
type referring struct {
	Account
	hash string
}

// referringTo lists them: those with one reference, or all.
func referringTo(tx *db.Tx, ref string) (list []referring, err error) {
	rows, err := tx.Query(`SELECT ` + accountColumns + `, a.password FROM accounts a WHERE a.password_ref <> '' ORDER BY a.login`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r referring
		if r.Account, err = scanAccount(rows, &r.hash); err != nil {
			return nil, err
		}
		if ref == "" || slices.Contains(connection.References(r.reference), ref) {
			list = append(list, r)
		}
	}
	return list, rows.Err()
}

// dropAccount deletes an account of a kind. Another one of the same login, made
// later, is another account.
func (s *Store) dropAccount(tx *db.Tx, kind Kind, login string) error {
	account, _, err := accountByLogin(tx, login)
	if fault.Is(err, fault.NotFound) || (err == nil && account.Kind != kind) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.endSessionsOf(tx, account.ID); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE api_tokens SET revoked_at = $1 WHERE account = $2 AND revoked_at IS NULL`, db.Micros(s.clock.Now()), account.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM accounts WHERE id = $1`, account.ID)
	return err
}

// withoutPassword is the form in which a definition is stored beside its hash.
func withoutPassword(body json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("read a checked body: %w", err)
	}
	delete(members, "password")
	return json.Marshal(members)
}
