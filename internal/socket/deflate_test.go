package socket_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"

	"junctor/internal/socket"
)

// packed is a message as RFC 7692 has it.
func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text) //nolint:errcheck // into memory
	w.Flush()               //nolint:errcheck // into memory
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// deflated opens a websocket with an offer of the extension, and returns what was
// agreed on.
func (p *place) deflated(offer string) (*raw, string) {
	p.Helper()
	c := p.dial()
	c.bytes([]byte(strings.Replace(handshake, "Host: h", "Host: h\r\nSec-WebSocket-Extensions: "+offer, 1)))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil || resp.StatusCode != 101 {
		p.Fatal(resp, err)
	}
	return c, resp.Header.Get("Sec-WebSocket-Extensions")
}

func TestDeflate(t *testing.T) {
	p := open(t, socket.Options{Message: 100_000})
	p.limits.Deflate = true
	const agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for offer, want := range map[string]string{
		"permessage-deflate": agreed,
		"x-webkit-deflate-frame, permessage-deflate; client_max_window_bits":                                    agreed,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":                                     agreed,
		`permessage-deflate; server_max_window_bits="15"; client_max_window_bits=9; Server_No_Context_Takeover`: agreed,
		"permessage-deflate; server_max_window_bits=10":                                                         "",
		"permessage-deflate; unknown":                                                                           "",
		"deflate-frame":                                                                                         "",
	} {
		if _, got := p.deflated(offer); got != want {
			t.Errorf("%s: %q", offer, got)
		}
	}
	text := strings.Repeat("ž and more ", 5000)
	for name, c := range map[string]struct {
		sent []byte
		want string
	}{
		"packed":               {frame(0xc1, packed(t, "Hello")), "text Hello"},
		"not packed":           {frame(0x81, "Hello"), "text Hello"},
		"an empty one":         {frame(0xc1, "\x00"), "text "},
		"in pieces":            {joined(frame(0x41, packed(t, "Hello")[:3]), frame(0x80, packed(t, "Hello")[3:])), "text Hello"},
		"RSV1 of the rest":     {joined(frame(0x41, "a"), frame(0xc0, "b")), "close 1002 *"},
		"RSV2":                 {frame(0xa1, "a"), "close 1002 *"},
		"RSV1 of a ping":       {frame(0xc9, ""), "close 1002 *"},
		"garbage":              {frame(0xc1, "\xff\xff\xff\xff"), "close 1007 *"},
		"not UTF-8":            {frame(0xc1, packed(t, "\xff")), "close 1007 *"},
		"a bomb":               {frame(0xc2, packed(t, strings.Repeat("0", 50<<20))), "close 1009 A message may have at most 100000B."},
		"the longest":          {frame(0xc2, packed(t, strings.Repeat("0", 100_000))), "packed bytes " + strings.Repeat("0", 100_000)},
		"one byte more":        {frame(0xc2, packed(t, strings.Repeat("0", 100_001))), "close 1009 *"},
		"a long one comes so":  {frame(0xc1, packed(t, text)), "packed text " + text},
		"a short one does not": {frame(0xc1, packed(t, "a")), "text a"},
	} {
		t.Run(name, func(t *testing.T) {
			q := *p
			q.T = t
			client, _ := q.deflated("permessage-deflate")
			client.bytes(c.sent)
			client.want(c.want)
		})
	}
	t.Run("who has not asked for it", func(t *testing.T) {
		q := *p
		q.T = t
		client := q.connect()
		client.bytes(frame(0x81, text))
		client.want("text " + text)
		client.bytes(frame(0xc1, packed(t, "Hello")))
		client.want("close 1002 *")
	})
	t.Run("one for all", func(t *testing.T) {
		q := *p
		q.T = t
		with, _ := q.deflated("permessage-deflate")
		without := q.connect()
		q.took = func(_ context.Context, c *socket.Conn, _ socket.Message) {
			message := socket.Prepare(socket.Text, []byte(text))
			for _, one := range q.Group("/g") {
				if one == c || one.ID() > c.ID() {
					one.Post(message) //nolint:errcheck // the clients see what comes
				}
			}
		}
		with.bytes(frame(0x81, "all"))
		with.want("packed text " + text)
		without.want("text " + text)
	})
}
