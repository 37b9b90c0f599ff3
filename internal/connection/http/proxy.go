package http

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"junctor/internal/connection"
)

// checkProxy reports what is wrong with a proxy's URL, as far as it is known
// before its references are resolved.
func checkProxy(text string) error {
	if err := connection.CheckText(text); err != nil {
		return err
	}
	_, host, user := splitProxy(text)
	if user && connection.HasReference(host) || !user && connection.HasReference(text) {
		return nil
	}
	_, err := parseProxy(text, func(piece string) (string, error) { return connection.Literal(piece), nil })
	return err
}

// parseProxy reads scheme://user:password@host:port. Each part is expanded by
// itself, so that a password out of a secret may hold any character; one that
// is written out is percent-encoded as in every URL. The errors do not repeat
// the text.
func parseProxy(text string, expand func(string) (string, error)) (*url.URL, error) {
	scheme, rest, user := splitProxy(text)
	if !user {
		whole, err := expand(text)
		if err != nil {
			return nil, err
		}
		return proxyURL(whole)
	}
	i := strings.LastIndexByte(rest, '@')
	name, password, has := splitUser(rest[:i])
	parts := []string{scheme + "://" + rest[i+1:], name, password}
	for i, part := range parts {
		value, err := expand(part)
		if err != nil {
			return nil, err
		}
		if i > 0 && !connection.HasReference(part) {
			if value, err = url.PathUnescape(value); err != nil {
				return nil, errors.New("has a user or password that is not percent-encoded correctly")
			}
		}
		parts[i] = value
	}
	u, err := proxyURL(parts[0])
	if err != nil {
		return nil, err
	}
	if u.User = url.User(parts[1]); has {
		u.User = url.UserPassword(parts[1], parts[2])
	}
	return u, nil
}

// TellsPassword reports whether a proxy's URL has a password that is written out.
func TellsPassword(proxy string) bool {
	_, rest, user := splitProxy(proxy)
	if !user {
		return false
	}
	_, password, _ := splitUser(rest[:strings.LastIndexByte(rest, '@')])
	return password != "" && !connection.HasReference(password)
}

// splitProxy takes the scheme off; user reports whether what stands before the
// host is written in the text itself.
func splitProxy(text string) (scheme, rest string, user bool) {
	scheme, rest, found := strings.Cut(text, "://")
	return scheme, rest, found && strings.Contains(rest, "@")
}

// splitUser cuts at the first colon that is not inside a reference.
func splitUser(text string) (name, password string, has bool) {
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "${") && (i == 0 || text[i-1] != '$'):
			if end := strings.IndexByte(text[i:], '}'); end > 0 {
				i += end
			}
		case text[i] == ':':
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

func proxyURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("is empty")
	case err != nil || u.Opaque != "":
		return nil, errors.New("is not a URL like http://proxy.example.com:3128")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5":
		return nil, errors.New("must begin with http://, https:// or socks5://")
	case u.Hostname() == "":
		return nil, errors.New("has no host: write it like http://proxy.example.com:3128")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("has something after its host and port: write it like http://proxy.example.com:3128")
	}
	return u, checkHost(u)
}

// setProxy resolves the proxy's URL and keeps its password out of texts.
func (c *Conn) setProxy(text string) error {
	if text == "" {
		return nil
	}
	var failed error
	u, err := parseProxy(text, func(piece string) (value string, err error) {
		value, failed = c.expand("proxy", piece)
		return value, failed
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return c.permanent("%s: proxy %v", c.label, err)
	}
	if password, has := u.User.Password(); has {
		c.Conceal(password, url.QueryEscape(password), url.UserPassword("", password).String()[1:],
			base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	c.proxy = u
	return nil
}

// distant guards targets that a proxy connects to, where no dialer sees the
// address: what is written as an address, or is this machine's own name, is
// judged by what is written. Names are resolved by the proxy.
type distant struct{ next http.RoundTripper }

func (d distant) RoundTrip(r *http.Request) (*http.Response, error) {
	host := strings.ToLower(strings.TrimSuffix(r.URL.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761
		return nil, &refusal{host}
	}
	if a, err := netip.ParseAddr(host); err == nil && (a.Zone() != "" || !public(a)) || oddAddress(host) {
		return nil, &refusal{host}
	}
	return d.next.RoundTrip(r)
}

// refusedByProxy is an answer of a proxy that has not connected.
type refusedByProxy struct{ status int }

func (r *refusedByProxy) Error() string {
	return fmt.Sprintf("the proxy answered %d %s", r.status, http.StatusText(r.status))
}

// proxyAnswered looks at what a proxy says to CONNECT.
func proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode != http.StatusOK {
		return &refusedByProxy{res.StatusCode}
	}
	return nil
}
