package certificate

import (
	"crypto/tls"
	"crypto/x509"
)

// Client is what a client shows of itself and whom it trusts: PEM files with its
// certificate and key, which may be one, and with the authorities that it takes
// instead of the system's. Each is "" for none; the result is nil without any.
// Errors name the file.
func Client(cert, key, ca string) (*tls.Config, error) {
	if cert == "" && ca == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		raw, err := readFile("authorities", ca)
		if err != nil {
			return nil, err
		}
		list, err := certificates(ca, raw)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		for _, authority := range list {
			c.RootCAs.AddCert(authority)
		}
	}
	if cert == "" {
		return c, nil
	}
	chain, err := readFile("certificate", cert)
	if err != nil {
		return nil, err
	}
	private, err := readFile("private key", key)
	if err != nil {
		return nil, err
	}
	pair, err := keyPair(cert, chain, key, private)
	c.Certificates = []tls.Certificate{pair}
	return c, err
}
