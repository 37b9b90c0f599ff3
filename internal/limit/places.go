package limit

import (
	"fmt"
	"sync"
)

// Places bounds how many of something there are at the same time. Each has its
// keys, one of every kind: for connections those are, say, whom they are for, and
// whom they come from.
//
// Anybody may have any place, so that who is alone has them all. A few more are
// kept for when they are taken, a twentieth of them for each kind: of these
// somebody has one as long as his key of that kind has fewer places, in all, than
// are left there. So who has many keys of one kind and one of another may take
// what is kept by the one, and not what is kept by the other. It is safe for
// concurrent use.
type Places struct {
	mu    sync.Mutex
	most  int
	taken int
	kept  []int            // of those taken how many are of what is kept, by kind
	by    []map[string]int // all of them, by kind and key
}

// NewPlaces are so many, for things with so many kinds of keys.
func NewPlaces(most, kinds int) *Places {
	p := &Places{most: most, kept: make([]int, kinds), by: make([]map[string]int, kinds)}
	for kind := range p.by {
		p.by[kind] = map[string]int{}
	}
	return p
}

// Full is the error that there is no place.
type Full struct {
	Most int   // places for anybody, all of which are taken
	Left []int // of those that are kept, by kind; no more than
	Has  []int // the key has places
}

func (f *Full) Error() string {
	return fmt.Sprintf("all %d places are taken; of those that are kept %v are left, for who has fewer than %v", f.Most, f.Left, f.Has)
}

// Set changes how many there are. Nobody loses one.
func (p *Places) Set(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = most
	p.settle()
}

// Take takes a place for a key of each kind, or says why there is none. Give
// gives it back.
func (p *Places) Take(keys ...string) *Full {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.common() >= p.most {
		full := &Full{Most: p.most, Left: make([]int, len(keys)), Has: make([]int, len(keys))}
		free := -1
		for kind, key := range keys {
			full.Left[kind], full.Has[kind] = max(0, p.keeps()-p.kept[kind]), p.by[kind][key]
			if free < 0 && full.Has[kind] < full.Left[kind] {
				free = kind
			}
		}
		if free < 0 {
			return full
		}
		p.kept[free]++
	}
	p.taken++
	for kind, key := range keys {
		p.by[kind][key]++
	}
	return nil
}

// Give gives a place of these keys back.
func (p *Places) Give(keys ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	for kind, key := range keys {
		if p.by[kind][key]--; p.by[kind][key] == 0 {
			delete(p.by[kind], key)
		}
	}
	p.settle()
}

// settle moves who has a place that is kept to one that is free: which place it
// is makes no difference.
func (p *Places) settle() {
	for p.common() < p.most {
		fullest := 0
		for kind, n := range p.kept {
			if n > p.kept[fullest] {
				fullest = kind
			}
		}
		if p.kept[fullest] == 0 {
			return
		}
		p.kept[fullest]--
	}
}

// common is how many of the places for anybody are taken.
func (p *Places) common() int {
	n := p.taken
	for _, kept := range p.kept {
		n -= kept
	}
	return n
}

// keeps is how many places are kept for one kind.
func (p *Places) keeps() int { return (p.most + 19) / 20 }
