package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
)

func readFile(what, path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	return raw, nil
}

// keyPair makes a certificate with its chain and key. Each error says in which
// file the mistake is.
func keyPair(certName string, cert []byte, keyName string, key []byte) (tls.Certificate, error) {
	chain, err := certificates(certName, cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := hasKey(keyName, key); err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	switch {
	case err == nil:
		return pair, nil
	case strings.Contains(err.Error(), "does not match"):
		return tls.Certificate{}, fmt.Errorf("the private key in %s does not belong to the first certificate in %s, that of %s; the server's own certificate comes first, then its chain",
			keyName, certName, chain[0].Subject)
	}
	return tls.Certificate{}, fmt.Errorf("the certificate in %s and the private key in %s cannot be used: %w", certName, keyName, err)
}

// certificates reads those of a PEM file, of which there is at least one.
func certificates(name string, raw []byte) (list []*x509.Certificate, err error) {
	var others []string
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			others = append(others, block.Type)
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d cannot be read: %w", name, len(list)+1, err)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no certificate in PEM (-----BEGIN CERTIFICATE-----)%s", name, butHas(others))
	}
	return list, nil
}

// hasKey finds what the standard library would not name.
func hasKey(name string, raw []byte) error {
	var others []string
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case strings.HasPrefix(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return fmt.Errorf("the private key in %s is encrypted; `openssl pkey -in %s -out KEY` writes it without the passphrase", name, name)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return nil
		}
		others = append(others, block.Type)
	}
	return fmt.Errorf("%s has no private key in PEM (-----BEGIN PRIVATE KEY-----)%s", name, butHas(others))
}

func butHas(others []string) string {
	if len(others) == 0 {
		return ""
	}
	return "; it has " + strings.Join(others, ", ")
}
