package channel

import (
	"encoding/json"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// Eventing channels let external systems subscribe to events.
const Eventing Type = "eventing"

// DefaultSubscriptions is how many subscriptions a channel's token may make.
const DefaultSubscriptions = 100

// wireEventing is an eventing channel as it is written.
type wireEventing struct {
	Type           string          `json:"type" strict:"required"`
	Comment        string          `json:"comment"`
	Enabled        *bool           `json:"enabled"`
	Types          []string        `json:"types"`
	Subscriptions  *int            `json:"subscriptions"`
	Verify         json.RawMessage `json:"verify"`
	Allow          json.RawMessage `json:"allow"`
	Rate           unit.Rate       `json:"rate"`
	RatePerAddress unit.Rate       `json:"rate_per_address"`
	CORS           *wireCORS       `json:"cors"`
}

// isEventing reports whether a body says that it is of an eventing channel.
func isEventing(body []byte) bool {
	var kind struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(body, &kind) == nil && kind.Type == string(Eventing)
}

// parseEventing is Parse for an eventing channel. Whether its types are patterns
// is for the caller to check.
func parseEventing(code string, body json.RawMessage) (Config, []fault.Field) {
	const most = 100_000
	var w wireEventing
	p := parser{found: strict.Decode(body, &w)}
	c := Config{
		Code: code, Type: Eventing, Comment: w.Comment, Enabled: w.Enabled == nil || *w.Enabled, Types: w.Types, Subscriptions: DefaultSubscriptions,
		Verify: p.schemes(w.Verify), Allow: p.allow(w.Allow), Rate: Rates{w.Rate, w.RatePerAddress}, CORS: p.cors(w.CORS), BodyLimit: 64 << 10,
	}
	if w.Subscriptions != nil {
		if c.Subscriptions = *w.Subscriptions; c.Subscriptions < 0 || c.Subscriptions > most {
			p.add("/subscriptions", "must be from 0 to %d", most)
		}
	}
	return c, p.found
}
