package hub

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"junctor/internal/access"
	"junctor/internal/catalog"
	"junctor/internal/channel"
	"junctor/internal/config"
	"junctor/internal/connection/http"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/host"
	"junctor/internal/ingress"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/schedule"
	"junctor/internal/strict"
	"junctor/internal/subscription"
)

// live is the configuration in use: a snapshot, with its connections open. It
// is replaced as a whole.
type live struct {
	snapshot    *config.Snapshot
	doors       map[string]*ingress.Door // by token
	connections map[string]*opened
	externals   map[string]*external // by channel
	said        map[string]bool      // what the log has about it
}

type opened struct {
	config http.Config
	conn   *http.Conn
	err    error
}

type external struct {
	config channel.External
	to     *host.External
	err    error
}

func (l *live) close() {
	for _, c := range l.connections {
		c.close()
	}
	for _, x := range l.externals {
		x.close()
	}
}

func (c *opened) close() {
	if c.conn != nil {
		c.conn.Close() //nolint:errcheck // it drops idle connections; there is nothing to lose
	}
}

func (x *external) close() {
	if x.to != nil {
		x.to.Conn.Close() //nolint:errcheck // as above
	}
}

// Reload brings the present configuration into use on this node; a serving hub
// does it by itself when the configuration changes.
func (h *Hub) Reload(ctx context.Context) error { return h.reload(ctx) }

// reload brings the present configuration into use. Connections that have not
// changed stay open, unless a secret has: then every one is opened anew.
func (h *Hub) reload(ctx context.Context) error {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	snapshot, err := h.config.Snapshot(ctx)
	if err != nil {
		return err
	}
	old := h.live.Load()
	before := old
	if old != nil && old.snapshot.Secrets != snapshot.Secrets {
		old = nil
	}
	fresh := &live{
		snapshot: snapshot, doors: make(map[string]*ingress.Door, len(snapshot.ByToken)),
		connections: map[string]*opened{}, externals: map[string]*external{},
		said: map[string]bool{},
	}
	for _, problem := range snapshot.Problems {
		h.warn(before, fresh, "a part of the configuration cannot be used", "error", problem)
	}
	for token, c := range snapshot.ByToken {
		door := &ingress.Door{
			Channel: &c.Config, Version: c.Version, Websocket: c.Websocket, Verifier: c.Verifier, Gate: h.gate(before, token, &c.Config), Refused: c.Refused,
		}
		if door.Allowed, err = subscription.NewAllowed(c.Types); err != nil && door.Refused == nil {
			door.Refused = err // it was checked before
		}
		fresh.doors[token] = door
	}
	if err := h.usePool(snapshot.Settings.Timezone); err != nil {
		return err
	}
	if err := h.useRules(ctx, snapshot); err != nil {
		return err
	}
	h.openConnections(fresh, old, before)
	if old == nil {
		h.subscriptions.SecretsChanged()
	}
	sessions := snapshot.Settings.Sessions
	h.access.SetLimits(access.Limits{
		Idle: sessions.Idle, Age: sessions.Age, Zone: snapshot.Settings.Timezone,
		Sharing: access.Sharing{Policy: access.Policy(sessions.Policy), OnConflict: access.OnConflict(sessions.OnConflict)},
	})
	h.live.Store(fresh)
	if err := h.subscriptions.Reload(ctx); err != nil {
		return err
	}
	h.sockets.sweep(fresh)
	h.askHosts()
	closeUnused(before, fresh)
	return h.released(ctx, before, fresh)
}

// warn logs what is wrong with a configuration, once for as long as it is.
func (h *Hub) warn(before, fresh *live, text string, about ...any) {
	key := fmt.Sprintln(text, about)
	fresh.said[key] = true
	if before == nil || !before.said[key] {
		h.log.Warn(text, about...)
	}
}

// openConnections takes over those of old that are the same; before is what was
// in use until now.
func (h *Hub) openConnections(fresh, old, before *live) {
	for code, c := range fresh.snapshot.Connections {
		if old != nil {
			if had, ok := old.connections[code]; ok && had.err == nil && reflect.DeepEqual(had.config, c) {
				fresh.connections[code] = had
				continue
			}
		}
		o := &opened{config: c}
		c.Release = h.options.Release
		o.conn, o.err = http.Open(c, h.secret)
		if o.err != nil {
			h.warn(before, fresh, "a connection cannot be used", "connection", code, "error", o.err)
		}
		fresh.connections[code] = o
	}
	for code, c := range fresh.snapshot.Channels {
		if c.External == nil {
			continue
		}
		if old != nil {
			if had, ok := old.externals[code]; ok && had.err == nil && had.config == *c.External {
				fresh.externals[code] = had
				continue
			}
		}
		x := h.openExternal(code, *c.External)
		if x.err != nil {
			h.warn(before, fresh, "a channel's outgoing URL cannot be used", "channel", code, "error", x.err)
		}
		fresh.externals[code] = x
	}
}

// openExternal opens a channel's way out, with its tokens.
func (h *Hub) openExternal(code string, c channel.External) *external {
	x := &external{config: c}
	to, err := host.OpenExternal(code, c, h.options.Release, h.secret)
	if err != nil {
		x.err = err
		return x
	}
	x.to = to
	return x
}

// closeUnused closes what the new configuration has not taken over.
func closeUnused(old, fresh *live) {
	if old == nil {
		return
	}
	for code, c := range old.connections {
		if fresh == nil || fresh.connections[code] != c {
			c.close()
		}
	}
	for code, x := range old.externals {
		if fresh == nil || fresh.externals[code] != x {
			x.close()
		}
	}
}

