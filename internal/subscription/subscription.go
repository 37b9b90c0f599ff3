// Package subscription is who gets which events: what can be subscribed, how far
// the log has been read for each subscriber, and the program that delivers an
// event by webhook (Standard Webhooks, https://github.com/standard-webhooks).
//
// A delivery is a run like any other. The runs of new events are inserted in the
// transaction that moves the place up to which the log has been read, so that
// each event has one delivery to each subscriber, however many nodes there are.
//
// It must not know of the doors that subscribers come by, nor who tells events.
package subscription

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/channel"
	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// Config is a subscription by webhook with every default filled in. Values that
// may hold references (connection.Expander) are as written.
type Config struct {
	Code        string
	Comment     string
	URL         string // "" when Connection is set
	Connection  string // a connection's code, below whose URL Path is
	Path        string
	Choice      Choice
	Secret      string // "" for one that Junctor makes and keeps
	OldSecret   string // signs too; "" for none
	Enabled     bool
	Rate        unit.Rate
	Concurrency int            // deliveries under way at once, on each node
	OrderingKey channel.Source // deliveries of one key go one after another; may be zero
	OnFailure   channel.OnFailure
	Timeout     time.Duration // of one try
	Retry       run.Policy    // of it: Attempts, Schedule, First, Factor, Max
	Retention   channel.Retention
	Keep        int64 // bytes of an answer that are kept
}

// Limits and defaults of a subscription.
const (
	DefaultConcurrency = 10
	DefaultTimeout     = 15 * time.Second
	DefaultKeep        = 4 << 10

	maxConcurrency = 100
	maxTimeout     = 5 * time.Minute
	maxKeep        = 64 << 10
	maxURL         = 2048
	maxFilter      = 4096
	longestWait    = 30 * 24 * time.Hour
)

// Schedule is when a delivery is tried again after the first try, by Standard
// Webhooks, section "Retries and delivery failures".
var Schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// SecretMembers are the members of a body that hold a credential, as
// channel.SecretMembers. A ? is behind one that stays as it is when it is left
// out, and need not be there.
func SecretMembers() []string { return []string{"secret?", "old_secret"} }

// asked is what whoever has a channel's token may say.
type asked struct {
	URL    string   `json:"url"`
	Types  []string `json:"types"`
	Filter string   `json:"filter"`
	Secret *string  `json:"secret"`
}

// wire is a subscription as it is configured. Pointers tell "not given" from zero.
type wire struct {
	asked
	Comment       string         `json:"comment"`
	Connection    string         `json:"connection"`
	Path          string         `json:"path"`
	OldSecret     *string        `json:"old_secret"`
	Enabled       *bool          `json:"enabled"`
	Rate          unit.Rate      `json:"rate"`
	Concurrency   *int           `json:"concurrency"`
	OrderingKey   *string        `json:"ordering_key"`
	OnFailure     string         `json:"on_failure"`
	Timeout       *unit.Duration `json:"timeout"`
	Retry         wireRetry      `json:"retry"`
	Retention     wireRetention  `json:"retention"`
	ResponseLimit *unit.Size     `json:"response_limit"`
}

type wireRetry struct {
	Schedule []unit.Duration `json:"schedule"`
	Attempts *int            `json:"attempts"`
	First    *unit.Duration  `json:"first"`
	Factor   *float64        `json:"factor"`
	Max      *unit.Duration  `json:"max"`
}

type wireRetention struct {
	Succeeded *unit.Duration `json:"succeeded"`
	Failed    *unit.Duration `json:"failed"`
}

// Parse reads a subscription's body as it stands under its code in junctor.yaml,
// as JSON. It returns everything that is wrong, with pointers into the body; the
// Config is of use only when nothing is. Whether the connection exists is for the
// caller to check.
func Parse(code string, body json.RawMessage) (Config, []fault.Field) {
	var w wire
	p := parser{found: strict.Decode(body, &w)}
	if slices.ContainsFunc(p.found, func(f fault.Field) bool { return f.Pointer == "" }) {
		return Config{}, p.found // no object at all
	}
	if strings.HasPrefix(code, prefix) {
		p.add("", "has a code that begins with %s: these are given to subscriptions that are made with a channel's token", prefix)
	}
	c := p.config(code, w)
	p.target(w)
	return c, p.found
}

// ParseRequest reads what somebody asks for who has a channel's token.
func ParseRequest(body []byte) (Config, []fault.Field) {
	var a asked
	p := parser{found: strict.Decode(body, &a)}
	if slices.ContainsFunc(p.found, func(f fault.Field) bool { return f.Pointer == "" }) {
		return Config{}, p.found
	}
	c := p.config("", wire{asked: a})
	for _, m := range []struct{ name, text string }{{"url", c.URL}, {"secret", c.Secret}} {
		if strings.Contains(m.text, "${") { // secrets of the installation are no subscriber's
			p.add("/"+m.name, "contains ${, which has no meaning here")
		}
	}
	if c.URL == "" {
		p.add("/url", "is required: where events are sent to, https://...")
	}
	p.url(c.URL)
	return c, p.found
}

type parser struct{ found []fault.Field }

