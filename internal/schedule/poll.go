package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Limits of a poll.
const (
	MaxItems    = 1000     // of one poll
	MaxSeen     = 10_000   // keys that a poll remembers
	MaxKey      = 512      // bytes of a key
	MaxPollName = 256      // bytes
	MaxCursor   = 64 << 10 // bytes of JSON
	// DefaultKeep is for how long a key is remembered after it was last seen.
	DefaultKeep = 30 * day
	longestKeep = 3650 * day
)

// Position is how far a poll has come.
type Position struct {
	Version int64           `json:"version"` // 0: it has never been made
	Cursor  json.RawMessage `json:"cursor,omitempty"`
}

// PollPosition reads how far a poll has come.
func PollPosition(tx *db.Tx, name string) (p Position, err error) {
	if err := checkPoll(name); err != nil {
		return p, err
	}
	var cursor *string
	err = tx.QueryRow(`SELECT version, cursor FROM polls WHERE name = $1`, name).Scan(&p.Version, &cursor)
	if errors.Is(err, db.ErrNoRows) {
		return Position{}, nil
	}
	if err != nil {
		return p, fmt.Errorf("read the position of the poll %q: %w", name, err)
	}
	if cursor != nil {
		p.Cursor = json.RawMessage(*cursor)
	}
	return p, nil
}

// Polled is what a poll has found.
type Polled struct {
	Name    string
	Version int64           // the position that it began from
	Cursor  json.RawMessage // where the next one begins; nil: where this one did
	Keys    []string        // of the items, in their order; nil when they have none
	Items   int
	Keep    time.Duration // how long a key is remembered after it was last seen; 0: DefaultKeep
}

// TakePoll moves a poll on, in the transaction in which its items are worked on,
// and returns which of these are new: not seen before, and the first of their key
// among those given. ok is false, and nothing is written, when another poll of the
// name has been made since the position was read. Errors: fault.Unprocessable for
// what is too large or too much.
func TakePoll(tx *db.Tx, p Polled, now time.Time) (fresh []int, ok bool, err error) {
	if err := p.check(); err != nil {
		return nil, false, err
	}
	// The row is there and locked before it is looked at.
	if _, err := tx.Exec(`INSERT INTO polls (name, version, cursor, polled_at) VALUES ($1, 0, NULL, $2)
		ON CONFLICT (name) DO UPDATE SET polled_at = excluded.polled_at`, p.Name, db.Micros(now)); err != nil {
		return nil, false, fmt.Errorf("move the poll %q on: %w", p.Name, err)
	}
	was, err := PollPosition(tx, p.Name)
	if err != nil || was.Version != p.Version {
		return nil, false, err
	}
	if p.Cursor == nil {
		p.Cursor = was.Cursor
	}
	var cursor any
	if p.Cursor != nil {
		cursor = string(p.Cursor)
	}
	if _, err := tx.Exec(`UPDATE polls SET version = version + 1, cursor = $2 WHERE name = $1`, p.Name, cursor); err != nil {
		return nil, false, fmt.Errorf("move the poll %q on: %w", p.Name, err)
	}
	seen, err := p.seen(tx)
	if err != nil {
		return nil, false, err
	}
	for i := range p.Items {
		if p.Keys != nil {
			if seen[p.Keys[i]] {
				continue
			}
			seen[p.Keys[i]] = true
		}
		fresh = append(fresh, i)
	}
	return fresh, true, p.remember(tx, now)
}

func (p *Polled) check() error {
	if err := checkPoll(p.Name); err != nil {
		return err
	}
	if p.Items > MaxItems {
		return fault.New(fault.Unprocessable, "poll %q: there are %d items, and one poll takes up to %d. Return the first of them with a cursor behind these, and poll again.", p.Name, p.Items, MaxItems)
	}
	if len(p.Cursor) > MaxCursor {
		return fault.New(fault.Unprocessable, "poll %q: the cursor has %d bytes; at most %d are possible.", p.Name, len(p.Cursor), MaxCursor)
	}
	if p.Keep < 0 || p.Keep > longestKeep {
		return fault.New(fault.Unprocessable, "poll %q: keep is up to %d days.", p.Name, longestKeep/day)
	}
	if p.Keys != nil && len(p.Keys) != p.Items {
		return fault.New(fault.Unprocessable, "poll %q: every item has a key, or none.", p.Name)
	}
	for i, key := range p.Keys {
		if key == "" || len(key) > MaxKey || strings.ContainsRune(key, 0) {
			return fault.New(fault.Unprocessable, "poll %q: the key of item %d is not usable: a key has from 1 to %d bytes, none of which is NUL.", p.Name, i, MaxKey)
		}
	}
	return nil
}

func checkPoll(name string) error {
	if name == "" || len(name) > MaxPollName || strings.ContainsRune(name, 0) {
		return fault.New(fault.Unprocessable, "The name of a poll has from 1 to %d bytes, none of which is NUL.", MaxPollName)
	}
	return nil
}

// seen are those of the keys that an earlier poll has seen.
func (p *Polled) seen(tx *db.Tx) (map[string]bool, error) {
	seen := map[string]bool{}
	if len(p.Keys) == 0 {
		return seen, nil
	}
	list, err := json.Marshal(p.Keys)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT key FROM poll_seen WHERE poll = $1 AND `+tx.Among("key", "$2"), p.Name, string(list))
	if err != nil {
		return nil, fmt.Errorf("read what the poll %q has seen: %w", p.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		seen[key] = true
	}
	return seen, rows.Err()
}

var stmtSeen = db.NewStmt(0, `INSERT INTO poll_seen (poll, key, expires_at)
	SELECT r.poll, r.key, r.expires_at FROM {rows} AS r WHERE true
	ON CONFLICT (poll, key) DO UPDATE SET expires_at = excluded.expires_at`,
	db.Text("poll").Key(), db.Text("key").Key(), db.Int("expires_at"))

// remember keeps the keys, those that were known as seen just now, and forgets
// what is too much.
func (p *Polled) remember(tx *db.Tx, now time.Time) error {
	if len(p.Keys) == 0 {
		return nil
	}
	keep := p.Keep
	if keep == 0 {
		keep = DefaultKeep
	}
	until := db.Micros(now.Add(keep))
	var rows [][]any
	given := map[string]bool{}
	for _, key := range p.Keys {
		if !given[key] {
			given[key] = true
			rows = append(rows, []any{p.Name, key, until})
		}
	}
	if _, err := tx.Many(stmtSeen, rows); err != nil {
		return fmt.Errorf("remember what the poll %q has seen: %w", p.Name, err)
	}
	var n int64
	if err := tx.QueryRow(`SELECT count(*) FROM poll_seen WHERE poll = $1`, p.Name).Scan(&n); err != nil {
		return err
	}
	if n <= MaxSeen {
		return nil
	}
	_, err := tx.Exec(`DELETE FROM poll_seen WHERE poll = $1 AND key IN (
		SELECT key FROM poll_seen WHERE poll = $1 ORDER BY expires_at, key LIMIT $2)`, p.Name, n-MaxSeen)
	return err
}

// ExpireSeen removes up to n keys whose time is over and returns how many.
func ExpireSeen(tx *db.Tx, n int, now time.Time) (int64, error) {
	return tx.Exec(`DELETE FROM poll_seen WHERE (poll, key) IN (
		SELECT poll, key FROM poll_seen WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, db.Micros(now), n)
}
