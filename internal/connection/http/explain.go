package http

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// explain says what an error of the network means in words of the person who
// looks after the connection, and whether trying again would fail the same way.
func (c *Conn) explain(err error) (why string, permanent bool) {
	var dns *net.DNSError
	var proxied *refusedByProxy
	var op *net.OpError
	through := ""
	if errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks")) {
		through = "the proxy: "
	}
	if why, permanent, found := explainTLS(err); found {
		return through + why, permanent
	}
	switch text := err.Error(); {
	case errors.As(err, &proxied):
		// 407 and 403 are decisions; anything else may pass, 502 and 504 above all.
		return proxied.Error(), proxied.status >= 400 && !retryable(proxied.status)
	case through != "" && (strings.Contains(text, "authentication failed") || strings.Contains(text, "no acceptable authentication methods")):
		return "the proxy does not take its user and password", true // SOCKS
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("%sthe host %s is not known to the name server", through, dns.Name), false
	case errors.Is(err, syscall.ECONNREFUSED):
		return through + "nobody listens there: " + text, false
	case errors.Is(err, http.ErrSchemeMismatch):
		return "what answers speaks http and not https; the URL should begin with http://, or name another port", false
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was complete", false
	case errors.Is(err, io.EOF):
		return "the connection was closed without an answer", false
	case strings.Contains(text, "malformed HTTP"):
		return "what answers does not speak HTTP: " + cut(c.hidden(strings.TrimPrefix(text, "net/http: HTTP/1.x transport connection broken: ")), 200), false
	case strings.Contains(text, "readLoopPeekFail"): // net/http's name for it
		return "what answers speaks before it is asked, which HTTP does not", false
	case strings.Contains(text, "server response headers exceeded"):
		return "the answer's headers are larger than 256KiB, those of 1xx answers included", false
	default:
		return through + text, false
	}
}

// explainTLS is explain for certificates. One that is out of its time heals by
// being renewed, which the other side has to do anyway; the others do not heal.
func explainTLS(err error) (why string, permanent, found bool) {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var record tls.RecordHeaderError
	switch text := err.Error(); {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("its certificate is not valid now, but from %s to %s",
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339)), false, true
	case errors.As(err, &name):
		return "its certificate is for another name: " + strings.TrimPrefix(name.Error(), "x509: "), true, true
	case errors.As(err, &authority):
		return "its certificate was signed by an authority that is not trusted here; tls.ca names those that are", true, true
	case errors.As(err, &invalid):
		return "its certificate cannot be used: " + strings.TrimPrefix(invalid.Error(), "x509: "), true, true
	case errors.As(err, &record):
		return "what answers does not speak TLS; does the URL name the right port, and https rather than http?", false, true
	case strings.Contains(text, "remote error: tls: expired certificate"):
		return "it refuses the certificate of tls.cert, which has expired", false, true
	case strings.Contains(text, "remote error: tls: handshake failure"):
		return "it refused the TLS handshake: it may want a certificate (tls.cert), or there is no common way to encrypt", false, true
	case strings.Contains(text, "remote error: tls: ") && strings.Contains(text, "certificate"):
		_, alert, _ := strings.Cut(text, "remote error: tls: ")
		return fmt.Sprintf("it refuses the certificate of tls.cert, or wants one: %s", alert), true, true
	}
	return "", false, false
}
