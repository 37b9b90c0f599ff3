package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// fate is what the sender of a message knows about it.
type fate int

const (
	unknown      fate = iota // the connection broke, or the answer says nothing sure
	acknowledged             // 2xx
	refused                  // 503: nothing was accepted
)

// message is one order and what became of it.
type message struct {
	number  string
	channel string
	key     string // Idempotency-Key; with one it is sent until acknowledged
	fate    fate
	sent    int
}

// shop sends messages from several goroutines, by request and by websocket, until
// it is closed.
type shop struct {
	cluster *cluster
	client  *http.Client
	pace    *time.Ticker
	closing chan struct{}
	all     sync.WaitGroup
	last    atomic.Int64
	said    atomic.Int64 // messages on websockets
	opened  atomic.Int64 // websockets

	mu       sync.Mutex
	messages []*message
	wrong    []string // answers that no honest server gives
}

const clerks = 16

func openShop(ctx context.Context, rate int, c *cluster) *shop {
	s := &shop{
		cluster: c, closing: make(chan struct{}),
		pace:   time.NewTicker(time.Second / time.Duration(rate)),
		client: &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clerks}},
	}
	for range clerks {
		s.all.Go(func() { s.sell(ctx) })
	}
	for who := range talkers {
		s.all.Go(func() { s.talk(ctx, who, time.Second*talkers*atOnce*4/time.Duration(rate)) })
	}
	return s
}

// close ends the selling and waits until every message with a key is
// acknowledged.
func (s *shop) close() {
	close(s.closing)
	s.all.Wait()
	s.pace.Stop()
	s.client.CloseIdleConnections()
}

func (s *shop) sell(ctx context.Context) {
	for {
		select {
		case <-s.closing:
			return
		case <-ctx.Done():
			return
		case <-s.pace.C:
		}
		m := s.next()
		s.deliver(ctx, m)
		s.mu.Lock()
		s.messages = append(s.messages, m)
		s.mu.Unlock()
	}
}

// marked is a channel with the internal effects of each of its runs.
type marked struct {
	code    string
	effects []string
}

// posted are the channels that get messages in turn.
var posted = []marked{
	{"awaited", []string{"before", "between", "after"}},
	{"accepted", []string{"before", "between", "after"}},
	{"inside", []string{"inside"}},
	{"waits", []string{"begun", "come"}},
	{"asks", []string{"decided"}},
}

// channels are all that get messages.
var channels = append(slices.Clip(posted), marked{talked, []string{"said"}})

// next makes messages for the posted channels in turn, half of them with a key.
func (s *shop) next() *message {
	n := s.last.Add(1)
	channel := posted[n%int64(len(posted))].code
	m := &message{channel: channel, number: fmt.Sprintf("%s-%d", channel, n)}
	if n/int64(len(posted))%2 == 0 {
		m.key = "key-" + m.number
	}
	return m
}

// deliver sends a message, with a key as often as it takes, and in every tenth
// case once more for good measure.
func (s *shop) deliver(ctx context.Context, m *message) {
	for ; ; m.sent++ {
		var again bool
		m.fate, again = s.send(ctx, m, false)
		if m.fate == acknowledged || m.key == "" || !again {
			break
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return
		}
	}
	if m.fate == acknowledged && m.key != "" && s.last.Load()%10 == 0 {
		s.send(ctx, m, true)
	}
}

// send posts once. again says whether a repetition with the same key is the
// right thing to do.
func (s *shop) send(ctx context.Context, m *message, duplicate bool) (f fate, again bool) {
	node := int(s.last.Load()) + m.sent
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cluster.url(node, m.channel),
		bytes.NewReader(fmt.Appendf(nil, `{"number":%q}`, m.number)))
	if err != nil {
		s.complain("%s: %v", m.number, err)
		return unknown, false
	}
	req.Header.Set("Content-Type", "application/json")
	if m.key != "" {
		req.Header.Set("Idempotency-Key", m.key)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return unknown, true
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return unknown, true
	}
	switch status := resp.StatusCode; {
	case status/100 == 2:
		if duplicate && resp.Header.Get("Junctor-Duplicate") != "true" {
			s.complain("%s: sent again after its acknowledgement, answered as if it were new", m.number)
		}
		return acknowledged, false
	case status == http.StatusServiceUnavailable:
		return refused, true
	case status == http.StatusConflict && m.key != "", status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return unknown, true
	default:
		s.complain("%s: answered %d: %s", m.number, status, bytes.TrimSpace(body))
		return unknown, false
	}
}

func (s *shop) complain(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}
