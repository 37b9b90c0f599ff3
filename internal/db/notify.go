package db

import (
	"context"
	"strings"
	"sync"
	"time"
)

// notice is one hint for the listeners of a topic.
type notice struct{ topic, payload string }

// notices hands hints to listeners, here at once and elsewhere through the
// carrier. What is waiting is coalesced.
type notices struct {
	carrier carrier
	here    *outbox // for this process's listeners
	there   *outbox // for other processes
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu        sync.Mutex
	listeners map[string]map[int]func(string) // by topic and number
	last      int                             // the last listener's number
	receiving bool
}

// maxWaiting bounds what waits to be sent when nobody takes it: a hint may be
// lost.
const maxWaiting = 4096

func newNotices(c carrier) *notices {
	n := &notices{carrier: c, listeners: map[string]map[int]func(string){}, here: newOutbox(), there: newOutbox()}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.work.Go(func() { n.here.drain(n.ctx, n.deliver) })
	if c != nil {
		n.work.Go(func() { n.there.drain(n.ctx, n.send) })
	}
	return n
}

// Listen calls f with the payload of each notice of a topic, after the commit
// of the transaction that gave it, in any process on the same database. f is
// called from one goroutine for all listeners and must be quick. A notice is a
// hint: it may be lost (poll as well) or come twice. After stop f is called no
// more, save for a call that has begun.
func (d *DB) Listen(topic string, f func(payload string)) (stop func()) {
	n := d.notices
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[topic] == nil {
		n.listeners[topic] = map[int]func(string){}
	}
	n.last++
	number := n.last
	n.listeners[topic][number] = f
	if n.carrier != nil && !n.receiving && n.ctx.Err() == nil {
		n.receiving = true
		n.work.Go(func() { n.carrier.receive(n.ctx, n.received) })
	}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listeners[topic], number)
	}
}

// publish is called after a commit.
func (n *notices) publish(list []notice) {
	for _, one := range list {
		n.here.put(one)
		if n.carrier != nil {
			n.there.put(one)
		}
	}
}

func (n *notices) deliver(list []notice) {
	for _, one := range list {
		n.mu.Lock()
		var fs []func(string)
		for _, f := range n.listeners[one.topic] {
			fs = append(fs, f)
		}
		n.mu.Unlock()
		for _, f := range fs {
			f(one.payload)
		}
	}
}

const between = "\x1f" // topic and payload of a message

func (n *notices) send(list []notice) {
	messages := make([]string, len(list))
	for i, one := range list {
		messages[i] = one.topic + between + one.payload
	}
	n.carrier.send(n.ctx, messages) //nolint:errcheck // a hint; listeners poll
	select {
	case <-n.ctx.Done():
	case <-time.After(spacing):
	}
}

// spacing lies between two sendings: each is a transaction of its own, and what
// comes meanwhile goes with the next.
const spacing = 5 * time.Millisecond

func (n *notices) received(message string) {
	if topic, payload, ok := strings.Cut(message, between); ok {
		n.here.put(notice{topic, payload})
	}
}

func (n *notices) close() {
	n.mu.Lock() // Listen must not begin to receive behind our back
	n.cancel()
	n.mu.Unlock()
	n.work.Wait()
}

// outbox is a queue without doubles.
type outbox struct {
	wake    chan struct{}
	mu      sync.Mutex
	queue   []notice
	waiting map[notice]struct{}
}

func newOutbox() *outbox {
	return &outbox{waiting: map[notice]struct{}{}, wake: make(chan struct{}, 1)}
}

func (o *outbox) put(one notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.waiting[one]; ok || len(o.queue) >= maxWaiting {
		return
	}
	o.waiting[one] = struct{}{}
	o.queue = append(o.queue, one)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// drain gives what has come to f, until ctx ends.
func (o *outbox) drain(ctx context.Context, f func([]notice)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
		o.mu.Lock()
		list := o.queue
		o.queue = nil
		clear(o.waiting)
		o.mu.Unlock()
		f(list)
	}
}
