//go:build unix

package hub

import (
	"errors"
	"io"
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// A listener that was handed over can still be closed while it accepts, and the
// copy outlives collections of garbage until it is taken over.
func TestListenerIsHandedOver(t *testing.T) {
	t.Setenv(listenerEnv, "")
	old, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := handOver(old, listenerEnv); err != nil {
		t.Fatal(err)
	}
	if !nonblocking(t, old) {
		t.Error("the listener has become blocking: closing it would wait for one more connection")
	}
	old.Close()
	for range 3 { // what is unreachable is found, then closed
		runtime.GC()
	}
	between, err := net.Dial("tcp", old.Addr().String())
	if err != nil {
		t.Fatalf("while nobody serves: %v", err)
	}
	defer between.Close()
	next, err := inherited(listenerEnv)
	if err != nil || next == nil {
		t.Fatalf("taken over: %v, %v", next, err)
	}
	defer next.Close()
	c, err := next.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if n, err := between.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the connection made meanwhile: %d, %v", n, err)
	}
	if again, err := inherited(listenerEnv); again != nil || err != nil {
		t.Errorf("taken over twice: %v, %v", again, err)
	}
}

func nonblocking(t *testing.T, l net.Listener) bool {
	t.Helper()
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	if failed := raw.Control(func(fd uintptr) { flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	return flags&unix.O_NONBLOCK != 0
}
