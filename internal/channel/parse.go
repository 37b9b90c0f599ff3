package channel

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"junctor/internal/connection"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// wire is a channel as it is written. Pointers tell "not given" from zero.
type wire struct {
	Type           string          `json:"type" strict:"required"`
	Comment        string          `json:"comment"`
	Scenario       string          `json:"scenario"`
	Await          bool            `json:"await"`
	Timeout        *unit.Duration  `json:"timeout"`
	Enabled        *bool           `json:"enabled"`
	Paused         bool            `json:"paused"`
	External       *External       `json:"external"`
	Verify         json.RawMessage `json:"verify"`
	Nonce          *wireNonce      `json:"nonce"`
	Allow          json.RawMessage `json:"allow"`
	Rate           unit.Rate       `json:"rate"`
	RatePerAddress unit.Rate       `json:"rate_per_address"`
	BodyLimit      *unit.Size      `json:"body_limit"`
	Idempotency    wireIdempotency `json:"idempotency"`
	Subject        *string         `json:"subject"`
	OrderingKey    *string         `json:"ordering_key"`
	Redact         []string        `json:"redact"`
	OnFailure      string          `json:"on_failure"`
	CORS           *wireCORS       `json:"cors"`
	run.WrittenPolicy

	WebsocketScenario string `json:"websocket_scenario"`
	WebsocketRole     string `json:"websocket_role"`
}

type wireIdempotency struct {
	Header *string        `json:"header"`
	Window *unit.Duration `json:"window"`
}

type wireNonce struct {
	Header string         `json:"header" strict:"required"`
	Window *unit.Duration `json:"window"`
}

const notAvailable = "is not available in this release"

// parser collects what is wrong with one body.
type parser struct{ found []fault.Field }

// add notes a finding, unless the place has one already: what could not be read
// is not judged as well.
func (p *parser) add(pointer, format string, args ...any) {
	if slices.ContainsFunc(p.found, func(f fault.Field) bool { return f.Pointer == pointer }) {
		return
	}
	p.found = append(p.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// decode reads the members.
func (p *parser) decode(body []byte) wire {
	var w wire
	p.found = append(p.found, strict.Decode(body, &w)...)
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil && members != nil && w.Scenario == "" && w.WebsocketScenario == "" {
		p.add("/scenario", "is required, or a websocket_scenario")
	}
	if len(p.found) > 0 { // also of a body that is no object at all
		return w
	}
	if w.Type == "" {
		p.add("/type", "must not be empty")
	}
	return w
}

// oneOf checks a word against the possible ones; an empty word is the default.
func oneOf[T ~string](p *parser, pointer, word string, standard T, possible ...T) T {
	if word == "" {
		return standard
	}
	names := make([]string, len(possible))
	for i, v := range possible {
		if names[i] = string(v); names[i] == word {
			return v
		}
	}
	p.add(pointer, "%s", strict.Unknown(word, names))
	return standard
}

// span checks a duration against its bounds.
func (p *parser) span(pointer string, given *unit.Duration, standard, least, most time.Duration) time.Duration {
	if given == nil {
		return standard
	}
	d := time.Duration(*given)
	if d < least || d > most {
		p.add(pointer, "must be from %s to %s", unit.FormatDuration(least), unit.FormatDuration(most))
	}
	return d
}

func (p *parser) size(pointer string, given *unit.Size) int64 {
	const most = 1 << 30
	if given == nil {
		return DefaultBodyLimit
	}
	if *given < 1 || *given > most {
		p.add(pointer, "must be from 1B to %s", unit.FormatSize(most))
	}
	return int64(*given)
}

func (p *parser) source(pointer string, given *string) Source {
	if given == nil {
		return Source{}
	}
	s, err := ParseSource(*given)
	if err != nil {
		p.add(pointer, "%s", err.Error())
	}
	return s
}

func (p *parser) idempotency(w wireIdempotency, verify []Scheme) Idempotency {
	i := Idempotency{Keys: duplicateKeys(verify), Window: p.span("/idempotency/window", w.Window, DefaultIdempotencyWindow, 0, year)}
	if w.Header != nil {
		i.Keys = []Source{p.source("/idempotency/header", w.Header)}
	}
	return i
}

const year = 365 * 24 * time.Hour

// policy reads how the channel's runs are treated.
func (p *parser) policy(w *run.WrittenPolicy, await bool) (Retry, Retention, Capture) {
	standard := run.DefaultPolicy
	if await { // a caller is not kept waiting by attempts nobody asked for
		standard.Attempts = 1
	}
	policy, found := w.Policy(standard)
	for _, f := range found {
		p.add(f.Pointer, "%s", f.Detail)
	}
	return Retry{policy.Attempts, policy.First, policy.Factor, policy.Max}, Retention{policy.KeepSucceeded, policy.KeepFailed}, Capture(policy.Capture)
}

func (p *parser) references(pointer, text string) {
	if err := connection.CheckText(text); err != nil {
		p.add(pointer, "%s", err.Error())
	}
}

func (p *parser) external(w *External) *External {
	if w == nil {
		return nil
	}
	p.references("/external/url", w.URL)
	p.references("/external/primary_token", w.PrimaryToken)
	p.references("/external/secondary_token", w.SecondaryToken)
	if connection.HasReference(w.URL) || w.URL == "" { // known when the secret is, or reported as missing already
		return w
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "":
		p.add("/external/url", "is not a URL like https://host/path")
	case u.User != nil:
		p.add("/external/url", "contains credentials: put them into primary_token")
	case u.Scheme == "ftp" || u.Scheme == "ftps":
		p.add("/external/url", "%s:// %s", u.Scheme, notAvailable)
	case u.Scheme != "http" && u.Scheme != "https":
		p.add("/external/url", "must begin with http:// or https://")
	}
	return w
}
