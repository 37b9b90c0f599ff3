package limit

import (
	"io"
	"sync"
)

// Room bounds how many bytes of bodies and answers are in memory at the same time.
// It is shared such that nobody fills it: each key may have as much as is left
// when it has it. One takes a half, two a third each, and there is always as much
// again for the next.
type Room struct {
	size int64

	mu    sync.Mutex
	full  int64            // of a first key no more than half of the room counts
	taken map[string]int64 // by the keys that have something
	all   int64
}

// Taken is how many bytes all places have together.
func (r *Room) Taken() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// NewRoom is an empty one, of so many bytes.
func NewRoom(size int64) *Room { return &Room{size: size, taken: map[string]int64{}} }

// Place is that of one request, as it grows. It belongs to one goroutine.
type Place struct {
	in       *Room
	most     int64
	keys     []string
	occupied int64
}

// Place is a place with nothing in it, which counts for each of the keys, the
// first of which is what the room is divided by. most is how much one request may
// need: where two as large could not be in the room at once, they have room of
// their own; 0 for none.
func (r *Room) Place(most int64, keys ...string) *Place {
	return &Place{in: r, most: most, keys: keys}
}

// Grow takes so many bytes more, and reports whether there was room for them. They
// count until Leave all the same.
func (p *Place) Grow(n int64) bool {
	r := p.in
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(p, n)
	most := r.size - r.full
	if 2*p.most > r.size {
		most = 2 * p.most
	}
	for _, key := range p.keys {
		if r.taken[key] > most {
			return false
		}
	}
	return true
}

// Of is a reader that takes room for what it reads, and fails with full when there
// is none.
func (p *Place) Of(r io.Reader, full error) io.Reader { return &placed{p, r, full} }

type placed struct {
	place *Place
	from  io.Reader
	full  error
}

func (p *placed) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	if !p.place.Grow(int64(n)) {
		return 0, p.full
	}
	return n, err
}

// Leave gives back all that was taken.
func (p *Place) Leave() {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.in.add(p, -p.occupied)
}

func (r *Room) add(p *Place, n int64) {
	p.occupied += n
	r.all += n
	before := r.taken[p.keys[0]]
	r.full += min(before+n, r.size/2) - min(before, r.size/2)
	for _, key := range p.keys {
		if r.taken[key] += n; r.taken[key] == 0 {
			delete(r.taken, key)
		}
	}
}
