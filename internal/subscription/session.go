package subscription

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/socket"
	"junctor/internal/strict"
)

// Line is what a session speaks on, and bounds what waits to be sent on it;
// *socket.Conn is it.
type Line interface {
	Context() context.Context // ends with the line
	// SendPrepared sends a message after those before. It blocks while too much of
	// them waits.
	SendPrepared(ctx context.Context, p socket.Prepared) error
	// Taken returns when the system has taken all that was sent.
	Taken(ctx context.Context) error
	// Close ends the line, with a code of RFC 6455 and a reason.
	Close(code int, reason string)
}

// Entrance is the channel that a session has come by, as it is now.
type Entrance interface {
	Allowed() (Allowed, error) // of what may be heard, or why of nothing any more
	Admit() error              // why nothing can be subscribed at the moment
}

// What one session may ask for.
const (
	MostFeeds = 100 // subscriptions at a time
	maxID     = 100 // bytes of a subscription's id, or a name
	mostWrong = 20  // messages one after another that are refused
)

// Session is a subscriber at a websocket: what it has subscribed comes to it, in
// the order of the log, as fast as it reads. Nothing waits for it in memory but
// what is on its way: it has a place in the log, from which it is served.
type Session struct {
	store    *Store
	line     Line
	channel  string
	entrance Entrance
	wrong    int           // refused since the last that was not; Message's own
	news     chan struct{} // holds one when feeds have changed
	sending  sync.Mutex    // held while an event is sent
	mu       sync.Mutex    // guards what follows, and what feeds say
	feeds    []*feed
	served   bool // serve runs
}

// feed is one subscription of a session.
type feed struct {
	id, name string
	choice   Choice
	begin    []byte // of a message with an event
	position int64  // served up to here; serve's own
	sent     int64  // up to here it may have been acknowledged
	acked    int64  // and has been; Message's own
	gone     bool
}

// NewSession begins a session of a channel's subscriber.
func (s *Store) NewSession(line Line, channel string, entrance Entrance) *Session {
	return &Session{store: s, line: line, channel: channel, entrance: entrance, news: make(chan struct{}, 1)}
}

// said is what a subscriber says.
type said struct {
	Action string   `json:"action" strict:"required"`
	ID     string   `json:"id"`
	Types  []string `json:"types"`
	Filter string   `json:"filter"`
	After  string   `json:"after"`
	Name   string   `json:"name"`
	Cursor string   `json:"cursor"`
}

// Message takes one message of the subscriber's, and returns when it is done: an
// acknowledgement is on disk then. ctx ends when the server does.
func (s *Session) Message(ctx context.Context, text []byte) {
	id, answer, err := s.act(ctx, text)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return
		}
		s.refuse(id, err)
		if s.wrong++; s.wrong == mostWrong {
			s.line.Close(socket.Policy, fmt.Sprintf("%d messages in a row could not be carried out; the last errors say why.", mostWrong))
		}
		return
	}
	s.wrong = 0
	if answer != nil {
		s.say(answer) //nolint:errcheck // who has left needs no answer
	}
}

func (s *Session) say(text []byte) error {
	return s.line.SendPrepared(s.line.Context(), socket.Prepare(socket.Text, text))
}

// Refuse tells the subscriber of an error, of a subscription if id is not "".
func (s *Session) refuse(id string, err error) {
	if fault.Status(fault.CodeOf(err)) >= 500 {
		s.store.Log.Error("a subscriber could not be served", "channel", s.channel, "error", err)
	}
	problem := struct {
		fault.Problem
		Oldest string `json:"oldest,omitempty"`
	}{Problem: fault.ProblemOf(err)}
	var old *event.TooOld
	if errors.As(err, &old) {
		problem.Oldest = old.Oldest
	}
	text, err := json.Marshal(struct {
		Error any    `json:"error"`
		ID    string `json:"id,omitempty"`
	}{problem, id})
	if err == nil {
		s.say(text) //nolint:errcheck // as above
	}
}

func (s *Session) act(ctx context.Context, text []byte) (id string, answer []byte, err error) {
	var a said
	if !utf8.Valid(text) || !json.Valid(text) {
		return "", nil, fault.New(fault.Invalid, "The message is not a JSON document.").WithFields(strict.Decode(text, &a)...)
	}
	found := strict.Decode(text, &a)
	if len(found) > 0 {
		return a.ID, nil, mistaken(found...)
	}
	switch a.Action {
	case "ping":
		return "", []byte(`{"pong":true}`), nil
	case "subscribe":
		err = s.subscribe(ctx, a)
	case "unsubscribe":
		err = s.unsubscribe(a.ID)
	case "ack":
		err = s.acknowledge(ctx, a)
	default:
		err = mistaken(fault.Field{Pointer: "/action", Detail: strict.Unknown(a.Action, []string{"subscribe", "ack", "unsubscribe", "ping"})})
	}
	return a.ID, answer, err
}

func mistaken(found ...fault.Field) error {
	return fault.New(fault.Unprocessable, "The message has mistakes.").WithFields(found...)
}

// checkLabel refuses what is no id or name.
func checkLabel(pointer, text string) []fault.Field {
	if len(text) > maxID || strings.ContainsFunc(text, unicode.IsControl) {
		return []fault.Field{{Pointer: pointer, Detail: fmt.Sprintf("has up to %d bytes, and no control characters", maxID)}}
	}
	return nil
}

