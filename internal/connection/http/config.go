package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"junctor/internal/connection"
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
	Timeout      time.Duration     // of one request as a whole; 30 s when 0
	AllowPrivate bool              // let private, loopback and link-local addresses be reached
	MaxBody      int64             // bytes of a response, decompressed; 10 MiB when 0
	Release      string            // for User-Agent: Junctor/RELEASE
}

// Auth is how a connection proves who it is: exactly one member is set.
type Auth struct {
	Basic  *Basic
	Bearer string
	APIKey *APIKey
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

// document is the configuration as it is written.
type document struct {
	Type         string            `json:"type"`
	URL          string            `json:"url" strict:"required"`
	Headers      map[string]string `json:"headers"`
	Auth         *authDocument     `json:"auth"`
	Timeout      unit.Duration     `json:"timeout"`
	AllowPrivate bool              `json:"allow_private"`

	// Keys of later releases, known so that the refusal can say so.
	TLS         json.RawMessage `json:"tls"`
	Proxy       json.RawMessage `json:"proxy"`
	Concurrency json.RawMessage `json:"concurrency"`
	Rate        json.RawMessage `json:"rate"`
	Breaker     json.RawMessage `json:"breaker"`
}

type authDocument struct {
	Basic  *Basic          `json:"basic"`
	Bearer *string         `json:"bearer"`
	APIKey *APIKey         `json:"api_key"`
	OAuth2 json.RawMessage `json:"oauth2"` // of a later release
}

// maxTimeout bounds the configured time of one request.
const maxTimeout = time.Hour

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
	config := Config{
		Label: fmt.Sprintf("connection %q", code), URL: doc.URL, Headers: doc.Headers,
		Timeout: time.Duration(doc.Timeout), AllowPrivate: doc.AllowPrivate,
	}
	if doc.Auth != nil {
		config.Auth = &Auth{Basic: doc.Auth.Basic, APIKey: doc.Auth.APIKey}
		if doc.Auth.Bearer != nil {
			config.Auth.Bearer = *doc.Auth.Bearer
		}
	}
	if len(p.fields) > 0 {
		return Config{}, p.fields
	}
	return config, nil
}

// CheckURL reports what is wrong with the base URL of a connection. Of one with
// references only their form is checked; Open checks the rest.
func CheckURL(text string) error {
	if text == "" {
		return errors.New("is empty")
	}
	if err := connection.CheckText(text); err != nil || connection.HasReference(text) {
		return err
	}
	_, err := parseBase(connection.Literal(text))
	return err
}

// problems collects what is wrong, one finding per place.
type problems struct{ fields []fault.Field }

func (p *problems) add(pointer, format string, args ...any) {
	if !slices.ContainsFunc(p.fields, func(f fault.Field) bool { return f.Pointer == pointer }) {
		p.fields = append(p.fields, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
}

func (p *problems) check(doc document) {
	if doc.Type != "" && doc.Type != "http" {
		p.add("/type", "is %q, not http", doc.Type)
	}
	later := []struct {
		pointer string
		value   json.RawMessage
	}{{"/tls", doc.TLS}, {"/proxy", doc.Proxy}, {"/concurrency", doc.Concurrency}, {"/rate", doc.Rate}, {"/breaker", doc.Breaker}}
	for _, key := range later {
		if key.value != nil {
			p.add(key.pointer, "is not available in this release")
		}
	}
	if err := CheckURL(doc.URL); err != nil {
		p.add("/url", "%v", err)
	}
	if d := time.Duration(doc.Timeout); d > maxTimeout {
		p.add("/timeout", "is longer than the 1h that one request may take")
	}
	for _, name := range sortedKeys(doc.Headers) {
		pointer := "/headers/" + escapePointer(name)
		if err := checkHeaderName(name); err != nil {
			p.add(pointer, "%v", err)
		}
		p.header(pointer, doc.Headers[name])
	}
	if doc.Auth != nil {
		p.auth(*doc.Auth)
	}
}

func (p *problems) auth(auth authDocument) {
	if auth.OAuth2 != nil {
		p.add("/auth/oauth2", "is not available in this release")
		return
	}
	given := 0
	if b := auth.Basic; b != nil {
		given++
		p.text("/auth/basic/user", b.User)
		p.text("/auth/basic/password", b.Password)
		if strings.Contains(b.User, ":") {
			p.add("/auth/basic/user", "may not contain a colon")
		}
	}
	if auth.Bearer != nil {
		given++
		p.header("/auth/bearer", *auth.Bearer)
		if *auth.Bearer == "" {
			p.add("/auth/bearer", "is empty")
		}
	}
	if k := auth.APIKey; k != nil {
		given++
		switch {
		case (k.Header == "") == (k.Query == ""):
			p.add("/auth/api_key", "needs either header or query, the name of where the value goes")
		case k.Header != "":
			if err := checkHeaderName(k.Header); err != nil {
				p.add("/auth/api_key/header", "%v", err)
			}
			p.header("/auth/api_key/value", k.Value)
		default:
			p.text("/auth/api_key/value", k.Value)
		}
	}
	if given != 1 && len(p.fields) == 0 {
		p.add("/auth", "needs exactly one of basic, bearer, api_key")
	}
}

func (p *problems) text(pointer, value string) {
	if err := connection.CheckText(value); err != nil {
		p.add(pointer, "%v", err)
	}
}

func (p *problems) header(pointer, value string) {
	p.text(pointer, value)
	if err := checkHeaderValue(value); err != nil {
		p.add(pointer, "%v", err)
	}
}

func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
