package db

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// deaf is a session whose database cannot be asked.
type deaf struct {
	session
	asked int
}

func (s *deaf) committed(context.Context) (bool, error) {
	s.asked++
	return false, errors.New("no route to host")
}

func TestOutcomeIsAskedForUntilPatienceEnds(t *testing.T) {
	opened, _ := openTemp(t)
	synctest.Test(t, func(t *testing.T) {
		d := &DB{log: opened.log, closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		s := &deaf{}
		start := time.Now()
		err := d.resolve(ctx, s, ErrLost)
		if !errors.Is(err, ErrUnknown) || !errors.Is(err, ErrLost) {
			t.Errorf("got %v, want ErrUnknown with its cause", err)
		}
		if took := time.Since(start); took < time.Hour+patience || took > time.Hour+2*patience {
			t.Errorf("gave up after %v, want an hour and %v", took, patience)
		}
		if s.asked < 3600 {
			t.Errorf("asked %d times in an hour", s.asked)
		}
		if d.repeatable(err) {
			t.Error("a commit of unknown outcome must not be done again")
		}

		time.AfterFunc(time.Minute, func() { close(d.closed) })
		if err := d.resolve(t.Context(), s, ErrLost); !errors.Is(err, ErrUnknown) {
			t.Errorf("closed meanwhile: %v, want ErrUnknown", err)
		}
	})
}
