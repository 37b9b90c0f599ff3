package limit

import (
	"fmt"
	"testing"
	"time"
)

// clock is moved by hand.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func TestBucket(t *testing.T) {
	c := newClock()
	b := NewBucket(Per(6, time.Minute), c.now)
	for i := range 6 {
		if wait := b.Take(); wait != 0 {
			t.Fatalf("token %d: wait %v", i+1, wait)
		}
	}
	if wait := b.Take(); wait != 10*time.Second {
		t.Errorf("an empty bucket: wait %v, want 10s", wait)
	}
	c.t = c.t.Add(9 * time.Second)
	if wait := b.Take(); wait != time.Second {
		t.Errorf("after 9 s: wait %v, want 1s", wait)
	}
	c.t = c.t.Add(time.Second)
	if b.Take() != 0 || b.Take() == 0 {
		t.Error("after 10 s there is one token")
	}
	c.t = c.t.Add(time.Hour)
	taken := 0
	for b.Take() == 0 {
		taken++
	}
	if taken != 6 {
		t.Errorf("after an hour there are %d tokens, want 6", taken)
	}
	c.t = c.t.Add(-time.Hour) // a clock that is set back gives and takes nothing
	if b.Take() == 0 {
		t.Error("a clock set back has filled the bucket")
	}
}

// A sender at exactly the rate is never refused.
func TestSteadyRateIsLetThrough(t *testing.T) {
	c := newClock()
	b := NewBucket(Per(3, time.Second), c.now)
	for b.Take() == 0 {
	}
	for i := range 10_000 {
		c.t = c.t.Add(time.Second / 3)
		if wait := b.Take(); wait > time.Microsecond {
			t.Fatalf("message %d: wait %v", i, wait)
		} else if wait > 0 {
			c.t = c.t.Add(wait)
			if b.Take() != 0 {
				t.Fatalf("message %d: refused after the wait it was told", i)
			}
		}
	}
}

func TestKeysAreApart(t *testing.T) {
	c := newClock()
	k := NewKeyed(Rule{2, time.Minute}, c.now)
	drain := func(key string) (n int) {
		for k.Take(key) == 0 {
			n++
		}
		return n
	}
	if n := drain("a"); n != 2 {
		t.Errorf("a has %d tokens, want 2", n)
	}
	if k.Wait("a") == 0 || k.Wait("b") != 0 || k.Take("b") != 0 {
		t.Error("b is another key")
	}
	k.Give("a")
	if n := drain("a"); n != 1 {
		t.Errorf("after one was given back there are %d", n)
	}
	k.Give("unknown")
}

// A flood of keys does not let the one go on that is limited.
func TestFloodOfKeysIsBounded(t *testing.T) {
	c := newClock()
	k := NewKeyed(Rule{5, time.Hour}, c.now)
	for k.Take("attacker") == 0 {
	}
	for i := range 5 * maxKeys {
		k.Take(fmt.Sprint(i))
		if len(k.by) > maxKeys {
			t.Fatalf("%d keys are remembered, want at most %d", len(k.by), maxKeys)
		}
	}
	if k.Take("attacker") == 0 {
		t.Error("the flood has washed out the key that was limited")
	}
	c.t = c.t.Add(24 * time.Hour)
	for i := range maxKeys + 1 {
		k.Take(fmt.Sprint("other", i))
	}
	if len(k.by) > maxKeys {
		t.Errorf("%d keys are remembered", len(k.by))
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64", "[2001:db8:1:2::9]": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
		"@": "@", "": "",
	} {
		if got := Network(address); got != want {
			t.Errorf("Network(%q) = %q, want %q", address, got, want)
		}
	}
}
