package hub

import (
	"net"
	"os"
	"os/exec"
)

// inherited is nil: Windows does not hand listeners over.
func inherited(string) (net.Listener, error) { return nil, nil }

func handOver(net.Listener, string) error { return nil }

// Exec starts a fresh process of the same program and arguments and ends this
// one.
func Exec() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	os.Exit(1)
	return nil
}
