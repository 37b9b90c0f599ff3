package hub_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/hub"
)

// signed is a certificate in two files.
type signed struct {
	leaf      *x509.Certificate
	key       *ecdsa.PrivateKey
	cert, pem string
}

// sign makes a certificate for 127.0.0.1, signed by a parent or by itself.
func sign(t *testing.T, dir, name string, parent *signed, life time.Duration) *signed {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(0x0a1b2c), Subject: pkix.Name{CommonName: name, Organization: []string{"Shop, Ltd"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life), BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, DNSNames: []string{"localhost"},
	}
	by, byKey := c, key
	if parent != nil {
		by, byKey = parent.leaf, parent.key
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), byKey)
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
	s := &signed{leaf, key, filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")}
	for path, block := range map[string]*pem.Block{s.cert: {Type: "CERTIFICATE", Bytes: raw}, s.pem: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *signed) shown() []tls.Certificate {
	return []tls.Certificate{{Certificate: [][]byte{s.leaf.Raw}, PrivateKey: s.key}}
}

// client speaks one protocol: HTTP/1.1 or HTTP/2, whatever is below.
func client(t *testing.T, http2 bool, config *tls.Config) *http.Client {
	t.Helper()
	p := &http.Protocols{}
	p.SetHTTP1(!http2)
	p.SetHTTP2(http2)
	p.SetUnencryptedHTTP2(http2)
	transport := &http.Transport{Protocols: p, TLSClientConfig: config, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// fetch sends a message and wants an answer.
func fetch(t *testing.T, c *http.Client, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

// serveWith is serve with other options.
func serveWith(t *testing.T, files map[string]string, change func(*hub.Options)) *site {
	t.Helper()
	return serveOn(t, "", files, change)
}

var echoFiles = map[string]string{
	"junctor.yaml":      "channels:\n  echo: { type: public, scenario: echo, await: true, comment: \"all of it\" }\n",
	"scenarios/echo.ts": echo,
}

func TestSelfSignedHTTPS(t *testing.T) {
	data := t.TempDir()
	s := serveWith(t, echoFiles, func(o *hub.Options) { o.Data, o.TLS.SelfSigned, o.PublicURL = data, true, "https://shop.example" })
	path := filepath.Join(data, "self-signed.pem")
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(kept) {
		t.Fatal("no certificate is kept")
	}
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		for _, name := range []string{"", "localhost", "shop.example"} {
			c := client(t, http2, &tls.Config{RootCAs: roots, ServerName: name})
			resp, body := fetch(t, c, "POST", s.base+"/api/token/v1/"+s.token["echo"]+"/x", "hi")
			if got := s.seen(resp, body); got.Protocol != proto || got.URL != "https://shop.example/api/token/v1/***/x" || got.Text != "hi" {
				t.Errorf("%+v", got)
			}
			sum := sha256.Sum256(resp.TLS.PeerCertificates[0].Raw)
			if !strings.Contains(s.logged(), "sha256="+hex.EncodeToString(sum[:])) {
				t.Errorf("the fingerprint is not in the log: %s", s.logged())
			}
		}
	}
}

func TestCertificateIsRenewedWhileServing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := sign(t, dir, "first", nil, time.Hour), sign(t, dir, "second", nil, time.Hour)
	s := serveWith(t, echoFiles, func(o *hub.Options) { o.TLS.Cert, o.TLS.Key = first.cert, first.pem })
	show := func() *x509.Certificate {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.base, "https://"), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it looks at what is shown
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0]
	}
	if got := show(); !got.Equal(first.leaf) {
		t.Fatalf("%s is shown", got.Subject)
	}
	for from, to := range map[string]string{second.pem: first.pem, second.cert: first.cert} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); !show().Equal(second.leaf); <-time.After(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not shown")
		}
	}
}

