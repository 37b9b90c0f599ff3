package api

import (
	"time"

	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/subscription"
)

type replayBody struct {
	Since  *time.Time `json:"since"`   // what came into the log then or later
	After  string     `json:"after"`   // instead: what comes behind this cursor
	Types  []string   `json:"types"`   // of what the subscription chooses
	Filter string     `json:"filter"`  // the same
	DryRun bool       `json:"dry_run"` // count only
}

type replayed struct {
	ID       string `json:"id,omitempty"` // of what is under way now; absent when nothing is
	Count    int64  `json:"count"`
	Complete bool   `json:"complete"` // false: there may be more than were counted
	DryRun   bool   `json:"dry_run"`
}

func (n subscriptionNoun) replay(c *call, _ nothing, body replayBody) (replayed, error) {
	r := subscription.Replay{After: event.Oldest, DryRun: body.DryRun}
	var found []fault.Field
	switch {
	case (body.Since == nil) == (body.After == ""):
		found = append(found, fault.Field{Pointer: "/since", Detail: "either since, a time, or after, a cursor, says from where on"})
	case body.Since != nil:
		r.Since = *body.Since
	default:
		var err error
		if r.After, err = n.door.Events.Position(body.After); err != nil {
			found = append(found, fault.Field{Pointer: "/after", Detail: "is not one that this event log has given"})
		}
	}
	choice, more := subscription.ParseChoice(body.Types, body.Filter)
	if found = append(found, more...); len(found) > 0 {
		return replayed{}, fault.New(fault.Unprocessable, "the body has %s", mistakes(len(found))).WithFields(found...)
	}
	r.Choice = choice
	done, err := n.door.Subscriptions.Replay(c.r.Context(), c.path("code"), r, c.by())
	c.dryRun = body.DryRun
	return replayed{ID: done.ID, Count: done.Count, Complete: done.Complete, DryRun: body.DryRun}, gone(err)
}

// replaying is a replay under way.
type replaying struct {
	ID        string    `json:"id"` // also the tag of its deliveries
	StartedAt time.Time `json:"started_at"`
	Author    string    `json:"author"`
	Types     []string  `json:"types,omitempty"`
	Filter    string    `json:"filter,omitempty"`
	After     string    `json:"after"`    // the cursor behind which it began
	Cursor    string    `json:"cursor"`   // up to here events have their deliveries
	End       string    `json:"end"`      // the cursor of the last event
	Behind    int64     `json:"behind"`   // events of the log up to the end, chosen or not
	Count     int64     `json:"count"`    // of those that are sent, as they were counted before
	Complete  bool      `json:"complete"` // false: there may be more than were counted
	Sent      int64     `json:"sent"`     // deliveries that it has begun
}

func (n subscriptionNoun) replays(c *call, _, _ nothing) (page[replaying], error) {
	list, err := n.door.Subscriptions.Replays(c.r.Context(), c.path("code"))
	if err != nil {
		return page[replaying]{}, err
	}
	at := n.door.Events.Cursor
	items := make([]replaying, len(list))
	for i, r := range list {
		items[i] = replaying{
			ID: r.ID, StartedAt: r.StartedAt, Author: r.Author, Types: r.Types, Filter: r.Filter, After: at(r.After), Cursor: at(r.Position), End: at(r.End),
			Behind: max(r.End-r.Position, 0), Count: r.Count, Complete: r.Complete, Sent: r.Sent,
		}
	}
	return newPage(items, ""), nil
}

func (n subscriptionNoun) endReplay(c *call, _, _ nothing) (nothing, error) {
	return nothing{}, n.door.Subscriptions.EndReplay(c.r.Context(), c.path("code"), c.path("id"), c.by())
}

func (n subscriptionNoun) endReplays(c *call, _, _ nothing) (nothing, error) {
	return nothing{}, n.door.Subscriptions.EndReplay(c.r.Context(), c.path("code"), "", c.by())
}
