package config

import (
	"context"
	"crypto/sha256"
	"fmt"

	"junctor/internal/catalog"
	"junctor/internal/channel"
	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/connection/http"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/packet"
	"junctor/internal/schedule"
	"junctor/internal/stored"
)

// Snapshot is the whole configuration at one revision, read and resolved: what
// the hot path looks at. It is never changed; a newer one takes its place.
type Snapshot struct {
	Revision    int64
	Secrets     [sha256.Size]byte // another one when a secret has changed
	Settings    DomainSettings
	Channels    map[string]*Channel           // by code
	ByToken     map[string]*Channel           // the enabled ones: a disabled token is an unknown one
	Functions   map[string]*function.Function // by code, the disabled ones too
	Schedules   map[string]schedule.Config    // the same
	Queries     map[string]*stored.Query
	Packets     map[string]*packet.Packet
	Connections map[string]http.Config
	Model       *class.Model      // the classes as their tables are
	Scenarios   map[string]string // code -> version
	Problems    []error           // what could not be used, for the log
}

// Channel is a channel ready for use.
type Channel struct {
	channel.Config
	Token     string
	Version   string            // of its scenario; "" without one
	Websocket string            // the version of its websocket scenario; "" without one
	Verifier  *channel.Verifier // nil when Refused says why
	Refused   error             // a fault.Unavailable: every message gets it
}

// Snapshot reads the configuration. An object that cannot be used, because an
// older release wrote it or a secret is missing, is a problem of its own and
// does not keep the others from working.
func (s *Service) Snapshot(ctx context.Context) (*Snapshot, error) {
	var snap *Snapshot
	var tokens map[string]string
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		snap = &Snapshot{
			Channels: map[string]*Channel{}, ByToken: map[string]*Channel{}, Functions: map[string]*function.Function{},
			Schedules: map[string]schedule.Config{}, Queries: map[string]*stored.Query{}, Packets: map[string]*packet.Packet{},
			Connections: map[string]http.Config{}, Scenarios: map[string]string{},
		}
		if snap.Revision, err = s.objects.Revision(tx); err != nil {
			return err
		}
		if snap.Secrets, err = s.access.SecretsDigest(tx); err != nil {
			return err
		}
		if tokens, err = s.tokens.All(tx); err != nil {
			return err
		}
		objects, err := s.objects.All(tx)
		if err != nil {
			return err
		}
		snap.Settings, _ = ParseSettings(nil)
		for _, o := range objects {
			snap.note(snap.take(o))
		}
		if snap.Model, err = table.Applied(tx); err != nil {
			return err
		}
		for _, f := range snap.Functions { // now that the scenarios are known
			f.Version = snap.Scenarios[f.Scenario]
			snap.note(s.schema(tx, f))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	s.describe(ctx, snap)
	for name, c := range snap.Channels { // now that the scenarios are known
		c.Token, c.Version, c.Websocket = tokens[name], snap.Scenarios[c.Scenario], snap.Scenarios[c.WebsocketScenario]
		snap.note(s.open(c))
		if c.Enabled && c.Token != "" {
			snap.ByToken[c.Token] = c
		}
	}
	return snap, nil
}

func (snap *Snapshot) note(err error) {
	if err != nil {
		snap.Problems = append(snap.Problems, err)
	}
}

// take reads one object into the snapshot. What a newer release has left is not
// looked at.
func (snap *Snapshot) take(o catalog.Object) error {
	k := kindOf(o.Kind)
	if k == nil || k.take == nil {
		return nil
	}
	if found := k.take(snap, o.Code, o.Body); len(found) > 0 {
		err := fault.New(fault.Unprocessable, "it is not valid").WithFields(found...)
		return fmt.Errorf("%s %q cannot be used: %w", o.Kind, o.Code, err)
	}
	return nil
}

// schema reads what the parameters of a function may be.
func (s *Service) schema(tx *db.Tx, f *function.Function) error {
	params, err := s.versions.Params(tx, f.Scenario, f.Version)
	if err == nil && params != nil {
		var found []fault.Field
		if f.Params, found = function.NewSchema(params); len(found) > 0 {
			err = fault.New(fault.Unprocessable, "its params are not valid").WithFields(found...)
		}
	}
	if err != nil {
		f.Refused = fault.Wrap(err, fault.Unavailable, "This function is not set up completely; the server's log says more.")
		return fmt.Errorf("function %q refuses every call: %w", f.Code, err)
	}
	return nil
}

// open resolves what a channel needs to let messages in.
func (s *Service) open(c *Channel) error {
	verifier, err := channel.NewVerifier(c.Verify, s.parts.Secrets)
	for _, s := range []struct{ code, version string }{{c.Scenario, c.Version}, {c.WebsocketScenario, c.Websocket}} {
		if err == nil && s.code != "" && s.version == "" && c.Type != channel.Eventing {
			err = fmt.Errorf("there is no scenario %q", s.code)
		}
	}
	if err != nil {
		c.Refused = fault.Wrap(err, fault.Unavailable, "This channel is not set up completely; the server's log says more.")
		return fmt.Errorf("channel %q refuses every message: %w", c.Code, err)
	}
	c.Verifier = verifier
	return nil
}
