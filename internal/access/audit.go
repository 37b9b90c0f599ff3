package access

import (
	"context"
	"time"

	"junctor/internal/db"
)

// Entry is one line of the audit log: who changed what, when, from where.
// Entries are only ever added.
type Entry struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Author  string    `json:"author"`
	Address string    `json:"address,omitempty"`
	Action  string    `json:"action"`           // NOUN.VERB
	Object  string    `json:"object"`           // NOUN/CODE
	Detail  string    `json:"detail,omitempty"` // never a secret
}

// Audit adds an entry in the transaction of what it tells about, so that one
// is not there without the other. ID and At are given here.
func (s *Store) Audit(tx *db.Tx, e Entry) error {
	now := s.clock.Now()
	_, err := tx.Exec(`INSERT INTO audit (id, at, author, address, action, object, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		s.ids.New("aud", now), db.Micros(now), e.Author, e.Address, e.Action, e.Object, e.Detail)
	if err == nil && s.onAudit != nil {
		err = s.onAudit(tx, e)
	}
	return wrap(err, "write the audit log")
}

// OnAudit has f called with every entry, in its transaction. It is to be said
// before the store is used.
func (s *Store) OnAudit(f func(tx *db.Tx, e Entry) error) { s.onAudit = f }

// Record is Audit for what was done without a transaction of the caller's.
func (s *Store) Record(ctx context.Context, e Entry) error {
	return s.db.Write(ctx, func(tx *db.Tx) error { return s.Audit(tx, e) })
}

// AuditFilter chooses entries; empty members choose all.
type AuditFilter struct {
	ID                     string // the only one
	Author, Action, Object string
	Since, Until           time.Time
}

// ListAudit returns entries, newest first, before the id after; next is "" on
// the last page.
func (s *Store) ListAudit(ctx context.Context, f AuditFilter, after string, limit int) (list []Entry, next string, err error) {
	since, until := int64(0), int64(1<<62)
	if !f.Since.IsZero() {
		since = db.Micros(f.Since)
	}
	if !f.Until.IsZero() {
		until = db.Micros(f.Until)
	}
	entries := page[Entry]{
		scan: func(row scanner) (e Entry, err error) {
			var at int64
			err = row.Scan(&e.ID, &at, &e.Author, &e.Address, &e.Action, &e.Object, &e.Detail)
			e.At = db.Time(at)
			return e, err
		},
		key: func(e Entry) string { return e.ID },
	}
	// An id begins with its time: entries of several nodes are in the order of
	// their clocks.
	list, next, err = entries.read(ctx, s.db, limit, `SELECT id, at, author, address, action, object, detail FROM audit
		WHERE ($1 = '' OR id < $1) AND ($2 = '' OR author = $2) AND ($3 = '' OR action = $3) AND ($4 = '' OR object = $4)
		  AND at >= $5 AND at < $6 AND ($7 = '' OR id = $7)
		ORDER BY id DESC`, after, f.Author, f.Action, f.Object, since, until, f.ID)
	return list, next, wrap(err, "list the audit log")
}
