package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"junctor/internal/load"
)

// talked is the channel that has a websocket scenario.
const talked = "talk"

const (
	talkers = 4
	atOnce  = 3 // messages that are sent before the first is answered
)

// talk is a client of the websocket channel: it says a few things at once, waits
// for what they are answered with, and connects again when the connection breaks.
func (s *shop) talk(ctx context.Context, who int, every time.Duration) {
	pace := time.NewTicker(every)
	defer pace.Stop()
	var socket *load.Socket
	defer func() {
		if socket != nil {
			socket.Close()
		}
	}()
	for turn := who; ; turn++ {
		select {
		case <-s.closing:
			return
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		if socket == nil {
			if socket = s.enter(ctx, turn); socket == nil {
				continue
			}
		}
		if !s.converse(socket, who) {
			socket.Close()
			socket = nil
		}
	}
}

// enter opens a websocket, nil when the node is away.
func (s *shop) enter(ctx context.Context, node int) *load.Socket {
	socket, err := s.cluster.websocket(ctx, node, talked, "")
	var refused *load.Refused
	switch {
	case err == nil:
		s.opened.Add(1)
		return socket
	case errors.As(err, &refused) && refused.Status != http.StatusServiceUnavailable:
		s.complain("a websocket was not opened: %v", err)
	}
	return nil
}

// converse reports whether the connection is as good as before.
func (s *shop) converse(socket *load.Socket, who int) (good bool) {
	messages := make([]*message, atOnce)
	for i := range messages {
		messages[i] = &message{channel: talked, number: fmt.Sprintf("%s-%d-%d", talked, who, s.said.Add(1))}
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.messages = append(s.messages, messages...)
	}()
	if socket.SetDeadline(time.Now().Add(40*time.Second)) != nil {
		return false
	}
	for _, m := range messages {
		if socket.Send(load.Text, fmt.Appendf(nil, `{"number":%q}`, m.number)) != nil {
			return false // of those before it nobody knows
		}
	}
	for _, m := range messages {
		if m.fate, good = s.answered(socket, m); !good {
			return false
		}
	}
	return true
}

// answered reads what one message is answered with.
func (s *shop) answered(socket *load.Socket, m *message) (f fate, good bool) {
	opcode, data, err := socket.Receive()
	if err != nil {
		return unknown, false
	}
	if opcode == load.Close {
		s.complain("%s: the websocket was closed with %s", m.number, closing(data))
		return unknown, false
	}
	var a struct {
		Number string
		Error  *struct{ Status int }
	}
	err = json.Unmarshal(data, &a)
	switch {
	case err == nil && a.Error == nil && a.Number == m.number:
		return acknowledged, true
	case err != nil || a.Error == nil:
		s.complain("%s was answered %s", m.number, data)
		return unknown, false
	case a.Error.Status == http.StatusServiceUnavailable:
		return refused, true
	case a.Error.Status != http.StatusBadGateway && a.Error.Status != http.StatusGatewayTimeout:
		s.complain("%s was answered %s", m.number, data)
	}
	return unknown, true
}

// closing is what a close frame says.
func closing(data []byte) string {
	if len(data) < 2 {
		return "no code"
	}
	return fmt.Sprintf("%d %s", binary.BigEndian.Uint16(data), data[2:])
}
