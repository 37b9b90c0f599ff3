package http

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"junctor/internal/connection"
)

const (
	defaultTimeout = 30 * time.Second
	defaultMaxBody = 10 << 20
	maxMaxBody     = 64 << 20
	maxRedirects   = 5
)

// Open resolves the references and prepares the connection; nothing is dialled
// yet. Its error is a Permanent *connection.Error that names the member and
// never contains a resolved value.
func Open(config Config, secrets Secrets) (*Conn, error) { return open(config, secrets, nil) }

func open(config Config, secrets Secrets, resolver *net.Resolver) (*Conn, error) {
	c := &Conn{
		label: config.Label, lets: cmp.Or(config.AllowedBy, "allow_private: true on it"), timeout: config.Timeout, maxBody: config.MaxBody,
		header: http.Header{},
	}
	c.hide = connection.NewExpander(c.noting(secrets))
	if c.label == "" {
		c.label = "connection"
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.maxBody <= 0 {
		c.maxBody = defaultMaxBody
	}
	agent := "Junctor"
	if config.Release != "" {
		agent += "/" + config.Release
	}
	c.header.Set("User-Agent", agent)
	if err := c.resolve(config); err != nil {
		return nil, err
	}
	if err := c.setTLS(config.TLS); err != nil {
		return nil, err
	}
	if err := c.setProxy(config.Proxy); err != nil {
		return nil, err
	}
	c.connect(config.AllowPrivate, resolver)
	if config.Concurrency > 0 {
		c.slots = make(chan struct{}, config.Concurrency)
	}
	if config.Rate.Count > 0 {
		c.rate, c.pace = config.Rate, newPace(config.Rate)
	}
	c.breaker = newBreaker(config.Breaker)
	return c, nil
}

// resolve fills in everything that may hold references.
func (c *Conn) resolve(config Config) error {
	text, err := c.expand("url", config.URL)
	if err != nil {
		return err
	}
	if c.base, err = parseBase(text); err != nil {
		return c.permanent("%s: url %v", c.label, err)
	}
	for _, name := range sortedKeys(config.Headers) {
		set := c.setHeader
		if slices.Contains(SecretMembers(), "headers."+strings.ToLower(name)) {
			set = func(member, name, text string) error { return c.setCredential(member, name, "", text) }
		}
		if err := set("headers."+name, name, config.Headers[name]); err != nil {
			return err
		}
	}
	auth := config.Auth
	switch {
	case auth == nil:
		return nil
	case auth.Basic != nil:
		return c.setBasic(*auth.Basic)
	case auth.APIKey != nil && auth.APIKey.Query != "":
		value, err := c.expand("auth.api_key.value", auth.APIKey.Value)
		c.key = [2]string{auth.APIKey.Query, value}
		c.Conceal(value)
		return err
	case auth.APIKey != nil:
		c.sealed = append(c.sealed, http.CanonicalHeaderKey(auth.APIKey.Header))
		return c.setCredential("auth.api_key.value", auth.APIKey.Header, "", auth.APIKey.Value)
	case auth.OAuth2 != nil:
		return c.setOAuth2(*auth.OAuth2)
	default:
		c.sealed = append(c.sealed, "Authorization")
		return c.setCredential("auth.bearer", "Authorization", "Bearer ", auth.Bearer)
	}
}

// setCredential is setHeader for a value that is a credential.
func (c *Conn) setCredential(member, name, scheme, text string) error {
	if !connection.HasReference(text) {
		c.hide.Also(text) // an error may come before it is expanded
	}
	if value, err := c.expand(member, text); err == nil {
		c.Conceal(value)
	}
	return c.setHeader(member, name, scheme+text)
}

func (c *Conn) setBasic(basic Basic) error {
	user, err := c.expand("auth.basic.user", basic.User)
	if err != nil {
		return err
	}
	password, err := c.expand("auth.basic.password", basic.Password)
	if err != nil {
		return err
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	c.Conceal(password, encoded)
	c.sealed = append(c.sealed, "Authorization")
	c.header.Set("Authorization", "Basic "+encoded)
	return nil
}

func (c *Conn) setHeader(member, name, text string) error {
	value, err := c.expand(member, text)
	if err != nil {
		return err
	}
	if err := checkHeaderName(name); err != nil {
		return c.permanent("%s: %s: %v", c.label, member, err)
	}
	if err := checkHeaderValue(value); err != nil {
		return c.permanent("%s: %s: %v", c.label, member, err)
	}
	c.header.Set(name, value)
	return nil
}

func (c *Conn) expand(member, text string) (string, error) {
	value, err := c.hide.Expand(text)
	if err != nil {
		return "", &connection.Error{
			Class: connection.Permanent, Cause: err,
			Message: fmt.Sprintf("%s: %s: %s", c.label, member, c.hidden(err.Error())),
		}
	}
	return value, nil
}

// connect makes the client. It keeps connections alive for many requests a
// second to one host; the standard library's default keeps two. The number of
// connections is bounded so that a slow server cannot eat every file descriptor:
// further requests wait, within their time-out.
func (c *Conn) connect(allowPrivate bool, resolver *net.Resolver) {
	t := &http.Transport{
		DialContext:            dialer(allowPrivate || c.proxy != nil, resolver), // a proxy is where its administrator says
		TLSClientConfig:        c.tls,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0, // bounded per host, and a Conn has one or two hosts
		MaxIdleConnsPerHost:    512,
		MaxConnsPerHost:        1024,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	c.client, c.idle = &http.Client{Transport: t, CheckRedirect: redirect}, t.CloseIdleConnections
	if c.proxy == nil {
		return
	}
	t.Proxy, t.OnProxyConnectResponse = http.ProxyURL(c.proxy), proxyAnswered
	if !allowPrivate {
		c.client.Transport = distant{t}
	}
}

// errRedirects is a destination that sends a request round and round.
var errRedirects = fmt.Errorf("redirected more than %d times", maxRedirects)

// redirect is the policy that the package comment describes.
func redirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	safe := first.Method == http.MethodGet || first.Method == http.MethodHead
	same := origin(next.URL) == origin(first.URL) && next.URL.User == nil
	if !safe || !same {
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return errRedirects
	}
	next.Header.Del("Referer") // it could show a credential of the query in the server's log
	return nil
}
