package hub_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"junctor/internal/run"
)

func serveAddressed(t *testing.T) *site {
	t.Helper()
	return serve(t, map[string]string{
		"junctor.yaml": "channels:\n  chat: { type: public, websocket_scenario: chat, subject: X-Customer, ordering_key: X-Order }\n",
		"scenarios/chat.ts": `import type { SocketMessage } from "junctor";
export default (message: SocketMessage) => message.path + " " + message.query.q?.length;`,
	})
}

// What a handshake says of its messages counts for as long as the connection lives.
func TestMessagesAreAboutWhatTheHandshakeSays(t *testing.T) {
	s := serveAddressed(t)
	w := s.connected("chat", "/a%20b?q=xyz", "X-Customer", " anna ", "X-Order", "o1", "X-Other", "z")
	w.say("1", "2")
	w.hears("/a b 3", "/a b 3")
	long := strings.Repeat("long", 10_000)
	w = s.connected("chat", "", "X-Customer", long)
	w.say("1")
	w.hears(" undefined")
	for subject, runs := range map[string]int{"anna": 2, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(long))): 1} {
		list, _, err := s.hub.Runs().List(t.Context(), run.Filter{Subject: subject})
		if err != nil || len(list) != runs {
			t.Errorf("%d runs are about %s, %v", len(list), subject, err)
		}
		for _, info := range list {
			if subject == "anna" && info.Key != "o1" {
				t.Errorf("the ordering key is %q", info.Key)
			}
		}
	}
}

func TestAddressesOfWebsocketsAreShort(t *testing.T) {
	s := serveAddressed(t)
	w := s.connected("chat", "/?q="+strings.Repeat("q", 8<<10-3))
	w.say("1")
	w.hears(fmt.Sprint("/ ", 8<<10-3))
	for _, rest := range []string{"/?q=" + strings.Repeat("q", 8<<10-2), "/" + strings.Repeat("p", 8<<10)} {
		if _, refused := s.socket("chat", rest); refused == nil || refused.Status != 431 {
			t.Errorf("an address of %d bytes: %v", len(rest), refused)
		}
	}
}

// A connection does not keep what it was opened with.
func TestWebsocketsForgetTheirHeaders(t *testing.T) {
	s := serveAddressed(t)
	const many = 200
	costs := func(headers string) int64 {
		before := inUse()
		for range many {
			s.shaken("/ws/token/v1/"+s.token["chat"], headers)
		}
		return (inUse() - before) / many
	}
	costs("")
	small := costs("X-Customer: anna\r\n")
	large := costs("X-Customer: anna\r\nSec-WebSocket-Protocol: chat, " + strings.Repeat("p", 20<<10) + "\r\nX-Padding: " + strings.Repeat("x", 20<<10) + "\r\nCookie: " + strings.Repeat("c", 15<<10) + "\r\n")
	t.Logf("%d and %d bytes each", small, large)
	if large > small+2<<10 {
		t.Errorf("a connection with 55 KiB of headers has %d bytes, one with few %d", large, small)
	}
}

// inUse is how much memory is in use, without what pools keep.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	return heap()
}

// shaken opens a websocket by hand, and keeps nothing of it but the connection.
func (s *site) shaken(path, headers string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })               //nolint:errcheck // the test is over
	conn.SetDeadline(time.Now().Add(60 * time.Second)) //nolint:errcheck // the read tells
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+headers+"\r\n")
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatal(resp, err)
	}
	resp.Body.Close()
}
