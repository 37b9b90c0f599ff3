package limit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"junctor/internal/limit"
)

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := limit.NewTurns(2)
		take := func(key string, patience time.Duration) (func(), error) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			return turns.Take(ctx, key)
		}
		first, err := take("a", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		second, err := take("a", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := take("a", time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third: %v", err)
		}
		if leave, err := take("b", time.Second); err != nil {
			t.Errorf("another key: %v", err)
		} else {
			leave()
		}
		waited := make(chan error)
		go func() {
			leave, err := take("a", time.Minute)
			if err == nil {
				leave()
			}
			waited <- err
		}()
		synctest.Wait()
		first()
		if err := <-waited; err != nil {
			t.Errorf("who waited: %v", err)
		}
		second()
	})
}
