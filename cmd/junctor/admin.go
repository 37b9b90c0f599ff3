package main

import (
	"context"
	"errors"
)

type admin struct {
	Create        adminCreate   `cmd:"" help:"Make an account with every right."`
	ResetPassword adminPassword `cmd:"" help:"Give an account another password and end its sessions."`
}

// password is where the new one comes from.
type password struct {
	Generate bool `help:"Make up a random password and print it, instead of asking for one."`
	target
}

type adminCreate struct {
	Login string `arg:"" help:"The new account."`
	password
}

type adminPassword struct {
	Login string `arg:"" help:"The account." default:"admin" optional:""`
	password
}

// Help teaches by examples.
func (adminPassword) Help() string {
	return `The password is asked for when stdin is a terminal, and read from stdin otherwise. API tokens of the account stay; revoke them one by one.

Examples:
  junctor admin reset-password --data ./junctor-data
  junctor admin reset-password eve --generate --server https://junctor.example.com --token TOKEN`
}

// Run makes an account.
func (a adminCreate) Run(ctx context.Context, console *console) error {
	return a.do(ctx, console, a.Login, accounts.CreateAdmin, "The account %s is created.")
}

// Run changes a password.
func (a adminPassword) Run(ctx context.Context, console *console) error {
	return a.do(ctx, console, a.Login, accounts.SetPassword, "The password of %s is changed, its sessions are ended.")
}

func (p password) do(ctx context.Context, console *console, login string, act func(accounts, context.Context, string, string, string) (string, error), done string) error {
	return p.use(ctx, console, func(i *installation) error {
		chosen := ""
		if !p.Generate {
			var err error
			if chosen, err = console.secret("New password of " + login); err != nil {
				return err
			}
			if chosen == "" {
				return errors.New("the password is empty; --generate makes one up")
			}
		}
		generated, err := act(i.accounts, ctx, login, chosen, terminal)
		if err != nil {
			return err
		}
		console.line(done, login)
		if generated != "" {
			console.line("Password, shown only here: %s", generated)
		}
		return nil
	})
}
