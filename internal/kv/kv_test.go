package kv_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/kv"
)

var noon = time.Date(2027, 1, 4, 12, 0, 0, 0, time.UTC)

// within makes one transaction, which must commit.
func within(t *testing.T, d *db.DB, f func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, tx *db.Tx, name string, now time.Time) string {
	t.Helper()
	value, ok, err := kv.Get(tx, name, now)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "none"
	}
	return string(value)
}

func TestSetGetDelete(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		within(t, open(), func(tx *db.Tx) error {
			if got := get(t, tx, "a", noon); got != "none" {
				t.Errorf("before: %s", got)
			}
			for _, value := range []string{`{"x":[1,null,"ž\u0000"]}`, `null`, `""`, `12345678901234567890`} {
				if err := kv.Set(tx, "a", json.RawMessage(value), 0, noon); err != nil {
					return err
				}
				if got := get(t, tx, "a", noon); got != value {
					t.Errorf("%s became %s", value, got)
				}
			}
			for _, want := range []bool{true, false} {
				had, err := kv.Delete(tx, "a", noon)
				if err != nil || had != want {
					t.Errorf("deleted: %v %v", had, err)
				}
			}
			return nil
		})
	})
}

func TestTimeToLive(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		within(t, open(), func(tx *db.Tx) error {
			for _, name := range []string{"minute", "deleted"} {
				if err := kv.Set(tx, name, json.RawMessage(`1`), time.Minute, noon); err != nil {
					return err
				}
			}
			before, after := noon.Add(time.Minute-time.Microsecond), noon.Add(time.Minute)
			if got := get(t, tx, "minute", before); got != "1" {
				t.Errorf("before its end: %s", got)
			}
			if got := get(t, tx, "minute", after); got != "none" {
				t.Errorf("at its end: %s", got)
			}
			if had, err := kv.Delete(tx, "deleted", after); had || err != nil {
				t.Errorf("deleted after its end: %v %v", had, err)
			}
			n, err := kv.Expire(tx, 10, before)
			if n != 0 || err != nil {
				t.Errorf("expired before: %d %v", n, err)
			}
			if n, err = kv.Expire(tx, 10, after); n != 1 || err != nil {
				t.Errorf("expired: %d %v", n, err)
			}
			// A set without an end takes away the end of the one before.
			if err := kv.Set(tx, "kept", json.RawMessage(`1`), time.Minute, noon); err != nil {
				return err
			}
			if err := kv.Set(tx, "kept", json.RawMessage(`2`), 0, noon); err != nil {
				return err
			}
			if got := get(t, tx, "kept", after); got != "2" {
				t.Errorf("kept: %s", got)
			}
			return nil
		})
	})
}

func TestIncrement(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		within(t, open(), func(tx *db.Tx) error {
			add := func(by int64, ttl time.Duration, now time.Time, want int64) {
				t.Helper()
				if got, err := kv.Increment(tx, "n", by, ttl, now); err != nil || got != want {
					t.Errorf("%d, %v; want %d", got, err, want)
				}
			}
			add(1, time.Minute, noon, 1)
			add(41, time.Hour, noon.Add(time.Second), 42) // the end stays the first one's
			add(-50, 0, noon.Add(2*time.Second), -8)
			add(5, 0, noon.Add(time.Minute), 5) // begun anew, and without an end
			add(0, time.Second, noon.Add(48*time.Hour), 5)
			return nil
		})
	})
}

func TestIncrementRefuses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		for value, by := range map[string]int64{
			`"7"`: 1, `1.5`: 1, `null`: 1, `{}`: 1, `9007199254740992`: 1, `-9007199254740992`: -1,
			`9223372036854775807`: 1, `1`: 1 << 62, `-1`: -1 << 63, `1e3`: 1,
		} {
			within(t, d, func(tx *db.Tx) error {
				if err := kv.Set(tx, "n", json.RawMessage(value), 0, noon); err != nil {
					return err
				}
				if sum, err := kv.Increment(tx, "n", by, 0, noon); !fault.Is(err, fault.Unprocessable) {
					t.Errorf("%s + %d: %d %v", value, by, sum, err)
				}
				if got := get(t, tx, "n", noon); got != value {
					t.Errorf("%s became %s", value, got)
				}
				return nil
			})
		}
	})
}

func TestIncrementsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				err := d.Write(context.Background(), func(tx *db.Tx) error {
					_, err := kv.Increment(tx, "n", 1, time.Hour, noon)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		within(t, d, func(tx *db.Tx) error {
			if got := get(t, tx, "n", noon); got != "20" {
				t.Errorf("20 increments made %s", got)
			}
			return nil
		})
	})
}

func TestNamesAndValuesThatAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		within(t, open(), func(tx *db.Tx) error {
			for _, name := range []string{"", strings.Repeat("x", kv.MaxName+1), "a\x00b"} {
				_, _, getErr := kv.Get(tx, name, noon)
				_, deleteErr := kv.Delete(tx, name, noon)
				_, incrementErr := kv.Increment(tx, name, 1, 0, noon)
				for what, err := range map[string]error{
					"get": getErr, "delete": deleteErr, "increment": incrementErr, "set": kv.Set(tx, name, json.RawMessage(`1`), 0, noon),
				} {
					if !fault.Is(err, fault.Unprocessable) {
						t.Errorf("%s of %.20q: %v", what, name, err)
					}
				}
			}
			if err := kv.Set(tx, "large", json.RawMessage(strings.Repeat("1", kv.MaxValue+1)), 0, noon); !fault.Is(err, fault.Unprocessable) {
				t.Errorf("a value over the limit: %v", err)
			}
			if err := kv.Set(tx, strings.Repeat("ž", kv.MaxName/2), json.RawMessage(strings.Repeat("1", kv.MaxValue)), 0, noon); err != nil {
				t.Errorf("up to the limits: %v", err)
			}
			return nil
		})
	})
}
