package record

import (
	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/value"
)

// Foreign tells the changes that foreign programs have made as if they had been
// written here: the same events, the same runs of rules that come after a change.
// Rules before a change were not asked, it is made. It is Capturer.Take.
func (s *Store) Foreign(tx *db.Tx, m *class.Model, changes []Foreign) error {
	for i := range changes {
		f := &changes[i]
		w := &write{
			store: s, tx: tx, model: m, actor: Actor{By: class.ByDatabase}, class: f.Class, layout: s.layout(f.Class), now: value.At(s.now()),
		}
		w.old, w.row = w.foreign(f.Before), w.foreign(f.After)
		when := map[string]moment{"created": onCreated, "updated": onUpdated, "deleted": onDeleted}[f.Operation]
		switch when {
		case onCreated: // one that was deleted and is again was not there
			w.old = nil
		case onDeleted:
			w.row = nil
		}
		if f.After == nil { // the row itself is gone
			if err := dropFilesOf(tx, f.Class, f.ID); err != nil {
				return err
			}
		}
		if err := w.tell(when); err != nil {
			return err
		}
	}
	return nil
}

// foreign is a captured row by the layout's places.
func (w *write) foreign(captured map[string]value.Value) []value.Value {
	if captured == nil {
		return nil
	}
	row := make([]value.Value, len(w.layout.columns))
	for i, column := range w.layout.columns {
		row[i] = captured[column.Code]
	}
	return row
}
