package hub

import (
	"crypto/sha256"
	"fmt"
	"strconv"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/host"
	"junctor/internal/record"
	"junctor/internal/run"
)

// Press starts a run of a button's scenario for each of the records, all of them
// or none. The caller needs the right to press the button and to read the records.
//
// Errors: fault.NotFound for the class, the button and a record; fault.Invalid for
// no record or more than record.MaxPressed, and a key that is too long;
// fault.VersionRequired and fault.Stale as Matches says; fault.Unprocessable for a
// key that was used for other records. They are said before anything is written.
// ErrStale as of every write, and db.ErrUnique when somebody else presses with the
// same key at the same moment.
func (h *Hub) Press(tx *db.Tx, m *class.Model, a record.Actor, p record.Pressing) (done record.Pressed, err error) {
	if len(p.At) == 0 || len(p.At) > record.MaxPressed {
		return done, fault.New(fault.Invalid, "A button is pressed for 1 to %d records, not for %d.", record.MaxPressed, len(p.At))
	}
	pressed, err := record.Pressable(m, a, p.Class, p.Button)
	if err != nil {
		return done, err
	}
	once, err := onceEach(a, p)
	if err != nil {
		return done, err
	}
	if done.Runs, err = h.pressed(tx, once); err != nil || done.Runs != nil {
		done.Again = err == nil
		return done, err
	}
	changes, keys := make([]host.Change, len(p.At)), make([]string, len(p.At))
	for i, at := range p.At {
		var match record.Match
		if p.Matches != nil {
			match = p.Matches[i]
		}
		done.Refused = i
		if done.Current, err = h.records.Meets(tx, m, a, p.Class, at, match); err != nil {
			return done, err
		}
		row, key, err := h.records.Row(tx, m, a, p.Class, at)
		if err != nil {
			return done, err
		}
		changes[i] = host.Change{Class: m.Class(p.Class), Action: p.Button, Record: row, Account: a.Rights.Account, Run: a.Run}
		keys[i] = key
	}
	for i, change := range changes {
		id, err := h.insertRun(tx, pressed.Scenario, keys[i], a.Depth, a.Rights.Account.ID, change, once[i])
		if err != nil {
			return done, fault.Wrap(err, fault.Internal, "The button %s of the class %s cannot be pressed.", p.Button, p.Class)
		}
		done.Runs = append(done.Runs, id)
	}
	return done, nil
}

// longestKey is how many characters an idempotency key can have.
const longestKey = 255

// onceEach is the key of each run; without one all are nil. One account's keys say
// nothing to another.
func onceEach(a record.Actor, p record.Pressing) ([]*run.Once, error) {
	all := make([]*run.Once, len(p.At))
	if len(p.Key) > longestKey {
		return nil, fault.New(fault.Invalid, "The Idempotency-Key is longer than the %d characters that it can have.", longestKey)
	}
	if p.Key == "" {
		return all, nil
	}
	h := sha256.New()
	for _, at := range p.At {
		fmt.Fprintf(h, "%s\n", at)
	}
	for i := range all {
		all[i] = &run.Once{
			Scope: "button:" + p.Class + "." + p.Button + ":" + a.Rights.Account.ID + ":" + strconv.Itoa(i), Key: p.Key, Digest: h.Sum(nil), Window: function.Window,
		}
	}
	return all, nil
}

// pressed are the runs that the keys have started before, nil when none has.
func (h *Hub) pressed(tx *db.Tx, once []*run.Once) (runs []string, err error) {
	for _, o := range once {
		if o == nil {
			return nil, nil
		}
		id, err := h.runs.Earlier(tx, o)
		if fault.Is(err, fault.Unprocessable) {
			return nil, fault.New(fault.Unprocessable, "The Idempotency-Key %q was used before for other records; send a new key with them.", o.Key)
		}
		if err != nil || id == "" {
			return nil, err
		}
		runs = append(runs, id)
	}
	return runs, nil
}
