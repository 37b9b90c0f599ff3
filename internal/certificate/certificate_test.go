package certificate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/certificate"
)

// issued is a certificate with its key, in PEM.
type issued struct {
	leaf      *x509.Certificate
	key       *ecdsa.PrivateKey
	cert, pem []byte // pem is that of the key
}

// issue makes a certificate for localhost, signed by a parent or by itself.
func issue(t *testing.T, name string, parent *issued, change func(*x509.Certificate)) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if change != nil {
		change(c)
	}
	signer, signerKey := c, key
	if parent != nil {
		signer, signerKey = parent.leaf, parent.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, signer, key.Public(), signerKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return issued{leaf, key, block("CERTIFICATE", raw), block("PRIVATE KEY", secret)}
}

func block(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}

// folder is one with files in it.
type folder string

func (f folder) put(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(string(f), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func options(log *bytes.Buffer) certificate.Options {
	return certificate.Options{Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now}
}

// shown is the certificate that a client gets to see.
func shown(t *testing.T, k *certificate.Keeper) []*x509.Certificate {
	t.Helper()
	here, there := net.Pipe()
	server := tls.Server(there, k.Config())
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	client := tls.Client(here, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it looks at what is shown
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	chain := client.ConnectionState().PeerCertificates
	here.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return chain
}

func TestMistakesAreNamed(t *testing.T) {
	f := folder(t.TempDir())
	own, other := issue(t, "own", nil, nil), issue(t, "other", nil, nil)
	cert, key := f.put(t, "cert.pem", own.cert), f.put(t, "key.pem", own.pem)
	encrypted := f.put(t, "encrypted.pem", block("ENCRYPTED PRIVATE KEY", []byte("x")))
	old := f.put(t, "old.pem", []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"))
	for _, c := range []struct {
		name          string
		cert, key, ca string
		says          []string // all of them
	}{
		{"no such certificate", filepath.Join(string(f), "none.pem"), key, "", []string{"read the certificate", "none.pem", "no such file"}},
		{"no such key", cert, filepath.Join(string(f), "none.pem"), "", []string{"read the private key", "none.pem", "no such file"}},
		{"no such authority", cert, key, filepath.Join(string(f), "none.pem"), []string{"authority", "none.pem", "no such file"}},
		{"a folder", string(f), key, "", []string{"read the certificate", "directory"}},
		{"an empty certificate", f.put(t, "empty.pem", nil), key, "", []string{"empty.pem has no certificate in PEM"}},
		{"no PEM", f.put(t, "der.pem", own.leaf.Raw), key, "", []string{"der.pem has no certificate in PEM"}},
		{"the two swapped", key, cert, "", []string{"key.pem has no certificate in PEM", "it has PRIVATE KEY"}},
		{"the certificate twice", cert, cert, "", []string{"cert.pem has no private key in PEM", "it has CERTIFICATE"}},
		{"a broken certificate", f.put(t, "broken.pem", block("CERTIFICATE", []byte("x"))), key, "", []string{"broken.pem", "certificate 1 cannot be read"}},
		{"a broken key", cert, f.put(t, "brokenkey.pem", block("PRIVATE KEY", []byte("x"))), "", []string{"cert.pem", "brokenkey.pem", "cannot be used"}},
		{"an encrypted key", cert, encrypted, "", []string{"encrypted.pem is encrypted", "openssl pkey"}},
		{"a key encrypted in the old way", cert, old, "", []string{"old.pem is encrypted"}},
		{"another's key", cert, f.put(t, "other.pem", other.pem), "", []string{"other.pem does not belong", "cert.pem", "CN=own"}},
		{"the chain in the wrong order", f.put(t, "chain.pem", append(other.cert, own.cert...)), key, "", []string{"does not belong to the first certificate", "CN=other", "own certificate comes first"}},
		{"an authority that is a key", cert, key, f.put(t, "ca.pem", own.pem), []string{"ca.pem has no certificate"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(&bytes.Buffer{})
			o.Cert, o.Key, o.ClientCA = c.cert, c.key, c.ca
			_, err := certificate.Open(o)
			if err == nil {
				t.Fatal("it is taken")
			}
			for _, says := range c.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
			if strings.Contains(err.Error(), "BEGIN PRIVATE KEY-----\n") {
				t.Errorf("the key is in the error: %s", err)
			}
		})
	}
}

func TestChainIsShown(t *testing.T) {
	f := folder(t.TempDir())
	var log bytes.Buffer
	authority := issue(t, "authority", nil, nil)
	leaf := issue(t, "leaf", &authority, nil)
	o := options(&log)
	o.Cert, o.Key = f.put(t, "cert.pem", append(append([]byte("a comment\n"), leaf.cert...), authority.cert...)), f.put(t, "key.pem", leaf.pem)
	k, err := certificate.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if chain := shown(t, k); len(chain) != 2 || !chain[0].Equal(leaf.leaf) || !chain[1].Equal(authority.leaf) {
		t.Errorf("%d certificates are shown", len(chain))
	}
	if !strings.Contains(log.String(), "sha256="+certificate.Fingerprint(leaf.leaf)) {
		t.Errorf("the log: %s", log.String())
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	f := folder(t.TempDir())
	own := issue(t, "own", nil, nil)
	o := options(&bytes.Buffer{})
	o.Cert = f.put(t, "both.pem", append(own.pem, own.cert...)) // a file may hold both
	o.Key = o.Cert
	k, err := certificate.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		here, there := net.Pipe()
		go func() { tls.Server(there, k.Config()).Handshake(); there.Close() }()
		err := tls.Client(here, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}).Handshake() //nolint:gosec // old versions are what is tried
		here.Close()
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestExpiredIsAWarning(t *testing.T) {
	f := folder(t.TempDir())
	for _, c := range []struct {
		name, says string
		change     func(*x509.Certificate)
	}{
		{"expired", "level=WARN msg=\"the TLS certificate has expired", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }},
		{"to come", "level=WARN msg=\"the TLS certificate is not valid yet", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			own := issue(t, "own", nil, c.change)
			o := options(&log)
			o.Cert, o.Key = f.put(t, "cert.pem", own.cert), f.put(t, "key.pem", own.pem)
			if _, err := certificate.Open(o); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), c.says) {
				t.Errorf("the log: %s", log.String())
			}
		})
	}
}

// What cannot be used is named: the list of authorities is not the certificate.
func TestBrokenAuthoritiesAreNamed(t *testing.T) {
	f := folder(t.TempDir())
	var log bytes.Buffer
	own := issue(t, "own", nil, nil)
	o := options(&log)
	o.Cert, o.Key, o.ClientCA = f.put(t, "cert.pem", own.cert), f.put(t, "key.pem", own.pem), f.put(t, "ca.pem", own.cert)
	k, err := certificate.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	f.put(t, "ca.pem", []byte("rubbish"))
	k.Look()
	k.Look()
	if text := log.String(); strings.Contains(text, "the TLS certificate cannot be renewed") || !strings.Contains(text, "--tls-client-ca") || !strings.Contains(text, "ca.pem") {
		t.Errorf("the log: %s", text)
	}
}

// A renewal that cannot be used changes nothing and is logged once.
func TestRenewal(t *testing.T) {
	f := folder(t.TempDir())
	var log bytes.Buffer
	first, second, third := issue(t, "first", nil, nil), issue(t, "second", nil, nil), issue(t, "third", nil, nil)
	o := options(&log)
	o.Cert, o.Key = f.put(t, "cert.pem", first.cert), f.put(t, "key.pem", first.pem)
	k, err := certificate.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	is := func(want issued, errors int) {
		t.Helper()
		if got := shown(t, k)[0]; !got.Equal(want.leaf) {
			t.Errorf("%s is shown, not %s", got.Subject, want.leaf.Subject)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != errors {
			t.Errorf("%d errors are logged, not %d: %s", n, errors, log.String())
		}
	}
	look := func(times int) {
		for range times {
			k.Look()
		}
	}
	look(3)
	is(first, 0)

	f.put(t, "cert.pem", second.cert) // the key is still to come
	look(1)
	is(first, 0)
	f.put(t, "key.pem", second.pem)
	look(1)
	is(second, 0)

	f.put(t, "cert.pem", []byte("rubbish"))
	look(5)
	is(second, 1)
	if err := os.Remove(o.Cert); err != nil {
		t.Fatal(err)
	}
	look(5)
	is(second, 2)
	f.put(t, "cert.pem", second.cert) // as it was
	look(2)
	is(second, 2)
	f.put(t, "cert.pem", []byte("rubbish"))
	look(5)
	is(second, 3)
	f.put(t, "cert.pem", third.cert)
	f.put(t, "key.pem", third.pem)
	look(1)
	is(third, 3)
}

// Kubernetes turns a link to a folder, certbot one to each file.
func TestRenewalByLinks(t *testing.T) {
	f := folder(t.TempDir())
	first, second := issue(t, "first", nil, nil), issue(t, "second", nil, nil)
	for name, c := range map[string]issued{"1": first, "2": second} {
		if err := os.Mkdir(filepath.Join(string(f), name), 0o700); err != nil {
			t.Fatal(err)
		}
		f.put(t, name+"/tls.crt", c.cert)
		f.put(t, name+"/tls.key", c.pem)
	}
	turn := func(link, target string) {
		t.Helper()
		path := filepath.Join(string(f), link)
		if err := os.Symlink(target, path+".next"); err != nil {
			t.Skipf("this system makes no links: %v", err)
		}
		if err := os.Rename(path+".next", path); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		begin func()
		renew func()
	}{
		{"kubernetes", func() { turn("..data", "1"); turn("cert", "..data/tls.crt"); turn("key", "..data/tls.key") }, func() { turn("..data", "2") }},
		{"certbot", func() { turn("cert", "1/tls.crt"); turn("key", "1/tls.key") }, func() { turn("cert", "2/tls.crt"); turn("key", "2/tls.key") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.begin()
			o := options(&bytes.Buffer{})
			o.Cert, o.Key = filepath.Join(string(f), "cert"), filepath.Join(string(f), "key")
			k, err := certificate.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			c.renew()
			k.Look()
			if got := shown(t, k)[0]; !got.Equal(second.leaf) {
				t.Errorf("%s is shown", got.Subject)
			}
		})
	}
}

func TestSelfSigned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "self-signed.pem")
	now := time.Now()
	open := func(names ...string) *x509.Certificate {
		t.Helper()
		o := options(&bytes.Buffer{})
		o.SelfSigned, o.Names, o.Now = path, names, func() time.Time { return now }
		k, err := certificate.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		return shown(t, k)[0]
	}
	first := open("localhost", "127.0.0.1", "::1", "Shop.Example.", "shop.example", "", "bücher.example", "10.1.2.3")
	if strings.Join(first.DNSNames, " ") != "localhost shop.example" || len(first.IPAddresses) != 3 || first.IsCA {
		t.Errorf("%v %v, an authority: %v", first.DNSNames, first.IPAddresses, first.IsCA)
	}
	roots := x509.NewCertPool()
	roots.AddCert(first)
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "shop.example", "10.1.2.3"} {
		if _, err := first.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if again := open("localhost", "shop.example"); !again.Equal(first) {
		t.Error("it is made anew for names that it has")
	}
	other := open("localhost", "other.example")
	if other.Equal(first) {
		t.Error("it is not made anew for a name that it does not have")
	}
	now = other.NotAfter.Add(-31 * 24 * time.Hour)
	if again := open("localhost"); !again.Equal(other) {
		t.Error("it is made anew more than a month before its end")
	}
	now = other.NotAfter.Add(-29 * 24 * time.Hour)
	renewed := open("localhost")
	if renewed.Equal(other) || !renewed.NotAfter.After(now.Add(300*24*time.Hour)) {
		t.Error("it is not made anew before its end")
	}
	if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := open("localhost"); again.Equal(renewed) {
		t.Error("what is no certificate is kept")
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestSelfSignedWithoutAPlace(t *testing.T) {
	o := options(&bytes.Buffer{})
	o.SelfSigned = filepath.Join(t.TempDir(), "none", "self-signed.pem")
	if _, err := certificate.Open(o); err == nil || !strings.Contains(err.Error(), "make a self-signed certificate") {
		t.Errorf("%v", err)
	}
}

// A client that comes back with a session of before is held against the
// authorities of now.
func TestAuthorityThatIsTakenOut(t *testing.T) {
	f := folder(t.TempDir())
	own, first, second := issue(t, "own", nil, nil), issue(t, "first", nil, nil), issue(t, "second", nil, nil)
	who := issue(t, "who", &first, nil)
	o := options(&bytes.Buffer{})
	o.Cert, o.Key = f.put(t, "cert.pem", own.cert), f.put(t, "key.pem", own.pem)
	o.ClientCA = f.put(t, "ca.pem", append(first.cert, second.cert...))
	k, err := certificate.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	served := k.Config() // a server keeps one
	sessions := tls.NewLRUClientSessionCache(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	come := func(version uint16) (resumed bool, err error) {
		here, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer here.Close()
		there, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			server := tls.Server(there, served)
			err := server.Handshake()
			if err == nil {
				_, err = server.Write([]byte("x")) // after the ticket
			}
			done <- err
			there.Close()
		}()
		client := tls.Client(here, &tls.Config{
			InsecureSkipVerify: true, ServerName: "localhost", ClientSessionCache: sessions, MaxVersion: version, //nolint:gosec // the server is not in question
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &tls.Certificate{Certificate: [][]byte{who.leaf.Raw}, PrivateKey: who.key}, nil
			},
		})
		_, err = client.Read(make([]byte, 1))
		here.Close()
		return client.ConnectionState().DidResume, errors.Join(err, <-done)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f.put(t, "ca.pem", append(first.cert, second.cert...))
		k.Look()
		sessions.Put("localhost", nil)
		if _, err := come(version); err != nil {
			t.Fatal(err)
		}
		if resumed, err := come(version); err != nil || !resumed {
			t.Errorf("resumed: %v, %v", resumed, err)
		}
		f.put(t, "ca.pem", second.cert)
		k.Look()
		if resumed, err := come(version); err == nil {
			t.Errorf("%s: whom nobody vouches for any more is let in; resumed: %v", tls.VersionName(version), resumed)
		}
	}
}
