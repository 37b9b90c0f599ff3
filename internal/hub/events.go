package hub

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"junctor/internal/access"
	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// keepsEvents is the retention of the event log.
func (h *Hub) keepsEvents() time.Duration {
	if l := h.live.Load(); l != nil {
		keep := l.snapshot.Settings.KeepEvents
		if keep > 0 { // a delivery that is tried again needs its event
			keep = max(keep, h.subscriptions.Longest())
		}
		return keep
	}
	return 0 // not known yet: nothing is removed
}

// longestHeld is for how much longer events are kept than the settings say, for
// runs that have not ended and may wait for them.
const longestHeld = 365 * 24 * time.Hour

// holdsEvents is the position behind which runs that have not ended may need
// events, ok is false when there are no such runs.
func (h *Hub) holdsEvents(ctx context.Context) (position int64, ok bool, err error) {
	return h.runs.Position(ctx, h.options.Clock.Now().Add(-h.keepsEvents()-longestHeld))
}

// waiters are the runs that wait for events.
type waiters struct{ h *Hub }

func (w waiters) Lock(tx *db.Tx, runs []string) error { return w.h.runs.Lock(tx, runs) }

func (w waiters) Wake(tx *db.Tx, runs ...string) error { return w.h.runs.Wake(tx, runs...) }

// pastTense is how an event says what was done.
var pastTense = map[string]string{"create": "created", "update": "updated", "delete": "deleted"}

// configured tells of a change of the configuration.
func (h *Hub) configured(tx *db.Tx, author string, c config.Change) error {
	return h.tell(tx, "config."+c.Kind+"."+pastTense[c.Action], c.Code, struct {
		Kind   string `json:"kind"`
		Code   string `json:"code"`
		Author string `json:"author"`
	}{c.Kind, c.Code, author})
}

// audited tells of sessions that begin and end, which the audit log hears of in
// their transactions.
func (h *Hub) audited(tx *db.Tx, e access.Entry) error {
	kind := map[string]string{"session.begin": "session.begun", "session.end": "session.ended"}[e.Action]
	if kind == "" {
		return nil
	}
	id := strings.TrimPrefix(e.Object, "session/")
	return h.tell(tx, kind, id, struct {
		ID      string `json:"id"`
		Author  string `json:"author"` // who began or ended it
		Address string `json:"address,omitempty"`
	}{id, e.Author, e.Address})
}

// unsuccessful tells of runs of scenarios that failed or were cancelled, and by
// a setting of those that succeeded. What
// it was about stands with the run, where erasing its subject finds it.
func (h *Hub) unsuccessful(tx *db.Tx, r run.Info, depth int) error {
	if err := h.cancelledApprovals(tx, r); err != nil {
		return err
	}
	if !strings.HasPrefix(r.Program, scenario.ProgramName("")) {
		return nil // what is built in delivers events: it would feed itself
	}
	data := struct {
		ID      string `json:"id"`
		Program string `json:"program"`
		Channel string `json:"channel,omitempty"`
		Attempt int    `json:"attempt"`
		Error   string `json:"error,omitempty"` // its name
	}{ID: r.ID, Program: r.Program, Channel: r.Channel, Attempt: r.Attempt}
	if r.Error != nil {
		data.Error = r.Error.Name
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return h.events.Append(tx, &event.Event{
		Type: "run." + string(r.State), Subject: r.ID, Run: r.ID, Depth: min(depth+1, event.MaxDepth), Data: text,
	})
}

// tellsSuccess reports whether runs of a program that succeeded are told of too.
func (h *Hub) tellsSuccess(program string) bool {
	return strings.HasPrefix(program, scenario.ProgramName("")) && h.live.Load().snapshot.Settings.TellSucceeded
}

// tell appends an event of the domain's own.
func (h *Hub) tell(tx *db.Tx, kind, subject string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return h.events.Append(tx, &event.Event{Type: kind, Subject: subject, Data: text})
}

// Events is the domain's event log.
func (h *Hub) Events() *event.Log { return h.events }
