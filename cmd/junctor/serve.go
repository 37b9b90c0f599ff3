package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"junctor/internal/clock"
	"junctor/internal/hub"
)

// defaultData is where a server without --data keeps what it has.
const defaultData = "junctor-data"

// errorsOnly is what a command that is no server logs: warnings may come of its
// environment not being the server's.
const errorsOnly = slog.LevelError

type serve struct {
	Data              string     `help:"Data directory: the database (SQLite) and the master key (default ${default})." default:"junctor-data" placeholder:"DIR"`
	Database          string     `help:"PostgreSQL instead of SQLite: postgres://user:password@host/name. The master key stays in --data." placeholder:"URL"`
	Listen            string     `help:"Address of all endpoints (default ${default})." default:":8080" placeholder:"ADDR"`
	PublicListen      string     `name:"public-listen" help:"Address of the token endpoints alone, for the outside world; --listen has them no more." placeholder:"ADDR"`
	TLSCert           string     `name:"tls-cert" help:"Certificate for HTTPS at every address, with its chain, in PEM. Reloaded when it changes." placeholder:"FILE"`
	TLSKey            string     `name:"tls-key" help:"Private key of --tls-cert, in PEM." placeholder:"FILE"`
	TLSSelfSigned     bool       `name:"tls-self-signed" help:"HTTPS with a certificate that is made here and kept in --data, for a start."`
	TLSClientCA       string     `name:"tls-client-ca" help:"Ask for client certificates, which these authorities must have signed; PEM." placeholder:"FILE"`
	TLSClientRequired bool       `name:"tls-client-required" help:"Let nobody in without a client certificate."`
	PublicURL         string     `name:"public-url" help:"How the outside world reaches this server." placeholder:"URL"`
	TrustedProxies    []string   `help:"Networks whose X-Forwarded-For is believed." placeholder:"CIDR"`
	LogLevel          slog.Level `help:"debug, info, warn or error (default ${default})." default:"info" placeholder:"LEVEL"`
}

// Help teaches by examples.
func (serve) Help() string {
	return `The first start makes the account "admin", with the password from JUNCTOR_ADMIN_PASSWORD or a random one that is printed once.

Examples:
  junctor serve
  junctor serve --data /var/lib/junctor --listen 127.0.0.1:8080 --trusted-proxies 10.0.0.0/8
  junctor serve --listen :8443 --tls-self-signed
  junctor serve --listen 10.0.0.5:8443 --public-listen :443 --tls-cert fullchain.pem --tls-key privkey.pem
  JUNCTOR_ADMIN_PASSWORD=... junctor serve --database postgres://junctor@db.internal/junctor`
}

// Run serves until the process is told to end.
func (s serve) Run(ctx context.Context, console *console) error {
	if err := s.check(); err != nil {
		return err
	}
	proxies, err := networks(s.TrustedProxies)
	if err != nil {
		return err
	}
	tuneMemory()
	options := hub.Options{
		Data: s.Data, Database: s.Database, Listen: s.Listen, PublicListen: s.PublicListen, PublicURL: s.PublicURL, TrustedProxies: proxies,
		TLS: hub.TLS{
			Cert: s.TLSCert, Key: s.TLSKey, SelfSigned: s.TLSSelfSigned, ClientCA: s.TLSClientCA, ClientRequired: s.TLSClientRequired,
		},
		AdminPassword: environment("ADMIN_PASSWORD"), Log: console.log(s.LogLevel), Release: release(), Clock: clock.Real{},
		Console: console.err, Profiles: environment("PPROF"),
	}
	return hub.Serve(ctx, options, func(a hub.Addresses) {
		if !isTerminal(console.err) {
			return // the log has it for others
		}
		also := ""
		if a.Public != "" {
			also = ", its token endpoints at " + a.PublicURL()
		}
		fmt.Fprintf(console.err, "\n  Junctor %s is ready at %s%s (Ctrl+C stops it).\n\n", options.Release, a.URL(), also)
	})
}

// check finds flags that are none, or not together.
func (s serve) check() error {
	for _, at := range []struct{ flag, address string }{{"--listen", s.Listen}, {"--public-listen", s.PublicListen}} {
		if port, err := strconv.ParseUint(at.address, 10, 16); err == nil {
			return usage("%s: %q is no address; write :%d for all of the machine's, or 127.0.0.1:%d", at.flag, at.address, port, port)
		}
	}
	if err := checkPublicURL(s.PublicURL); err != nil {
		return usage("--public-url: %q %w; write it like https://hooks.example.com", s.PublicURL, err)
	}
	switch {
	case s.TLSCert == "" && s.TLSKey != "":
		return usage("--tls-key needs --tls-cert, the certificate that it belongs to")
	case s.TLSCert != "" && s.TLSKey == "":
		return usage("--tls-cert needs --tls-key, the certificate's private key")
	case s.TLSSelfSigned && s.TLSCert != "":
		return usage("--tls-self-signed makes a certificate, --tls-cert names one: give one of them")
	case s.TLSClientCA != "" && s.TLSCert == "" && !s.TLSSelfSigned:
		return usage("--tls-client-ca needs HTTPS: give --tls-cert and --tls-key, or --tls-self-signed")
	case s.TLSClientRequired && s.TLSClientCA == "":
		return usage("--tls-client-required needs --tls-client-ca, the authorities that sign the clients' certificates")
	}
	return nil
}

// checkPublicURL says what is wrong with the address that others know; the paths
// of the endpoints are put behind it as it is.
func checkPublicURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("is not a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("does not begin with https:// or http://")
	case u.Hostname() == "":
		return errors.New("has no host")
	case u.User != nil:
		return errors.New("has a user, and everybody is to know it")
	case strings.ContainsAny(text, "?#"):
		return errors.New("has a query or fragment, behind which no path can be put")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("has a port that is not between 1 and 65535")
		}
	}
	return nil
}

// networks reads CIDRs; a bare address stands for itself.
func networks(texts []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if address, err := netip.ParseAddr(text); err == nil {
			text = fmt.Sprintf("%s/%d", address, address.BitLen())
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, usage("--trusted-proxies: %q is not a network; write it like 10.0.0.0/8 or 192.0.2.7", text)
		}
		list = append(list, prefix.Masked())
	}
	return list, nil
}

// tuneMemory lets the heap grow further between two collections than Go does by
// itself: a server's is small, and collecting it is a tenth of its work. GOGC
// goes before.
func tuneMemory() {
	const percent = 300
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
