package record

import (
	"errors"
	"slices"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/right"
	"junctor/internal/value"
)

// Everything that writes takes an open transaction and decides on a refusal
// before anything of the record is written, so that a transaction which others
// share may go on without it. Only on PostgreSQL, when somebody else stores the
// same key at the same moment, does an error demand that the transaction be
// taken back: it is db.ErrUnique then, with fault.Conflict. So does ErrStale, by
// which every write says that its Model is not that of the tables any more: the
// whole is done again with a new one.

// Result is what a write has done.
type Result string

// The results.
const (
	Created   Result = "created"
	Updated   Result = "updated"
	Unchanged Result = "unchanged" // everything was so already: no version, no event
	Deleted   Result = "deleted"
)

// Outcome is what a write has come to.
type Outcome struct {
	Result  Result
	ID      string
	Version int64
	Record  *Record // as the caller may see it now; nil when it may not, and after a deletion
}

// Match is what If-Match demands of the version. The zero Match demands nothing.
type Match struct {
	Given    bool
	Any      bool    // *: any version, but there must be one
	Versions []int64 // one of these
}

// Create makes a record of a JSON object of its columns. The object may have the
// id; otherwise one is made.
//
// Errors: fault.NotFound for the class, fault.Forbidden, fault.Invalid for a body
// that is no JSON object, fault.Unprocessable with everything that is wrong in
// it, fault.Conflict when a record with the same key is there.
func (s *Store) Create(tx *db.Tx, m *class.Model, a Actor, class string, body []byte) (*Outcome, error) {
	w, err := s.begin(tx, m, a, class)
	if err != nil {
		return nil, err
	}
	if w.rights.Create.None() {
		return nil, w.forbidden("create")
	}
	if err := w.read(body); err != nil {
		return nil, err
	}
	return w.create(Address{})
}

// Update changes the columns that the JSON object has: null clears one, what is
// absent stays.
//
// Errors, besides those of Create: fault.NotFound for the record, fault.Stale
// when match names another version (the outcome then has the present record),
// fault.VersionRequired when the class demands a match and none is given.
func (s *Store) Update(tx *db.Tx, m *class.Model, a Actor, class string, at Address, body []byte, match Match) (*Outcome, error) {
	return s.change(tx, m, a, class, at, body, match, merges)
}

// Replace is Update that resets what is absent to its default or to null, as far
// as the caller may write it.
func (s *Store) Replace(tx *db.Tx, m *class.Model, a Actor, class string, at Address, body []byte, match Match) (*Outcome, error) {
	return s.change(tx, m, a, class, at, body, match, replaces)
}

// How a write takes what is absent in its body.
type manner bool

const (
	merges   manner = false
	replaces manner = true
)

func (s *Store) change(tx *db.Tx, m *class.Model, a Actor, class string, at Address, body []byte, match Match, how manner) (*Outcome, error) {
	w, err := s.begin(tx, m, a, class)
	if err != nil {
		return nil, err
	}
	if err := w.blind(w.rights.Update, "change"); err != nil {
		return nil, err
	}
	if err := w.read(body); err != nil {
		return nil, err
	}
	found, err := w.load(at)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound(class, at)
	}
	return w.update(match, how)
}

// Upsert changes the record when it is there and makes it when it is not. The
// zero Address means that the body names it: by its id, or by the first of the
// class's keys that the body has whole.
//
// With replace, what is absent is reset as in Replace. A match means that the
// record must be there (fault.Stale otherwise). Any number of callers at once
// make one record and get no error for it.
func (s *Store) Upsert(tx *db.Tx, m *class.Model, a Actor, class string, at Address, body []byte, match Match, replace bool) (*Outcome, error) {
	const tries = 3
	for try := 1; ; try++ {
		w, err := s.begin(tx, m, a, class)
		if err != nil {
			return nil, err
		}
		if err := w.read(body); err != nil {
			return nil, err
		}
		here := at
		if here.ID == "" && here.Key == nil {
			if here, err = w.named(); err != nil {
				return nil, err
			}
		}
		found, err := w.load(here)
		if err != nil {
			return nil, err
		}
		if found {
			return w.update(match, manner(replace))
		}
		if match.Given {
			return nil, fault.New(fault.Stale, "There is no record %s(%s), and If-Match demands one.", class, here)
		}
		if w.rights.Create.None() {
			return nil, w.forbidden("create")
		}
		out, err := w.create(here)
		if errors.Is(err, errOvertaken) && try < tries {
			continue // somebody has just made it, or the id is a deleted record's
		}
		return out, err
	}
}

