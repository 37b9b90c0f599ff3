// Package restart_test lets the built server's own remedy happen: scripts that
// nothing can stop hold half of its cores, and it replaces its process.
package restart_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/test/outside"
)

// built is the binary, for all tests of this package.
var built outside.Once

func TestMain(m *testing.M) { built.Main(m.Run) }

// serverLog is what a server writes to stderr.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// times are those of the lines whose message contains the given text.
func (l *serverLog) times(message string) (at []time.Time) {
	for line := range strings.Lines(l.String()) {
		var entry struct {
			Time time.Time
			Msg  string
		}
		if json.Unmarshal([]byte(line), &entry) == nil && strings.Contains(entry.Msg, message) {
			at = append(at, entry.Time)
		}
	}
	return at
}

// answer is what became of one message.
type answer struct {
	number  string // of the message, which is its run's subject
	refused bool   // nobody listened
	status  int    // 0: the connection ended without an answer
	run     string
	body    string
	at      time.Time
	took    time.Duration
}

// send delivers one message on a connection of its own.
func send(url, number string) answer {
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	begun := time.Now()
	resp, err := client.Post(url, "application/json", strings.NewReader(`{"number":"`+number+`"}`))
	a := answer{number: number, at: time.Now()}
	if err != nil {
		var op *net.OpError
		a.refused, a.body = errors.As(err, &op) && op.Op == "dial", err.Error()
		return a
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a.at, a.took, a.body = time.Now(), time.Since(begun), string(body)
	if err == nil {
		a.status, a.run = resp.StatusCode, resp.Header.Get("Junctor-Run")
	}
	return a
}

// until waits for something to become true, up to a minute.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for end := time.Now().Add(time.Minute); !is(); <-every.C {
		if time.Now().After(end) {
			t.Fatalf("a minute has passed, and not yet: %s", what)
		}
	}
}
