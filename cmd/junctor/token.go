package main

import (
	"context"
	"fmt"
	"time"

	"junctor/internal/access"
	"junctor/internal/unit"
)

type token struct {
	Create tokenCreate `cmd:"" help:"Make a token and show it, once."`
	List   tokenList   `cmd:"" help:"List tokens."`
	Revoke tokenRevoke `cmd:"" help:"End a token."`
}

type tokenCreate struct {
	Name    string `arg:"" help:"What it is for; such as ci or laptop."`
	Login   string `help:"Whose rights it has: admin, or with --server the caller's." placeholder:"ACCOUNT"`
	Expires string `help:"When it ends: a duration such as 90d, or a time such as 2027-01-01T00:00:00Z." placeholder:"WHEN"`
	JSON    bool   `name:"json" help:"Write JSON, for a machine."`
	target
}

// Help teaches by examples.
func (tokenCreate) Help() string {
	return `The token goes to stdout and is shown nowhere again.

Examples:
  junctor token create me --server https://junctor.example.com --user admin
  junctor token create ci --expires 90d --server https://junctor.example.com --token TOKEN
  export JUNCTOR_TOKEN=$(junctor token create laptop --data ./junctor-data)`
}

// Run makes a token.
func (t tokenCreate) Run(ctx context.Context, console *console) error {
	expires, err := moment(t.Expires, time.Now(), 1)
	if err != nil {
		return usage("--expires: %w", err)
	}
	return t.use(ctx, console, func(i *installation) error {
		if err := i.firstAdmin(ctx); err != nil {
			return err
		}
		made, err := i.tokens.CreateToken(ctx, access.TokenOptions{Name: t.Name, Login: t.Login, ExpiresAt: expires, Author: terminal})
		if err != nil {
			return err
		}
		if t.JSON {
			return console.json(made)
		}
		console.line("%s", made.Token)
		return nil
	})
}

type tokenList struct {
	JSON bool `name:"json" help:"Write JSON, for a machine."`
	target
}

// Run lists tokens.
func (t tokenList) Run(ctx context.Context, console *console) error {
	return t.use(ctx, console, func(i *installation) error {
		list, err := all(func(after string) ([]access.Token, string, error) { return i.tokens.ListTokens(ctx, after, 1000) })
		if err != nil || t.JSON {
			return either(err, func() error { return console.json(list) })
		}
		var rows [][]string
		for _, k := range list {
			rows = append(rows, []string{k.Name, k.ID, k.Login, local(&k.CreatedAt), local(k.ExpiresAt), local(k.UsedAt), tokenState(k, time.Now())})
		}
		console.table("There are no tokens; `junctor token create NAME` makes one.",
			[]string{"name", "id", "account", "created", "expires", "used", "state"}, rows)
		return nil
	})
}

func tokenState(t access.Token, now time.Time) string {
	switch {
	case t.RevokedAt != nil:
		return "revoked"
	case t.ExpiresAt != nil && !now.Before(*t.ExpiresAt):
		return "expired"
	}
	return "valid"
}

type tokenRevoke struct {
	Token string `arg:"" name:"name" help:"Its name, or its id."`
	target
}

// Run ends a token.
func (t tokenRevoke) Run(ctx context.Context, console *console) error {
	return t.use(ctx, console, func(i *installation) error {
		revoked, err := i.tokens.RevokeToken(ctx, t.Token, terminal)
		if err == nil {
			console.line("The token %s is revoked.", revoked.Name)
		}
		return err
	})
}

// moment reads a time, or a duration counted from now in a direction: 1 for
// the future, -1 for the past. It is nil for "".
func moment(text string, now time.Time, direction time.Duration) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if d, err := unit.ParseDuration(text); err == nil {
		at := now.Add(direction * d)
		return &at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("%q is neither a duration such as 90d nor a time such as 2027-01-01T00:00:00Z", text)
	}
	return &at, nil
}

// all reads every page of a list; it is never nil.
func all[T any](page func(after string) ([]T, string, error)) ([]T, error) {
	list := []T{}
	for after := ""; ; {
		items, next, err := page(after)
		if err != nil {
			return nil, err
		}
		if list = append(list, items...); next == "" {
			return list, nil
		}
		after = next
	}
}

// either is err, or what f says when there is none.
func either(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// local shows a time as the person's clock does; "-" for none.
func local(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}
