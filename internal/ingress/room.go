package ingress

import (
	"io"
	"sync"
	"time"

	"junctor/internal/fault"
	"junctor/internal/limit"
)

// bodyRoom is how many bytes of bodies are received at the same time, unless the
// options say otherwise. Each body is bounded, but many slow senders of large
// ones would take all of the memory together. Small ones (see promised) come in
// without a place: what they take is bounded by the connections.
const bodyRoom = 128 << 20

// room is shared such that nobody fills it: a channel and an address may each
// have as much as is left when they have it. One takes a half, two a third each,
// and there is always as much again for the next.
type room struct {
	size int64

	mu    sync.Mutex
	full  int64            // of a channel no more than half of the room counts
	taken map[string]int64 // by the channels and addresses that have something
}

func newRoom(size int64) *room { return &room{size: size, taken: map[string]int64{}} }

// place is that of one body, as it grows.
type place struct {
	in       *room
	channel  string // keys of taken
	address  string
	limit    int64 // of the channel's bodies
	occupied int64
	from     io.Reader
}

func (r *room) place(channel, address string, bodyLimit int64) *place {
	return &place{in: r, channel: "channel " + channel, address: "address " + limit.Network(address), limit: bodyLimit}
}

// of is a reader that takes room for what it reads. Errors: fault.Unavailable
// when there is none left.
func (p *place) of(r io.Reader) io.Reader {
	p.from = r
	return p
}

func (p *place) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	if !p.grow(int64(n)) {
		return 0, fault.New(fault.Unavailable, "Too many large messages are being received at the moment; nothing was accepted.").WithRetryAfter(time.Second)
	}
	return n, err
}

// grow reports whether there was room. Where two bodies of the channel could not
// be in the room at once, they have room of their own.
func (p *place) grow(n int64) bool {
	r := p.in
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(p, n)
	most := r.size - r.full
	if 2*p.limit > r.size {
		most = 2 * p.limit
	}
	return max(r.taken[p.channel], r.taken[p.address]) <= most
}

func (p *place) leave() {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.in.add(p, -p.occupied)
}

func (r *room) add(p *place, n int64) {
	p.occupied += n
	before := r.taken[p.channel]
	r.full += min(before+n, r.size/2) - min(before, r.size/2)
	for _, key := range []string{p.channel, p.address} {
		if r.taken[key] += n; r.taken[key] == 0 {
			delete(r.taken, key)
		}
	}
}
