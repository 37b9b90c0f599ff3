package outside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Password is that of the account admin of every server started here.
const Password = "outside-and-not-secret"

// Options say which binary is started and on what.
type Options struct {
	Binary   string
	Data     string    // data directory (SQLite)
	Database string    // PostgreSQL URL, instead of Data
	Listen   string    // host:port; see FreeAddress
	Env      []string  // NAME=value, besides this process's own
	Log      io.Writer // the server's stderr; nil: kept for the message of a failed start
}

func (o Options) storage() []string {
	if o.Database != "" {
		return []string{"--database", o.Database, "--data", o.Data}
	}
	return []string{"--data", o.Data}
}

// Server is a running junctor process.
type Server struct {
	URL  string
	cmd  *exec.Cmd
	log  *tail
	gone chan struct{} // closed when the process has ended
	err  error         // how it ended
}

// Start starts a server and waits until it says that it is ready.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{URL: "http://" + o.Listen, log: &tail{}, gone: make(chan struct{})}
	s.cmd = exec.Command(o.Binary, append([]string{"serve", "--listen", o.Listen}, o.storage()...)...) //nolint:gosec // the binary was built here
	s.cmd.Env = o.environment()
	s.cmd.Stdout, s.cmd.Stderr = io.Discard, s.log
	if o.Log != nil {
		s.cmd.Stderr = io.MultiWriter(s.log, o.Log)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", o.Binary, err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.gone)
	}()
	if err := s.ready(ctx); err != nil {
		s.Kill()
		return nil, fmt.Errorf("%w; its last words:\n%s", err, s.log.text())
	}
	return s, nil
}

// ready asks /readyz until it answers 200, for up to 30 s.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for {
		if s.asksWell(ctx, "/readyz") {
			return nil
		}
		select {
		case <-s.gone:
			return fmt.Errorf("the server on %s ended before it was ready: %w", s.URL, s.err)
		case <-ctx.Done():
			return fmt.Errorf("the server on %s was not ready in time: %w", s.URL, ctx.Err())
		case <-every.C:
		}
	}
}

func (s *Server) asksWell(ctx context.Context, path string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Kill ends the process at once, as kill -9 does, and waits for its end.
func (s *Server) Kill() {
	s.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
	<-s.gone
}

// Stop asks the process to end, as an operator does, and waits for it.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.gone:
		return nil
	case <-time.After(30 * time.Second):
		s.Kill()
		return fmt.Errorf("the server on %s did not stop within 30s of SIGTERM", s.URL)
	}
}

// Running reports whether the process still lives.
func (s *Server) Running() bool {
	select {
	case <-s.gone:
		return false
	default:
		return true
	}
}

// Log is the end of what the server wrote to stderr.
func (s *Server) Log() string { return s.log.text() }

// tail keeps the last 16 KiB written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - 16<<10; extra > 0 {
		t.buf = t.buf[extra:]
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
