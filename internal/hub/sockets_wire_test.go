package hub_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"junctor/internal/load"
)

// wire is a websocket of a test.
type wire struct {
	t *testing.T
	*load.Socket
}

// socket opens a websocket of a channel, or returns why it is refused.
func (s *site) socket(channel, rest string, header ...string) (*wire, *load.Refused) {
	s.t.Helper()
	return s.dial(s.base, "/ws/token/v1/"+s.token[channel]+rest, header...)
}

func (s *site) dial(base, path string, header ...string) (*wire, *load.Refused) {
	s.t.Helper()
	target, _, err := load.ParseTarget(base)
	if err != nil {
		s.t.Fatal(err)
	}
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	c, err := load.DialSocket(ctx, target, path, h)
	var refused *load.Refused
	if err != nil && !errors.As(err, &refused) {
		s.t.Fatal(err)
	}
	if refused != nil {
		return nil, refused
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(60 * time.Second)) //nolint:errcheck // a connection that was made a moment ago
	return &wire{s.t, c}, nil
}

// connected is a websocket that must come about.
func (s *site) connected(channel, rest string, header ...string) *wire {
	s.t.Helper()
	w, refused := s.socket(channel, rest, header...)
	if refused != nil {
		s.t.Fatal(refused)
	}
	return w
}

func (w *wire) say(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if err := w.Send(load.Text, []byte(text)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// hear is what comes next: text, "bytes ..." or "close CODE REASON".
func (w *wire) hear() string {
	w.t.Helper()
	opcode, data, err := w.Receive()
	switch {
	case err != nil:
		return "error " + err.Error()
	case opcode == load.Binary:
		return "bytes " + string(data)
	case opcode == load.Close && len(data) >= 2:
		return fmt.Sprintf("close %d %s", binary.BigEndian.Uint16(data), data[2:])
	case opcode == load.Close:
		return "close"
	}
	return string(data)
}

// hears holds what comes against what should; one that ends in * says how it
// begins.
func (w *wire) hears(wanted ...string) {
	w.t.Helper()
	for _, want := range wanted {
		got := w.hear()
		if prefix, any := strings.CutSuffix(want, "*"); got != want && (!any || !strings.HasPrefix(got, prefix)) {
			w.t.Fatalf("heard %.300q, not %q", got, want)
		}
	}
}

// hearsOf waits for so many events of a type.
func (s *site) hearsOf(t *testing.T, kind string, n int) followed {
	t.Helper()
	var f followed
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(5 * time.Millisecond) {
		if f = s.events("types", kind); len(f.Items) == n {
			return f
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events of %s, not %d", len(f.Items), kind, n)
		}
	}
}
