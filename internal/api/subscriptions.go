package api

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"junctor/internal/fault"
	"junctor/internal/subscription"
	"junctor/internal/unit"
)

// Subscriptions is what the door needs of the subscriptions by webhook;
// *subscription.Store is one.
type Subscriptions interface {
	Get(ctx context.Context, channel, code string) (subscription.View, error)
	List(ctx context.Context, channel string, states []string, after string, limit int) ([]subscription.View, string, error)
	Delete(ctx context.Context, channel, code string, by subscription.Author) error
	Enable(ctx context.Context, code string, now bool, by subscription.Author) error
	Disable(ctx context.Context, code string, by subscription.Author) error
	Rotate(ctx context.Context, code, secret string, keep time.Duration, by subscription.Author) (string, error)
	Replay(ctx context.Context, code string, r subscription.Replay, by subscription.Author) (subscription.Replayed, error)
	Replays(ctx context.Context, code string) ([]subscription.Replaying, error)
	EndReplay(ctx context.Context, code, id string, by subscription.Author) error
	Ping(ctx context.Context, code string) (subscription.Pinged, error)
}

// subscriptionNoun serves the subscriptions: those of the configuration, and
// those that are made with a channel's token.
type subscriptionNoun struct{ noun }

// subscriptionFacts are the members of a subscription that are read only.
type subscriptionFacts struct {
	Code         string     `json:"code"`
	Channel      string     `json:"channel,omitempty"` // with whose token it was made
	State        string     `json:"state"`
	Off          bool       `json:"off,omitempty"`    // it, or its channel, is not enabled
	Reason       string     `json:"reason,omitempty"` // why it is not active
	LastSuccess  *time.Time `json:"last_success,omitempty"`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	LastFailure  *time.Time `json:"last_failure,omitempty"`
	Failure      string     `json:"failure,omitempty"`
	Cursor       string     `json:"cursor"` // up to here events have their deliveries
	Behind       int64      `json:"behind"` // events of the log behind that, chosen or not
	Unfinished   *int       `json:"unfinished,omitempty"`
	Replays      int        `json:"replays,omitempty"`
	CreatedAt    *time.Time `json:"created_at,omitempty"`
}

// facts lists the names of these members.
var facts = []string{
	"channel", "state", "off", "reason", "last_success", "failing_since", "last_failure", "failure", "cursor", "behind", "unfinished", "replays", "created_at",
}

func (d *door) subscriptionFacts(v subscription.View) subscriptionFacts {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	f := subscriptionFacts{
		Code: v.Code, Channel: v.Channel, State: v.State, Off: v.Held, Reason: v.Reason, LastSuccess: at(v.SucceededAt), FailingSince: at(v.FailingSince),
		LastFailure: at(v.FailedAt), Failure: v.Failure, Cursor: d.Events.Cursor(v.Position), Behind: v.Behind, Replays: v.Replays, CreatedAt: at(v.CreatedAt),
	}
	if v.Unfinished >= 0 {
		f.Unfinished = &v.Unfinished
	}
	return f
}

// whole is a subscription with its entry, and what is read only.
func (n subscriptionNoun) whole(ctx context.Context, v subscription.View) (object, string, error) {
	shown, tag := object{}, strconv.FormatInt(v.Version, 10)
	if v.Channel == "" {
		o, err := n.door.Configuration.Get(ctx, n.kind, v.Code)
		if err != nil {
			return nil, "", err
		}
		tag = version(o)
		if shown, err = n.show(ctx, o); err != nil {
			return nil, "", err
		}
	} else if err := json.Unmarshal(v.Body, &shown); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal(n.door.subscriptionFacts(v))
	if err != nil {
		return nil, "", err
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, "", err
	}
	shown["version"] = json.RawMessage(tag)
	return shown, tag, nil
}

type subscriptionQuery struct {
	paging
	Channel string   `query:"channel" doc:"with whose token it was made"`
	State   []string `query:"state" enum:"active,disabled,ended" doc:"one or more, separated by commas"`
}

