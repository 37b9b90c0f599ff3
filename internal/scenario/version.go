package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/script"
)

// Version is one immutable content of a scenario.
type Version struct {
	Code      string         `json:"code"`
	Version   string         `json:"version"` // see Name
	Hash      string         `json:"hash"`
	Author    string         `json:"author"` // who saved it first
	CreatedAt time.Time      `json:"created_at"`
	Bundle    *script.Bundle `json:"-"` // nil in lists
}

// Name is what the version with a hash (see Hash) is called: v and 12 digits.
func Name(hash string) string { return "v" + hash[:min(len(hash), 12)] }

// Versions keeps the versions of all scenarios of a domain.
type Versions struct{ db *db.DB }

// NewVersions returns the versions in a database.
func NewVersions(d *db.DB) *Versions { return &Versions{db: d} }

// Save keeps a bundle as a version of the scenario and makes it the latest one.
// The same content again is the same version; created tells whether it is new.
// params is what the content exports as params, nil for nothing. Content over
// 4 MiB compressed is fault.TooLarge.
func (v *Versions) Save(tx *db.Tx, code string, bundle *script.Bundle, params json.RawMessage, author string) (version string, created bool, err error) {
	is := Hash(bundle)
	version = Name(is)
	newest, err := v.newest(tx, code)
	if err != nil || newest.hash == is {
		return version, false, err
	}
	var hash string
	err = tx.QueryRow(`SELECT hash FROM scenario_versions WHERE code = $1 AND version = $2`, code, version).Scan(&hash)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return version, true, v.insert(tx, code, is, bundle, params, author, newest.seq+1)
	case err != nil:
		return "", false, fmt.Errorf("read scenario %q %s: %w", code, version, err)
	case hash != is: // one in 2^48: the name is taken
		return "", false, fault.New(fault.Conflict, "Scenario %q has another version %s already; change anything in its source.", code, version)
	}
	if _, err = tx.Exec(`UPDATE scenario_versions SET seq = $1 WHERE code = $2 AND version = $3`, newest.seq+1, code, version); err != nil {
		return "", false, fmt.Errorf("make %s the latest of scenario %q: %w", version, code, err)
	}
	return version, false, nil
}

func (v *Versions) insert(tx *db.Tx, code, hash string, bundle *script.Bundle, params json.RawMessage, author string, seq int64) error {
	content, err := pack(bundle)
	if err != nil {
		return fmt.Errorf("scenario %q: %w", code, err)
	}
	now, err := v.db.Now(tx.Context())
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO scenario_versions (code, version, seq, hash, content, params, author, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		code, Name(hash), seq, hash, content, string(params), author, db.Micros(now))
	if err != nil {
		return fmt.Errorf("save scenario %q: %w", code, err)
	}
	return nil
}

type head struct {
	seq  int64
	hash string
}

// newest is the zero head when the scenario has no version.
func (v *Versions) newest(tx *db.Tx, code string) (h head, err error) {
	err = tx.QueryRow(`SELECT seq, hash FROM scenario_versions WHERE code = $1 ORDER BY seq DESC LIMIT 1`, code).Scan(&h.seq, &h.hash)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return head{}, fmt.Errorf("read the latest version of scenario %q: %w", code, err)
	}
	return h, nil
}

const columns = `code, version, hash, author, created_at`

// Get reads one version with its bundle. Errors: fault.NotFound.
func (v *Versions) Get(ctx context.Context, code, version string) (found Version, err error) {
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		found, err = v.Find(tx, code, version)
		return err
	})
	return found, err
}

// Find is Get within a transaction.
func (v *Versions) Find(tx *db.Tx, code, version string) (Version, error) {
	found, err := scan(tx.QueryRow(`SELECT content, `+columns+` FROM scenario_versions WHERE code = $1 AND version = $2`, code, version))
	if errors.Is(err, db.ErrNoRows) {
		return Version{}, fault.New(fault.NotFound, "Scenario %q has no version %q.", code, version)
	}
	return found, named(err, code)
}

// Params reads what a version exports as params; nil when it does not. Errors:
// fault.NotFound.
func (v *Versions) Params(tx *db.Tx, code, version string) (json.RawMessage, error) {
	var params string
	err := tx.QueryRow(`SELECT params FROM scenario_versions WHERE code = $1 AND version = $2`, code, version).Scan(&params)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return nil, fault.New(fault.NotFound, "Scenario %q has no version %q.", code, version)
	case err != nil || params == "":
		return nil, named(err, code)
	}
	return json.RawMessage(params), nil
}

// Latest reads the version that was saved last, with its bundle. Errors:
// fault.NotFound.
func (v *Versions) Latest(ctx context.Context, code string) (found Version, err error) {
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		found, err = scan(tx.QueryRow(`SELECT content, `+columns+` FROM scenario_versions WHERE code = $1 ORDER BY seq DESC LIMIT 1`, code))
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		return Version{}, fault.New(fault.NotFound, "There is no scenario %q.", code)
	}
	return found, named(err, code)
}

func named(err error, code string) error {
	if err != nil {
		return fmt.Errorf("read a version of scenario %q: %w", code, err)
	}
	return nil
}

func scan(row *db.Row) (found Version, err error) {
	var content []byte
	var created int64
	if err = row.Scan(&content, &found.Code, &found.Version, &found.Hash, &found.Author, &created); err != nil {
		return Version{}, err
	}
	found.CreatedAt = db.Time(created)
	found.Bundle, err = unpack(content)
	return found, err
}

// List reads all versions of a scenario without their bundles, the latest first.
func (v *Versions) List(ctx context.Context, code string) (versions []Version, err error) {
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT `+columns+` FROM scenario_versions WHERE code = $1 ORDER BY seq DESC`, code)
		if err != nil {
			return err
		}
		defer rows.Close()
		versions = nil // Read may call this again
		for rows.Next() {
			var found Version
			var created int64
			if err := rows.Scan(&found.Code, &found.Version, &found.Hash, &found.Author, &created); err != nil {
				return err
			}
			found.CreatedAt = db.Time(created)
			versions = append(versions, found)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list the versions of scenario %q: %w", code, err)
	}
	return versions, nil
}
