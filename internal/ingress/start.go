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
	s, kept, err := compose(&m, scenario.ProgramName(c.Scenario), f.door.Version)
	if err != nil {
		return nil, err
	}
	s.Hold = c.Paused
	if c.Nonce != nil {
		s.With = d.Nonces.Take(c.Code, f.nonce, f.at, c.Nonce.Window)
		s.Repeats = func(ctx context.Context) error { return d.Nonces.TakeAlone(ctx, c.Code, f.nonce, f.at, c.Nonce.Window) }
	}
	if s.Once, err = idempotency(&m); err != nil {
		return nil, err
	}
	return s, d.validate(r.Context(), s, &m, kept, c.Scenario)
}

// compose makes a run of a message, without what the channel does not store.
func compose(m *channel.Message, program, version string) (s *run.Start, kept *channel.Message, err error) {
	if kept, err = m.Redacted(); err != nil {
		return nil, nil, err
	}
	c := m.Channel
	return &run.Start{
		Program: program, Version: version, Channel: c.Code, Mode: m.Mode,
		Subject: m.Find(c.Subject), OrderingKey: m.Find(c.OrderingKey),
		Input: scenario.Input{Source: kept.Source(), Content: kept.Body}.Encode(),
	}, kept, nil
}

// validate asks the scenario's own check, which sees the message as it came. What
// it does becomes part of the run's start.
func (d *door) validate(ctx context.Context, s *run.Start, m, kept *channel.Message, code string) error {
	validates, err := d.Validator.Has(ctx, code, s.Version)
	if err != nil || !validates {
		return err
	}
	in := scenario.DecodeInput(s.Input)
	if kept != m {
		in = scenario.Input{Source: m.Source(), Content: m.Body}
	}
	with, err := d.Validator.Validate(ctx, code, s.Version, in)
	if err != nil {
		return err
	}
	s.With, s.Seen = db.Both(s.With, with), with != nil
	return nil
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
