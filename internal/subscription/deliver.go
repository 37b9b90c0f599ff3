package subscription

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	stdhttp "net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/id"
	"junctor/internal/run"
)

// Program is how the engine knows the delivery of an event by webhook; Version is
// that of what its steps mean.
const (
	Program = "delivery"
	Version = "1"
	// Step is the one step of a delivery.
	Step = "deliver"
)

// unwanted is what a delivery fails with that nobody waits for any more: its run
// is cancelled.
const unwanted = "Unwanted"

// stopped is how long a delivery of a subscription waits that is stopped, unless
// that goes on earlier.
const stopped = time.Hour

// Delivery is the program.
func (s *Store) Delivery() run.Program { return delivery{} }

type delivery struct{}

// Execute sends the event, which is all that a delivery does.
func (delivery) Execute(_ context.Context, x *run.Execution) run.Outcome {
	x.Call(1, Step, x.Input())
	c, err := x.Next(nil)
	if err != nil {
		return run.Outcome{Left: err}
	}
	if c.Err != nil && c.Err.Name == unwanted {
		return run.Outcome{Left: run.ErrCancelled}
	}
	if c.Err != nil {
		return run.Outcome{Failure: &run.Failure{ErrorInfo: run.ErrorInfo{Name: c.Err.Name, Message: c.Err.Message, Permanent: c.Err.Permanent}, Calls: []int{1}}}
	}
	return run.Outcome{}
}

// Handlers is how a delivery's step is done.
func (s *Store) Handlers() run.Handlers {
	return run.Handlers{Step: {External: s.deliver, RowFirst: true}}
}

// answer is what is kept of an endpoint's answer.
type answer struct {
	Status  int    `json:"status"`
	Type    string `json:"content_type,omitempty"`
	Body    string `json:"body,omitempty"`
	Dropped bool   `json:"truncated,omitempty"` // the answer was longer
}

func (s *Store) deliver(ctx context.Context, c *run.Call) ([]byte, error) {
	var in input
	if err := json.Unmarshal(c.Args, &in); err != nil {
		return nil, &run.StepError{Name: "DeliveryError", Permanent: true, Message: "the run's input is not that of a delivery"}
	}
	x, err := s.wanted(ctx, &in)
	if err != nil {
		return nil, err
	}
	body, err := s.body(ctx, &in)
	if fault.Is(err, fault.NotFound) {
		return nil, &run.StepError{Name: "DeliveryError", Permanent: true, Message: err.Error()}
	}
	if err != nil {
		return nil, err
	}
	if x, err = s.turn(ctx, x, &in); err != nil {
		return nil, err
	}
	began := time.Now()
	res, err := s.send(ctx, x, c, body)
	if ctx.Err() != nil && err != nil {
		return nil, err // it was given up, and tells nothing about the endpoint
	}
	failed := judge(x, res, err)
	s.metrics.delivered(x.code, time.Since(began), failed)
	if in.Body != nil {
		if failed != nil {
			failed.Permanent = true // once is enough for a test
			return nil, failed
		}
		return keep(x, res), nil
	}
	switch {
	case failed == nil:
		s.succeeded(x)
		return keep(x, res), nil
	case failed.Held:
	case res != nil && res.Status == stdhttp.StatusGone:
		if err := s.end(ctx, x.code, "the endpoint answered 410 Gone"); err != nil {
			return nil, err
		}
	default:
		s.failed(x, failed.Message)
	}
	return nil, failed
}

// wanted is the subscription that a delivery is for, while it takes any.
func (s *Store) wanted(ctx context.Context, in *input) (*subscriber, error) {
	x, err := s.find(ctx, in.Subscription)
	switch {
	case err != nil:
		return nil, err
	case x == nil:
		return nil, &run.StepError{Name: unwanted, Permanent: true, Message: fmt.Sprintf("there is no subscription %q any more", in.Subscription)}
	case in.Body != nil: // a test delivery shows how it is now
	case x.state == Ended:
		return nil, &run.StepError{Name: unwanted, Permanent: true, Message: fmt.Sprintf("the subscription %q has ended", x.code)}
	case !x.allowed.Has(in.Type):
		return nil, &run.StepError{Name: unwanted, Permanent: true, Message: fmt.Sprintf("the channel %q lets nobody hear of %s any more", x.channel, in.Type)}
	case !x.active():
		return nil, &run.StepError{Name: "DeliveryError", Held: true, RetryAfter: stopped, Message: fmt.Sprintf("the subscription %q is stopped", x.code)}
	}
	return x, nil
}

// send makes the request.
func (s *Store) send(ctx context.Context, x *subscriber, c *run.Call, body []byte) (*http.Response, error) {
	conn, err := s.connect(x)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	keys, err := s.keys(x, now)
	if err != nil {
		return nil, err
	}
	header := stdhttp.Header{
		"Content-Type":      {event.Structured + "; charset=utf-8"},
		"Webhook-Id":        {c.WebhookID},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"Webhook-Signature": {signature(keys, c.WebhookID, now, body)},
	}
	return conn.Do(ctx, http.Request{
		Method: stdhttp.MethodPost, Path: x.config.Path, Header: header, Body: body, Timeout: x.config.Timeout, Enough: max(x.config.Keep, 1), IdempotencyKey: c.Key(),
	})
}

