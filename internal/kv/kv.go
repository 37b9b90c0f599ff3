// Package kv keeps small JSON values under names, for scenarios: cursors,
// counters, things seen. A value may have an end.
//
// It must not know who sets a value.
package kv

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Limits of names and values, in bytes.
const (
	MaxName  = 512
	MaxValue = 1 << 20
)

// Get reads a value; ok is false when there is none, or its time is over.
func Get(tx *db.Tx, name string, now time.Time) (value json.RawMessage, ok bool, err error) {
	if err := checkName(name); err != nil {
		return nil, false, err
	}
	var text string
	err = tx.QueryRow(`SELECT value FROM kv_values WHERE name = $1 AND (expires_at IS NULL OR expires_at > $2)`,
		name, db.Micros(now)).Scan(&text)
	if errors.Is(err, db.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the value %q: %w", name, err)
	}
	return json.RawMessage(text), true, nil
}

// Set stores a value, for ttl when that is more than 0, for ever otherwise.
// Errors: fault.Unprocessable for a name or value that is too large.
func Set(tx *db.Tx, name string, value json.RawMessage, ttl time.Duration, now time.Time) error {
	if err := checkName(name); err != nil {
		return err
	}
	if len(value) > MaxValue {
		return fault.New(fault.Unprocessable, "The value of %q has %d bytes; at most %d are possible.", name, len(value), MaxValue)
	}
	_, err := tx.Exec(`INSERT INTO kv_values (name, value, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
		name, string(value), end(ttl, now))
	if err != nil {
		return fmt.Errorf("set the value %q: %w", name, err)
	}
	return nil
}

// Delete removes a value and reports whether there was one.
func Delete(tx *db.Tx, name string, now time.Time) (bool, error) {
	_, had, err := Get(tx, name, now)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(`DELETE FROM kv_values WHERE name = $1`, name)
	return had, err
}

// Increment adds to a whole number, which is 0 when there is none, and returns
// the sum. ttl counts from the first increment. Errors: fault.Unprocessable
// when the value is not a whole number or the sum leaves the safe range (2^53).
func Increment(tx *db.Tx, name string, by int64, ttl time.Duration, now time.Time) (int64, error) {
	if err := checkName(name); err != nil {
		return 0, err
	}
	// The row is there and locked before it is read, so that two nodes cannot
	// add to the same number, the first time included.
	_, err := tx.Exec(`INSERT INTO kv_values (name, value, expires_at) VALUES ($1, '0', $2)
		ON CONFLICT (name) DO UPDATE SET
			value = CASE WHEN kv_values.expires_at <= $3 THEN excluded.value ELSE kv_values.value END,
			expires_at = CASE WHEN kv_values.expires_at <= $3 THEN excluded.expires_at ELSE kv_values.expires_at END`,
		name, end(ttl, now), db.Micros(now))
	if err != nil {
		return 0, fmt.Errorf("add to the value %q: %w", name, err)
	}
	var text string
	if err := tx.QueryRow(`SELECT value FROM kv_values WHERE name = $1`, name).Scan(&text); err != nil {
		return 0, fmt.Errorf("add to the value %q: %w", name, err)
	}
	sum, err := add(text, by)
	if err != nil {
		return 0, fault.New(fault.Unprocessable, "The value of %q cannot be counted on: it is %.40s, and whole numbers up to 2^53 can.", name, text)
	}
	if _, err := tx.Exec(`UPDATE kv_values SET value = $2 WHERE name = $1`, name, strconv.FormatInt(sum, 10)); err != nil {
		return 0, fmt.Errorf("add to the value %q: %w", name, err)
	}
	return sum, nil
}

// add is in the range that a number of JavaScript counts in.
func add(text string, by int64) (int64, error) {
	const safe = 1 << 53
	old, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, err
	case old < -safe || old > safe || by < -safe || by > safe || old+by < -safe || old+by > safe:
		return 0, strconv.ErrRange
	}
	return old + by, nil
}

// Expire removes up to n values whose time is over and returns how many.
func Expire(tx *db.Tx, n int, now time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM kv_values WHERE name IN (
		SELECT name FROM kv_values WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2)`, db.Micros(now), n)
}

func end(ttl time.Duration, now time.Time) any {
	if ttl <= 0 {
		return nil
	}
	return db.Micros(now.Add(ttl))
}

func checkName(name string) error {
	if name == "" || len(name) > MaxName || strings.ContainsRune(name, 0) {
		return fault.New(fault.Unprocessable, "A name in kv has from 1 to %d bytes, none of which is NUL.", MaxName)
	}
	return nil
}
