// Package certificate keeps what a server shows of itself in TLS: a certificate
// from files, watched for their renewal, or a self-signed one that it makes. It
// also asks clients for theirs.
//
// It must not know what is served, nor where.
package certificate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// Options say where a certificate comes from: from the files Cert and Key, or
// self-signed.
type Options struct {
	Cert, Key string // PEM files; the server's certificate first, then its chain

	SelfSigned string   // the file that keeps a self-signed certificate with its key; instead of Cert and Key
	Names      []string // host names and addresses of the self-signed one

	ClientCA       string // PEM file of those who sign clients' certificates; none are asked for when empty
	ClientRequired bool   // a client without a certificate is not let in

	Log *slog.Logger
	Now func() time.Time
}

// every is how often the files are looked at.
const every = 2 * time.Second

// Keeper has the certificate in use.
type Keeper struct {
	Options
	used    content
	current atomic.Pointer[tls.Config]
	wrong   string // with what the last look found wrong
	said    bool   // to the log
}

// Open reads or makes the certificate. Errors name the file, what is wrong with
// it, and what would be right. A certificate that has expired is none: it is
// served, with a warning.
func Open(o Options) (*Keeper, error) {
	k := &Keeper{Options: o}
	c, err := k.read()
	if err != nil {
		return nil, err
	}
	config, err := k.build(c)
	if err != nil {
		return nil, err
	}
	k.use(c, config)
	return k, nil
}

// Config is for a server: each handshake uses what is in use by then.
func (k *Keeper) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: protocols(),
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return k.current.Load(), nil },
	}
}

// protocols are those that the handshake offers.
func protocols() []string { return []string{"h2", "http/1.1"} }

// Watch looks at the files every few seconds until ctx ends, and uses what it
// finds. It goes by their content, so links to files and to folders may be
// turned, as certbot and Kubernetes do.
func (k *Keeper) Watch(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.Look()
		case <-ctx.Done():
			return
		}
	}
}

// Look uses what the files hold now. What cannot be used leaves the certificate
// as it is, and is logged once: the second time it is found, since the first may
// have come between two files' being written.
func (k *Keeper) Look() {
	c, err := k.read()
	if err == nil && c.equal(k.used) {
		k.wrong = ""
		return
	}
	var config *tls.Config
	if err == nil {
		config, err = k.build(c)
	}
	switch {
	case err == nil:
		k.use(c, config)
	case err.Error() != k.wrong:
		k.wrong, k.said = err.Error(), false
	case !k.said:
		k.said = true
		what := "the TLS certificate cannot be renewed; the one before stays in use"
		var ca *authoritiesError
		if errors.As(err, &ca) {
			what = "the authorities of clients' certificates (--tls-client-ca) cannot be read anew; those before, and the TLS certificate before, stay in use"
		}
		k.Log.Error(what, "error", err)
	}
}

// authoritiesError is what is wrong with the file ClientCA.
type authoritiesError struct{ error }

func (e *authoritiesError) Unwrap() error { return e.error }

// content is what the files hold.
type content struct{ cert, key, clientCA []byte }

func (c content) equal(d content) bool {
	return bytes.Equal(c.cert, d.cert) && bytes.Equal(c.key, d.key) && bytes.Equal(c.clientCA, d.clientCA)
}

func (k *Keeper) read() (c content, err error) {
	if k.SelfSigned != "" {
		c.cert, err = selfSigned(k.SelfSigned, k.Names, k.Now())
		c.key = c.cert
	} else if c.cert, err = readFile("certificate", k.Cert); err == nil {
		c.key, err = readFile("private key", k.Key)
	}
	if err == nil && k.ClientCA != "" {
		if c.clientCA, err = readFile("clients' certificate authority", k.ClientCA); err != nil {
			err = &authoritiesError{err}
		}
	}
	return c, err
}

func (k *Keeper) build(c content) (*tls.Config, error) {
	certName, keyName := k.Cert, k.Key
	if k.SelfSigned != "" {
		certName, keyName = k.SelfSigned, k.SelfSigned
	}
	pair, err := keyPair(certName, c.cert, keyName, c.key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols(), Certificates: []tls.Certificate{pair}}
	if k.ClientCA == "" {
		return config, nil
	}
	authorities, err := certificates(k.ClientCA, c.clientCA)
	if err != nil {
		return nil, &authoritiesError{err}
	}
	config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	for _, a := range authorities {
		config.ClientCAs.AddCert(a)
	}
	if k.ClientRequired {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}

func (k *Keeper) use(c content, config *tls.Config) {
	k.used, k.wrong = c, ""
	k.current.Store(config)
	leaf, now := config.Certificates[0].Leaf, k.Now()
	about := []any{
		"subject", leaf.Subject.String(), "names", leaf.DNSNames, "addresses", leaf.IPAddresses,
		"not_after", leaf.NotAfter.UTC(), "sha256", Fingerprint(leaf), "self_signed", k.SelfSigned != "",
	}
	switch {
	case now.After(leaf.NotAfter):
		k.Log.Warn("the TLS certificate has expired: clients will refuse it", about...)
	case now.Before(leaf.NotBefore):
		k.Log.Warn("the TLS certificate is not valid yet: clients will refuse it", append(about, "not_before", leaf.NotBefore.UTC())...)
	default:
		k.Log.Info("TLS certificate in use", about...)
	}
}

// Fingerprint is the SHA-256 of a certificate, in lower-case hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
