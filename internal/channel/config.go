package channel

import (
	"encoding/json"
	"time"

	"junctor/internal/fault"
	"junctor/internal/unit"
)

// Type says which way messages go through a channel.
type Type string

// Public channels take webhooks and run a scenario.
const Public Type = "public"

// OnFailure says what a failed run does to the next one of its ordering key.
type OnFailure string

// The two ways to go on after a failure.
const (
	Block OnFailure = "block" // the key waits until someone retries or cancels the failed run
	Skip  OnFailure = "skip"  // the next run of the key starts
)

// Capture says how much of a finished run is kept.
type Capture string

// What is kept.
const (
	CaptureFull   Capture = "full"   // input, output and steps of every run
	CaptureErrors Capture = "errors" // the same, of failed runs
	CaptureNone   Capture = "none"   // the bare row
)

// Config is one channel as configured, with every default filled in. Values
// that may hold secrets are as written, references (connection.Expander) in them unresolved.
type Config struct {
	Code        string
	Type        Type
	Comment     string
	Scenario    string        // the scenario's code; "" for a channel of websockets only
	Await       bool          // the caller waits for the scenario's answer
	Timeout     time.Duration // how long an awaited caller waits
	Enabled     bool          // false: the token answers 404
	Paused      bool          // messages are taken and kept, their runs do not start
	External    *External     // nil when the channel has no outgoing side
	Verify      []Scheme      // any one of them lets a message in; none: the token alone does
	Nonce       *Nonce        // nil: messages need none
	Allow       []Origin      // from where messages may come; none: from everywhere
	Rate        Rates
	BodyLimit   int64 // bytes, before and after decompression
	Idempotency Idempotency
	Subject     Source // what a run is looked up by; may be zero
	OrderingKey Source // runs of one key go one after another; may be zero
	Redact      Redact // what of a message is not stored
	OnFailure   OnFailure
	Retry       Retry
	Retention   Retention
	Capture     Capture
	CORS        *CORS // nil: the door does nothing for browsers

	Types         []string // of an eventing channel: of which events its subscribers may hear; none: all but what is internal
	Subscriptions int      // how many an eventing channel may have that are made with its token

	WebsocketScenario string // whose runs a websocket's messages are; "": there are no websockets
	WebsocketRole     string // in which the other side of a websocket acts; may be ""
}

// Websockets reports whether the channel has websockets: for messages, or those
// by which it is subscribed to.
func (c *Config) Websockets() bool { return c.WebsocketScenario != "" || c.Type == Eventing }

// External is where the channel's scenario sends to.
type External struct {
	URL            string `json:"url" strict:"required"`
	PrimaryToken   string `json:"primary_token"`
	SecondaryToken string `json:"secondary_token"`
	AllowPrivate   bool   `json:"allow_private"` // private and loopback targets too
}

// Rates say how many messages may come; a count of 0 is no limit.
type Rates struct{ All, PerAddress unit.Rate }

// Idempotency says how a repeated message is known.
type Idempotency struct {
	Keys   []Source      // the first that a message has is its key
	Window time.Duration // how long the first answer is given again; 0 switches it off
}

// Retry is the policy for runs that failed after an external step.
type Retry struct {
	Attempts int           // the first one counts
	First    time.Duration // the wait before the second
	Factor   float64       // by which each further wait is longer
	Max      time.Duration // the longest wait
}

// Retention is how long finished runs are kept, 0: for ever. A run that still
// answers an idempotency key is kept to the end of that window all the same.
type Retention struct {
	Succeeded time.Duration // succeeded and cancelled
	Failed    time.Duration
}

// The defaults of a channel.
const (
	DefaultTimeout           = 30 * time.Second
	DefaultBodyLimit         = 10 << 20
	DefaultIdempotencyWindow = 24 * time.Hour
)

// Parse reads a channel's body as it stands under its code in junctor.yaml, as
// JSON. It returns the channel with its defaults, and everything that is wrong
// with pointers into the body; the Config is of use only when nothing is.
// Whether the scenario exists is for the caller to check.
func Parse(code string, body json.RawMessage) (Config, []fault.Field) {
	if isEventing(body) {
		return parseEventing(code, body)
	}
	var p parser
	w := p.decode(body)
	c := Config{
		Code: code, Comment: w.Comment, Scenario: w.Scenario, Await: w.Await, Enabled: true, Paused: w.Paused,
		Type:        oneOf(&p, "/type", w.Type, "", Public, Eventing),
		OnFailure:   oneOf(&p, "/on_failure", w.OnFailure, Block, Block, Skip),
		Timeout:     p.span("/timeout", w.Timeout, DefaultTimeout, time.Millisecond, 24*time.Hour),
		BodyLimit:   p.size("/body_limit", w.BodyLimit),
		Subject:     p.source("/subject", w.Subject),
		OrderingKey: p.source("/ordering_key", w.OrderingKey),
		Redact:      p.redact(w.Redact),
		Verify:      p.schemes(w.Verify),
		Allow:       p.allow(w.Allow),
		Rate:        Rates{w.Rate, w.RatePerAddress},
		External:    p.external(w.External),
		CORS:        p.cors(w.CORS),

		WebsocketScenario: w.WebsocketScenario, WebsocketRole: w.WebsocketRole,
	}
	c.Retry, c.Retention, c.Capture = p.policy(&w.WrittenPolicy, w.Await || w.Scenario == "") // messages of websockets are awaited
	c.Idempotency = p.idempotency(w.Idempotency, c.Verify)
	c.Nonce = p.nonce(w.Nonce, c.Verify)
	if w.Enabled != nil {
		c.Enabled = *w.Enabled
	}
	return c, p.found
}
