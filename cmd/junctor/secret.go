package main

import (
	"context"

	"junctor/internal/access"
)

type secret struct {
	Set    secretSet    `cmd:"" help:"Set a secret, from a prompt or from stdin."`
	List   secretList   `cmd:"" help:"List secrets by name."`
	Delete secretDelete `cmd:"" help:"Delete a secret."`
}

type secretSet struct {
	Name  string  `arg:"" help:"As the configuration refers to it: erp_token for $${secret:erp_token}."`
	Value *string `help:"The value. Others on this machine may see it in the list of processes: better from stdin." placeholder:"VALUE"`
	target
}

// Help teaches by examples.
func (secretSet) Help() string {
	return `The value is asked for when stdin is a terminal, and read from stdin otherwise. It is never shown again.

Examples:
  junctor secret set erp_token --server https://junctor.example.com --token TOKEN
  vault read -field=token erp | junctor secret set erp_token --data ./junctor-data`
}

// Run sets a secret.
func (s secretSet) Run(ctx context.Context, console *console) error {
	return s.use(ctx, console, func(i *installation) error {
		value := ""
		if s.Value != nil {
			value = *s.Value
		} else {
			var err error
			if value, err = console.secret("Value of " + s.Name); err != nil {
				return err
			}
		}
		if err := i.secrets.SetSecret(ctx, s.Name, value, terminal); err != nil {
			return err
		}
		console.line("The secret %s is set.", s.Name)
		return nil
	})
}

type secretList struct {
	JSON bool `name:"json" help:"Write JSON, for a machine."`
	target
}

// Run lists names.
func (s secretList) Run(ctx context.Context, console *console) error {
	return s.use(ctx, console, func(i *installation) error {
		list, err := all(func(after string) ([]access.SecretInfo, string, error) {
			return i.secrets.ListSecrets(ctx, after, 1000)
		})
		if err != nil || s.JSON {
			return either(err, func() error { return console.json(list) })
		}
		var rows [][]string
		for _, info := range list {
			rows = append(rows, []string{info.Name, info.Author, local(&info.ChangedAt)})
		}
		console.table("There are no secrets; `junctor secret set NAME` sets one.", []string{"name", "set by", "at"}, rows)
		return nil
	})
}

type secretDelete struct {
	Name string `arg:"" help:"Which."`
	target
}

// Run deletes a secret.
func (s secretDelete) Run(ctx context.Context, console *console) error {
	return s.use(ctx, console, func(i *installation) error {
		err := i.secrets.DeleteSecret(ctx, s.Name, terminal)
		if err == nil {
			console.line("The secret %s is deleted.", s.Name)
		}
		return err
	})
}
