package access

import (
	"context"
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
)

// tokenPrefix is how an API token can be recognized, also by those who look
// for leaked ones.
const tokenPrefix = "jt_"

// Token is an API token: a credential for a program, with the rights of its
// account.
type Token struct {
	ID        string     `json:"id"`
	Token     string     `json:"token,omitempty"` // only in what CreateToken returns
	Name      string     `json:"name"`
	Login     string     `json:"login"`
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	UsedAt    *time.Time `json:"used_at,omitempty"` // to the minute
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// TokenOptions say what token to make.
type TokenOptions struct {
	Name      string     // unique among the tokens not revoked
	Login     string     // whose rights it has; "admin" when empty
	ExpiresAt *time.Time // nil: until revoked
	Author    string     // who makes it, for the audit log
}

// CreateToken makes an API token; its text is in no later answer. A name in
// use is a fault.Conflict.
func (s *Store) CreateToken(ctx context.Context, o TokenOptions) (Token, error) {
	if err := checkName("token", o.Name); err != nil {
		return Token{}, err
	}
	if o.Login == "" {
		o.Login = AdminLogin
	}
	now := s.clock.Now()
	if o.ExpiresAt != nil && !o.ExpiresAt.After(now) {
		return Token{}, fault.New(fault.Unprocessable, "a token that has expired is of no use").
			WithFields(fault.Field{Pointer: "/expires_at", Detail: "lies in the past"})
	}
	token := Token{
		ID: s.ids.New("tok", now), Token: tokenPrefix + id.Token(32), Name: o.Name, Login: o.Login,
		CreatedBy: o.Author, CreatedAt: db.Time(db.Micros(now)), ExpiresAt: o.ExpiresAt,
	}
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		account, _, err := accountByLogin(tx, o.Login)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO api_tokens (id, digest, name, account, created_by, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			token.ID, digest(token.Token), token.Name, account.ID, o.Author, db.Micros(now), nullable(o.ExpiresAt))
		if err != nil {
			return err
		}
		return s.Audit(tx, Entry{Author: o.Author, Action: "token.create", Object: "token/" + token.Name, Detail: token.ID})
	})
	if errors.Is(err, db.ErrUnique) {
		return Token{}, fault.New(fault.Conflict, "there is a token %q already; revoke it first or take another name", o.Name)
	}
	if err != nil {
		return Token{}, wrap(err, "create the token %q", o.Name)
	}
	return token, nil
}

// RevokeToken ends a token by its name or id, and says which it was. An
// unknown or revoked one is a fault.NotFound.
func (s *Store) RevokeToken(ctx context.Context, nameOrID, author string) (Token, error) {
	var token Token
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		var err error
		token, err = scanToken(tx.QueryRow(`SELECT `+tokenColumns+` FROM api_tokens t JOIN accounts a ON a.id = t.account
			WHERE (t.id = $1 OR t.name = $1) AND t.revoked_at IS NULL`, nameOrID))
		if errors.Is(err, db.ErrNoRows) {
			return fault.New(fault.NotFound, "there is no token %q that could be revoked; `junctor token list` shows them", nameOrID)
		}
		if err != nil {
			return err
		}
		now := s.clock.Now()
		if _, err = tx.Exec(`UPDATE api_tokens SET revoked_at = $1 WHERE id = $2`, db.Micros(now), token.ID); err != nil {
			return err
		}
		at := db.Time(db.Micros(now))
		token.RevokedAt = &at
		s.forgetAfter(tx)
		return s.Audit(tx, Entry{Author: author, Action: "token.revoke", Object: "token/" + token.Name, Detail: token.ID})
	})
	s.callers.clear()
	return token, wrap(err, "revoke the token %q", nameOrID)
}

// ListTokens returns all tokens, revoked ones included, oldest first, beyond
// the id after; next is "" on the last page.
func (s *Store) ListTokens(ctx context.Context, after string, limit int) (list []Token, next string, err error) {
	tokens := page[Token]{scan: scanToken, key: func(t Token) string { return t.ID }}
	list, next, err = tokens.read(ctx, s.db, limit, `SELECT `+tokenColumns+` FROM api_tokens t JOIN accounts a ON a.id = t.account
		WHERE t.id > $1 ORDER BY t.id`, after)
	return list, next, wrap(err, "list the tokens")
}

// Token returns a token by its name or id, without its text; of several with a
// name the one that is not revoked, else the newest. Errors: fault.NotFound.
func (s *Store) Token(ctx context.Context, nameOrID string) (t Token, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		t, err = scanToken(tx.QueryRow(`SELECT `+tokenColumns+` FROM api_tokens t JOIN accounts a ON a.id = t.account
			WHERE t.id = $1 OR t.name = $1 ORDER BY CASE WHEN t.revoked_at IS NULL THEN 0 ELSE 1 END, t.id DESC LIMIT 1`, nameOrID))
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return Token{}, fault.New(fault.NotFound, "there is no token %q", nameOrID)
	}
	return t, wrap(err, "find the token %q", nameOrID)
}

const tokenColumns = `t.id, t.name, a.login, t.created_by, t.created_at, t.expires_at, t.used_at, t.revoked_at`

func scanToken(row scanner) (Token, error) {
	var t Token
	var created int64
	var expires, used, revoked *int64
	err := row.Scan(&t.ID, &t.Name, &t.Login, &t.CreatedBy, &created, &expires, &used, &revoked)
	t.CreatedAt = db.Time(created)
	t.ExpiresAt, t.UsedAt, t.RevokedAt = optional(expires), optional(used), optional(revoked)
	return t, err
}

// tokenOf finds the account and token behind a token's text, and the epoch of
// rights.
func (s *Store) tokenOf(ctx context.Context, text string) (account Account, token Token, epoch int64, err error) {
	var expires, used *int64
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		account, err = scanAccount(tx.QueryRow(`SELECT `+accountColumns+`, t.id, t.name, t.expires_at, t.used_at, e.epoch
			FROM api_tokens t JOIN accounts a ON a.id = t.account JOIN access_epoch e ON e.id = 1
			WHERE t.digest = $1 AND t.revoked_at IS NULL`, digest(text)),
			&token.ID, &token.Name, &expires, &used, &epoch)
		return err
	})
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return Account{}, Token{}, 0, wrap(err, "find an API token")
	}
	token.ExpiresAt, token.UsedAt = optional(expires), optional(used)
	expired := token.ExpiresAt != nil && !s.clock.Now().Before(*token.ExpiresAt)
	if err != nil || expired || !account.Enabled {
		return Account{}, Token{}, 0, fault.New(fault.Unauthorized, "this API token is unknown, expired or revoked; create another one with `junctor token create`")
	}
	return account, token, epoch, nil
}
