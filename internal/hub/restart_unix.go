//go:build unix

package hub

import (
	"net"
	"os"
	"strconv"
	"syscall"
)

// listenerEnv names the file descriptor of an open listener that a process
// hands over to the one that takes its place.
const listenerEnv = "JUNCTOR_LISTENER_FD"

// inherited is the listener that was handed over; nil when none was.
func inherited() (net.Listener, error) {
	text := os.Getenv(listenerEnv)
	if text == "" {
		return nil, nil
	}
	os.Unsetenv(listenerEnv) //nolint:errcheck // it was set a moment ago
	fd, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close() //nolint:errcheck // FileListener has its own copy
	return net.FileListener(file)
}

// handOver keeps the listener open beyond this process: who connects meanwhile
// is served by the next one.
func handOver(l net.Listener) error {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil
	}
	file, err := tcp.File() // a copy, with a descriptor of its own
	if err != nil {
		return err
	}
	fd := file.Fd()
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETFD, 0); errno != 0 {
		return errno
	}
	return os.Setenv(listenerEnv, strconv.Itoa(int(fd)))
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
