package hub

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// entrance is where connections come in. It ends such that nobody is turned away
// who was let in: http.Server's own Shutdown hangs up on those that it has not
// heard yet.
type entrance struct {
	listener net.Listener
	server   *http.Server
	open     atomic.Int64  // connections
	closed   chan struct{} // nobody is let in any more
	err      error         // why, when it was not close
}

// hearTime is how long an entrance that closes waits for the requests of those
// who have just come in.
const hearTime = 2 * time.Second

// newEntrance lets connections in, for the server to answer; by TLS when that has
// its configuration. gone is told when nobody is let in any more.
func newEntrance(l net.Listener, s *http.Server, gone chan<- struct{}) *entrance {
	e := &entrance{listener: l, server: s, closed: make(chan struct{})}
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			e.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			e.open.Add(-1)
		}
	}
	go func() {
		defer func() { close(e.closed); gone <- struct{}{} }()
		serve := s.Serve
		if s.TLSConfig != nil {
			serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
		}
		if err := serve(l); !errors.Is(err, net.ErrClosed) {
			e.err = err
		}
	}()
	return e
}

// close lets nobody in any more and waits until all who are in have been
// answered; when ctx ends it hangs up on the rest.
func (e *entrance) close(ctx context.Context) error {
	e.server.SetKeepAlivesEnabled(false) // idle connections end now, others after their answer
	e.listener.Close()                   //nolint:errcheck // it listens no more in any case
	<-e.closed
	e.hear(ctx)
	err := e.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = e.server.Close()
	}
	return errors.Join(e.err, err)
}

// hear waits until no connection is left, up to hearTime: by then each has said
// what it wants, or is treated as an idle one.
func (e *entrance) hear(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hearTime)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for e.open.Load() > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}