// turn waits until the subscription's rate lets another request begin, and
// returns the subscription as it is then: what was changed meanwhile holds, and
// to one that was stopped or deleted nothing is sent.
func (s *Store) turn(ctx context.Context, x *subscriber, in *input) (*subscriber, error) {
	for {
		pace := x.endpoint.paced(x.config.Rate, s.Clock.Now)
		if pace == nil {
			return x, nil
		}
		wait := pace.Take()
		if wait == 0 {
			return x, nil
		}
		over, stop := s.Clock.After(min(wait, lookEvery))
		select {
		case <-over:
			stop()
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		}
		var err error
		if x, err = s.wanted(ctx, in); err != nil {
			return nil, err
		}
	}
}

// lookEvery is how often who waits for the rate looks whether it is still wanted.
const lookEvery = time.Second

// judge says whether a try has failed: everything has but a 2xx answer.
func judge(x *subscriber, res *http.Response, err error) *run.StepError {
	if err != nil {
		step := &run.StepError{Name: "DeliveryError", Message: err.Error()}
		var c *connection.Error
		if errors.As(err, &c) {
			step.Held, step.RetryAfter = c.Class == connection.Held, c.After
		}
		return step
	}
	if res.Status >= 200 && res.Status < 300 {
		return nil
	}
	step := &run.StepError{
		Name: "DeliveryError", RetryAfter: res.RetryAfter, Data: keep(x, res),
		Message: strings.TrimSpace(fmt.Sprintf("the endpoint answered %d %s", res.Status, stdhttp.StatusText(res.Status))),
	}
	if res.Status == stdhttp.StatusGone {
		step.Permanent = true
		step.Message += ", which ends the subscription"
	}
	return step
}

// keep is what is kept of an answer.
func keep(x *subscriber, res *http.Response) []byte {
	a := answer{Status: res.Status, Dropped: res.Cut}
	body := res.Body
	if most := x.config.Keep; int64(len(body)) > most {
		body, a.Dropped = body[:most], true
	}
	if len(body) > 0 {
		a.Type = res.Header.Get("Content-Type")
		if len(a.Type) > 100 {
			a.Type = ""
		}
		text := bytes.ReplaceAll(body, []byte{0}, []byte("\uFFFD"))
		a.Body = strings.ToValidUTF8(string(text), "\uFFFD")
	}
	b, err := json.Marshal(a)
	if err != nil || !utf8.Valid(b) {
		return []byte(`{"status":` + strconv.Itoa(res.Status) + `}`)
	}
	return b
}

// webhookID is the same for an event and a subscription, whatever run sends it. It
// begins with when the event came into the log, as other ids do: then the runs'
// index of them grows at its end.
func (i *input) webhookID(at time.Time) string {
	var raw [15]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(at.UnixMicro())<<8)
	sum := sha256.Sum256([]byte(i.Subscription + "\x00" + i.Source + "\x00" + i.Event))
	copy(raw[7:], sum[:])
	return "msg_" + id.Encode(raw[:])
}

// body is the event as it is sent.
func (s *Store) body(ctx context.Context, in *input) ([]byte, error) {
	if in.Body != nil {
		return in.Body, nil
	}
	if body := s.bodies.get(in.Position); body != nil {
		return body, nil
	}
	i, err := s.Events.At(ctx, in.Position)
	if err != nil {
		return nil, err
	}
	return s.bodies.of(&i)
}

// bodies are events as they are sent, the last ones: many get the same.
type bodies struct {
	mu   sync.Mutex
	by   map[int64][]byte
	ring []int64
	next int
	size int
}

const (
	maxBodies     = 2000
	maxBodiesSize = 32 << 20
)

func newBodies() *bodies { return &bodies{by: map[int64][]byte{}, ring: make([]int64, maxBodies)} }

func (b *bodies) get(position int64) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.by[position]
}

// of makes the body of an event, once.
func (b *bodies) of(i *event.Item) ([]byte, error) {
	if body := b.get(i.Seq); body != nil {
		return body, nil
	}
	body, err := i.MarshalJSON()
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for range maxBodies { // what came first goes first
		old := b.ring[b.next]
		if gone, there := b.by[old]; there {
			b.size -= len(gone)
			delete(b.by, old)
		}
		if b.size+len(body) <= maxBodiesSize || len(b.by) == 0 {
			break
		}
		b.ring[b.next] = 0
		b.next = (b.next + 1) % maxBodies
	}
	b.by[i.Seq], b.ring[b.next] = body, i.Seq
	b.size += len(body)
	b.next = (b.next + 1) % maxBodies
	return body, nil
}
