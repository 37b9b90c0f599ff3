// Package link is URLs that are handed out: whoever has one may do the one thing
// that it is for, as often as it says and until it expires, and decide what
// somebody is asked to decide.
//
// A link is a row and a token: a random handle with its signature by a key that
// the database does not have in the clear. The token tells nothing, and nobody
// makes another one of it.
//
// The package must not know how a link's page looks, nor how an event is appended
// or a run is started: who opens a Store says that.
package link

import (
	"encoding/json"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
)

// Base is the path below which the tokens are.
const Base = "/link/v1/"

// Options is what a Store is made of. All are required.
type Options struct {
	DB  *db.DB
	Now func() time.Time // the same at every node, as well as nodes know it
	// Key is what signs; nil in a transaction of Read where there is none yet.
	Key func(tx *db.Tx) ([]byte, error)
	// URL is scheme://host by which the outside reaches this server.
	URL func() (string, error)
	// Do does what a link of the kind Event or Run is for, in the transaction that
	// counts its use, and returns the run that it has started. What it refuses has
	// not been used.
	Do func(tx *db.Tx, l *Link) (run string, err error)
	// Tell appends an event about an approval.
	Tell func(tx *db.Tx, kind string, a *Approval) error
	// Wake makes a run go on that waits for a decision.
	Wake func(tx *db.Tx, run string) error
}

// Store is the links and approvals of a domain. It is safe for use by many
// goroutines.
type Store struct {
	o   Options
	ids id.Maker
}

// New serves the links that are kept in o.DB.
func New(o Options) *Store { return &Store{o: o} }

// Kind is what a link is for.
type Kind string

// The kinds of links.
const (
	Event  Kind = "event"  // appends the event of type Target
	Run    Kind = "run"    // starts the scenario Target
	choice Kind = "choice" // decides the approval Target
)

// Link is one link.
type Link struct {
	ID                   string
	Kind                 Kind
	Target               string
	Content              json.RawMessage // what else Do needs
	Page                 Page
	Confirm              bool   // a GET shows the page and a POST acts; otherwise a GET acts too
	Uses                 int    // how many there are; 0: any number
	Used                 int    // how many were made, with the one going on
	From                 string // the run that made it
	CreatedAt, ExpiresAt time.Time
	UsedAt               *time.Time

	revoked bool
}

// Page is what people are shown. All of it is plain text.
type Page struct {
	Title  string `json:"title,omitempty"`
	Text   string `json:"text,omitempty"`
	Button string `json:"button,omitempty"`
	Done   string `json:"done,omitempty"` // when it was done
}

// The bounds of a link.
const (
	MaxContent = 64 << 10 // bytes of what it is for
	MaxUses    = 1_000_000
	MaxAge     = 10 * 365 * 24 * time.Hour
)

// Check says what is wrong with a new link. Errors: fault.Unprocessable.
func (l *Link) Check(now time.Time) error {
	found := l.Page.check()
	if len(l.Content) > MaxContent {
		found = append(found, fault.Field{Detail: "has more than 64 KiB of data; keep them as a record or in kv, and give the link its key"})
	}
	if l.Uses < 0 || l.Uses > MaxUses {
		found = append(found, fault.Field{Pointer: "/uses", Detail: "is a whole number from 1 to 1000000, or unlimited"})
	}
	if wrong := age(now, l.ExpiresAt); wrong != "" {
		found = append(found, fault.Field{Pointer: "/expires", Detail: wrong})
	}
	return refusal("The link cannot be made.", found)
}

// age says what is wrong with an end, "" for nothing.
func age(now, end time.Time) string {
	switch {
	case !end.After(now):
		return "lies in the past"
	case end.Sub(now) > MaxAge:
		return "is more than ten years from now"
	}
	return ""
}

// Make keeps a new link and returns its URL: its Kind, Target, Content, Page,
// Confirm, Uses, From and ExpiresAt count. Errors: fault.Unprocessable with what
// is wrong, and those of Options.URL.
func (s *Store) Make(tx *db.Tx, l Link) (url string, err error) {
	if err := l.Check(s.o.Now()); err != nil {
		return "", err
	}
	return s.insert(tx, &l)
}

// insert keeps a link as it is.
func (s *Store) insert(tx *db.Tx, l *Link) (url string, err error) {
	base, err := s.o.URL()
	if err != nil {
		return "", err
	}
	key, err := s.o.Key(tx)
	if err != nil {
		return "", err
	}
	page, err := json.Marshal(l.Page)
	if err != nil {
		return "", err
	}
	now := s.o.Now()
	handle := newHandle()
	_, err = tx.Exec(`INSERT INTO links (id, handle, kind, target, content, page, confirm, uses, used, run, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11)`,
		s.ids.New("lnk", now), handle, string(l.Kind), l.Target, []byte(l.Content), string(page), l.Confirm, l.Uses, l.From,
		db.Micros(now), db.Micros(l.ExpiresAt))
	return base + Base + token(handle, key), err
}

// Revoke ends a link by its URL or token, and reports whether it was one that
// could still be used.
func (s *Store) Revoke(tx *db.Tx, url string) (bool, error) {
	handle, err := s.handle(tx, tokenOf(url))
	if err != nil || handle == nil {
		return false, err
	}
	n, err := tx.Exec(`UPDATE links SET revoked_at = $1 WHERE handle = $2 AND `+usable, db.Micros(s.o.Now()), handle)
	return n > 0, err
}

// usable is the condition on a link that can still be used at the time $1.
const usable = `revoked_at IS NULL AND expires_at > $1 AND (uses = 0 OR used < uses)`

// Expire removes links whose time is over, and approvals that ended long ago;
// at most so many of each. It returns how many there were.
func (s *Store) Expire(tx *db.Tx, most int, _ time.Time) (int64, error) {
	now := s.o.Now()
	n, err := tx.Exec(`DELETE FROM links WHERE id IN (SELECT id FROM links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, db.Micros(now), most)
	if err != nil {
		return 0, err
	}
	m, err := tx.Exec(`DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE ended_at <= $1 ORDER BY ended_at LIMIT $2)`,
		db.Micros(now.Add(-keepEnded)), most)
	return max(n, m), err
}

// columns is in the order of scan.
const columns = `id, kind, target, content, page, confirm, uses, used, run, created_at, expires_at, used_at, revoked_at`

func scan(row scanner) (*Link, error) {
	var l Link
	var kind string
	var content, page []byte
	var created, expires int64
	var used, revoked *int64
	err := row.Scan(&l.ID, &kind, &l.Target, &content, &page, &l.Confirm, &l.Uses, &l.Used, &l.From, &created, &expires, &used, &revoked)
	if err != nil {
		return nil, err
	}
	l.Kind, l.Content, l.CreatedAt, l.ExpiresAt, l.UsedAt, l.revoked = Kind(kind), content, db.Time(created), db.Time(expires), moment(used), revoked != nil
	return &l, json.Unmarshal(page, &l.Page)
}

// moment is a time that there may not be.
func moment(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	t := db.Time(*us)
	return &t
}
