package hub_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"junctor/internal/hub"
	"junctor/internal/load"
)

// One channel may have all places, from few addresses; and then there are still
// some for others, be it another channel or another address.
func TestPlacesOfWebsockets(t *testing.T) {
	files := map[string]string{"scenarios/chat.ts": chat, "junctor.yaml": `settings: { websockets: { connections: 100 } }
channels:
  chat: { type: public, websocket_scenario: chat }
  desk: { type: public, websocket_scenario: chat }
  crm: { type: eventing }
`}
	open := func(t *testing.T) (s *site, join func(channel, from string) *load.Refused) {
		s = serveAs(t, hub.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil, files)
		return s, func(channel, from string) *load.Refused {
			rest := ""
			if channel == "crm" {
				rest = "/subscribe"
			}
			_, refused := s.socket(channel, rest, "X-Forwarded-For", from)
			return refused
		}
	}
	fill := func(join func(channel, from string) *load.Refused, channel string, from func(n int) string) (n int, refused *load.Refused) {
		for ; ; n++ {
			if refused = join(channel, from(n)); refused != nil {
				return n, refused
			}
		}
	}
	t.Run("one channel", func(t *testing.T) {
		s, join := open(t)
		few := func(n int) string { return fmt.Sprintf("203.0.113.%d", n%4) }
		n, refused := fill(join, "chat", few)
		if n != 100 || refused.Status != 503 || refused.Header.Get("Retry-After") != "5" || refused.Header.Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(string(refused.Body), "as many websocket connections as it may have (100). Beside them there are 5 more for channels that have fewer, and this channel has 100; and 5 for addresses that have fewer, and yours has 25.") {
			t.Errorf("%d came in, then %v", n, refused)
		}
		if refused := join("desk", few(0)); refused != nil {
			t.Errorf("another channel: %v", refused)
		}
		if refused := join("crm", "198.51.100.7"); refused != nil {
			t.Errorf("a subscriber: %v", refused)
		}
		if refused := join("chat", "198.51.100.8"); refused != nil {
			t.Errorf("another address: %v", refused)
		}
		s.connected("desk", "", "X-Forwarded-For", "198.51.100.9").say("say I am in") // it is a connection like any other
	})
	t.Run("one channel from everywhere", func(t *testing.T) {
		_, join := open(t)
		n, refused := fill(join, "chat", func(n int) string { return fmt.Sprintf("2001:db8:%x::1", n) })
		if n != 105 || refused.Status != 503 {
			t.Errorf("%d came in, then %v", n, refused)
		}
		if refused := join("desk", "2001:db8:ffff::1"); refused != nil {
			t.Errorf("another channel: %v", refused)
		}
	})
	t.Run("one address at all channels", func(t *testing.T) {
		_, join := open(t)
		total := 0
		for _, channel := range []string{"crm", "chat", "desk"} {
			n, _ := fill(join, channel, func(n int) string { return fmt.Sprintf("2001:db8::%x", n) }) // one network
			total += n
		}
		if total < 100 || total > 105 {
			t.Errorf("it has %d", total)
		}
		if refused := join("chat", "198.51.100.7"); refused != nil {
			t.Errorf("another address: %v", refused)
		}
	})
	t.Run("what was left", func(t *testing.T) {
		s, join := open(t)
		first := s.connected("desk", "", "X-Forwarded-For", "203.0.113.1")
		if n, _ := fill(join, "chat", func(int) string { return "203.0.113.1" }); n != 99 {
			t.Errorf("%d came in", n)
		}
		first.Close()
		s.until("its place is there again", func() bool { return join("chat", "203.0.113.1") == nil })
	})
}
