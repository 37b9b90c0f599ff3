package hub

import (
	"context"
	"encoding/json"

	"junctor/internal/access"
	"junctor/internal/channel"
	"junctor/internal/config"
	"junctor/internal/connection/http"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/subscription"
)

// openSubscriptions makes the store of subscriptions, whose deliveries are runs.
func (h *Hub) openSubscriptions() {
	h.subscriptions = subscription.New(subscription.Options{
		DB: h.db, Committer: h.committer, Events: h.events, Runs: func() subscription.Runs { return h.runs },
		Seal: h.access.Seal, Open: h.access.Open, Secret: h.secret,
		Connection: func(code string) (*http.Conn, error) { return connections{h}.HTTP(code) },
		Private:    func() bool { return h.live.Load().snapshot.Settings.AllowPrivateSubscribers },
		Tell:       h.tell,
		Audit: func(tx *db.Tx, by subscription.Author, action, code, detail string) error {
			return h.access.Audit(tx, access.Entry{Author: by.Name, Address: by.Address, Action: action, Object: "subscription/" + code, Detail: detail})
		},
		Clock: h.options.Clock, Log: h.log, Metrics: h.metrics, Release: h.options.Release,
	})
	h.access.AlsoSealed(subscription.Reseal)
}

// subscribed brings a change of the configuration into the subscriptions, in its
// transaction.
func (h *Hub) subscribed(tx *db.Tx, c config.Change) error {
	if c.Kind != config.Subscriptions && c.Kind != config.Channels {
		return nil
	}
	if c.Action == config.Delete {
		if c.Kind == config.Channels {
			return h.subscriptions.DropChannel(tx, c.Code)
		}
		return h.subscriptions.DropObject(tx, c.Code)
	}
	o, err := h.objects.Find(tx, c.Kind, c.Code)
	if err != nil {
		return err
	}
	if c.Kind == config.Subscriptions {
		return h.subscriptions.PutObject(tx, c.Code, o.Body)
	}
	parsed, _ := channel.Parse(c.Code, config.Whole(c.Kind, c.Code, o.Body)) // checked before
	if parsed.Type != channel.Eventing {
		return h.subscriptions.DropChannel(tx, c.Code) // it has been one before
	}
	return h.subscriptions.PutChannel(tx, c.Code, parsed.Types, parsed.Enabled)
}

// show is a run's input as people see it.
func show(program string, input []byte) []byte {
	if program == subscription.Program {
		return input
	}
	return scenario.Show(program, input)
}

// revisable refuses another input for a run whose input is not a person's to give.
func revisable(old []byte) error {
	var in struct {
		Subscription string `json:"subscription"`
		Event        string `json:"event"`
	}
	if json.Unmarshal(old, &in) == nil && in.Subscription != "" && in.Event != "" {
		return fault.New(fault.Unprocessable, "The rerun cannot be made.").
			WithFields(fault.Field{Pointer: "/input", Detail: "is not for a delivery, which sends its event as it is"})
	}
	return nil
}

// sourcePolicy is how runs are treated that neither a channel nor a function has
// started.
func (h *Hub) sourcePolicy(source string) (run.Policy, bool) {
	if source == "" || h.subscriptions == nil {
		return run.Policy{}, false
	}
	return h.subscriptions.Policy(source)
}

// deliver lets events go to their subscribers until ctx ends.
func (h *Hub) deliver(ctx context.Context) { h.subscriptions.Run(ctx) }
