// Package connectiontest is the conformance suite that every kind of connection
// passes: classed failures, contexts respected, idempotent Close, nothing left
// behind, secrets kept out of errors.
package connectiontest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"junctor/internal/connection"
)

// Subject is one kind with configurations for the situations of the suite.
type Subject struct {
	Kind connection.Kind
	// Reachable is a configuration whose other side answers a Check. It holds
	// the reference ${secret:suite} in a credential.
	Reachable func(t *testing.T) []byte
	// Dead is one where nobody listens.
	Dead func(t *testing.T) []byte
	// Silent is one whose other side accepts and never answers.
	Silent func(t *testing.T) []byte
	// Guarded is one with a loopback address and without allow_private.
	Guarded func(t *testing.T) []byte
}

// secret is what ${secret:suite} stands for.
const secret = "sUite-sEcret-4711"

// Run runs the suite.
func Run(t *testing.T, s Subject) {
	t.Helper()
	t.Run("the schema is JSON and the kind is named", func(t *testing.T) {
		if s.Kind.Name == "" || !json.Valid(s.Kind.Schema) {
			t.Errorf("name %q, schema valid: %v", s.Kind.Name, json.Valid(s.Kind.Schema))
		}
	})
	t.Run("an unknown key is reported", func(t *testing.T) {
		body := bytes.Replace(s.Reachable(t), []byte("{"), []byte(`{"no_such_key": 1, `), 1)
		_, fields := s.Kind.Parse("suite", body)
		if len(fields) != 1 || fields[0].Pointer != "/no_such_key" {
			t.Errorf("fields: %v", fields)
		}
	})
	t.Run("a check that reaches the other side leaves nothing behind", func(t *testing.T) {
		body := s.Reachable(t)
		before := goleak.IgnoreCurrent()
		conn := open(t, s, body)
		if err := conn.Check(t.Context()); err != nil {
			t.Errorf("check: %v", err)
		}
		for range 2 {
			if err := conn.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		wantClass(t, conn.Check(t.Context()), connection.NotConnected)
		goleak.VerifyNone(t, before)
	})
	t.Run("nobody listens: not connected", func(t *testing.T) {
		conn := open(t, s, s.Dead(t))
		wantClass(t, conn.Check(t.Context()), connection.NotConnected)
	})
	t.Run("a context ends a check", func(t *testing.T) {
		conn := open(t, s, s.Silent(t))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := conn.Check(ctx)
		wantClass(t, err, connection.NotConnected)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error does not say that the context ended: %v", err)
		}
	})
	t.Run("a private address is refused for good", func(t *testing.T) {
		conn := open(t, s, s.Guarded(t))
		err := conn.Check(t.Context())
		wantClass(t, err, connection.Permanent)
		if err != nil && !strings.Contains(err.Error(), "allow_private") {
			t.Errorf("the error does not name the setting: %v", err)
		}
	})
	t.Run("a missing secret is named", func(t *testing.T) {
		config, fields := s.Kind.Parse("suite", s.Reachable(t))
		if len(fields) > 0 {
			t.Fatal(fields)
		}
		_, err := config.Open(func(string) (string, error) { return "", errors.New("no such secret") })
		wantClass(t, err, connection.Permanent)
		if err == nil || !strings.Contains(err.Error(), "secret:suite") || !strings.Contains(err.Error(), "no such secret") {
			t.Errorf("error: %v", err)
		}
	})
}

func open(t *testing.T, s Subject, body []byte) connection.Conn {
	t.Helper()
	config, fields := s.Kind.Parse("suite", body)
	if len(fields) > 0 {
		t.Fatalf("configuration %s: %v", body, fields)
	}
	conn, err := config.Open(func(string) (string, error) { return secret, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() }) //nolint:errcheck // closing twice is part of the suite
	return conn
}

func wantClass(t *testing.T, err error, want connection.Class) {
	t.Helper()
	if got := connection.ClassOf(err); got != want {
		t.Errorf("class %v, want %v: %v", got, want, err)
	}
	if err == nil {
		return
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error tells the secret: %v", err)
	}
	if !strings.Contains(err.Error(), "suite") {
		t.Errorf("the error does not name the connection: %v", err)
	}
}
