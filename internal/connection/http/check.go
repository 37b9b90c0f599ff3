package http

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"junctor/internal/connection"
	"junctor/internal/fault"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

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
	if err := CheckURL(doc.URL); err != nil {
		p.add("/url", "%v", err)
	}
	if d := time.Duration(doc.Timeout); d > maxTimeout {
		p.add("/timeout", "is longer than the 1h that one request may take")
	}
	given := map[string]bool{}
	for _, name := range sortedKeys(doc.Headers) {
		pointer := "/headers/" + escapePointer(name)
		if canonical := strings.ToLower(name); given[canonical] {
			p.add(pointer, "%s: case does not matter in a header's name", strict.Twice)
		} else {
			given[canonical] = true
		}
		if err := checkHeaderName(name); err != nil {
			p.add(pointer, "%v", err)
		}
		p.header(pointer, doc.Headers[name])
	}
	if doc.Auth != nil {
		p.auth(*doc.Auth)
	}
	if doc.TLS != nil {
		p.tls(*doc.TLS, strings.HasPrefix(doc.URL, "http://") && (doc.Auth == nil || doc.Auth.OAuth2 == nil))
	}
	if doc.Proxy != nil {
		if err := checkProxy(*doc.Proxy); err != nil {
			p.add("/proxy", "%v", err)
		}
	}
	p.limits(doc)
}

func (p *problems) limits(doc document) {
	if n := doc.Concurrency; n != nil && (*n < 1 || *n > maxConcurrency) {
		p.add("/concurrency", "is not a number from 1 to %d", maxConcurrency)
	}
	if doc.Rate.Count > maxRate {
		p.add("/rate", "is more than %d requests at once can be counted for", maxRate)
	}
	if b := doc.Breaker; b != nil {
		if b.Failures != nil && (*b.Failures < 1 || *b.Failures > maxFailures) {
			p.add("/breaker/failures", "is not a number from 1 to %d", maxFailures)
		}
		if d := b.Pause; d != nil && (time.Duration(*d) < minPause || time.Duration(*d) > maxPause) {
			p.add("/breaker/pause", "is not between %s and %s", unit.FormatDuration(minPause), unit.FormatDuration(maxPause))
		}
	}
	if z := doc.ResponseLimit; z != nil && (*z < 1 || *z > maxMaxBody) {
		p.add("/response_limit", "is not between 1B and %s, which is as much as a scenario has room for", unit.FormatSize(maxMaxBody))
	}
}

// absolute is a path as Unix or Windows has it: who applies a configuration may
// sit at another system than the server's.
var absolute = regexp.MustCompile(`^(/|\\\\|[A-Za-z]:[/\\])`)

func (p *problems) tls(t TLS, plain bool) {
	if plain {
		p.add("/tls", "is of no use with an http:// URL: write https://")
	}
	if t == (TLS{}) {
		p.add("/tls", "needs ca, or cert and key")
	}
	for _, m := range []struct{ name, text, other, with string }{
		{"ca", t.CA, "", ""}, {"cert", t.Cert, "key", t.Key}, {"key", t.Key, "cert", t.Cert},
	} {
		switch {
		case m.text != "":
			p.text("/tls/"+m.name, m.text)
			if !connection.HasReference(m.text) && !isPEM(m.text) && !absolute.MatchString(m.text) {
				p.add("/tls/"+m.name, "is neither PEM (-----BEGIN ...) nor the absolute path of a file with it")
			}
		case m.with != "":
			p.add("/tls/"+m.name, "is missing beside %s", m.other)
		}
	}
}

func (p *problems) oauth2(o OAuth2) {
	if err := CheckURL(o.TokenURL); err != nil {
		p.add("/auth/oauth2/token_url", "%v", err)
	}
	for _, m := range []struct{ name, text string }{{"client_id", o.ClientID}, {"client_secret", o.ClientSecret}} {
		p.text("/auth/oauth2/"+m.name, m.text)
		if m.text == "" {
			p.add("/auth/oauth2/"+m.name, "is empty")
		}
	}
	for i, scope := range o.Scopes {
		if p.text(fmt.Sprintf("/auth/oauth2/scopes/%d", i), scope); scope == "" || strings.ContainsAny(scope, " \t\r\n") {
			p.add(fmt.Sprintf("/auth/oauth2/scopes/%d", i), "is not one scope: write a list of them, without spaces")
		}
	}
	for _, name := range sortedKeys(o.Params) {
		pointer := "/auth/oauth2/params/" + escapePointer(name)
		p.text(pointer, o.Params[name])
		if slices.Contains([]string{"", "grant_type", "client_id", "client_secret", "scope"}, name) {
			p.add(pointer, "is set by Junctor itself")
		}
	}
	if o.AuthStyle != "" && o.AuthStyle != "header" && o.AuthStyle != "body" {
		p.add("/auth/oauth2/auth_style", "is %q: header or body is where the client's id and secret go", o.AuthStyle)
	}
}

func (p *problems) auth(auth authDocument) {
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
	if o := auth.OAuth2; o != nil {
		given++
		p.oauth2(*o)
	}
	if given != 1 && len(p.fields) == 0 {
		p.add("/auth", "needs exactly one of basic, bearer, api_key, oauth2")
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