// Delete deletes a record, for good or by marking it, as its class says.
// Errors: as those of Update, and fault.Conflict when other records refer to one
// that would go for good.
func (s *Store) Delete(tx *db.Tx, m *class.Model, a Actor, class string, at Address, match Match) (*Outcome, error) {
	w, err := s.begin(tx, m, a, class)
	if err != nil {
		return nil, err
	}
	if err := w.blind(w.rights.Delete, "delete"); err != nil {
		return nil, err
	}
	found, err := w.load(at)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound(class, at)
	}
	if err := w.permit(w.rights.Delete, w.fits.delete, "delete"); err != nil {
		return nil, err
	}
	if out, err := w.matches(match); err != nil {
		return out, err
	}
	if err := w.before(onDeleted); err != nil {
		return nil, err
	}
	if w.class.Hard {
		if err := w.unreferenced(); err != nil {
			return nil, err
		}
	}
	if err := w.remove(); err != nil {
		return nil, err
	}
	out := &Outcome{Result: Deleted, ID: w.old[atID].Text(), Version: w.old[atVersion].Int() + 1}
	return out, w.tell(onDeleted)
}

// write is one write.
type write struct {
	store  *Store
	tx     *db.Tx
	model  *class.Model
	actor  Actor
	class  *class.Class
	layout *layout
	rights right.Class
	view   *builder // for names as the caller sees them
	now    value.Value

	at     Address // what it was asked for by
	body   []byte
	given  []place       // what the body has, in its order
	old    []value.Value // as it is stored, by the layout's places; nil when there is none
	row    []value.Value // as it is to be
	wished []value.Value // row before a rule has set something; nil while none has
	fits   rowFits
	found  []fault.Field // what is wrong
	placed map[int]bool  // places that are given
}

// rowFits says which of the caller's filters the present row fits.
type rowFits struct{ read, update, delete bool }

// begin finds the class. For a caller who may do nothing with it, it is not there.
func (s *Store) begin(tx *db.Tx, m *class.Model, a Actor, class string) (*write, error) {
	c := m.Class(class)
	rights := rightsOf(a, class)
	if c == nil || rights.Nothing() {
		return nil, noClass(m, class, func(code string) bool { return !rightsOf(a, code).Nothing() })
	}
	w := &write{store: s, tx: tx, model: m, actor: a, class: c, layout: s.layout(c), rights: rights, now: value.At(s.now())}
	w.view = s.build(tx, m, a, c, asCaller)
	return w, s.current(tx, m, c)
}

func (w *write) forbidden(what string) error {
	return fault.New(fault.Forbidden, "You may not %s records of the class %s.", what, w.class.Code)
}

// blind refuses who may neither read nor do something with any record, before it
// shows whether one is there.
func (w *write) blind(rows right.Row, what string) error {
	if w.rights.Read.None() && rows.None() {
		return w.forbidden(what)
	}
	return nil
}

// permit refuses what the caller's rights do not allow on the present row. One
// that the caller cannot see is not there, and is named as it was asked for.
func (w *write) permit(rows right.Row, fits bool, what string) error {
	switch {
	case !w.rights.Read.None() && !w.fits.read:
		return notFound(w.class.Code, w.at)
	case rows.None():
		return w.forbidden(what)
	case !fits && w.rights.Read.None():
		return notFound(w.class.Code, w.at)
	case !fits:
		return fault.New(fault.Forbidden, "You may not %s this record of the class %s.", what, w.class.Code)
	}
	return nil
}

// matches compares versions. When they differ the outcome has the present record.
func (w *write) matches(match Match) (*Outcome, error) {
	err := match.check(w.class, w.old[atVersion].Int())
	if fault.Is(err, fault.Stale) {
		return w.outcome(Unchanged, w.old), err
	}
	return nil, err
}

// check compares a version with what is demanded of it.
func (match Match) check(c *class.Class, version int64) error {
	switch {
	case !match.Given && c.RequireMatch:
		return fault.New(fault.VersionRequired, "A change of a record of the class %s needs If-Match with the version that it is a change of: read the record, and send its ETag.", c.Code)
	case !match.Given, match.Any, slices.Contains(match.Versions, version):
		return nil
	}
	return fault.New(fault.Stale, "The record has version %d now, and the change is meant for another one: look at what has changed, and try again with the present version.", version)
}