func TestStartWithoutACertificate(t *testing.T) {
	h, err := hub.Open(t.Context(), hub.Options{Data: t.TempDir(), Listen: "127.0.0.1:0", TLS: hub.TLS{Cert: "none.pem", Key: "none.key"}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Serve(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("%v", err)
	}
}

// certified answers with what the scenario sees, and with what its check saw.
var certified = map[string]string{
	"junctor.yaml": "channels:\n  who: { type: public, scenario: who, await: true }\n",
	"scenarios/who.ts": `import { kv, type Request } from "junctor";
export async function validate(request: Request) {
  if (request.path === "/closed") return request.clientCertificate?.subject === "CN=client,O=Shop\\, Ltd";
  return true;
}
export default (request: Request) => ({ json: { none: request.clientCertificate === undefined, ...request.clientCertificate } });`,
}

func TestClientCertificates(t *testing.T) {
	dir := t.TempDir()
	own, authority := sign(t, dir, "own", nil, time.Hour), sign(t, dir, "authority", nil, time.Hour)
	good, stranger := sign(t, dir, "client", authority, time.Hour), sign(t, dir, "stranger", nil, time.Hour)
	expired := sign(t, dir, "expired", authority, -time.Minute)
	sum := sha256.Sum256(good.leaf.Raw)
	known := `{"none":false,"subject":"CN=client,O=Shop\\, Ltd","issuer":"CN=authority,O=Shop\\, Ltd","serial":"0a1b2c","sha256":"` +
		hex.EncodeToString(sum[:]) + `","not_after":"` + good.leaf.NotAfter.UTC().Format(time.RFC3339) + `"}`
	for _, required := range []bool{false, true} {
		s := serveWith(t, certified, func(o *hub.Options) {
			o.TLS = hub.TLS{Cert: own.cert, Key: own.pem, ClientCA: authority.cert, ClientRequired: required}
		})
		for _, http2 := range []bool{false, true} {
			with := func(c *signed) *http.Client {
				config := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the server is not in question
				if c != nil {
					config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.shown()[0], nil }
				}
				return client(t, http2, config)
			}
			url := s.base + "/api/token/v1/" + s.token["who"]
			for range 2 { // the second one may resume the first one's session
				if resp, body := fetch(t, with(good), "GET", url, ""); resp.StatusCode != 200 || body != known {
					t.Errorf("%d %s, not %s", resp.StatusCode, body, known)
				}
			}
			if resp, body := fetch(t, with(good), "GET", url+"/closed", ""); resp.StatusCode != 200 {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			for name, c := range map[string]*signed{"another's": stranger, "expired": expired} {
				if resp, err := with(c).Get(url); err == nil {
					resp.Body.Close()
					t.Errorf("%s is let in: %d", name, resp.StatusCode)
				}
			}
			if required {
				if resp, err := with(nil).Get(url); err == nil {
					resp.Body.Close()
					t.Errorf("nobody is let in: %d", resp.StatusCode)
				}
				continue
			}
			if resp, body := fetch(t, with(nil), "GET", url, ""); resp.StatusCode != 200 || body != `{"none":true}` {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			if resp, body := fetch(t, with(nil), "GET", url+"/closed", ""); resp.StatusCode != 401 {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		}
	}
}

// TestPublicAddress: outsiders reach token endpoints and nothing else (O11).
func TestPublicAddress(t *testing.T) {
	s := serveWith(t, echoFiles, func(o *hub.Options) { o.PublicListen = "127.0.0.1:0" })
	token := "/api/token/v1/" + s.token["echo"]
	for _, http2 := range []bool{false, true} {
		c := client(t, http2, nil)
		if resp, body := fetch(t, c, "POST", s.public+token+"/x", "hi"); s.seen(resp, body).Text != "hi" {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		resp, unknown := fetch(t, c, "POST", s.base+"/no/such/path", "hi")
		want := without(resp.Header)
		for _, path := range []string{token, token + "/x", "/api/token/v1/other"} {
			resp, body := fetch(t, c, "POST", s.base+path, "hi")
			if d := cmp.Diff(want, without(resp.Header)); resp.StatusCode != 404 || body != unknown || d != "" {
				t.Errorf("%s at the other address: %d %s %s", path, resp.StatusCode, body, d)
			}
		}
		resp, unknown = fetch(t, c, "GET", s.public+"/no/such/path", "")
		want = without(resp.Header)
		for _, path := range []string{
			"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/errors/not-found", "/api/v1/session", "/api/v1/admin/runs",
			"/api/v1/admin/channels/echo", "/api/token/v1", "/api/token/v1/", "/api/token/v1/other", "/api/token/v2/" + s.token["echo"],
			"/api/token/v1/../../v1/admin/runs", "//api/v1/session", "/api/token/v1/-", "/debug/pprof/",
		} {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"} {
				resp, body := fetch(t, c, method, s.public+path, "", "Authorization", "Bearer x")
				if d := cmp.Diff(want, without(resp.Header)); resp.StatusCode != 404 || body != unknown || d != "" {
					t.Errorf("%s %s: %d %s %s", method, path, resp.StatusCode, body, d)
				}
			}
		}
	}
	if resp, body := fetch(t, http.DefaultClient, "GET", s.base+"/healthz", ""); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for _, address := range []string{s.base, s.public} {
		if !strings.Contains(s.logged(), strings.TrimPrefix(address, "http://")) {
			t.Errorf("the log does not have %s: %s", address, s.logged())
		}
	}
}

// without is the headers but for the time.
func without(h http.Header) http.Header {
	h = h.Clone()
	h.Del("Date")
	return h
}

func TestAddressThatIsTaken(t *testing.T) {
	s := serve(t, echoFiles)
	h, err := hub.Open(t.Context(), hub.Options{Data: t.TempDir(), Listen: "127.0.0.1:0", PublicListen: strings.TrimPrefix(s.base, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Serve(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "choose another address with --public-listen") {
		t.Errorf("%v", err)
	}
}
