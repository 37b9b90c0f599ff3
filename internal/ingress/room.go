package ingress

import (
	"io"
	"sync/atomic"
	"time"

	"junctor/internal/fault"
)

// bodyRoom is how many bytes of bodies are received at the same time, unless the
// options say otherwise. Each body is bounded, but many slow senders of large
// ones would take all of the memory together. Small ones (see promised) come in
// without a place: what they take is bounded by the connections.
const bodyRoom = 128 << 20

// place is that of one body, as it grows.
type place struct {
	in    *atomic.Int64
	most  int64
	taken int64
	from  io.Reader
}

// of is a reader that takes room for what it reads. Errors: fault.Unavailable
// when there is none left.
func (p *place) of(r io.Reader) io.Reader {
	p.from = r
	return p
}

func (p *place) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.taken += int64(n)
	if p.in.Add(int64(n)) > p.most {
		return 0, fault.New(fault.Unavailable, "Too many large messages are being received at the moment; nothing was accepted.").WithRetryAfter(time.Second)
	}
	return n, err
}

func (p *place) leave() { p.in.Add(-p.taken) }