// subscribe begins a subscription, and says so before its first event.
func (s *Session) subscribe(ctx context.Context, a said) error {
	choice, found := ParseChoice(a.Types, a.Filter)
	found = append(found, checkLabel("/id", a.ID)...)
	found = append(found, checkLabel("/name", a.Name)...)
	if a.ID == "" {
		found = append(found, fault.Field{Pointer: "/id", Detail: "is required: any text by which you know the subscription's events"})
	}
	after, wrong := s.after(a.After)
	if found = append(found, wrong...); len(found) > 0 {
		return mistaken(found...)
	}
	if err := s.entrance.Admit(); err != nil {
		return err
	}
	if err := s.room(a.ID); err != nil {
		return err
	}
	begin, err := s.store.Events.Begin(ctx, after)
	if err != nil {
		return err
	}
	if a.Name != "" {
		kept, err := s.store.resume(ctx, s.channel, a.Name, begin)
		if err == nil && a.After == "" && kept != begin {
			begin, err = s.store.Events.Begin(ctx, kept)
		}
		if err != nil {
			return err
		}
	}
	cursor := s.store.Events.Cursor(begin)
	answer, err := json.Marshal(struct {
		Subscribed string `json:"subscribed"`
		Cursor     string `json:"cursor"`
	}{a.ID, cursor})
	if err != nil {
		return err
	}
	if err := s.say(answer); err != nil {
		return nil // who has left subscribes nothing
	}
	quoted, err := json.Marshal(a.ID)
	if err != nil {
		return err
	}
	f := &feed{id: a.ID, name: a.Name, choice: choice, position: begin, sent: begin, begin: append(append([]byte(`{"id":`), quoted...), `,"event":`...)}
	s.add(f)
	return nil
}

// after is the place that a subscriber names.
func (s *Session) after(cursor string) (position int64, found []fault.Field) {
	switch cursor {
	case "", "latest":
		return event.Latest, nil
	case "oldest":
		return event.Oldest, nil
	}
	position, err := s.store.Events.Position(cursor)
	if err != nil {
		found = []fault.Field{{Pointer: "/after", Detail: "is not a cursor that this event log has given; oldest and latest are its ends"}}
	}
	return position, found
}

// room refuses one subscription too many, and a second one with an id.
func (s *Session) room(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(id) != nil {
		return fault.New(fault.Conflict, "This connection has a subscription %q already; unsubscribe it first, or choose another id.", id)
	}
	if len(s.feeds) >= MostFeeds {
		return fault.New(fault.Conflict, "This connection has %d subscriptions, and may have no more; one takes up to 100 types.", len(s.feeds))
	}
	return nil
}

// find is called with the lock.
func (s *Session) find(id string) *feed {
	if n := slices.IndexFunc(s.feeds, func(f *feed) bool { return f.id == id }); n >= 0 {
		return s.feeds[n]
	}
	return nil
}

func (s *Session) add(f *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds = append(slices.Clone(s.feeds), f)
	s.store.sessions.feeds.Add(1)
	if !s.served {
		s.served = true
		go s.serve()
		return
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// remove ends a subscription: nothing of it is sent any more when it returns.
func (s *Session) remove(f *feed) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.gone {
		return
	}
	f.gone = true
	s.feeds = slices.DeleteFunc(slices.Clone(s.feeds), func(one *feed) bool { return one == f })
	s.store.sessions.feeds.Add(-1)
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *Session) unsubscribe(id string) error {
	s.mu.Lock()
	f := s.find(id)
	s.mu.Unlock()
	if f == nil {
		return noFeed(id)
	}
	s.remove(f)
	return nil
}

func noFeed(id string) error {
	return fault.New(fault.NotFound, "This connection has no subscription %q.", id)
}

// acknowledge keeps a cursor under the name of a subscription.
func (s *Session) acknowledge(ctx context.Context, a said) error {
	position, err := s.store.Events.Position(a.Cursor)
	if err != nil {
		return mistaken(fault.Field{Pointer: "/cursor", Detail: "is not a cursor that this event log has given"})
	}
	f, sent, err := s.named(a.ID)
	if err != nil {
		return err
	}
	if position > sent {
		return mistaken(fault.Field{Pointer: "/cursor", Detail: fmt.Sprintf("lies behind all that was sent for the subscription %q", f.id)})
	}
	if position <= f.acked {
		return nil
	}
	if err := s.store.acknowledge(ctx, s.channel, f.name, position); err != nil {
		return fmt.Errorf("keep the place of %q in channel %q: %w", f.name, s.channel, err)
	}
	f.acked = position
	return nil
}

// named is the subscription that an acknowledgement is for, and up to where it
// may go: the one with the id, or the only one that has a name.
func (s *Session) named(id string) (f *feed, sent int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != "" {
		f = s.find(id)
		switch {
		case f == nil:
			return nil, 0, noFeed(id)
		case f.name == "":
			return nil, 0, fault.New(fault.Conflict, "The subscription %q has no name under which a cursor could be kept; subscribe with name.", id)
		}
		return f, f.sent, nil
	}
	for _, one := range s.feeds {
		switch {
		case one.name == "":
		case f != nil:
			return nil, 0, mistaken(fault.Field{Pointer: "/id", Detail: "is required: several subscriptions of this connection have a name"})
		default:
			f = one
		}
	}
	if f == nil {
		return nil, 0, fault.New(fault.Conflict, "No subscription of this connection has a name under which a cursor could be kept; subscribe with name.")
	}
	return f, f.sent, nil
}

// Closed is called when the line has ended, and all messages were taken.
func (s *Session) Closed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		f.gone = true
	}
	s.store.sessions.feeds.Add(-int64(len(s.feeds)))
	s.feeds = nil
}

// sessions is what those of a node share.
type sessions struct {
	feeds atomic.Int64  // subscriptions
	reads chan struct{} // taken by those who read the log by themselves
	large chan struct{} // taken by those on whose lines a large event is
}

func newSessions() sessions {
	return sessions{reads: make(chan struct{}, mostReads), large: make(chan struct{}, mostLarge)}
}