// add notes a finding, unless the place has one already.
func (p *parser) add(pointer, format string, args ...any) {
	if !slices.ContainsFunc(p.found, func(f fault.Field) bool { return f.Pointer == pointer }) {
		p.found = append(p.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
}

func (p *parser) config(code string, w wire) Config {
	c := Config{
		Code: code, Comment: w.Comment, URL: w.URL, Connection: w.Connection, Path: w.Path, Enabled: w.Enabled == nil || *w.Enabled,
		Rate: w.Rate, Concurrency: DefaultConcurrency, OnFailure: channel.Block, Timeout: DefaultTimeout, Keep: DefaultKeep,
	}
	var found []fault.Field
	c.Choice, found = ParseChoice(w.Types, w.Filter)
	for _, f := range found {
		p.add(f.Pointer, "%s", f.Detail)
	}
	c.Secret, c.OldSecret = p.secret("/secret", w.Secret), p.secret("/old_secret", w.OldSecret)
	if w.Concurrency != nil {
		if c.Concurrency = *w.Concurrency; c.Concurrency < 1 || c.Concurrency > maxConcurrency {
			p.add("/concurrency", "must be from 1 to %d", maxConcurrency)
		}
	}
	if w.OrderingKey != nil {
		var err error
		if c.OrderingKey, err = channel.ParseSource(*w.OrderingKey); err != nil || !strings.HasPrefix(*w.OrderingKey, "$") {
			p.add("/ordering_key", "%q is not a JSON path into the event, like $.subject or $.data.customer", *w.OrderingKey)
		}
	}
	switch w.OnFailure {
	case "", string(channel.Block):
	case string(channel.Skip):
		c.OnFailure = channel.Skip
	default:
		p.add("/on_failure", "%s", strict.Unknown(w.OnFailure, []string{string(channel.Block), string(channel.Skip)}))
	}
	c.Timeout = p.span("/timeout", w.Timeout, DefaultTimeout, 100*time.Millisecond, maxTimeout)
	c.Retry = p.retry(w.Retry)
	const longest = 100 * 365 * 24 * time.Hour
	c.Retention = channel.Retention{
		Succeeded: p.span("/retention/succeeded", w.Retention.Succeeded, run.DefaultPolicy.KeepSucceeded, 0, longest),
		Failed:    p.span("/retention/failed", w.Retention.Failed, run.DefaultPolicy.KeepFailed, 0, longest),
	}
	if w.ResponseLimit != nil {
		if c.Keep = int64(*w.ResponseLimit); c.Keep < 0 || c.Keep > maxKeep {
			p.add("/response_limit", "must be from 0 to %s", unit.FormatSize(maxKeep))
		}
	}
	return c
}

// target checks where a configured subscription sends.
func (p *parser) target(w wire) {
	switch {
	case w.URL == "" && w.Connection == "":
		p.add("/url", "is required: where events are sent to, or connection")
	case w.URL != "" && w.Connection != "":
		p.add("/connection", "stands beside url; a subscription has one of them, and with connection a path")
	case w.Connection == "" && w.Path != "":
		p.add("/path", "is a path below the URL of a connection, and there is none")
	}
	p.url(w.URL)
}

func (p *parser) url(text string) {
	switch {
	case text == "":
	case len(text) > maxURL:
		p.add("/url", "has %d bytes; at most %d are possible", len(text), maxURL)
	default:
		if err := http.CheckURL(text); err != nil {
			p.add("/url", "%v", err)
		}
	}
}

func (p *parser) secret(pointer string, text *string) string {
	if text == nil {
		return ""
	}
	if err := connection.CheckText(*text); err != nil {
		p.add(pointer, "%v", err)
	} else if !connection.HasReference(*text) {
		if _, err := parseSecret(*text); err != nil {
			p.add(pointer, "%v", err)
		}
	}
	return *text
}

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

// retry reads the policy: a schedule, or a back-off as that of channels; without
// either the schedule of Standard Webhooks.
func (p *parser) retry(w wireRetry) run.Policy {
	const mostAttempts = 1000
	policy := run.Policy{Attempts: len(Schedule) + 1, Schedule: Schedule}
	back := w.First != nil || w.Factor != nil || w.Max != nil
	switch {
	case w.Schedule != nil && (back || w.Attempts != nil):
		p.add("/retry/schedule", "stands beside attempts, first, factor or max: it says all that they do")
	case len(w.Schedule) > 100:
		p.add("/retry/schedule", "has %d waits; at most 100 are possible", len(w.Schedule))
	case w.Schedule != nil:
		policy.Attempts, policy.Schedule = len(w.Schedule)+1, nil
		for i := range w.Schedule {
			policy.Schedule = append(policy.Schedule, p.span(fmt.Sprintf("/retry/schedule/%d", i), &w.Schedule[i], 0, time.Millisecond, longestWait))
		}
	case back:
		policy = run.Policy{Attempts: 15, Factor: 2}
		policy.First = p.span("/retry/first", w.First, time.Second, time.Millisecond, longestWait)
		policy.Max = p.span("/retry/max", w.Max, max(time.Hour, policy.First), policy.First, longestWait)
		if w.Factor != nil {
			if policy.Factor = *w.Factor; policy.Factor < 1 || policy.Factor > 100 {
				p.add("/retry/factor", "must be from 1 to 100")
			}
		}
	}
	if w.Attempts != nil {
		if policy.Attempts = *w.Attempts; policy.Attempts < 1 || policy.Attempts > mostAttempts {
			p.add("/retry/attempts", "must be from 1 to %d; the first attempt counts", mostAttempts)
		}
	}
	return policy
}

// policy is how its deliveries are treated.
func (c *Config) policy() run.Policy {
	p := c.Retry
	p.Skip = c.OnFailure == channel.Skip
	p.KeepSucceeded, p.KeepFailed = c.Retention.Succeeded, c.Retention.Failed
	p.AtOnce = c.Concurrency
	return p
}
