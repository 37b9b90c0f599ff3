// Command junctor is the terminal of Junctor: the server, configuration as
// code, and what an administrator does by hand.
//
// Every subcommand is a file here. They translate between a person and the
// packages below; a rule that is found here is in the wrong place.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(execute()) }

// execute is main with an exit code: 0 done, 1 failed, 2 wrong usage.
func execute() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	console := newConsole(os.Stdin, os.Stdout, os.Stderr)
	command, err := parse(ctx, os.Args[1:], console)
	if err == nil {
		err = command.Run()
	}
	return console.report(err)
}