// create stores a new record under the id or key that it is to have.
func (w *write) create(as Address) (*Outcome, error) {
	w.row = make([]value.Value, len(w.layout.columns))
	w.take(merges)
	w.nameAs(as)
	for i, c := range w.layout.columns {
		if c.Default != nil && !w.placed[i] && c.Written() {
			w.row[i] = *c.Default
		}
	}
	w.system()
	if err := w.check(onCreated); err != nil {
		return nil, err
	}
	if err := w.number(); err != nil {
		return nil, err
	}
	stored, err := w.insert()
	if err != nil {
		return nil, err
	}
	if !stored {
		return nil, w.overtaken()
	}
	if err := w.moveFiles(); err != nil {
		return nil, err
	}
	return w.outcome(Created, w.row), w.tell(onCreated)
}

// update stores what has changed.
func (w *write) update(match Match, how manner) (*Outcome, error) {
	if err := w.permit(w.rights.Update, w.fits.update, "change"); err != nil {
		return nil, err
	}
	if out, err := w.matches(match); err != nil {
		return out, err
	}
	w.row = append([]value.Value(nil), w.old...)
	w.take(how)
	if !w.changed() && len(w.found) == 0 {
		return w.outcome(Unchanged, w.old), nil
	}
	if err := w.check(onUpdated); err != nil {
		return nil, err
	}
	if !w.changed() { // a rule has changed it back
		return w.outcome(Unchanged, w.old), nil
	}
	w.row[atVersion] = value.Int(w.old[atVersion].Int() + 1)
	w.row[atModifiedAt], w.row[atModifiedBy] = w.now, value.String(w.actor.By)
	if err := w.save(); err != nil {
		return nil, err
	}
	if err := w.moveFiles(); err != nil {
		return nil, err
	}
	return w.outcome(Updated, w.row), w.tell(onUpdated)
}

// system fills in what every new record has.
func (w *write) system() {
	if w.row[atID].IsNull() {
		w.row[atID] = value.String(w.store.ids.New("rec", w.store.now()))
	}
	by := value.String(w.actor.By)
	w.row[atVersion] = value.Int(1)
	w.row[atCreatedAt], w.row[atCreatedBy] = w.now, by
	w.row[atModifiedAt], w.row[atModifiedBy] = w.now, by
}

// changed reports whether a column has another value than is stored.
func (w *write) changed() bool {
	for i := w.layout.own; i < len(w.row); i++ {
		if !sameValue(w.row[i], w.old[i]) {
			return true
		}
	}
	return false
}

// sameValue is Equal for values of one column.
func sameValue(a, b value.Value) bool {
	return a == b || a.IsNull() == b.IsNull() && value.Equal(a, b)
}

// outcome shows the record, as far as the caller may see it.
func (w *write) outcome(result Result, row []value.Value) *Outcome {
	out := &Outcome{Result: result, ID: row[atID].Text(), Version: row[atVersion].Int()}
	if w.rights.Read.None() {
		return out
	}
	if ok, err := w.fit(w.rights.Read, row); err != nil || !ok {
		return out
	}
	out.Record = w.show(row)
	return out
}

// show is the row as the caller sees it, everything that is not hidden.
func (w *write) show(row []value.Value) *Record {
	l := w.view.shown(w.view.root)
	r := &Record{list: l, values: make([]value.Value, len(l.columns))}
	for i, place := range l.columns {
		r.values[i] = row[place]
	}
	return r
}

// overtaken is the error of a record that is not stored because one with the
// same key, or the same id, is there.
func (w *write) overtaken() error {
	taken, err := w.taken()
	if err != nil {
		return err
	}
	if taken == nil {
		// it was there a moment ago, or is not ours to see
		taken = fault.New(fault.Conflict, "A record of the class %s with the same key is being stored by somebody else; try again.", w.class.Code)
	}
	return &overtakenError{said: taken, numbered: w.numbered()}
}

// Overtaken is the error for a caller whose transaction the database has taken
// back: somebody else was faster with a key, or a trigger or a constraint that its
// administrator has made does not let the change through. Others stay as they are.
func Overtaken(err error) error {
	var coded *fault.Error
	switch {
	case errors.As(err, &coded):
	case errors.Is(err, db.ErrUnique):
		return fault.Wrap(err, fault.Conflict, "A record with the same key was stored by somebody else at the same moment; try again.")
	case errors.Is(err, db.ErrRefused):
		return fault.Wrap(err, fault.Unprocessable, "A trigger or a constraint that was made in the database refuses the change, and nothing is stored; the server's log says which.")
	}
	return err
}

// errOvertaken says that somebody else was faster.
var errOvertaken = errors.New("somebody else has stored it")

type overtakenError struct {
	said     *fault.Error
	numbered bool
}

func (e *overtakenError) Error() string { return e.said.Error() }

func (e *overtakenError) Unwrap() []error {
	all := []error{e.said, errOvertaken}
	if e.numbered { // a number has been taken: the transaction has to go back
		all = append(all, db.ErrUnique)
	}
	return all
}