// released lets the runs of channels go that are not paused any more.
func (h *Hub) released(ctx context.Context, before, now *live) error {
	for code, c := range now.snapshot.Channels {
		if c.Paused {
			continue
		}
		if before != nil {
			if was, ok := before.snapshot.Channels[code]; !ok || !was.Paused {
				continue
			}
		}
		if err := h.runs.Release(ctx, code); err != nil {
			return err
		}
	}
	return nil
}

// watch keeps the live configuration up to date with what this process, another
// node or a stopped-server command changes. A notice is a hint; the revision is
// asked for regularly as well.
func (h *Hub) watch(ctx context.Context) {
	changed := make(chan struct{}, 1)
	signal := func(string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	defer h.db.Listen(catalog.Topic, signal)()
	defer h.db.Listen(access.TopicSecrets, signal)()
	const lookEvery = 5 * time.Second
	for {
		look, stop := h.options.Clock.After(lookEvery)
		var err error
		select {
		case <-ctx.Done():
			stop()
			return
		case <-changed:
			err = h.reload(ctx)
		case <-look:
			err = h.reloadIfNew(ctx)
		}
		stop()
		if err != nil && ctx.Err() == nil {
			h.log.Error("the configuration could not be read; the last one stays in use", "error", err)
		}
	}
}

func (h *Hub) reloadIfNew(ctx context.Context) error {
	var revision int64
	err := h.db.Read(ctx, func(tx *db.Tx) (err error) {
		revision, err = h.objects.Revision(tx)
		return err
	})
	if err != nil || revision == h.live.Load().snapshot.Revision {
		return err
	}
	return h.reload(ctx)
}

// Door is the enabled channel with the token.
func (h *Hub) Door(token string) *ingress.Door { return h.live.Load().doors[token] }

// version is what a new run of a scenario takes.
func (h *Hub) version(code string) (string, error) {
	if v, ok := h.live.Load().snapshot.Scenarios[code]; ok {
		return v, nil
	}
	return "", fault.New(fault.NotFound, "There is no scenario %q.", code)
}

// Function is the enabled function with the code, nil when there is none.
func (h *Hub) Function(code string) *function.Function {
	if f, ok := h.live.Load().snapshot.Functions[code]; ok && f.Enabled {
		return f
	}
	return nil
}

// policy is how the runs of a channel, a function, a schedule or a subscription are
// treated.
func (h *Hub) policy(code, called, source string) run.Policy {
	if p, ok := h.sourcePolicy(source); ok {
		return p
	}
	snapshot := h.live.Load().snapshot
	if code := schedule.CodeOf(source); code != "" {
		if s, ok := snapshot.Schedules[code]; ok {
			return s.Policy
		}
		return schedule.DefaultPolicy // it was removed; its run lets the next one go all the same
	}
	if f, ok := snapshot.Functions[called]; ok {
		return f.Policy()
	}
	c, ok := snapshot.Channels[code]
	if !ok {
		return run.DefaultPolicy
	}
	return run.Policy{
		Attempts: c.Retry.Attempts, First: c.Retry.First, Max: c.Retry.Max, Factor: c.Retry.Factor,
		Skip: c.OnFailure == channel.Skip, Capture: run.Capture(c.Capture),
		KeepSucceeded: c.Retention.Succeeded, KeepFailed: c.Retention.Failed,
	}
}

// revise is the input of a rerun that a person gave: what a message is about, and
// what of it is not stored, its channel knows. Data that a run was started with
// is about nothing that could be found.
func (h *Hub) revise(code, called string, old, wanted []byte) (run.Revised, error) {
	if err := revisable(old); err != nil {
		return run.Revised{}, err
	}
	input, err := scenario.Revise(old, wanted)
	if err != nil {
		return run.Revised{}, err
	}
	in := scenario.DecodeInput(input)
	if f, ok := h.live.Load().snapshot.Functions[called]; ok {
		return run.Revised{Input: input}, f.Fits(in.Content)
	}
	c, ok := h.live.Load().snapshot.Channels[code]
	if !ok || len(in.Source) == 0 {
		return run.Revised{Input: input}, nil
	}
	r, err := c.Revise(c.Token, in.Source, in.Content)
	in = scenario.Input{Source: r.Source, Content: r.Body}
	return run.Revised{Input: in.Encode(), Subject: r.Subject, OrderingKey: r.OrderingKey}, err
}

// connections is what scenarios reach the outside by.
type connections struct{ h *Hub }

func (c connections) HTTP(code string) (*http.Conn, error) {
	o, ok := c.h.live.Load().connections[code]
	if !ok {
		hint := "; connections are declared in junctor.yaml."
		if near := strict.Nearest(code, slices.Sorted(maps.Keys(c.h.live.Load().snapshot.Connections))); near != "" {
			hint = fmt.Sprintf(", did you mean %q?", near)
		}
		return nil, fault.New(fault.NotFound, "There is no connection %q%s", code, hint)
	}
	return o.conn, o.err
}

func (c connections) External(code string) (*host.External, error) {
	x, ok := c.h.live.Load().externals[code]
	if !ok {
		return nil, fault.New(fault.NotFound, "The channel %q has no outgoing URL; set its external.url.", code)
	}
	return x.to, x.err
}

type scenarios struct{ h *Hub }

func (s scenarios) Version(code string) (string, error) { return s.h.version(code) }
