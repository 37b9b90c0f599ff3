package odata

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/access"
	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/limit"
	"junctor/internal/record"
	"junctor/internal/stored"
	"junctor/internal/strict"
)

// The versions of the protocol.
const (
	version40  = "4.0"
	version401 = "4.01"
)

// The protocol's headers, spelled as Go keeps them: case does not matter.
const (
	headerVersion    = "Odata-Version"
	headerMaxVersion = "Odata-Maxversion"
)

// request is one OData request: one of HTTP, or one of a batch.
type request struct {
	door    *door
	http    *http.Request // that of HTTP which it is, or is a part of
	ctx     context.Context
	method  string
	path    string // escaped, behind Base
	query   string // escaped
	header  http.Header
	body    []byte
	base    string // https://host/api/v1/data
	caller  access.Caller
	actor   record.Actor
	model   *class.Model
	queries map[string]*stored.Query

	version  string
	form     form
	prefer   preferences
	route    *route
	target   target
	options  options
	tx       *db.Tx // of the group of a batch that it belongs to; nil for any other
	inner    bool   // of a batch
	place    *limit.Place
	content  io.Reader          // the body of a file, not yet read; nil where body has it
	uploaded *record.StoredFile // what was made of it, for another try
}

// prepare reads everything but the body.
func (q *request) prepare() (err error) {
	if q.version, err = versionOf(q.header); err != nil {
		return err
	}
	q.prefer = readPreferences(q.header)
	pattern, err := q.readPath()
	if err != nil {
		return err
	}
	if q.route, err = q.door.find(pattern, q.method); err != nil {
		return err
	}
	if q.options, err = q.readOptions(q.route.options); err != nil {
		return err
	}
	q.form, err = q.chooseForm()
	return err
}

func (q *request) versionOf() string {
	if q.version == "" {
		return version40
	}
	return q.version
}

// versionOf is the version of the answer: the newest that the client knows, and
// 4.0 for one that does not say.
func versionOf(h http.Header) (string, error) {
	switch own := h.Get(headerVersion); own {
	case "", version40, version401:
	default:
		return "", fault.New(fault.Invalid, "OData-Version is %.20q; this service knows 4.0 and 4.01.", own)
	}
	most := strings.TrimSpace(h.Get(headerMaxVersion))
	if most == "" {
		return version40, nil
	}
	switch n, err := strconv.ParseFloat(most, 64); {
	case err != nil, !(n >= 4):
		return "", fault.New(fault.Invalid, "OData-MaxVersion is %.20q; this service answers 4.0 and 4.01.", most)
	case n < 4.01:
		return version40, nil
	}
	return version401, nil
}

// run answers a request that is prepared and has its body. When a class has
// changed meanwhile the classes are read anew, and it is tried again.
func (q *request) run() (*answer, error) {
	const tries = 3
	for try := 1; ; try++ {
		a, err := q.once()
		if err == nil || q.tx != nil || try == tries || !outdated(err) {
			return a, err
		}
		if reloadErr := q.door.Reload(q.ctx); reloadErr != nil {
			return nil, errors.Join(err, reloadErr)
		}
		q.model, q.queries = q.door.Model(), q.door.Queries()
		if err := q.prepare(); err != nil {
			return nil, err
		}
	}
}

// outdated reports whether an error may come of a table that has changed, and
// nothing is stored: a database says in its own words that a column is not there.
func outdated(err error) bool {
	var coded *fault.Error
	if errors.Is(err, table.ErrStale) {
		return true
	}
	for _, other := range []error{db.ErrUnknown, db.ErrClosed, db.ErrUnique, db.ErrRefused, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, other) {
			return false
		}
	}
	return !errors.As(err, &coded)
}

