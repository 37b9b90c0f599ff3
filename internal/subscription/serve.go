package subscription

import (
	"context"
	"errors"
	"time"

	"junctor/internal/clock"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/socket"
	"junctor/internal/unit"
)

// What is in memory for a subscriber: a page of events, as it is sent. The next
// one is read when the system has taken it. Of a larger event there is one
// message for all who get it from memory; those with one of their own are some
// only at the same time, the others wait for them.
const (
	pageBytes = 32 << 10
	pageItems = 100
	largeFrom = 64 << 10
	mostLarge = 32
	mostReads = 4 // of the database at the same time, by those who are behind
)

// takeTime is how long a subscriber may need to take a page, or a large event.
const takeTime = time.Minute

// serve sends what is subscribed until nothing is, or the line ends.
func (s *Session) serve() {
	ctx := s.line.Context()
	log := s.store.Events
	leave, err := log.Follow(ctx)
	if err != nil {
		s.stop(ctx, err)
		return
	}
	defer leave()
	for {
		feeds := s.current(ctx)
		if feeds == nil {
			return
		}
		more, least := false, int64(1<<62)
		for _, f := range feeds {
			again, err := s.page(ctx, f)
			if err != nil {
				s.stop(ctx, err)
				return
			}
			more, least = more || again, min(least, f.position)
		}
		if more {
			continue
		}
		select {
		case <-log.Grown(least):
		case <-s.news:
		case <-ctx.Done():
		}
	}
}

// current are the subscriptions, nil when serve is to end.
func (s *Session) current(ctx context.Context) []*feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.feeds) == 0 || ctx.Err() != nil {
		s.served = false
		return nil
	}
	return s.feeds
}

// stop ends the line, unless it has ended.
func (s *Session) stop(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, errEnded) {
		return
	}
	s.store.Log.Error("a subscriber could not be served", "channel", s.channel, "error", err)
	s.line.Close(socket.TryAgainLater, "The event log cannot be read at the moment; connect again in a while.")
}

// page sends some of what a subscription chooses. more says that there may be
// more now.
func (s *Session) page(ctx context.Context, f *feed) (more bool, err error) {
	allowed, err := s.entrance.Allowed()
	if err != nil {
		s.line.Close(socket.Policy, err.Error())
		return false, errEnded
	}
	q := f.choice.Query(f.position, allowed)
	q.Limit, q.Bytes = pageItems, pageBytes
	page, err := s.read(ctx, q)
	if err == nil && len(page.Items) > 0 && page.Items[0].Size() > largeFrom && !s.shares(f, &page.Items[0]) {
		page = event.Page{} // while it waits for its turn it is not in memory
		if err := take(ctx, s.store.sessions.large); err != nil {
			return false, err
		}
		defer give(s.store.sessions.large)
		page, err = s.read(ctx, q)
	}
	var old *event.TooOld
	if errors.As(err, &old) {
		s.remove(f)
		s.refuse(f.id, err)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for n := range page.Items { // a large one is for itself
		if n > 0 && page.Items[n].Size() > largeFrom {
			page = event.Page{Items: page.Items[:n], Next: page.Items[n-1].Seq, More: true}
			break
		}
	}
	if err := s.sendAll(ctx, f, page); err != nil {
		return false, err
	}
	f.position = page.Next
	return page.More, nil
}

// read reads what is in memory, or the log when it is not: with few others, so
// that those who are behind do not hold up those who are not.
func (s *Session) read(ctx context.Context, q event.Query) (event.Page, error) {
	if !s.store.Events.Near(q.After) {
		if err := take(ctx, s.store.sessions.reads); err != nil {
			return event.Page{}, err
		}
		defer give(s.store.sessions.reads)
	}
	const tries = 10
	for try := 1; ; try++ {
		page, err := s.store.Events.Next(ctx, q)
		if !fault.Is(err, fault.Unavailable) || try == tries {
			return page, err
		}
		over, stop := clock.Real{}.After(time.Second) // as long as the storage is away nobody is missing anything
		select {
		case <-over:
		case <-ctx.Done():
		}
		stop()
	}
}

func take(ctx context.Context, from chan struct{}) error {
	select {
	case from <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func give(to chan struct{}) { <-to }

// errEnded is that nothing can be sent any more.
var errEnded = errors.New("the line has ended")

// sendAll sends a page, and returns when the system has taken it.
func (s *Session) sendAll(ctx context.Context, f *feed, page event.Page) error {
	if len(page.Items) == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, takeTime)
	defer cancel()
	var err error
	for n := 0; n < len(page.Items) && err == nil; n++ {
		err = s.send(limited, f, &page.Items[n])
	}
	if err == nil {
		err = s.line.Taken(limited)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		s.line.Close(socket.TryAgainLater, "What was sent to you was not taken within "+unit.FormatDuration(takeTime)+"; connect again, and read faster.")
	}
	return errEnded
}

// send sends one event, unless the subscription has ended.
func (s *Session) send(ctx context.Context, f *feed, i *event.Item) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mu.Lock()
	gone := f.gone
	f.sent = i.Seq
	s.mu.Unlock()
	if gone {
		return nil
	}
	p, shared := i.Shared(f.id, func() any { return f.message(s.store.Events, i) })
	if !shared {
		p = f.message(s.store.Events, i)
	}
	return s.line.SendPrepared(ctx, p.(socket.Prepared)) //nolint:forcetypeassert // made above
}

// shares reports whether the message with an event is one for many.
func (s *Session) shares(f *feed, i *event.Item) bool {
	_, shared := i.Shared(f.id, func() any { return f.message(s.store.Events, i) })
	return shared
}

// message is the one with an event.
func (f *feed) message(log *event.Log, i *event.Item) socket.Prepared {
	event, cursor := i.JSON(), log.Cursor(i.Seq)
	b := make([]byte, 0, len(f.begin)+len(event)+len(cursor)+len(`,"cursor":""}`))
	b = append(append(b, f.begin...), event...)
	b = append(append(b, `,"cursor":"`...), cursor...)
	return socket.Prepare(socket.Text, append(b, `"}`...))
}
