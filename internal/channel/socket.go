package channel

import (
	"net/http"
	"strings"
)

// Handshake is what is kept of the headers that open a websocket, for as long as
// it lives: where its messages' subject and ordering key are found in them. nil
// for nothing.
func (c *Config) Handshake(sent http.Header) http.Header {
	var kept http.Header
	for _, s := range []Source{c.Subject, c.OrderingKey} {
		if s.header == "" {
			continue
		}
		if value := s.Of(sent, nil); value != "" {
			if kept == nil {
				kept = http.Header{}
			}
			kept.Set(s.header, strings.Clone(value))
		}
	}
	return kept
}

// socketSource describes a message of a websocket as one JSON object:
// connection, channel, path and query of the handshake, remote_address, mode,
// role when the channel has one, and binary of a binary message.
func (m *Message) socketSource() []byte {
	b := make([]byte, 0, 256)
	b = append(b, `{"connection":`...) // first: by that it is known
	b = appendText(b, m.Connection)
	b = append(b, ',')
	b = m.appendChannel(b)
	b = append(b, `,"path":`...)
	b = appendText(b, m.blank(m.Path))
	b = append(b, `,"query":`...)
	b = m.appendQuery(b)
	b = append(b, `,"remote_address":`...)
	b = appendText(b, m.RemoteAddress)
	b = append(b, `,"mode":`...)
	b = appendText(b, m.Mode)
	if m.Channel.WebsocketRole != "" {
		b = append(b, `,"role":`...)
		b = appendText(b, m.Channel.WebsocketRole)
	}
	if m.Binary {
		b = append(b, `,"binary":true`...) // at the end: the reader looks for it there
	}
	return append(b, '}')
}