func (q *request) once() (a *answer, err error) {
	switch r := q.route; {
	case r == &batch:
		return q.batch()
	case r.whole != nil:
		return r.whole(q)
	case r.read != nil && q.tx != nil && r.many:
		return nil, fault.New(fault.Invalid, "Lists and stored queries are read by a request of their own, not in a group, for which all who write wait.")
	case r.read != nil && q.tx != nil:
		return r.read(q, q.tx)
	case r.read != nil:
		if r.many {
			leave, err := q.door.Records.Turn(q.ctx, q.actor)
			if err != nil {
				return nil, err
			}
			defer leave()
		}
		err = q.door.DB.Read(q.ctx, func(tx *db.Tx) (err error) {
			a, err = r.read(q, tx)
			return err
		})
		return a, err
	}
	return q.write(q.route.write)
}

// write makes one change in a transaction that others share. A refusal, before
// which nothing is written, leaves them alone.
func (q *request) write(f func(*request, *db.Tx) (*answer, error)) (*answer, error) {
	if q.tx != nil {
		return f(q, q.tx)
	}
	const tries = 3
	for try := 1; ; try++ {
		var a *answer
		var refused error
		err := q.door.Committer.Commit(q.ctx, db.Item{Size: len(q.body), Func: func(tx *db.Tx) ([]db.Op, error) {
			a, refused = f(q, tx)
			if refused != nil && !harmless(refused) {
				return nil, refused
			}
			return nil, nil
		}})
		if err == nil {
			err = refused
		}
		if err == nil {
			return a, nil
		}
		if !errors.Is(err, db.ErrUnique) || try == tries {
			return a, record.Overtaken(err)
		}
	}
}

// harmless reports whether a refusal has left the transaction as it was.
func harmless(err error) bool {
	var coded *fault.Error
	return errors.As(err, &coded) && fault.Status(coded.Code) < http.StatusInternalServerError && !errors.Is(err, db.ErrUnique) && !errors.Is(err, errUndo)
}

// errUndo marks a refusal that comes after something was written.
var errUndo = errors.New("to be taken back")

// class finds a class that is there for the caller.
func (q *request) class(code string) (*class.Class, error) {
	c := q.model.Class(code)
	if c == nil || q.actor.Rights.Class(code).Nothing() {
		known := append(q.classes(), q.offered()...)
		slices.Sort(known)
		return nil, fault.New(fault.NotFound, "%s", strict.None("class", code, known))
	}
	return c, nil
}

// classes are those that are there for the caller.
func (q *request) classes() (codes []string) {
	for _, c := range q.model.Classes() {
		if !q.actor.Rights.Class(c.Code).Nothing() {
			codes = append(codes, c.Code)
		}
	}
	return codes
}

// column finds a column that is there for the caller, by the name of its
// property.
func (q *request) column(c *class.Class, property string) (*class.Column, error) {
	rights := q.actor.Rights.Class(c.Code)
	var known []string
	for _, column := range columnsOf(c) {
		if !column.System && !rights.Sees(column.Code) {
			continue
		}
		if column.Field() == property {
			return column, nil
		}
		known = append(known, column.Field())
		if q.leads(c, column.Code) != nil {
			known = append(known, column.Code)
		}
	}
	return nil, fault.New(fault.NotFound, "The class %s: %s", c.Code, strict.Stop(strict.Unknown(property, known)))
}

// leads is the class that a ref leads to, for a caller who may go there.
func (q *request) leads(c *class.Class, code string) *class.Class {
	column := c.Column(code)
	if column == nil || column.Kind != class.Ref || !q.actor.Rights.Class(c.Code).Sees(code) || q.actor.Rights.Class(column.Class).Read.None() {
		return nil
	}
	return q.model.Class(column.Class)
}

// columnsOf are a class's columns in the order in which they are shown: the id,
// its own, and what the system knows of the record.
func columnsOf(c *class.Class) []*class.Column {
	var first, last []*class.Column
	for _, s := range class.System() {
		switch s.Code {
		case "id":
			first = append(first, s)
		case "deleted_at":
		default:
			last = append(last, s)
		}
	}
	return slices.Concat(first, c.Columns, last)
}
