// Package client speaks to a running server's admin API. What access.Store and
// run.Engine do in process, a Client does over HTTP, under the same names, so
// that a command need not know whether it works on a server or on a stopped
// server's data.
//
// It must not know how the server does it: it knows paths and JSON only.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"junctor/internal/fault"
)

// Client calls one server with one credential. It is safe for use by several
// goroutines.
type Client struct {
	server     *url.URL
	credential func(*http.Request)
	http       *http.Client
}

// timeout bounds a call. Applying a large configuration compiles every scenario.
const timeout = 5 * time.Minute

// maxAnswer bounds what is read of an answer.
const maxAnswer = 256 << 20

// WithToken makes a client of the server at an http or https URL. The token is
// an API token or a session's; t is what it shows of itself and whom it trusts,
// nil for no certificate and the system's authorities.
func WithToken(server, token string, t *tls.Config) (*Client, error) {
	return open(server, t, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
}

// WithPassword is WithToken with an account's login and password, which go
// along with every call.
func WithPassword(server, login, password string, t *tls.Config) (*Client, error) {
	return open(server, t, func(r *http.Request) { r.SetBasicAuth(login, password) })
}

func open(server string, t *tls.Config, credential func(*http.Request)) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is not a server's URL: write it like https://junctor.example.com", server)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	c := &Client{server: u, credential: credential, http: &http.Client{Timeout: timeout, CheckRedirect: stay}}
	if t != nil {
		c.http.Transport = &http.Transport{TLSClientConfig: t, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	return c, nil
}

// stay follows no redirect: the credential is for this server.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Do makes one call with in as the JSON body (none when nil) and reads the
// answer into out (not read when nil). path begins with "/". A refusal is a
// *fault.Error with the server's code, detail and fields.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("write the request %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.server.String()+path, body)
	if err != nil {
		return fmt.Errorf("make the request %s %s: %w", method, path, err)
	}
	c.credential(r)
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return c.unreachable(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return c.unreachable(err)
	case answer.StatusCode/100 != 2:
		return c.refused(answer, raw)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s does not answer %s %s as Junctor does: %w", c.server, method, path, err)
	}
	return nil
}

func (c *Client) unreachable(err error) error {
	var named *url.Error
	if errors.As(err, &named) {
		err = named.Err // the URL is said below
	}
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("cannot reach %s: %w; a self-signed one is trusted by --ca junctor.crt (JUNCTOR_CA), "+
			"which `openssl x509 -in self-signed.pem -out junctor.crt` makes in the server's data directory: the certificate without its key", c.server, err)
	case wantsCertificate(err):
		return fmt.Errorf("cannot reach %s: %w; does it take clients with a certificate only (--tls-client-required)? --cert and --key (JUNCTOR_CERT, JUNCTOR_KEY) show one", c.server, err)
	case c.server.Scheme == "http" && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || strings.Contains(err.Error(), "malformed HTTP")):
		return fmt.Errorf("cannot reach %s: %w; is it a server with TLS, so that --server begins with https://?", c.server, err)
	}
	return fmt.Errorf("cannot reach %s: %w; is the server running, and is --server its address?", c.server, err)
}

// wantsCertificate reports whether a handshake ended because of the certificate
// that the client has shown, or has not: certificate_required of TLS 1.3, either
// of the others of 1.2. crypto/tls keeps the type of such an error to itself.
func wantsCertificate(err error) bool {
	_, alert, found := strings.Cut(err.Error(), "remote error: tls: ")
	return found && slices.Contains([]string{"certificate required", "bad certificate", "handshake failure"}, alert)
}

// refused turns a problem back into the error it was made of.
func (c *Client) refused(answer *http.Response, body []byte) error {
	var p fault.Problem
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || media != "application/problem+json" || json.Unmarshal(body, &p) != nil {
		return fmt.Errorf("%s answers %s, and not as Junctor does; is --server the right address?", c.server, answer.Status)
	}
	code := fault.Code(strings.TrimPrefix(p.Type, "/errors/"))
	return &fault.Error{Code: code, Title: p.Title, Detail: p.Detail, Fields: p.Errors, Run: p.Run}
}

// page is what lists answer.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// list reads one page of a noun.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, after string, limit int) ([]T, string, error) {
	if after != "" {
		query.Set("after", after)
	}
	if limit > 0 {
		query.Set("limit", fmt.Sprint(limit))
	}
	var p page[T]
	err := c.Do(ctx, http.MethodGet, admin+path+"?"+query.Encode(), nil, &p)
	return p.Items, p.Next, err
}

const admin = "/api/v1/admin"
