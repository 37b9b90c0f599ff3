package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A self-signed certificate lives as long as browsers take one, and is made anew
// a month before its end.
const (
	selfSignedLife  = 397 * 24 * time.Hour
	selfSignedRenew = 30 * 24 * time.Hour
)

// selfSigned is the certificate and its key, in PEM, that the file keeps. It is
// made where there is none yet, where it ends soon and where one of the names is
// not in it; names that it has besides do no harm.
func selfSigned(path string, names []string, now time.Time) ([]byte, error) {
	kept, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the self-signed certificate: %w", err)
	}
	wanted := forNames(names, now)
	if err == nil && goodFor(kept, wanted, now) {
		return kept, nil
	}
	made, err := sign(wanted)
	if err == nil {
		err = write(path, made)
	}
	if err != nil {
		return nil, fmt.Errorf("make a self-signed certificate: %w", err)
	}
	return made, nil
}

// forNames is what a certificate for the names has in it. What can be no name in
// one is left out.
func forNames(names []string, now time.Time) *x509.Certificate {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: "junctor"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, // and no authority: nothing else can be signed with it
	}
	for _, name := range names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		address := net.ParseIP(name)
		switch {
		case address != nil:
			if !slices.ContainsFunc(c.IPAddresses, address.Equal) {
				c.IPAddresses = append(c.IPAddresses, address)
			}
		case isName(name) && !slices.Contains(c.DNSNames, name):
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	return c
}

func isName(name string) bool {
	return name != "" && len(name) <= 253 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

// goodFor reports whether a kept certificate is for all of the names, and for
// some time to come.
func goodFor(kept []byte, wanted *x509.Certificate, now time.Time) bool {
	pair, err := keyPair("", kept, "", kept)
	if err != nil || now.Before(pair.Leaf.NotBefore) || now.Add(selfSignedRenew).After(pair.Leaf.NotAfter) {
		return false
	}
	for _, name := range wanted.DNSNames {
		if !slices.Contains(pair.Leaf.DNSNames, name) {
			return false
		}
	}
	for _, address := range wanted.IPAddresses {
		if !slices.ContainsFunc(pair.Leaf.IPAddresses, address.Equal) {
			return false
		}
	}
	return true
}

func sign(wanted *x509.Certificate) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert, err := x509.CreateCertificate(rand.Reader, wanted, wanted, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}

// write puts the content in the file's place as a whole; only the owner may read
// it.
func write(path string, content []byte) error {
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = next.Write(content)
	if err = errors.Join(err, next.Close()); err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		os.Remove(next.Name()) //nolint:errcheck // what is left does no harm
	}
	return err
}
