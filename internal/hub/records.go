package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/host"
	"junctor/internal/record"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/script"
)

// openRecords makes the store of records, whose changes are events, and whose
// rules start runs.
func (h *Hub) openRecords() {
	h.records = record.NewStore(record.Hooks{Changed: h.recorded, Before: h.asked, Start: h.ruled, Log: changes{h}}, h.options.Clock.Now)
}

// model is the classes as they are now.
func (h *Hub) model() *class.Model { return h.live.Load().snapshot.Model }

// Records is the store of records, and the classes as they are now.
func (h *Hub) Records() (*record.Store, *class.Model) { return h.records, h.model() }

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
		told := recordChange{c.ID, c.Key, append([]string{}, c.Changed...), c.Before, c.After}
		if len(c.Before)+len(c.After) > event.MaxSize-maxNames {
			told.Before, told.After = nil, nil // no event may be so large, and the change stands all the same
		}
		data, err := json.Marshal(told)
		if err != nil {
			return err
		}
		events[i] = &event.Event{Type: recordType(c.Class, c.Kind), Subject: c.Key, Run: c.Run, Depth: min(c.Depth, event.MaxDepth), Data: data}
	}
	if err := h.events.Append(tx, events...); err != nil { // the change is written already: it goes back with the transaction
		return fault.Wrap(err, fault.Internal, "A change of a record cannot be told as an event.")
	}
	return nil
}

// maxNames is what the rest of a change's event takes at most.
const maxNames = 64 << 10

func recordType(class string, kind record.Result) string {
	return "record." + class + "." + string(kind)
}

// ruled starts the runs of rules in the transaction of the change.
func (h *Hub) ruled(tx *db.Tx, starts ...record.Start) error {
	for _, s := range starts {
		c := s.Change
		_, err := h.insertRun(tx, s.Scenario, c.Key, c.Depth, "", host.Change{
			Class: h.model().Class(c.Class), Action: string(c.Kind), Record: s.Record, Before: s.Before,
			Changed: c.Changed, Account: c.Account, Run: c.Run,
		}, nil)
		if err != nil { // the change is written already: it goes back with the transaction
			return fault.Wrap(err, fault.Internal, "The rule %s of the class %s cannot be followed.", s.Scenario, c.Class)
		}
	}
	return nil
}

// insertRun starts the run of a rule or a button.
func (h *Hub) insertRun(tx *db.Tx, code, subject string, depth int, account string, change host.Change, once *run.Once) (id string, err error) {
	version, err := h.version(code)
	if err != nil {
		return "", err
	}
	if change.Class == nil { // it has been dropped meanwhile
		return "", table.ErrStale
	}
	input, err := change.Input()
	if err != nil {
		return "", err
	}
	return h.runs.Insert(tx, run.Start{
		Program: scenario.ProgramName(code), Version: version, Subject: subject, Account: account, Input: input.Encode(), Depth: depth, Once: once,
	})
}

// asked asks a rule that comes before a change, in its transaction.
func (h *Hub) asked(tx *db.Tx, ask record.Ask) (json.RawMessage, error) {
	version, err := h.version(ask.Scenario)
	if err != nil {
		return nil, fault.Wrap(err, fault.ScenarioFailed, "The rule %s cannot be asked.", ask.Scenario)
	}
	change := host.Change{
		Class: h.model().Class(ask.Class), Action: string(ask.Kind), Record: ask.Record, Before: ask.Before,
		Changed: ask.Changed, Account: ask.Account, Run: ask.Run,
	}
	if change.Class == nil { // it has been dropped meanwhile
		return nil, table.ErrStale
	}
	if change.Record == nil {
		change.Record = ask.Before
	}
	input, err := change.Input()
	if err != nil {
		return nil, err
	}
	columns, err := h.rules.Load().Ask(tx, ask.Scenario, version, input)
	if fault.Is(err, fault.ScenarioFailed) {
		h.log.Warn("a rule that comes before a change has failed; nothing was stored", "class", ask.Class, "scenario", ask.Scenario, "error", err)
	}
	return columns, err
}

// useRules makes the machines that rules are executed on, and has the programs of
// rules ready, before a change waits for them.
func (h *Hub) useRules(ctx context.Context, snapshot *config.Snapshot) error {
	for _, c := range snapshot.Model.Classes() {
		for _, rule := range c.Rules {
			version, known := snapshot.Scenarios[rule.Scenario]
			if !rule.Before || !known {
				continue
			}
			if err := h.openRules(snapshot.Settings.Timezone); err != nil {
				return err
			}
			if _, err := h.rules.Load().Runtime.Exports(ctx, rule.Scenario, version); err != nil {
				h.log.Warn("a rule cannot be prepared", "class", c.Code, "scenario", rule.Scenario, "error", err)
			}
		}
	}
	return nil
}

func (h *Hub) openRules(zone *time.Location) error {
	had := h.rules.Load()
	if had != nil && h.rulesZone.String() == zone.String() {
		return nil
	}
	pool, err := script.NewPool(scenario.RuleLimits(script.Config{Zone: zone, Module: host.Module(), Pure: host.Pure(), Log: h.log, OnStuck: h.stuck}))
	if err != nil {
		return fmt.Errorf("prepare the script engine for rules: %w", err)
	}
	h.rulesZone = zone
	if had != nil {
		go had.Runtime.Use(pool).Close()
		return nil
	}
	runtime := scenario.NewRuntime(h.versions, pool, cores, h.version, h.busy)
	h.rules.Store(&scenario.Rules{Runtime: runtime, Asker: scenario.Asker{Handlers: host.RuleHandlers(h), Now: h.options.Clock.Now}})
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