func (n subscriptionNoun) list(c *call, q subscriptionQuery, _ nothing) (page[object], error) {
	return listByKey(q.paging, func(after string, limit int) ([]object, string, error) {
		views, next, err := n.door.Subscriptions.List(c.r.Context(), q.Channel, q.State, after, limit)
		var items []object
		for _, v := range views {
			shown, _, err := n.whole(c.r.Context(), v)
			if fault.Is(err, fault.NotFound) { // deleted meanwhile
				continue
			}
			if err != nil {
				return nil, "", err
			}
			items = append(items, shown)
		}
		return items, next, err
	})
}

func (n subscriptionNoun) get(c *call, _, _ nothing) (object, error) {
	return n.now(c, c.path("code"))
}

// now is the subscription as it is, with its ETag.
func (n subscriptionNoun) now(c *call, code string) (object, error) {
	v, err := n.door.Subscriptions.Get(c.r.Context(), "", code)
	if err != nil {
		return nil, err
	}
	shown, tag, err := n.whole(c.r.Context(), v)
	if err == nil {
		c.w.Header().Set("ETag", etag(tag))
	}
	return shown, err
}

func (n subscriptionNoun) put(c *call, _ nothing, body map[string]json.RawMessage) (object, error) {
	for _, name := range facts {
		delete(body, name)
	}
	if _, err := n.noun.put(c, nothing{}, body); err != nil {
		return nil, err
	}
	return n.now(c, c.path("code"))
}

func (n subscriptionNoun) delete(c *call, _, _ nothing) (nothing, error) {
	v, err := n.door.Subscriptions.Get(c.r.Context(), "", c.path("code"))
	if err != nil {
		return nothing{}, err
	}
	if v.Channel == "" {
		return n.noun.delete(c, nothing{}, nothing{})
	}
	cond, err := c.condition()
	if err != nil {
		return nothing{}, err
	}
	if cond.versions != nil && !contains(cond.versions, strconv.FormatInt(v.Version, 10)) {
		return nothing{}, fault.New(fault.Stale, "subscriptions %q has version %q now, and the write is meant for another", v.Code, strconv.FormatInt(v.Version, 10))
	}
	return nothing{}, n.door.Subscriptions.Delete(c.r.Context(), "", v.Code, c.by())
}

func (c *call) by() subscription.Author {
	return subscription.Author{Name: c.caller.Author(), Address: c.address}
}

type enableBody struct {
	From string `json:"from"` // stopped (default): nothing is left out; now
}

func (n subscriptionNoun) enable(c *call, _ nothing, body enableBody) (object, error) {
	if body.From != "" && body.From != "stopped" && body.From != "now" {
		return nil, fault.New(fault.Unprocessable, "the subscription cannot be enabled").
			WithFields(fault.Field{Pointer: "/from", Detail: `is "stopped", to go on where it stopped, or "now"`})
	}
	if err := n.door.Subscriptions.Enable(c.r.Context(), c.path("code"), body.From == "now", c.by()); err != nil {
		return nil, err
	}
	return n.now(c, c.path("code"))
}

func (n subscriptionNoun) disable(c *call, _, _ nothing) (object, error) {
	if err := n.door.Subscriptions.Disable(c.r.Context(), c.path("code"), c.by()); err != nil {
		return nil, err
	}
	return n.now(c, c.path("code"))
}

type rotateBody struct {
	Secret string         `json:"secret"` // whsec_...; made when absent
	Keep   *unit.Duration `json:"keep"`   // for how long the present one signs too; 1d when absent
}

type rotated struct {
	Secret string `json:"secret"` // shown here only
}

func (n subscriptionNoun) rotate(c *call, _ nothing, body rotateBody) (rotated, error) {
	keep := 24 * time.Hour
	if body.Keep != nil {
		keep = time.Duration(*body.Keep)
	}
	secret, err := n.door.Subscriptions.Rotate(c.r.Context(), c.path("code"), body.Secret, keep, c.by())
	return rotated{secret}, err
}

type pinged struct {
	Run     string `json:"run"`
	State   string `json:"state"`
	Failure string `json:"failure,omitempty"` // absent when the endpoint has taken it
}

func (n subscriptionNoun) ping(c *call, _, _ nothing) (pinged, error) {
	p, err := n.door.Subscriptions.Ping(c.r.Context(), c.path("code"))
	if err != nil {
		return pinged{}, err
	}
	return pinged{Run: p.Run, State: string(p.State), Failure: p.Failure}, nil
}
