package hub

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/host"
	"junctor/internal/run"
	"junctor/internal/schedule"
)

// openSchedules makes what keeps the schedules; runs come later.
func (h *Hub) openSchedules() {
	store := schedule.NewStore(h.db, func() time.Time { return h.runs.Now() })
	h.schedules = &schedule.Keeper{
		Store: store, Version: h.version, Tell: h.tellSchedule, Metrics: schedule.NewMetrics(h.metrics), Clock: h.options.Clock, Log: h.log,
	}
}

// Schedules starts what comes due; it does so by itself only while the hub serves.
func (h *Hub) Schedules() *schedule.Keeper { return h.schedules }

// planned takes a change of a schedule, or of the time zone that it counts in,
// over in the transaction of the change.
func (h *Hub) planned(tx *db.Tx, c config.Change) error {
	if c.Kind != config.Schedules && c.Kind != config.Settings {
		return nil
	}
	zone, err := h.zoneIn(tx)
	switch {
	case err != nil:
		return err
	case c.Kind == config.Settings:
		return h.schedules.Store.Rezone(tx, zone)
	case c.Action == config.Delete:
		return h.schedules.Store.Drop(tx, c.Code)
	}
	o, err := h.objects.Find(tx, c.Kind, c.Code)
	if err != nil {
		return err
	}
	return h.schedules.Store.Put(tx, c.Code, o.Body, zone)
}

// zoneIn is the domain's time zone as the transaction has it.
func (h *Hub) zoneIn(tx *db.Tx) (*time.Location, error) {
	body := json.RawMessage(nil)
	if o, err := h.objects.Find(tx, config.Settings, config.SettingsCode); err == nil {
		body = o.Body
	} else if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	settings, _ := config.ParseSettings(body) // checked when it was written
	return settings.Timezone, nil
}

func (h *Hub) tellSchedule(tx *db.Tx, kind, code string, data any) error {
	return h.tell(tx, "schedule."+code+"."+kind, code, data)
}

// hold pauses or resumes a schedule, and tells of it when that is new.
func (h *Hub) hold(tx *db.Tx, code string, paused bool, by string) error {
	change, kind := h.schedules.Store.Resume, "resumed"
	if paused {
		change, kind = h.schedules.Store.Pause, "paused"
	}
	fresh, err := change(tx, code)
	if err != nil || !fresh {
		return err
	}
	return h.tellSchedule(tx, kind, code, struct {
		Code   string `json:"code"`
		Author string `json:"author"`
	}{code, by})
}

// inserter is the engine for steps that are made before it is.
type inserter struct{ *Hub }

func (i inserter) Insert(tx *db.Tx, s run.Start) (string, error) { return i.runs.Insert(tx, s) }

// scheduleSteps are the schedules as scenarios see them.
type scheduleSteps struct{ *Hub }

func (s scheduleSteps) Start(tx *db.Tx, code string, input json.RawMessage) (string, error) {
	id, err := s.schedules.StartIn(tx, code, schedule.Manual{Input: input})
	if errors.Is(err, schedule.ErrGoingOn) {
		return "", nil
	}
	return id, err
}

func (s scheduleSteps) Hold(tx *db.Tx, c *run.Call, code string, paused bool) error {
	return s.hold(tx, code, paused, c.Run)
}

func (s scheduleSteps) Next(tx *db.Tx, code string, n int) ([]time.Time, error) {
	status, err := s.schedules.Store.StatusIn(tx, code, n)
	return status.Next, err
}

var _ host.Schedules = scheduleSteps{}

// scheduleDoor is the schedules as the admin API sees them.
type scheduleDoor struct{ h *Hub }

// shownTimes is how many of a schedule's next times are shown.
const shownTimes = 10

func (d scheduleDoor) Status(ctx context.Context, code string) (schedule.Status, error) {
	return d.h.schedules.Store.Status(ctx, code, shownTimes)
}

func (d scheduleDoor) Start(ctx context.Context, code string, input json.RawMessage, account string) (id string, err error) {
	err = d.h.db.Write(ctx, func(tx *db.Tx) error {
		id, err = d.h.schedules.StartIn(tx, code, schedule.Manual{Input: input, Account: account})
		return err
	})
	return id, err
}

func (d scheduleDoor) Hold(ctx context.Context, code string, paused bool, author string) error {
	return d.h.db.Write(ctx, func(tx *db.Tx) error { return d.h.hold(tx, code, paused, author) })
}
