package channel

import (
	"context"
	"errors"
	"fmt"

	"junctor/internal/db"
	"junctor/internal/id"
)

// TokenLength is the number of characters of a channel's token: 160 bits.
const TokenLength = 32

// Tokens gives every channel its token. It is made the first time a channel is
// asked for and never changes. It stays when the channel is deleted: one that
// comes back under its code has its old address, which partners have already
// written down, and nobody else ever gets it.
type Tokens struct{ db *db.DB }

// NewTokens returns the tokens of a database.
func NewTokens(d *db.DB) *Tokens { return &Tokens{db: d} }

// Ensure returns the channel's token and makes it when there is none.
func (t *Tokens) Ensure(tx *db.Tx, code string) (string, error) {
	var token string
	err := tx.QueryRow(`SELECT token FROM channel_tokens WHERE code = $1`, code).Scan(&token)
	if err == nil {
		return token, nil
	}
	if !errors.Is(err, db.ErrNoRows) {
		return "", fmt.Errorf("read the token of channel %q: %w", code, err)
	}
	now, err := t.db.Now(tx.Context())
	if err != nil {
		return "", err
	}
	// Of two that make it at once, on two nodes, the second keeps the first's.
	if _, err = tx.Exec(`INSERT INTO channel_tokens (code, token, created_at) VALUES ($1, $2, $3) ON CONFLICT (code) DO NOTHING`,
		code, id.Token(TokenLength), db.Micros(now)); err != nil {
		return "", fmt.Errorf("make the token of channel %q: %w", code, err)
	}
	if err = tx.QueryRow(`SELECT token FROM channel_tokens WHERE code = $1`, code).Scan(&token); err != nil {
		return "", fmt.Errorf("read the token of channel %q: %w", code, err)
	}
	return token, nil
}

// All reads the tokens of all channels that there are or were, by code.
func (t *Tokens) All(tx *db.Tx) (map[string]string, error) {
	rows, err := tx.Query(`SELECT code, token FROM channel_tokens`)
	if err != nil {
		return nil, fmt.Errorf("read the channels' tokens: %w", err)
	}
	defer rows.Close()
	tokens := map[string]string{}
	for rows.Next() {
		var code, token string
		if err := rows.Scan(&code, &token); err != nil {
			return nil, fmt.Errorf("read the channels' tokens: %w", err)
		}
		tokens[code] = token
	}
	return tokens, rows.Err()
}

// Token reads one channel's token. Errors: db.ErrNoRows when it never had one.
func (t *Tokens) Token(ctx context.Context, code string) (token string, err error) {
	err = t.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT token FROM channel_tokens WHERE code = $1`, code).Scan(&token)
	})
	if err != nil {
		err = fmt.Errorf("read the token of channel %q: %w", code, err)
	}
	return token, err
}
