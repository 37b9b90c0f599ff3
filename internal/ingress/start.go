package ingress

import (
	"context"
	"crypto/sha256"
	"net/http"

	"junctor/internal/channel"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// start makes the run to be of a message that may come in.
func (d *door) start(r *http.Request, f *found, body []byte) (*run.Start, error) {
	c := f.door.Channel
	m := channel.Message{
		Channel: c, Request: r, Token: f.token, Path: f.path, Body: body, RemoteAddress: d.Address(r), BaseURL: d.BaseURL(r),
		Mode: "production", HideAuth: f.bearer || len(c.Verify) > 0,
	}
	kept, err := m.Redacted()
	if err != nil {
		return nil, err
	}
	in := scenario.Input{Source: kept.Source(), Content: kept.Body}
	s := &run.Start{
		Program: scenario.ProgramName(c.Scenario), Version: f.door.Version, Channel: c.Code, Mode: m.Mode,
		Subject: m.Find(c.Subject), OrderingKey: m.Find(c.OrderingKey), Hold: c.Paused,
		Input: in.Encode(),
	}
	if c.Nonce != nil {
		s.With = d.Nonces.Take(c.Code, f.nonce, f.at, c.Nonce.Window)
		s.Repeats = func(ctx context.Context) error { return d.Nonces.TakeAlone(ctx, c.Code, f.nonce, f.at, c.Nonce.Window) }
	}
	if s.Once, err = idempotency(&m); err != nil {
		return nil, err
	}
	validates, err := d.Validator.Has(r.Context(), c.Scenario, f.door.Version)
	if err != nil {
		return nil, err
	}
	if validates {
		if kept != &m { // it sees the message as it came
			in = scenario.Input{Source: m.Source(), Content: body}
		}
		with, err := d.Validator.Validate(r.Context(), c.Scenario, f.door.Version, in)
		if err != nil {
			return nil, err
		}
		s.With = db.Both(s.With, with)
	}
	return s, nil
}

// longestKey bounds an idempotency key, as the RFC draft for the header does.
const longestKey = 255

// idempotency finds the message's key, nil when it has none. The digest covers
// what the scenario would see: method, path, query and content.
func idempotency(m *channel.Message) (*run.Once, error) {
	c, r := m.Channel, m.Request
	if c.Idempotency.Window == 0 {
		return nil, nil
	}
	for _, source := range c.Idempotency.Keys {
		key := m.Key(source)
		if key == "" {
			continue
		}
		if len(key) > longestKey {
			return nil, fault.New(fault.Invalid, "The idempotency key (%s) is longer than the %d characters that it can have.", source, longestKey)
		}
		h := sha256.New()
		for _, part := range []string{r.Method, m.Path, r.URL.RawQuery} {
			h.Write([]byte(part))
			h.Write([]byte{0})
		}
		h.Write(m.Body)
		return &run.Once{Key: key, Digest: h.Sum(nil), Window: c.Idempotency.Window}, nil
	}
	return nil, nil
}
