package http

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/connection"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.pem, _ = a.sign(template)
	return a
}

// sign makes a certificate and its key; the first one is the authority's own.
func (a *authority) sign(c *x509.Certificate) (cert, key string) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, private
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &private.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.cert == nil {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			a.t.Fatal(err)
		}
		a.key = private
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// serve starts a server with a certificate.
func (a *authority) serve(c *x509.Certificate, change func(*tls.Config)) *httptest.Server {
	a.t.Helper()
	pair, err := tls.X509KeyPair(bytesOf(a.sign(c)))
	if err != nil {
		a.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			w.Header().Set("X-Client", r.TLS.PeerCertificates[0].Subject.CommonName)
		}
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if change != nil {
		change(server.TLS)
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	a.t.Cleanup(server.Close)
	return server
}

func bytesOf(cert, key string) (c, k []byte) { return []byte(cert), []byte(key) }

func localhost() *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
}

func get(t *testing.T, url string, config *TLS) (*Response, error) {
	t.Helper()
	conn, err := Open(Config{Label: `connection "erp"`, URL: url, AllowPrivate: true, TLS: config}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.Do(t.Context(), Request{Path: "/x"})
}

func TestCertificates(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	expired, early, elsewhere := localhost(), localhost(), localhost()
	expired.NotBefore, expired.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	early.NotBefore, early.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	elsewhere.IPAddresses, elsewhere.DNSNames = nil, []string{"other.example"}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	clients := x509.NewCertPool()
	clients.AddCert(ours.cert)
	wantsOne := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, clients }
	person := func() *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: "junctor"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	}
	cert, key := ours.sign(person())
	foreign, foreignKey := theirs.sign(person())
	old := person()
	old.NotBefore, old.NotAfter = expired.NotBefore, expired.NotAfter
	oldCert, oldKey := ours.sign(old)
	trusted := &TLS{CA: ours.pem}
	tests := []struct {
		name, url string
		config    *TLS
		class     connection.Class
		says      string // or the client's name
	}{
		{"own authority", ours.serve(localhost(), nil).URL, trusted, 0, ""},
		{"unknown authority", theirs.serve(localhost(), nil).URL, trusted, connection.Permanent, "authority that is not trusted here; tls.ca"},
		{"own takes the place of the system's", ours.serve(localhost(), nil).URL, nil, connection.Permanent, "authority that is not trusted"},
		{"two authorities", theirs.serve(localhost(), nil).URL, &TLS{CA: ours.pem + theirs.pem}, 0, ""},
		{"expired", ours.serve(expired, nil).URL, trusted, connection.NotConnected, "not valid now, but from " + expired.NotBefore.UTC().Format(time.RFC3339)},
		{"not valid yet", ours.serve(early, nil).URL, trusted, connection.NotConnected, "not valid now"},
		{"other name", ours.serve(elsewhere, nil).URL, trusted, connection.Permanent, "for another name"},
		{"plain HTTP", strings.Replace(plain.URL, "http:", "https:", 1), trusted, connection.NotConnected, "speaks http and not https"},
		{"TLS 1.1", ours.serve(localhost(), func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }).URL, trusted, connection.NotConnected, "protocol version"},
		{"shows its certificate", ours.serve(localhost(), wantsOne).URL, &TLS{CA: ours.pem, Cert: cert, Key: key}, 0, "junctor"},
		{"shows none", ours.serve(localhost(), wantsOne).URL, trusted, connection.Permanent, "refuses the certificate of tls.cert, or wants one"},
		{"shows another's", ours.serve(localhost(), wantsOne).URL, &TLS{CA: ours.pem, Cert: foreign, Key: foreignKey}, connection.Permanent, "tls.cert"},
		{"shows an expired one", ours.serve(localhost(), wantsOne).URL, &TLS{CA: ours.pem, Cert: oldCert, Key: oldKey}, connection.NotConnected, "tls.cert"},
		{"TLS 1.2 and none", ours.serve(localhost(), func(c *tls.Config) { wantsOne(c); c.MaxVersion = tls.VersionTLS12 }).URL, trusted, connection.NotConnected, "tls.cert"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, err := get(t, tt.url, tt.config)
			if tt.class == 0 {
				if err != nil || res.Status != 200 || res.Header.Get("X-Client") != tt.says {
					t.Errorf("%+v %v", res, err)
				}
				return
			}
			if connection.ClassOf(err) != tt.class || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), `connection "erp": GET /x: `) {
				t.Errorf("%v: %v", connection.ClassOf(err), err)
			}
		})
	}
}

func TestCertificatesFromFiles(t *testing.T) {
	ours := newAuthority(t)
	server := ours.serve(localhost(), func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
	cert, key := ours.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "from files"}})
	dir := t.TempDir()
	path := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	files := TLS{CA: path("ca.pem", ours.pem), Cert: path("cert.pem", cert), Key: path("key.pem", key)}
	if res, err := get(t, server.URL, &files); err != nil || res.Header.Get("X-Client") != "from files" {
		t.Errorf("%+v %v", res, err)
	}
	_, otherKey := ours.sign(&x509.Certificate{})
	encrypted := "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"
	for name, tt := range map[string]struct {
		config TLS
		says   string
	}{
		"no such file":       {TLS{CA: dir + "/none.pem"}, "tls.ca: "},
		"a folder":           {TLS{CA: dir}, "tls.ca: " + dir + " is not a file"},
		"too large":          {TLS{CA: path("large", strings.Repeat("x", maxPEM+1))}, "tls.ca: the file is too large"},
		"relative":           {TLS{CA: "ca.pem"}, "tls.ca is neither PEM"},
		"not a certificate":  {TLS{CA: path("text", "hello")}, "tls.ca holds no certificate"},
		"broken certificate": {TLS{CA: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "tls.ca holds no certificate"},
		"key for cert":       {TLS{Cert: key, Key: key}, "tls.cert holds no certificate"},
		"cert for key":       {TLS{Cert: cert, Key: cert}, "tls.key holds no private key"},
		"other key":          {TLS{Cert: cert, Key: otherKey}, "tls.key does not go with tls.cert: private key does not match"},
		"encrypted":          {TLS{Cert: cert, Key: encrypted}, "tls.key is encrypted"},
		"unset secret":       {TLS{Cert: cert, Key: "${secret:none}"}, "tls.key: ${secret:none}"},
	} {
		_, err := Open(Config{Label: "c", URL: "https://a.example", TLS: &tt.config}, nil)
		if connection.ClassOf(err) != connection.Permanent || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "MII") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
