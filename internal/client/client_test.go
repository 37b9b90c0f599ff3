package client

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/access"
	"junctor/internal/fault"
	"junctor/internal/run"
)

// server answers every call with the status and body, and tells what came.
func server(t *testing.T, status int, media, body string) (c *Client, came func() string) {
	t.Helper()
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Authorization"), sent)
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // the test reads it
	}))
	t.Cleanup(s.Close)
	c, err := WithToken(s.URL+"/", "jt_x", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, func() string { return got }
}

const asJSON = "application/json"

func TestCalls(t *testing.T) {
	expires := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, want string
		call       func(*Client) error
	}{
		{"create a token", `POST /api/v1/admin/tokens Bearer jt_x {"name":"ci","expires_at":"2027-01-01T00:00:00Z"}`, func(c *Client) error {
			_, err := c.CreateToken(t.Context(), access.TokenOptions{Name: "ci", ExpiresAt: &expires, Author: "nobody"})
			return err
		}},
		{"list tokens", `GET /api/v1/admin/tokens?after=a%2Fb&limit=5 Bearer jt_x `, func(c *Client) error {
			_, _, err := c.ListTokens(t.Context(), "a/b", 5)
			return err
		}},
		{"revoke a token", `DELETE /api/v1/admin/tokens/a%2Fb Bearer jt_x `, func(c *Client) error {
			_, err := c.RevokeToken(t.Context(), "a/b", "")
			return err
		}},
		{"set a secret", `PUT /api/v1/admin/secrets/erp Bearer jt_x {"value":"v"}`, func(c *Client) error {
			return c.SetSecret(t.Context(), "erp", "v", "")
		}},
		{"list secrets", `GET /api/v1/admin/secrets? Bearer jt_x `, func(c *Client) error {
			_, _, err := c.ListSecrets(t.Context(), "", 0)
			return err
		}},
		{"delete a secret", `DELETE /api/v1/admin/secrets/erp Bearer jt_x `, func(c *Client) error {
			return c.DeleteSecret(t.Context(), "erp", "", false)
		}},
		{"create an account", `POST /api/v1/admin/accounts Bearer jt_x {"login":"eve","password":"p"}`, func(c *Client) error {
			_, err := c.CreateAdmin(t.Context(), "eve", "p", "")
			return err
		}},
		{"set a password", `PUT /api/v1/admin/accounts/eve/password Bearer jt_x {"password":"p"}`, func(c *Client) error {
			_, err := c.SetPassword(t.Context(), "eve", "p", "")
			return err
		}},
		{"list runs", `GET /api/v1/admin/runs?channel=shop&limit=5&since=2027-01-01T00%3A00%3A00Z&state=failed&state=waiting&webhook_id=msg_1 Bearer jt_x `, func(c *Client) error {
			_, _, err := c.List(t.Context(), run.Filter{State: []run.State{run.Failed, run.Waiting}, Channel: "shop", WebhookID: "msg_1", Since: expires, Limit: 5})
			return err
		}},
		{"show a run", `GET /api/v1/admin/runs/run_1 Bearer jt_x `, func(c *Client) error {
			_, err := c.Get(t.Context(), "run_1")
			return err
		}},
		{"retry a run", `POST /api/v1/admin/runs/run_1/retry Bearer jt_x `, func(c *Client) error {
			_, err := c.Retry(t.Context(), "run_1")
			return err
		}},
		{"cancel a run", `POST /api/v1/admin/runs/run_1/cancel Bearer jt_x `, func(c *Client) error {
			_, err := c.Cancel(t.Context(), "run_1")
			return err
		}},
		{"purge", `POST /api/v1/admin/purge Bearer jt_x {"states":["failed"],"older_than":"30d","dry_run":true}`, func(c *Client) error {
			_, err := c.Purge(t.Context(), run.PurgeOptions{States: []run.State{run.Failed}, OlderThan: 30 * 24 * time.Hour, DryRun: true})
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, came := server(t, 200, asJSON, "{}")
			if err := c.call(client); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, came()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPasswordInsteadOfAToken(t *testing.T) {
	var login, password string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login, password, _ = r.BasicAuth()
		io.WriteString(w, "{}") //nolint:errcheck // the test reads it
	}))
	defer s.Close()
	c, err := WithPassword(s.URL, "admin", "pä:ss", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "GET", "/", nil, nil); err != nil || login != "admin" || password != "pä:ss" {
		t.Errorf("came in as %q %q, %v", login, password, err)
	}
}

func TestARefusalIsTheServersError(t *testing.T) {
	problem := fault.ProblemOf(fault.New(fault.Unprocessable, "the body has a mistake").WithFields(fault.Field{Pointer: "/name", Detail: "is missing"}))
	body, err := json.Marshal(problem)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := server(t, 422, "application/problem+json", string(body))
	err = c.SetSecret(t.Context(), "erp", "v", "")
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Unprocessable || len(f.Fields) != 1 || f.Fields[0].Pointer != "/name" {
		t.Errorf("the error is %#v", err)
	}
}

func TestWhatIsNotJunctor(t *testing.T) {
	for _, c := range []struct {
		status      int
		media, body string
		want        string
	}{
		{404, "text/html", "<h1>nginx</h1>", "is --server the right address?"},
		{502, "application/problem+json", "not json", "is --server the right address?"},
		{302, "text/html", "", "is --server the right address?"}, // the token must not follow
		{200, "text/html", "<h1>Welcome</h1>", "does not answer"},
	} {
		client, came := server(t, c.status, c.media, c.body)
		_, _, err := client.ListTokens(t.Context(), "", 0)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(came(), "elsewhere") {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
	for _, url := range []string{"", "junctor", "ftp://x", "http://", "http://u:p@x", "http://x?y", "http://[::1"} {
		if _, err := WithToken(url, "x", nil); err == nil || !strings.Contains(err.Error(), "write it like https://") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestCertificateThatNobodyKnows(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer s.Close()
	c, err := WithToken(s.URL, "jt_x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "run_x"); err == nil || !strings.Contains(err.Error(), "--ca junctor.crt (JUNCTOR_CA), which `openssl x509 -in self-signed.pem -out junctor.crt` makes") {
		t.Errorf("%v", err)
	}
	reset, err := net.Listen("tcp", "127.0.0.1:0") // as Junctor does with who does not speak TLS
	if err != nil {
		t.Fatal(err)
	}
	defer reset.Close()
	go func() {
		for {
			conn, err := reset.Accept()
			if err != nil {
				return
			}
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
	}()
	plain, err := WithToken("http://"+reset.Addr().String(), "jt_x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Get(t.Context(), "run_x"); err == nil || !strings.Contains(err.Error(), "begins with https://") {
		t.Errorf("hung up on: %v", err)
	}
}

func TestCertificateThatTheServerDemands(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12} // 1.3 may end before its alert is read
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	for _, shown := range [][]tls.Certificate{nil, s.TLS.Certificates} {
		c, err := WithToken(s.URL, "jt_x", &tls.Config{RootCAs: roots, Certificates: shown})
		if err != nil {
			t.Fatal(err)
		}
		want := "404"
		if shown == nil {
			want = "--cert and --key (JUNCTOR_CERT, JUNCTOR_KEY) show one"
		}
		if _, err := c.Get(t.Context(), "run_x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
}
