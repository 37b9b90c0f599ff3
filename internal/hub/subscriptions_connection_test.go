package hub_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Deliveries through a connection with OAuth 2 share one token; when it is not
// taken any more, another one is fetched.
func TestDeliveriesWithOAuth2(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		var mu sync.Mutex
		issued, good := 0, "token-1"
		var refused, wrong int
		issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if id, secret, _ := r.BasicAuth(); id != "junctor" || secret != "client-s3cret" || r.FormValue("grant_type") != "client_credentials" {
				wrong++
			}
			issued++
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token": "token-%d", "token_type": "bearer", "expires_in": 3600}`, issued)
		}))
		t.Cleanup(issuer.Close)
		var to *endpoint
		to = newEndpoint(t, func(w http.ResponseWriter, n int) {
			mu.Lock()
			defer mu.Unlock()
			if to.nth(n).header.Get("Authorization") != "Bearer "+good {
				refused++
				w.WriteHeader(401)
			}
		})
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`connections:
  erp: { type: http, url: %q, allow_private: true, auth: { oauth2: { token_url: %q, client_id: junctor, client_secret: client-s3cret } } }
subscriptions:
  crm: { connection: erp, path: /hook, types: ["order.*"] }
`, to.URL, issuer.URL)})
		s.publish("order.made", 1, 20)
		done := func() bool {
			a := s.subscription("crm")
			return a.Unfinished == 0 && a.Behind == 0 && a.LastSuccess != nil
		}
		to.await(t, 20)
		s.until("all are done", done)
		mu.Lock()
		if issued != 1 || refused != 0 || wrong != 0 {
			t.Errorf("%d tokens were fetched, %d deliveries refused, %d requests for tokens wrong", issued, refused, wrong)
		}
		good = "token-2" // the first is revoked
		mu.Unlock()
		s.publish("order.sent", 1, 1)
		got := to.await(t, 22)
		s.until("it is done", done)
		mu.Lock()
		defer mu.Unlock()
		if issued != 2 || refused != 1 || wrong != 0 {
			t.Errorf("afterwards %d tokens were fetched, %d deliveries refused", issued, refused)
		}
		if a, b := got[20], got[21]; a.header.Get("webhook-id") != b.header.Get("webhook-id") || b.header.Get("Authorization") != "Bearer token-2" || b.path != "/hook" {
			t.Errorf("it was tried as %v and %v", a, b)
		}
		_, text := s.api("GET", "/api/v1/admin/runs?program=delivery&subject=S1", "")
		if strings.Contains(text, "token-") || strings.Contains(text, "client-s3cret") || strings.Contains(s.logged(), "client-s3cret") {
			t.Error("credentials are shown")
		}
	})
}

// certify makes a certificate that itself is the authority for, in two files.
func certify(t *testing.T, name string) (pair tls.Certificate, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(file, kind string, der []byte) (path string, text []byte) {
		path, text = filepath.Join(dir, file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path, text
	}
	cert, certText := write("cert.pem", "CERTIFICATE", der)
	key, keyText := write("key.pem", "PRIVATE KEY", secret)
	if pair, err = tls.X509KeyPair(certText, keyText); err != nil {
		t.Fatal(err)
	}
	return pair, cert, key
}

// An endpoint that lets nobody in without a certificate gets its deliveries
// through a connection that shows it, and none without.
func TestDeliveriesWithAClientCertificate(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		own, serverCert, _ := certify(t, "endpoint")
		_, clientCert, clientKey := certify(t, "junctor")
		_, otherCert, otherKey := certify(t, "somebody")
		known := x509.NewCertPool()
		if text, err := os.ReadFile(clientCert); err != nil || !known.AppendCertsFromPEM(text) {
			t.Fatal(err)
		}
		came := make(chan string, 100)
		to := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			came <- r.URL.Path + " by " + r.TLS.PeerCertificates[0].Subject.CommonName
		}))
		to.TLS = &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known}
		to.Config.ErrorLog = log.New(io.Discard, "", 0)
		to.StartTLS()
		t.Cleanup(to.Close)
		s := serveOn(t, database, map[string]string{"junctor.yaml": fmt.Sprintf(`settings: { allow_private_subscribers: true }
connections:
  known: { type: http, url: %[1]q, allow_private: true, tls: { ca: %[2]q, cert: %[3]q, key: %[4]q } }
  other: { type: http, url: %[1]q, allow_private: true, tls: { ca: %[2]q, cert: %[5]q, key: %[6]q } }
  none: { type: http, url: %[1]q, allow_private: true, tls: { ca: %[2]q } }
subscriptions:
  known: { connection: known, path: /known, types: ["order.*"] }
  other: { connection: other, path: /other, types: ["order.*"], retry: { attempts: 1 } }
  none: { connection: none, path: /none, types: ["order.*"], retry: { attempts: 1 } }
`, to.URL, serverCert, clientCert, clientKey, otherCert, otherKey)})
		s.publish("order.made", 1, 3)
		for _, code := range []string{"known", "other", "none"} {
			s.until(code+" is done", func() bool {
				a := s.subscription(code)
				return a.Unfinished == 0 && a.Behind == 0 && (a.LastSuccess != nil || a.Failure != "")
			})
		}
		for range 3 {
			select {
			case got := <-came:
				if got != "/known by junctor" {
					t.Errorf("came %s", got)
				}
			default:
				t.Error("a delivery is missing")
			}
		}
		if len(came) > 0 {
			t.Errorf("more came: %s", <-came)
		}
		if a := s.subscription("known"); a.Failure != "" {
			t.Errorf("with the certificate it failed: %s", a.Failure)
		}
		for _, code := range []string{"other", "none"} {
			if a := s.subscription(code); a.LastSuccess != nil || !strings.Contains(a.Failure, "certificate") {
				t.Errorf("%s: %+v", code, a)
			}
		}
	})
}
