package load

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// Target is a server as the generator dials it.
type Target struct {
	Address string // host:port
	Host    string // the Host header and the name of the certificate
	TLS     bool
}

// ParseTarget splits an http or https URL into the server and the path with its
// query. User information and fragments are refused.
func ParseTarget(raw string) (Target, string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return Target{}, "", fmt.Errorf("reading the URL: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return Target{}, "", fmt.Errorf("%q is not an http or https URL like http://127.0.0.1:8080/path", raw)
	}
	if u.User != nil || u.Fragment != "" {
		return Target{}, "", fmt.Errorf("%q has a user or a fragment: give credentials as an Authorization header", u.Redacted())
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	t := Target{Address: net.JoinHostPort(u.Hostname(), port), Host: u.Host, TLS: u.Scheme == "https"}
	return t, u.RequestURI(), nil
}

// Bytes are one request of HTTP/1.1 as it goes over the wire.
func (t Target) Bytes(method, path string, header http.Header, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, t.Host)
	if len(body) > 0 || (method != http.MethodGet && method != http.MethodHead) {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	header.Write(&b) //nolint:errcheck // a Buffer never fails
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// Request is the same request every time.
func (t Target) Request(method, path string, header http.Header, body []byte) func(int64, []byte) []byte {
	raw := t.Bytes(method, path, header, body)
	return func(int64, []byte) []byte { return raw }
}
