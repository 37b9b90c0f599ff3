// Command withpg starts a PostgreSQL, runs a command with its URL in
// JUNCTOR_TEST_POSTGRES, and stops it:
//
//	go run ./internal/db/dbtest/withpg go test ./...
//
// Where there is no PostgreSQL and none can be installed, it says so and runs
// the command without; with CI=true it fails instead.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"junctor/internal/db/dbtest"
	"junctor/internal/db/dbtest/server"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: withpg COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	status, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpg:", err)
	}
	os.Exit(status)
}

func run(command string, args []string) (status int, err error) {
	cmd := exec.Command(command, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = os.Environ()
	if os.Getenv(dbtest.Variable) == "" {
		s, err := server.Start(os.Stderr)
		switch {
		case err == nil:
			defer s.Stop() //nolint:errcheck // nothing of it is kept
			cmd.Env = append(cmd.Env, dbtest.Variable+"="+s.URL)
		case errors.Is(err, server.ErrMissing) && os.Getenv("CI") != "true":
			fmt.Fprintln(os.Stderr, "withpg: tests on PostgreSQL are left out:", err)
		default:
			return 1, err
		}
	}
	interrupts := make(chan os.Signal, 1) // the command gets them too and decides
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
