package event

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"junctor/internal/db"
	"junctor/internal/fault"
)

// Came is how a wait ended.
type Came struct {
	Event json.RawMessage // a CloudEvent, or null
	Err   error           // fault.Gone: events that might have fitted, or the event itself, have been removed
}

// Look is of waits how those ended that are over. Where that are very large or very
// many events some are left out, but never all.
func (w *Waits) Look(tx *db.Tx, steps []Step) (map[Step]Came, error) {
	came := map[Step]Came{}
	if len(steps) == 0 {
		return came, nil
	}
	over, events, err := w.over(tx, steps)
	if err != nil || len(over) == 0 {
		return came, err
	}
	for step, state := range over {
		switch state {
		case waitExpired:
			came[step] = Came{Event: json.RawMessage("null")}
		case waitLost:
			came[step] = Came{Err: fault.New(fault.Gone, "events that came since the run began have been removed, their retention is over; "+
				"a run that waits for so long goes on in a new one (runs.start), or the settings keep events for longer")}
		}
	}
	if len(events) == 0 {
		return came, nil
	}
	bytes, err := w.small(tx, events, came)
	if err != nil {
		return nil, err
	}
	for _, step := range slices.SortedFunc(maps.Keys(events), func(a, b Step) int { return cmp.Compare(a.Seq, b.Seq) }) {
		if _, have := came[step]; have {
			continue
		}
		if bytes > stretchBytes {
			break
		}
		i, err := w.log.at(tx, `$1`, events[step])
		if gone := (*fault.Error)(nil); errors.As(err, &gone) && gone.Code == fault.Gone {
			came[step] = Came{Err: gone}
			continue
		}
		if err != nil {
			return nil, err
		}
		text, err := i.MarshalJSON()
		if err != nil {
			return nil, err
		}
		came[step], bytes = Came{Event: text}, bytes+len(text)
	}
	return came, nil
}

// over are those of steps whose waits have ended, and the events that they have
// had.
func (*Waits) over(tx *db.Tx, steps []Step) (over map[Step]int64, events map[Step]int64, err error) {
	asked := make(map[Step]bool, len(steps))
	for _, step := range steps {
		asked[step] = true
	}
	runs, low, high, err := span(steps)
	if err != nil {
		return nil, nil, err
	}
	rows, err := tx.Query(`SELECT run, seq, state, coalesce(event, 0) FROM event_waits WHERE `+tx.Among("run", "$1")+` AND seq >= $2 AND seq <= $3 AND state >= 2`, runs, low, high)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	over, events = map[Step]int64{}, map[Step]int64{}
	for rows.Next() {
		var step Step
		var state, event int64
		if err := rows.Scan(&step.Run, &step.Seq, &state, &event); err != nil {
			return nil, nil, err
		}
		if !asked[step] {
			continue
		}
		over[step] = state
		if state == waitCome {
			events[step] = event
		}
	}
	return over, events, rows.Err()
}

// span is a JSON array of the runs of steps, with the first and last of their
// numbers: the steps and others between them, by the primary key.
func span(steps []Step) (runs string, low, high int, err error) {
	var all []string
	low, high = steps[0].Seq, steps[0].Seq
	for _, step := range steps {
		all, low, high = append(all, step.Run), min(low, step.Seq), max(high, step.Seq)
	}
	slices.Sort(all)
	list, err := json.Marshal(slices.Compact(all))
	return string(list), low, high, err
}

// small brings the events that stand in their rows, and says how many bytes they
// have.
func (w *Waits) small(tx *db.Tx, events map[Step]int64, came map[Step]Came) (bytes int, err error) {
	runs, low, high, err := span(slices.Collect(maps.Keys(events)))
	if err != nil {
		return 0, err
	}
	positions := slices.Collect(maps.Values(events))
	rows, err := tx.Query(`SELECT w.run, w.seq, e.seq, e.id, e.source, e.type, e.subject, e.at, e.attributes, e.form, e.data
		FROM event_waits AS w JOIN events AS e ON e.seq = w.event
		WHERE `+tx.Among("w.run", "$1")+` AND w.seq >= $2 AND w.seq <= $3 AND w.state = 2 AND w.event >= $4 AND w.event <= $5 AND e.form < $6`,
		runs, low, high, slices.Min(positions), slices.Max(positions), formLarge)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for bytes <= stretchBytes && rows.Next() {
		var step Step
		i, err := scanItem(also{rows, []any{&step.Run, &step.Seq}})
		if err != nil {
			return 0, err
		}
		if _, asked := events[step]; !asked {
			continue
		}
		if i.Source == "" {
			i.Source = w.log.source
		}
		text, err := i.MarshalJSON()
		if err != nil {
			return 0, err
		}
		came[step], bytes = Came{Event: text}, bytes+len(text)
	}
	return bytes, rows.Err()
}

// also scans further columns in front of others.
type also struct {
	rows *db.Rows
	dest []any
}

func (a also) Scan(dest ...any) error { return a.rows.Scan(append(a.dest, dest...)...) }

// at is the event at a position, which is SQL. Errors: fault.Gone.
func (l *Log) at(tx *db.Tx, position string, args ...any) (i Item, err error) {
	i, err = scanItem(tx.QueryRow(`SELECT `+columns+` FROM events WHERE seq = `+position, args...))
	if errors.Is(err, db.ErrNoRows) {
		return i, fault.New(fault.Gone, "the event that was waited for has been removed, its retention is over")
	}
	if err == nil && i.form&formLarge != 0 {
		err = i.load(tx)
	}
	if i.Source == "" {
		i.Source = l.source
	}
	return i, err
}
