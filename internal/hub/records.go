package hub

import (
	"encoding/json"
	"strconv"
	"strings"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// openRecords makes the store of records, whose changes are events, and whose
// rules start runs.
func (h *Hub) openRecords() {
	h.records = record.NewStore(record.Hooks{Changed: h.recorded, Start: h.ruled, Log: changes{h}}, h.options.Clock.Now)
}

// model is the classes as they are now.
func (h *Hub) model() *record.Model { return h.live.Load().snapshot.Model }

// Records is the store of records, and the classes as they are now.
func (h *Hub) Records() (*record.Store, *record.Model) { return h.records, h.model() }

// capturer takes over what foreign programs write into the tables.
func (h *Hub) capturer() *record.Capturer {
	return &record.Capturer{
		DB: h.db, Model: h.model, Log: h.log, Clock: h.options.Clock,
		Take: func(tx *db.Tx, changes []record.Foreign) error { return h.records.Foreign(tx, h.model(), changes) },
	}
}

// recordChange is the data of a change's event (3-interfaces, 3).
type recordChange struct {
	ID      string          `json:"id"`
	Key     string          `json:"key"`
	Changed []string        `json:"changed"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

// recorded tells changes of records as events.
func (h *Hub) recorded(tx *db.Tx, all ...record.Change) error {
	events := make([]*event.Event, len(all))
	for i, c := range all {
		data, err := json.Marshal(recordChange{c.ID, c.Key, append([]string{}, c.Changed...), c.Before, c.After})
		if err != nil {
			return err
		}
		events[i] = &event.Event{Type: recordType(c.Class, c.Kind), Subject: c.Key, Run: c.Run, Data: data}
	}
	return h.events.Append(tx, events...)
}

func recordType(class string, kind record.Result) string {
	return "record." + class + "." + string(kind)
}

// ruled starts the runs of rules in the transaction of the change.
func (h *Hub) ruled(tx *db.Tx, starts ...record.Start) error {
	for _, s := range starts {
		version, err := h.version(s.Scenario)
		if err != nil {
			return err
		}
		input, err := json.Marshal(struct {
			Class   string          `json:"class"`
			Action  record.Result   `json:"action"`
			Record  json.RawMessage `json:"record"`
			Before  json.RawMessage `json:"before,omitempty"`
			Changed []string        `json:"changed"`
			By      string          `json:"by"`
		}{s.Change.Class, s.Change.Kind, s.Record, s.Change.Before, append([]string{}, s.Change.Changed...), s.Change.By})
		if err != nil {
			return err
		}
		_, err = h.runs.Insert(tx, run.Start{
			Program: scenario.ProgramName(s.Scenario), Version: version, Subject: s.Change.Key, Input: scenario.Input{Content: input}.Encode(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// changes is the event log as the place where the changes of records are read
// again.
type changes struct{ *Hub }

// Position implements record.Log.
func (c changes) Position(tx *db.Tx) (string, error) {
	end, err := c.events.EndIn(tx)
	return strconv.FormatInt(end, 10), err
}

// Since implements record.Log.
func (c changes) Since(tx *db.Tx, class, position string, limit int) (found []record.Logged, next string, more bool, err error) {
	after, err := strconv.ParseInt(position, 10, 64)
	if err != nil {
		return nil, "", false, fault.New(fault.Invalid, "%q is no position of the log of changes.", position)
	}
	types, err := event.ParsePatterns([]string{recordType(class, "*")})
	if err != nil {
		return nil, "", false, err
	}
	page, err := c.events.ReadIn(tx, event.Query{After: after, Types: types, Limit: limit})
	if err != nil {
		return nil, "", false, err
	}
	for _, item := range page.Items {
		var data recordChange
		if err := json.Unmarshal(item.Data(), &data); err != nil {
			return nil, "", false, err
		}
		kind := record.Result(strings.TrimPrefix(item.Type, recordType(class, "")))
		found = append(found, record.Logged{Kind: kind, ID: data.ID, Before: data.Before})
	}
	return found, strconv.FormatInt(page.Next, 10), page.More, nil
}
