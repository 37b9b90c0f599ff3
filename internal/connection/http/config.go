package http

import (
	"fmt"
	"slices"
	"time"

	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// Config is an HTTP connection before it is opened. Text values may hold
// references (connection.Expander); they stay in it unresolved.
type Config struct {
	Label        string            // how errors call it; Parse sets `connection "CODE"`
	URL          string            // base of every request; http or https, a path and a query are kept
	Headers      map[string]string // sent with every request
	Auth         *Auth             // nil: none
	TLS          *TLS              // nil: the system's authorities, no certificate of one's own
	Proxy        string            // http, https or socks5 URL, with user:password when it wants one; "": none
	Timeout      time.Duration     // of one request as a whole; 30 s when 0
	AllowPrivate bool              // let private, loopback and link-local addresses be reached
	Concurrency  int               // requests under way at once; 0: no limit
	Rate         unit.Rate         // requests begun in any span of time; zero: no limit
	Breaker      *Breaker          // nil: none
	MaxBody      int64             // bytes of a response, decompressed; 10 MiB when 0
	AllowedBy    string            // what AllowPrivate is called, for errors; "allow_private: true on it" when empty
	Release      string            // for User-Agent: Junctor/RELEASE
}

// Auth is how a connection proves who it is: exactly one member is set.
type Auth struct {
	Basic  *Basic
	Bearer string
	APIKey *APIKey
	OAuth2 *OAuth2
}

// Basic is RFC 7617.
type Basic struct {
	User     string `json:"user" strict:"required"`
	Password string `json:"password" strict:"required"`
}

// APIKey is a credential in a header or a query parameter; one of the two is set.
type APIKey struct {
	Header string `json:"header"`
	Query  string `json:"query"`
	Value  string `json:"value" strict:"required"`
}

// OAuth2 is the grant by client credentials, RFC 6749 section 4.4.
type OAuth2 struct {
	TokenURL     string            `json:"token_url" strict:"required"`
	ClientID     string            `json:"client_id" strict:"required"`
	ClientSecret string            `json:"client_secret" strict:"required"`
	Scopes       []string          `json:"scopes"`
	Params       map[string]string `json:"params"`     // further parameters of the token request, such as audience
	AuthStyle    string            `json:"auth_style"` // where the client's id and secret go: header (also when empty) or body
}

// TLS is what is trusted and shown over https. Each member is PEM, or the
// absolute path of a file with it.
type TLS struct {
	CA   string `json:"ca"`   // certificates of the authorities that are trusted, in the place of the system's
	Cert string `json:"cert"` // one's own certificate, with those between it and its authority
	Key  string `json:"key"`  // its private key
}

// Breaker says when requests are not made because those before have failed.
type Breaker struct {
	Failures int           // failures in a row that open it; 10 when 0
	Pause    time.Duration // how long it stays open before a request is let through to see; 30 s when 0
}

// document is the configuration as it is written.
type document struct {
	Type          string            `json:"type"`
	URL           string            `json:"url" strict:"required"`
	Headers       map[string]string `json:"headers"`
	Auth          *authDocument     `json:"auth"`
	TLS           *TLS              `json:"tls"`
	Proxy         *string           `json:"proxy"`
	Timeout       unit.Duration     `json:"timeout"`
	AllowPrivate  bool              `json:"allow_private"`
	Concurrency   *int              `json:"concurrency"`
	Rate          unit.Rate         `json:"rate"`
	Breaker       *breakerDocument  `json:"breaker"`
	ResponseLimit *unit.Size        `json:"response_limit"`
}

type authDocument struct {
	Basic  *Basic  `json:"basic"`
	Bearer *string `json:"bearer"`
	APIKey *APIKey `json:"api_key"`
	OAuth2 *OAuth2 `json:"oauth2"`
}

type breakerDocument struct {
	Failures *int           `json:"failures"`
	Pause    *unit.Duration `json:"pause"`
}

// Parse reads the configuration of the connection with this code and returns
// everything that is wrong with it. Values with references are checked as far
// as they can be; the rest is checked by Open.
func Parse(code string, body []byte) (Config, []fault.Field) {
	var doc document
	p := problems{fields: strict.Decode(body, &doc)}
	if slices.ContainsFunc(p.fields, func(f fault.Field) bool { return f.Pointer == "" }) {
		return Config{}, p.fields // no object at all
	}
	p.check(doc)
	if len(p.fields) > 0 {
		return Config{}, p.fields
	}
	config := Config{
		Label: fmt.Sprintf("connection %q", code), URL: doc.URL, Headers: doc.Headers, TLS: doc.TLS, Proxy: value(doc.Proxy),
		Timeout: time.Duration(doc.Timeout), AllowPrivate: doc.AllowPrivate,
		Concurrency: value(doc.Concurrency), Rate: doc.Rate, MaxBody: int64(value(doc.ResponseLimit)),
	}
	if a := doc.Auth; a != nil {
		config.Auth = &Auth{Basic: a.Basic, Bearer: value(a.Bearer), APIKey: a.APIKey, OAuth2: a.OAuth2}
	}
	if b := doc.Breaker; b != nil {
		config.Breaker = &Breaker{Failures: value(b.Failures), Pause: time.Duration(value(b.Pause))}
	}
	return config, nil
}

// value is what p points to, the zero value for nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
