//go:build unix

package hub

import (
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// inherited is the listener that was handed over under a name; nil when none was.
func inherited(name string) (net.Listener, error) {
	text := os.Getenv(name)
	if text == "" {
		return nil, nil
	}
	os.Unsetenv(name) //nolint:errcheck // it was set a moment ago
	fd, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close() //nolint:errcheck // FileListener has its own copy
	return net.FileListener(file)
}

// handOver keeps the listener open beyond this process, under a name: who
// connects meanwhile is served by the next one. Its copy of the descriptor is a
// bare number, which nothing closes with the garbage, and the listener's own goes
// on as it was: one made blocking (os.File.Fd does that) could not be closed
// while it accepts.
func handOver(l net.Listener, name string) error {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var fd int // stays open when the program is replaced, as copies do
	var failed error
	if err := raw.Control(func(own uintptr) { fd, failed = unix.Dup(int(own)) }); err != nil {
		return err
	}
	if failed != nil {
		return os.NewSyscallError("dup", failed)
	}
	return os.Setenv(name, strconv.Itoa(fd))
}

// Exec replaces this process by a fresh one of the same program and arguments.
// A script that cannot be stopped ends with it.
func Exec() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(program, os.Args, os.Environ())
}
