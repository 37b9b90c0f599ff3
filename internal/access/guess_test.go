package access

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/fault"
)

func guess(t *testing.T, g *guesses, login, address string) bool {
	t.Helper()
	_, err := g.take(login, address)
	if err != nil {
		wantCode(t, err, fault.TooMany)
		var f *fault.Error
		if errors.As(err, &f); f == nil || f.RetryAfter <= 0 {
			t.Errorf("%v does not say when to come back", err)
		}
	}
	return err == nil
}

func count(t *testing.T, n int, try func(i int) bool) (taken int) {
	t.Helper()
	for i := range n {
		if try(i) {
			taken++
		}
	}
	return taken
}

func TestGuessingIsLimitedPerAccount(t *testing.T) {
	c := clock.NewFake(start)
	g := newGuesses(c)
	from := func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }
	if n := count(t, 50, func(i int) bool { return guess(t, g, "admin", from(i)) }); n != accountGuesses.Size {
		t.Errorf("%d guesses were taken, want %d", n, accountGuesses.Size)
	}
	if !guess(t, g, "other", from(99)) {
		t.Error("another account is limited too")
	}
	c.Advance(accountGuesses.Refill - time.Millisecond)
	if guess(t, g, "admin", from(100)) {
		t.Error("taken too early")
	}
	c.Advance(time.Millisecond)
	if !guess(t, g, "admin", from(101)) || guess(t, g, "admin", from(102)) {
		t.Error("want one more guess after the pause")
	}
	c.Advance(24 * time.Hour)
	if n := count(t, 50, func(i int) bool { return guess(t, g, "admin", from(i)) }); n != accountGuesses.Size {
		t.Errorf("%d guesses were taken after a day, want %d", n, accountGuesses.Size)
	}
}

func TestGuessingIsLimitedPerAddress(t *testing.T) {
	c := clock.NewFake(start)
	g := newGuesses(c)
	login := func(i int) string { return fmt.Sprintf("login%d", i) }
	if n := count(t, 50, func(i int) bool { return guess(t, g, login(i), office) }); n != addressGuesses.Size {
		t.Errorf("%d guesses were taken, want %d", n, addressGuesses.Size)
	}
	// All of an IPv6 customer's addresses are one.
	if n := count(t, 50, func(i int) bool { return guess(t, g, login(100+i), fmt.Sprintf("2001:db8:0:1::%x", i+1)) }); n != addressGuesses.Size {
		t.Errorf("%d guesses were taken from one /64, want %d", n, addressGuesses.Size)
	}
	if !guess(t, g, "login200", "2001:db8:0:2::1") {
		t.Error("another network is limited too")
	}
	if guess(t, g, "login201", "::ffff:"+office) {
		t.Error("an IPv4 address in IPv6 form is another address")
	}
}

func TestRightPasswordsAreNotGuesses(t *testing.T) {
	g := newGuesses(clock.NewFake(start))
	for range 100 {
		giveBack, err := g.take("admin", office)
		if err != nil {
			t.Fatal(err)
		}
		giveBack()
	}
}

func TestLoginsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for range accountGuesses.Size {
			_, err := f.Login(f.ctx, AdminLogin, "wrong", office)
			wantCode(t, err, fault.Unauthorized)
		}
		_, err := f.Login(f.ctx, AdminLogin, password, office)
		wantCode(t, err, fault.TooMany)
		_, err = f.AuthenticatePassword(f.ctx, AdminLogin, password, "203.0.113.1")
		wantCode(t, err, fault.TooMany)
		f.clock.Advance(accountGuesses.Refill)
		if _, err := f.Login(f.ctx, AdminLogin, password, office); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

// A right password on many connections at once is not many guesses.
func TestARightPasswordManyTimesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var checks atomic.Int64
		check := f.checkPassword
		f.checkPassword = func(hash, password string) bool {
			checks.Add(1)
			return check(hash, password)
		}
		calls := 8 * accountGuesses.Size
		errs := make(chan error, 2*calls)
		for range calls {
			go func() {
				_, err := f.AuthenticatePassword(f.ctx, AdminLogin, password, office)
				errs <- err
			}()
		}
		for range calls {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		if checks.Load() != 1 {
			t.Errorf("the password was checked %d times", checks.Load())
		}
		for range calls {
			go func() {
				_, err := f.Login(f.ctx, AdminLogin, password, office)
				errs <- err
			}()
		}
		for range calls {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWhoWaitsTooLongIsTold(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		leave, err := f.entry.enter(f.ctx, f.passwordKey(AdminLogin, password))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		_, err = f.AuthenticatePassword(ctx, AdminLogin, password, office)
		wantCode(t, err, fault.Unavailable)
		leave()
		f.login(t)
		if len(f.entry.busy) != 0 {
			t.Errorf("%d are thought to be inside", len(f.entry.busy))
		}
	})
}
