// Package server starts a PostgreSQL for tests: from installed binaries, in a
// temporary directory, with PostgreSQL's own defaults (so with fsync).
//
// It must not know what the tests do with it.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing says that there is no PostgreSQL on this machine and that it
// cannot be installed.
var ErrMissing = errors.New("PostgreSQL is not installed")

// Server is a running PostgreSQL.
type Server struct {
	URL   string
	alive io.Closer // the server ends when this end of the pipe is closed, so also when this process dies
	ended chan error
}

// Start finds PostgreSQL's programs, or installs Debian's package where that
// can be done, and starts a server that listens on a Unix socket only. It ends
// with Stop, or with this process, however that ends. What takes long is told
// on progress.
func Start(progress io.Writer) (*Server, error) {
	bin, err := find(progress)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "junctor-pg-") // short: a socket's path has at most 107 bytes
	if err != nil {
		return nil, err
	}
	s, err := startIn(bin, dir)
	if err != nil {
		os.RemoveAll(dir) //nolint:errcheck // the first error tells more
		return nil, err
	}
	return s, nil
}

func startIn(bin, dir string) (*Server, error) {
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	if err := who.own(dir); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions")
	who.run(initdb, dir)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	s, err := launch(who, dir, filepath.Join(bin, "postgres"), "-D", data, "-k", dir,
		"-c", "listen_addresses=", "-c", "max_connections=300", "-c", "logging_collector=off")
	if err != nil {
		return nil, err
	}
	s.URL = "postgres://postgres@/postgres?host=" + dir
	if err := s.wait(); err != nil {
		s.Stop() //nolint:errcheck // the first error tells more
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, fmt.Errorf("%w; its log:\n%s", err, log)
	}
	return s, nil
}

// wait returns when the server answers.
func (s *Server) wait() error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		conn, err := pgx.Connect(ctx, s.URL)
		if err == nil {
			err = conn.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL does not answer after a minute: %w", err)
		}
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("PostgreSQL ended at once: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the server and removes its directory.
func (s *Server) Stop() error {
	s.alive.Close() //nolint:errcheck // a pipe's end
	err := <-s.ended
	s.ended <- err
	return err
}
