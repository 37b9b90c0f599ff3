package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"junctor/internal/access"
	"junctor/internal/db"
)

type secret struct {
	Set       secretSet       `cmd:"" help:"Set a secret, from a prompt or from stdin."`
	List      secretList      `cmd:"" help:"List secrets by name."`
	Delete    secretDelete    `cmd:"" help:"Delete a secret."`
	RotateKey secretRotateKey `cmd:"" help:"Replace the master key of a stopped server and seal every secret anew."`
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
		if access.Surrounded(value) {
			fmt.Fprintf(console.err, "Warning: the value begins or ends with white space, which is part of it. If that is a slip, set it again; `printf %%s VALUE` adds none.\n")
		}
		return nil
	})
}

type secretList struct {
	JSON bool `name:"json" help:"Write JSON, for a machine."`
	target
}

// Run lists names.
func (s secretList) Run(ctx context.Context, console *console) error {
	s.anyKey = true
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
	Name  string `arg:"" help:"Which."`
	Force bool   `help:"Also when the configuration refers to it."`
	target
}

// Run deletes a secret.
func (s secretDelete) Run(ctx context.Context, console *console) error {
	s.anyKey = true // it may be deleted because its key is lost
	return s.use(ctx, console, func(i *installation) error {
		err := i.secrets.DeleteSecret(ctx, s.Name, terminal, s.Force)
		if err == nil {
			console.line("The secret %s is deleted.", s.Name)
		}
		return err
	})
}

type secretRotateKey struct {
	Data     string `help:"The data directory of a stopped server, where the master key lies." placeholder:"DIR"`
	Database string `help:"Its PostgreSQL, instead of SQLite under --data." placeholder:"URL"`
}

// Help teaches by examples.
func (secretRotateKey) Help() string {
	return `The key is that of the file master.key. Broken off at any point, the command is given again and finishes. With JUNCTOR_MASTER_KEY the secrets are sealed with the first of its keys.

Examples:
  junctor secret rotate-key --data ./junctor-data
  JUNCTOR_MASTER_KEY="$NEW,$OLD" junctor secret rotate-key --database postgres://junctor@db/junctor`
}

// Run rotates the key.
func (s secretRotateKey) Run(ctx context.Context, console *console) error {
	if s.Data == "" && s.Database == "" {
		return usage("say which stopped server: --data DIR or --database URL")
	}
	t := target{Data: s.Data, Database: s.Database, anyKey: true}
	if err := s.there(t.dataOrDefault()); err != nil {
		return err
	}
	return t.use(ctx, console, func(i *installation) error {
		r, err := i.stopped.RotateKey(ctx, terminal)
		if err != nil {
			return err
		}
		if r.Finished {
			console.line("An earlier rotation had been broken off; it is finished now.")
		}
		console.line("Sealed anew: %d secrets.", r.Sealed)
		switch {
		case r.Spare > 0:
			console.line("Nothing in this database needs the other keys of JUNCTOR_MASTER_KEY any more: leave only the first of them, on every node. Keep them for backups made until now.")
		case environment("MASTER_KEY") != "":
			console.line("JUNCTOR_MASTER_KEY has one key: to replace it, put a new one before it, separated by a comma, and give this command again.")
		default:
			console.line("master.key has the new key. Backups made until now need the old one; copy the file to every other node.")
		}
		return nil
	})
}

// there refuses to make a new installation, or a new key, where a directory was
// mistyped: the key in use would stay as it is.
func (s secretRotateKey) there(dir string) error {
	switch {
	case s.Data == "" && s.Database == "":
		return nil // which is a mistake of its own
	case s.Database == "" && !db.Exists(dir):
		return fmt.Errorf("there is no database in %s; nothing was changed: is --data the server's data directory?", dir)
	case s.Database != "" && environment("MASTER_KEY") == "":
		if _, err := os.Stat(filepath.Join(dir, "master.key")); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no master.key in %s; nothing was changed: is --data the server's data directory?", dir)
		}
	}
	return nil
}
