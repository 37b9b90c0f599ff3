package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// A committer that is closed under load answers each item once, and what it
// says is so.
func TestCommitterIsClosedUnderLoad(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := db.NewCommitter(d, nil, nil)
		const submitters = 100
		var mu sync.Mutex
		answers := map[string][]error{}
		enough := make(chan struct{})
		var submitting, answering sync.WaitGroup
		for s := range submitters {
			submitting.Go(func() {
				for i := 0; ; i++ {
					id := fmt.Sprintf("%d-%d", s, i)
					item := thing(id)
					if i%7 == 3 {
						item = thing(fmt.Sprintf("%d-%d", s, i-1)) // there already, unless it was refused
						id += "?"
					}
					closed := false
					answering.Add(1)
					done := make(chan struct{})
					c.Submit(item, func(err error) {
						mu.Lock()
						answers[id] = append(answers[id], err)
						if len(answers) == 10*submitters {
							close(enough)
						}
						mu.Unlock()
						closed = errors.Is(err, db.ErrClosed)
						answering.Done()
						close(done)
					})
					if i%3 == 0 {
						<-done
						if closed {
							return
						}
					}
				}
			})
		}
		<-enough
		c.Close()
		submitting.Wait()
		answering.Wait()
		stored := map[string]bool{}
		for _, id := range ids(t, d) {
			stored[id] = true
		}
		for id, errs := range answers {
			if len(errs) != 1 {
				t.Fatalf("%s was answered %d times", id, len(errs))
			}
			if again := id[len(id)-1] == '?'; !again && stored[id] != (errs[0] == nil) {
				t.Errorf("%s: answered %v, stored: %v", id, errs[0], stored[id])
			} else if again && errs[0] == nil {
				t.Errorf("%s: a second row with the same id is answered as stored", id)
			}
		}
		if err := c.Commit(context.Background(), thing("late")); !errors.Is(err, db.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
