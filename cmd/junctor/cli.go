package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// cli is every command there is.
type cli struct {
	Config string `help:"Take flags from this YAML file; a flag given on the command line or as JUNCTOR_NAME goes before it." placeholder:"FILE"`

	Serve serve       `cmd:"" help:"Run the server." group:"Server"`
	Demo  demoCommand `cmd:"" help:"Run a server with a sample integration and play messages through it." group:"Server"`
	Purge purge       `cmd:"" help:"Delete finished runs for good." group:"Server"`
	Erase erase       `cmd:"" help:"Erase what finished runs have about one subject." group:"Server"`

	Plan   plan    `cmd:"" help:"Show what apply would change." group:"Configuration"`
	Apply  apply   `cmd:"" help:"Make an installation what a folder says." group:"Configuration"`
	Export export  `cmd:"" help:"Write an installation's configuration into a folder." group:"Configuration"`
	Run    runOne  `cmd:"" help:"Run one scenario of a folder here, offline." group:"Configuration"`
	Test   testAll `cmd:"" help:"Run the tests of a folder." group:"Configuration"`
	Types  types   `cmd:"" help:"Write the declarations that an editor needs into a folder." group:"Configuration"`

	Bench  bench  `cmd:"" help:"Put a channel under load and measure it." group:"Operation"`
	Views  views  `cmd:"" help:"The classes' views in the database." group:"Operation"`
	Runs   runs   `cmd:"" help:"Look at runs, retry and cancel them." group:"Operation"`
	Token  token  `cmd:"" help:"API tokens." group:"Operation"`
	Secret secret `cmd:"" help:"Secrets that the configuration refers to as $${secret:NAME}." group:"Operation"`
	Admin  admin  `cmd:"" help:"Accounts with every right." group:"Operation"`

	Version version `cmd:"" help:"Show which release this is."`
}

const description = `Junctor is an integration server: messages come in by webhook, websocket or schedule, scenarios in TypeScript decide, and every step is on disk before anyone is answered.

Every flag can also be given as an environment variable: --public-url as JUNCTOR_PUBLIC_URL.

To see it at work:

  junctor demo

To begin:

  junctor serve                                                   (in one terminal)
  junctor token create me --server http://localhost:8080 --user admin
  junctor apply DIR --server http://localhost:8080 --token TOKEN

Subscriptions, schedules, approvals, links, websockets, events and the audit log are looked at and acted upon by HTTP, below /api/v1/admin; /openapi.json of a server lists every call:

  curl -u admin http://localhost:8080/api/v1/admin/schedules
`

// parse reads the command line. Help is printed and ends the process.
func parse(ctx context.Context, args []string, console *console) (*kong.Context, error) {
	parser, err := kong.New(&cli{},
		kong.Name("junctor"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(console.out, console.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true}),
		kong.DefaultEnvars("JUNCTOR"),
		kong.Resolvers(&fileFlags{}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(console),
	)
	if err != nil {
		return nil, fmt.Errorf("the command line is built wrongly: %w", err)
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "--version":
		args = append([]string{"version"}, args[1:]...)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return nil, usageError{err, commandOf(err)}
	}
	return command, nil
}

// usageError is a command line that cannot be understood.
type usageError struct {
	error
	command string // as far as it was understood
}

// usage makes a usageError of what a command finds out by itself.
func usage(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...), ""}
}

// commandOf is the command that the parser was in.
func commandOf(err error) string {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context == nil {
		return ""
	}
	return strings.TrimSpace(strings.SplitN(parse.Context.Command(), "<", 2)[0])
}

// environment is a variable that is no flag: it must not be seen in a list of
// processes.
func environment(name string) string { return os.Getenv("JUNCTOR_" + name) }
