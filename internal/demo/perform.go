package demo

import (
	"context"
	"errors"
	"time"
)

// Perform is the whole demo on a server that is up: it tells about the runs all
// the time, plays the samples, explains what one can try, and goes on telling
// until ctx ends.
func Perform(ctx context.Context, s Setup) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watching := make(chan error, 1)
	go func() { watching <- Watch(ctx, s) }()
	if err := Play(ctx, s); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		cancel()
		return errors.Join(err, <-watching)
	}
	settle(ctx)
	if err := Explain(s); err != nil {
		return err
	}
	return <-watching
}

// settle gives the runs of the last samples a moment, so that their lines come
// before the explanation.
func settle(ctx context.Context) {
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
