package http

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxPEM bounds a file of certificates.
const maxPEM = 4 << 20

// isPEM reports whether text is PEM itself and not the name of a file.
func isPEM(text string) bool { return strings.Contains(text, "-----BEGIN ") }

// setTLS reads the certificates. Its errors name the member.
func (c *Conn) setTLS(t *TLS) error {
	c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if t == nil {
		return nil
	}
	ca, err := c.pem("tls.ca", t.CA)
	if err != nil {
		return err
	}
	if ca != nil {
		c.tls.RootCAs = x509.NewCertPool()
		if !c.tls.RootCAs.AppendCertsFromPEM(ca) {
			return c.permanent("%s: tls.ca holds no certificate that can be read", c.label)
		}
	}
	cert, err := c.pem("tls.cert", t.Cert)
	if err != nil {
		return err
	}
	key, err := c.pem("tls.key", t.Key)
	if err != nil || cert == nil && key == nil {
		return err
	}
	switch {
	case !bytes.Contains(cert, []byte("-----BEGIN CERTIFICATE")):
		return c.permanent("%s: tls.cert holds no certificate that can be read", c.label)
	case !bytes.Contains(key, []byte("PRIVATE KEY-----")):
		return c.permanent("%s: tls.key holds no private key that can be read", c.label)
	case bytes.Contains(key, []byte("ENCRYPTED")):
		return c.permanent("%s: tls.key is encrypted with a password: give it without one, as ${secret:name}", c.label)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // its texts name what is wrong, and hold nothing of the key
		return c.permanent("%s: tls.key does not go with tls.cert: %s", c.label, strings.TrimPrefix(err.Error(), "tls: "))
	}
	c.tls.Certificates = []tls.Certificate{pair}
	return nil
}

// pem is a member's PEM, from the text itself or the file that it names; nil for none.
func (c *Conn) pem(member, text string) ([]byte, error) {
	value, err := c.expand(member, text)
	switch {
	case err != nil || value == "" && text == "":
		return nil, err
	case isPEM(value):
		return []byte(value), nil
	case !filepath.IsAbs(value):
		return nil, c.permanent("%s: %s is neither PEM (-----BEGIN ...) nor the absolute path of a file with it", c.label, member)
	}
	data, err := readFile(value)
	if err != nil {
		return nil, c.permanent("%s: %s: %v", c.label, member, err)
	}
	return data, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if len(data) > maxPEM {
		return nil, errors.New("the file is too large for certificates")
	}
	return data, err
}
