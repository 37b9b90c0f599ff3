package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"junctor/internal/load"
)

// follower is a subscriber by websocket that connects again whenever its
// connection ends, to whichever node. One without a name keeps the cursor itself;
// one with a name acknowledges, and goes on where that is kept.
type follower struct {
	feed   *feed
	name   string
	number int

	mu     sync.Mutex
	heard  []string       // "SOURCE ID" in the order in which they came, each once
	places map[string]int // in heard
	cursor string         // of the last one
	at     int            // in heard the next one is expected; -1 when a connection with a name has just begun
	acked  int            // so many it has acknowledged,
	sure   int            // and so many are known to be kept
	asked  bool           // it does not know yet whether the last are
	socket *load.Socket
}

// every is how many events a follower with a name acknowledges at a time.
const every = 7

func (f *follower) run(ctx context.Context) {
	for node := f.number; ; node++ {
		select {
		case <-f.feed.ended:
			return
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
		f.listen(ctx, node)
	}
}

// leave ends the present connection.
func (f *follower) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.socket != nil {
		f.socket.Close()
	}
}

// listen follows on one connection until it ends.
func (f *follower) listen(ctx context.Context, node int) {
	socket, err := f.feed.cluster.websocket(ctx, node, "feed", "/subscribe")
	var refused *load.Refused
	if errors.As(err, &refused) && refused.Status != http.StatusServiceUnavailable {
		f.complain("was not let in: %v", err)
	}
	if err != nil {
		return
	}
	defer socket.Close()
	f.feed.connected.Add(1)
	f.mu.Lock()
	f.socket, f.asked = socket, false
	say := map[string]any{"action": "subscribe", "id": "s", "after": f.cursor}
	switch {
	case f.name != "":
		delete(say, "after")
		say["name"], f.at = f.name, -1
		if f.sure == 0 && f.acked == 0 {
			say["after"], f.at = "oldest", 0
		}
	case f.cursor == "":
		say["after"] = "oldest"
	}
	f.mu.Unlock()
	for err = send(socket, say); err == nil; {
		err = f.hear(socket)
	}
}

// send says something as JSON.
func send(socket *load.Socket, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return socket.Send(load.Text, text)
}

// hear takes one message. An error ends the connection.
func (f *follower) hear(socket *load.Socket) error {
	if err := socket.SetDeadline(time.Now().Add(90 * time.Second)); err != nil {
		return err
	}
	opcode, data, err := socket.Receive()
	if err != nil {
		return err
	}
	if opcode == load.Close {
		f.complain("was closed with %s", closing(data))
		return errors.New("closed")
	}
	var m struct {
		Event  *struct{ ID, Source string }
		Cursor string
		Pong   bool
		Error  *struct{ Status int }
	}
	if err := json.Unmarshal(data, &m); err != nil {
		f.complain("heard %s", data)
		return err
	}
	switch {
	case m.Error != nil:
		if m.Error.Status != http.StatusServiceUnavailable {
			f.complain("heard %s", data)
		}
		return errors.New("refused")
	case m.Pong:
		f.mu.Lock()
		f.sure, f.asked = f.acked, false
		f.mu.Unlock()
	case m.Event != nil:
		if wrong := f.take(m.Event.Source+" "+m.Event.ID, m.Cursor); wrong != "" {
			f.complain("%s", wrong)
		}
		return f.acknowledge(socket)
	}
	return nil
}

// take notes an event, and says what is wrong with its place.
func (f *follower) take(key, cursor string) (wrong string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.places == nil {
		f.places = map[string]int{}
	}
	place, known := f.places[key]
	if !known {
		place = len(f.heard)
	}
	switch {
	case f.at < 0 && (place < f.sure || place > f.acked):
		wrong = fmt.Sprintf("goes on with %s, at %d, and has acknowledged %d, of which %d are kept for sure", key, place, f.acked, f.sure)
	case f.at >= 0 && place != f.at:
		wrong = fmt.Sprintf("heard %s, at %d, where %d comes", key, place, f.at)
	}
	if !known {
		f.heard = append(f.heard, key)
		f.places[key] = place
	}
	f.at, f.cursor = place+1, cursor
	return wrong
}

// acknowledge says now and then how far it is, and asks whether that is kept.
func (f *follower) acknowledge(socket *load.Socket) error {
	f.mu.Lock()
	due, cursor := f.name != "" && f.at >= f.acked+every && !f.asked, f.cursor
	if due {
		f.acked, f.asked = f.at, true
	}
	f.mu.Unlock()
	if !due {
		return nil
	}
	if err := send(socket, map[string]any{"action": "ack", "cursor": cursor}); err != nil {
		return err
	}
	return send(socket, map[string]any{"action": "ping"})
}

// has reports whether it has heard so many.
func (f *follower) has(n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.heard) >= n
}

func (f *follower) complain(format string, args ...any) {
	f.feed.complain("the follower %d %s: %s", f.number, f.name, fmt.Sprintf(format, args...))
}
