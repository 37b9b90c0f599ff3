// Package catalog keeps versioned configuration objects: a kind, a code, a JSON
// body, who changed it when, and every version there has been. One revision
// number rises with every change, and a notice of Topic goes to all processes.
//
// It must not know any kind, nor what stands in a body.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Topic is what changes are announced under (db.Listen). The payload is empty:
// whoever hears it reads the revision.
const Topic = "config"

// Where an object was made first.
const (
	Files = "files" // configuration as code
	API   = "api"   // the admin API or the UI
)

// Object is one configuration object, or one of its former versions.
type Object struct {
	Kind      string          `json:"kind"`
	Code      string          `json:"code"`
	Version   int64           `json:"version"`        // from 1, never used twice for one kind and code
	Body      json.RawMessage `json:"body,omitempty"` // nil in the history where it was deleted
	Author    string          `json:"author"`         // who made this version
	Origin    string          `json:"origin"`         // Files or API: where the object was made
	ChangedAt time.Time       `json:"changed_at"`
}

// Store reads and writes the objects of one domain.
type Store struct{ db *db.DB }

// New returns the store of a database.
func New(d *db.DB) *Store { return &Store{db: d} }

const columns = `kind, code, version, body, author, origin, changed_at`

// Get reads one object. Errors: fault.NotFound.
func (s *Store) Get(ctx context.Context, kind, code string) (o Object, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		o, err = s.Find(tx, kind, code)
		return err
	})
	return o, err
}

// Find is Get within a transaction.
func (s *Store) Find(tx *db.Tx, kind, code string) (Object, error) {
	o, err := scan(tx.QueryRow(`SELECT `+columns+` FROM catalog_objects WHERE kind = $1 AND code = $2`, kind, code))
	if errors.Is(err, db.ErrNoRows) {
		return Object{}, fault.New(fault.NotFound, "There is no %q in %s.", code, kind)
	}
	return o, err
}

// List reads up to limit objects of a kind behind the code after, in the order
// of their codes. next is the after of the following page, "" on the last.
func (s *Store) List(ctx context.Context, kind, after string, limit int) (page []Object, next string, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		page, err = all(tx, `SELECT `+columns+` FROM catalog_objects WHERE kind = $1 AND code > $2 ORDER BY code LIMIT $3`, kind, after, limit+1)
		return err
	})
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].Code
	}
	return page, next, err
}

// All reads every object, in the order of kind and code.
func (s *Store) All(tx *db.Tx) ([]Object, error) {
	return all(tx, `SELECT `+columns+` FROM catalog_objects ORDER BY kind, code`)
}

// History reads every version of an object, newest first, deletions included.
// Errors: fault.NotFound when there never was one.
func (s *Store) History(ctx context.Context, kind, code string) (versions []Object, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		versions, err = all(tx, `SELECT `+columns+` FROM catalog_history WHERE kind = $1 AND code = $2 ORDER BY version DESC`, kind, code)
		return err
	})
	if err == nil && len(versions) == 0 {
		return nil, fault.New(fault.NotFound, "There never was a %q in %s.", code, kind)
	}
	return versions, err
}

// Revision is a number that rises with every change.
func (s *Store) Revision(tx *db.Tx) (revision int64, err error) {
	err = tx.QueryRow(`SELECT revision FROM catalog_revision WHERE id = 1`).Scan(&revision)
	return revision, err
}

type row interface{ Scan(dest ...any) error }

func scan(r row) (Object, error) {
	var o Object
	var body *string
	var changed int64
	if err := r.Scan(&o.Kind, &o.Code, &o.Version, &body, &o.Author, &o.Origin, &changed); err != nil {
		return Object{}, err
	}
	if body != nil {
		o.Body = json.RawMessage(*body)
	}
	o.ChangedAt = db.Time(changed)
	return o, nil
}

func all(tx *db.Tx, sql string, args ...any) ([]Object, error) {
	rows, err := tx.Query(sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read configuration objects: %w", err)
	}
	defer rows.Close()
	var objects []Object
	for rows.Next() {
		o, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read configuration objects: %w", err)
		}
		objects = append(objects, o)
	}
	return objects, rows.Err()
}
