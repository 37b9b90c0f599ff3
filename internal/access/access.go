// Package access knows who may come in: accounts, their sessions and API
// tokens, the secrets that connections use, and the audit log of who changed
// what.
//
// What proves who somebody is (a password, a session's token, an API token) is
// stored as a hash and shown once. Secrets, which must be read again, are
// sealed with a key that is outside of the database.
//
// The package must not know of HTTP, of routes or of what a right is good for:
// a door asks who is calling and decides by its own route table.
package access

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/id"
	"junctor/internal/limit"
	"junctor/internal/secret"
)

// TopicSecrets is notified with the secret's name when one was set or
// deleted, so that whoever opened a connection with it opens it anew.
const TopicSecrets = "secrets"

// topicCredentials is notified when a credential ended, so that every node
// forgets what it remembered.
const topicCredentials = "credentials"

// Limits say how long a session lives, and how applications share the service.
type Limits struct {
	Idle    time.Duration  // without a call
	Age     time.Duration  // altogether
	Sharing Sharing        // of applications that say nothing else
	Zone    *time.Location // in which the hours of accounts are meant
}

// DefaultLimits hold when the settings say nothing.
var DefaultLimits = Limits{Idle: 30 * time.Minute, Age: 12 * time.Hour, Sharing: Sharing{Unlimited, Reject}, Zone: time.UTC}

// Store is the accounts of one domain and all that belongs to them. It is safe
// for use by many goroutines. Its lists come in pages of limit rows: 100 when
// limit is 0, at most 1,000.
type Store struct {
	db        *db.DB
	keys      secret.Keys
	clock     clock.Clock
	ids       id.Maker
	limits    atomic.Pointer[Limits]
	guesses   *guesses
	refusals  *limit.Keyed // that the audit log takes
	callers   *memory[Caller]
	proven    *memory[string] // hashes of passwords that were right
	pepper    [32]byte        // so that no plain hash of a password lies in memory
	entry     turnstile
	directory atomic.Pointer[directory]
	reading   sync.Mutex                // the directory
	deafen    func()                    // ends hearing of other nodes' changes
	elsewhere time.Duration             // for how long other nodes remember what they have found; 0: there are none
	onAudit   func(*db.Tx, Entry) error // nil: nobody wants to know
	others    func(*db.Tx, func(string, []byte) ([]byte, error)) (int, error)

	hashing       chan struct{} // bounds the memory that argon2 takes at one moment
	hashPassword  func(password string) string
	checkPassword func(hash, password string) bool
	needsRehash   func(hash string) bool
	decoy         func() string // a hash to check against when there is no account
}

// New serves the accounts kept in d; secrets are sealed with the first of
// keys and opened with any. Times are clock's.
func New(d *db.DB, keys secret.Keys, c clock.Clock) *Store {
	s := &Store{
		db: d, keys: keys, clock: c,
		guesses: newGuesses(c), refusals: limit.NewKeyed(refusalsNoted, c.Now),
		callers: newMemory[Caller](c), proven: newMemory[string](c),
		entry:        turnstile{busy: map[cacheKey]chan struct{}{}},
		hashing:      make(chan struct{}, maxHashing),
		hashPassword: secret.HashPassword, checkPassword: secret.CheckPassword, needsRehash: secret.NeedsRehash,
	}
	rand.Read(s.pepper[:]) //nolint:errcheck // never fails since Go 1.24
	if d.Postgres() {      // a data directory has one process
		s.elsewhere = rememberElsewhere
	}
	s.decoy = sync.OnceValue(func() string { return s.hashPassword(id.Token(20)) })
	s.SetLimits(DefaultLimits)
	s.deafen = d.Listen(topicCredentials, func(string) { s.callers.clear() })
	return s
}

// maxHashing is how many passwords are checked at one moment; each takes tens
// of MiB.
const maxHashing = 2

// SetLimits changes how long sessions live and how the service is shared, also
// for those who are in: a session without the place that it needs from now on
// has ended. A zero member means the default.
func (s *Store) SetLimits(l Limits) {
	if l.Idle <= 0 {
		l.Idle = DefaultLimits.Idle
	}
	if l.Age <= 0 {
		l.Age = DefaultLimits.Age
	}
	if l.Sharing.Policy == "" {
		l.Sharing.Policy = DefaultLimits.Sharing.Policy
	}
	if l.Sharing.OnConflict == "" {
		l.Sharing.OnConflict = DefaultLimits.Sharing.OnConflict
	}
	if l.Zone == nil {
		l.Zone = DefaultLimits.Zone
	}
	s.limits.Store(&l)
	s.callers.clear()
}

// names are what tokens and secrets may be called: what fits a path segment
// and a reference such as ${secret:erp_token}.
var names = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// A secret's name may be made of the place of what it stands for, an object's
// code of 64 characters included.
const (
	maxName       = 100
	maxSecretName = 200
)

func checkName(what, name string) error {
	most := maxName
	if what == "secret" {
		most = maxSecretName
	}
	if len(name) <= most && names.MatchString(name) {
		return nil
	}
	return fault.New(fault.Unprocessable, "%q cannot be the name of a %s", name, what).WithFields(fault.Field{
		Pointer: "/name",
		Detail:  fmt.Sprintf("use 1 to %d letters, digits, _ . and -, beginning with a letter, digit or _", most),
	})
}

// nullable is a time for a column that may be empty.
func nullable(t *time.Time) any {
	if t == nil {
		return nil
	}
	return db.Micros(*t)
}

// optional is the reverse of nullable.
func optional(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	t := db.Time(*us)
	return &t
}
