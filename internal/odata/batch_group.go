package odata

import (
	"errors"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// together answers a group: all in one transaction, or none.
func (b *running) together(items []*item) {
	size := 0
	for _, i := range items {
		size += len(i.body)
	}
	const tries = 3
	for try := 1; ; try++ {
		bad, err := b.commit(items, size)
		if err == nil {
			return
		}
		stale := outdated(err) && try < tries && b.reload()
		if !stale && (!errors.Is(err, db.ErrUnique) || try == tries) {
			b.fail(items, bad, err)
			return
		}
	}
}

func (b *running) reload() bool {
	if b.door.Reload(b.ctx) != nil {
		return false
	}
	b.model, b.queries = b.door.Model(), b.door.Queries()
	return true
}

// groupTime bounds how long a group keeps others from writing.
const groupTime = 5 * time.Second

// commit makes one transaction of a group. When one of its requests fails, bad is
// its place, and nothing of the group is stored.
func (b *running) commit(items []*item, size int) (bad int, err error) {
	outer := b.known
	defer func() { b.known = outer }()
	var failed error
	err = b.door.Committer.Commit(b.ctx, db.Item{Size: size, Func: func(tx *db.Tx) ([]db.Op, error) {
		b.known, failed, bad = clone(outer), nil, -1
		begun, size := time.Now(), 0
		for n, i := range items {
			if time.Since(begun) > groupTime {
				bad, failed = n, fault.New(fault.TooLarge, "The group takes longer than %s, and everybody who writes waits for it: make it smaller.", groupTime)
				return nil, failed
			}
			if size > answerLimit {
				bad, failed = n, fault.New(fault.TooLarge, "The answers of the group have more than %d bytes: make it smaller, or prefer return=minimal.", answerLimit)
				return nil, failed
			}
			i.answer = nil
			a, err := b.try(i, tx)
			if err == nil && i.answer != nil { // not tried, for what it depends on
				err = &skipped{i.answer}
			}
			if err != nil {
				bad, failed = n, err
				if n == 0 && harmless(err) {
					return nil, nil // nothing is written yet: the others of the transaction need not know
				}
				return nil, err
			}
			i.answer = a
			size += len(a.body)
			b.remember(i)
		}
		return nil, nil
	}})
	if err == nil {
		err = failed
	}
	return bad, err
}

func clone(m map[string]*item) map[string]*item {
	all := make(map[string]*item, len(m))
	for name, i := range m {
		all[name] = i
	}
	return all
}

// skipped is the error of a request of a group that depends on one that failed.
type skipped struct{ answer *answer }

func (e *skipped) Error() string { return "what it depends on has failed" }

// fail answers a group of which nothing is stored.
func (b *running) fail(items []*item, bad int, err error) {
	for n, i := range items {
		i.answer = nil
		if n != bad && bad >= 0 {
			continue
		}
		var s *skipped
		if errors.As(err, &s) {
			i.answer = s.answer
		} else {
			i.answer = b.failure(err)
		}
	}
	skip(items, "has had no effect: another one of its group has failed")
}
