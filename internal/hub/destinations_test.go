package hub_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/config"
	"junctor/internal/run"
)

// adminRun is a run as the admin API shows it.
type adminRun struct {
	State   run.State
	Attempt int
	Error   *struct {
		Message   string
		Permanent bool
	}
	Steps []struct {
		Name  string
		Error *struct {
			Message   string
			Permanent bool
			Held      bool
		}
		StartedAt  *time.Time `json:"started_at"`
		FinishedAt *time.Time `json:"finished_at"`
	}
}

// shown looks at a run as a user would.
func (s *site) shown(id string) (shown adminRun) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.base+"/api/v1/admin/runs/"+id, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth("admin", "secret-enough")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(body, &shown) != nil {
		s.t.Fatalf("%d %s: %v", resp.StatusCode, body, err)
	}
	return shown
}

// hostile listens and treats every connection badly.
func hostile(t *testing.T, treat func(conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				treat(conn)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// answering reads a request's head and then writes what it is given, again and
// again when more is true.
func answering(t *testing.T, head, again string) string {
	t.Helper()
	return hostile(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		_, err := io.WriteString(conn, head)
		for err == nil && again != "" {
			_, err = io.WriteString(conn, again)
		}
	})
}

// secure starts a server with a certificate, and returns its URL and the
// certificate's own PEM.
func secure(t *testing.T, from, until time.Duration, name string) (url, certificate string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// bomb is gzip of n MiB of nothing.
func bomb(n int) string {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	for range n {
		z.Write(make([]byte, 1<<20)) //nolint:errcheck // into memory
	}
	z.Close() //nolint:errcheck // as above
	return packed.String()
}

// TestBadDestinations: whatever a destination does, its request ends in time, in
// little memory, classed right, and the run's step says what was wrong.
func TestBadDestinations(t *testing.T) {
	packed := bomb(64)
	expired, expiredCA := secure(t, -2*time.Hour, -time.Hour, "127.0.0.1")
	early, earlyCA := secure(t, time.Hour, 2*time.Hour, "127.0.0.1")
	elsewhere, elsewhereCA := secure(t, -time.Hour, time.Hour, "other.example")
	unknown, _ := secure(t, -time.Hour, time.Hour, "127.0.0.1")
	redirects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) }))
	defer redirects.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	cases := []struct {
		name, url, ca string
		permanent     bool
		says          string
	}{
		{"never-answers", hostile(t, func(conn net.Conn) { io.Copy(io.Discard, conn) }), "", false, "no complete answer within 300ms"}, //nolint:errcheck // until it is closed
		{"byte-a-moment", hostile(t, func(conn net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				return
			}
			for _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"); err == nil; _, err = io.WriteString(conn, "a") {
				<-time.After(20 * time.Millisecond)
			}
		}), "", false, "no complete answer within 300ms"},
		{"long", answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n", "a"), "", true, "larger than the 1MiB that response_limit allows"},
		{"endless", answering(t, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", strings.Repeat("a", 64<<10)), "", true, "larger than the 1MiB"},
		{"chunked", answering(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "10000\r\n"+strings.Repeat("a", 64<<10)+"\r\n"), "", true, "larger than the 1MiB"},
		{"bomb", answering(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(packed), packed), ""), "", true, "larger than the 1MiB"},
		{"half", answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ""), "", false, "closed before the answer was complete"},
		{"closes", answering(t, "", ""), "", false, "closed without an answer"},
		{"nobody", closed.URL, "", false, "nobody listens there"},
		{"round-and-round", redirects.URL, "", true, "redirected more than 5 times"},
		{"expired", expired, expiredCA, false, "its certificate is not valid now, but from"},
		{"early", early, earlyCA, false, "its certificate is not valid now, but from"},
		{"elsewhere", elsewhere, elsewhereCA, true, "its certificate is for another name"},
		{"unknown", unknown, "", true, "authority that is not trusted here; tls.ca"},
		{"plain", strings.Replace(redirects.URL, "http:", "https:", 1), "", false, "speaks http and not https"},
		{"smtp", answering(t, "220 mail.example.com ESMTP ready\r\n", ""), "", false, "does not speak HTTP"},
		{"headers", answering(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("a", 1<<20)+"\r\n\r\n", ""), "", false, "headers are larger than 256KiB"},
		{"many-headers", answering(t, "HTTP/1.1 200 OK\r\n", "X-Y: zzzzzzzzzzzzzzzzzzzz\r\n"), "", false, "headers are larger than 256KiB"},
		{"continue", answering(t, "", "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"), "", false, "headers are larger than 256KiB"},
	}
	config := "connections:\n"
	for _, c := range cases {
		timeout := "20s"
		if strings.Contains(c.says, "300ms") {
			timeout = "300ms"
		}
		config += fmt.Sprintf("  %s: { type: http, url: %q, allow_private: true, timeout: %s, response_limit: 1MiB", c.name, c.url, timeout)
		if c.ca != "" {
			config += fmt.Sprintf(", tls: { ca: %q }", c.ca)
		}
		config += " }\n"
	}
	s := serve(t, map[string]string{
		"junctor.yaml": config + "channels:\n  go: { type: public, scenario: go, retry: { attempts: 1 } }\n",
		"scenarios/go.ts": `import { http, type Request } from "junctor";
export default async (request: Request) => { await http.get(request.text(), "/start"); };`,
	})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			resp, _ := s.send("POST", "go", "", c.name)
			s.ended(resp.Header.Get("Junctor-Run"))
			runtime.ReadMemStats(&after)
			shown := s.shown(resp.Header.Get("Junctor-Run"))
			if shown.State != run.Failed || len(shown.Steps) != 1 || shown.Steps[0].Error == nil || shown.Error == nil {
				t.Fatalf("%+v", shown)
			}
			e := shown.Steps[0].Error
			if e.Permanent != c.permanent || !strings.Contains(e.Message, c.says) || !strings.HasPrefix(e.Message, `connection "`+c.name+`": GET /start`) || shown.Error.Permanent != c.permanent {
				t.Errorf("permanent %v: %s", e.Permanent, e.Message)
			}
			if took := shown.Steps[0].FinishedAt.Sub(*shown.Steps[0].StartedAt); took > 15*time.Second {
				t.Errorf("took %s", took)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("took %d MiB in all", used>>20)
			}
		})
	}
}

// TestRetryAfterThroughTheWholeWay: the next try is not before the time that the
// destination asked for, whatever the channel's back-off.
func TestRetryAfterThroughTheWholeWay(t *testing.T) {
	for _, status := range []int{429, 503} {
		var times [2]atomic.Int64
		out := newSink(t, func(n int, w http.ResponseWriter, _ received) {
			if n <= len(times) {
				times[n-1].Store(time.Now().UnixNano())
			}
			if n == 1 {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(status)
			}
		})
		s := serve(t, map[string]string{
			"junctor.yaml":    out.connection() + "channels:\n  go: { type: public, scenario: go, retry: { first: 1ms } }\n",
			"scenarios/go.ts": `import { http } from "junctor"; export default async () => { await http.post("erp", "/x", { json: 1 }); };`,
		})
		resp, _ := s.send("POST", "go", "", "")
		if info := s.ended(resp.Header.Get("Junctor-Run")); info.State != run.Succeeded || info.Attempt != 2 {
			t.Errorf("%d: %s in attempt %d", status, info.State, info.Attempt)
		}
		if waited := time.Duration(times[1].Load() - times[0].Load()); waited < time.Second {
			t.Errorf("%d: tried again after %s", status, waited)
		}
	}
}

// TestBreakerPausesRuns: while a destination does not answer, runs wait and use
// up no attempts; the first that gets through lets the others follow.
func TestBreakerPausesRuns(t *testing.T) {
	var down atomic.Bool
	out := newSink(t, func(_ int, w http.ResponseWriter, r received) {
		if down.Load() && r.Path == "/api/x" {
			w.WriteHeader(500)
		}
	})
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  long: { type: http, url: \"" + out.URL + "/api\", allow_private: true, breaker: { failures: 2, pause: 1h } }\n" +
			"  short: { type: http, url: \"" + out.URL + "/api\", allow_private: true, breaker: { failures: 2, pause: 500ms } }\n" +
			"channels:\n  once: { type: public, scenario: go, retry: { attempts: 1 } }\n" +
			"  waits: { type: public, scenario: go, await: true }\n  patient: { type: public, scenario: go, await: true, retry: { attempts: 2, first: 1ms } }\n" +
			"  catches: { type: public, scenario: catches, await: true }\n",
		"scenarios/go.ts": `import { http, run, type Request } from "junctor";
export default async (request: Request) => { await http.post(request.text(), "/x", { json: 1 }); return run.attempt; };`,
		"scenarios/catches.ts": `import { http, HttpError, type Request } from "junctor";
export default async (request: Request) => { try { await http.post(request.text(), "/x", { json: 1 }); } catch (e) { return e instanceof HttpError && [e.status, e.permanent, e.message]; } };`,
	})
	opens := func(connection string) { // two runs fail, each in its first attempt
		down.Store(true)
		for range 2 {
			resp, _ := s.send("POST", "once", "", connection)
			if info := s.ended(resp.Header.Get("Junctor-Run")); info.State != run.Failed {
				t.Fatalf("%s", info.State)
			}
		}
		down.Store(false)
	}
	opens("long")
	before := len(out.all())
	resp, body := s.send("POST", "catches", "", "long")
	if resp.StatusCode != 200 || !strings.HasPrefix(body, `[0,false,"connection \"long\": POST /x: not sent, because the last 2 requests in a row have failed; the breaker lets one through in `) {
		t.Errorf("caught: %d %s", resp.StatusCode, body)
	}
	resp, body = s.send("POST", "waits", "", "long")
	told := s.shown(s.problem(resp, body).Run)
	if resp.StatusCode != 502 || told.State != run.Failed || told.Attempt != 1 || !told.Steps[0].Error.Held || strings.Contains(body, "long") {
		t.Errorf("awaited: %d %s %+v", resp.StatusCode, body, told)
	}
	resp, _ = s.send("POST", "once", "", "long")
	held := s.endedAs(resp.Header.Get("Junctor-Run"), run.Waiting, run.Failed, run.Succeeded)
	if held.State != run.Waiting || held.WaitingFor != "retry" || held.Attempt != 1 || held.Error == nil || !strings.Contains(held.Error.Message, "the breaker lets one through in") {
		t.Errorf("held back: %+v", held)
	}
	if wait := time.Until(*held.DueAt); wait < 50*time.Minute || wait > 75*time.Minute {
		t.Errorf("waits for %s", wait)
	}
	if len(out.all()) != before {
		t.Error("the breaker let something through")
	}

	opens("short")
	var ids []string
	for range 5 {
		resp, _ := s.send("POST", "once", "", "short")
		ids = append(ids, resp.Header.Get("Junctor-Run"))
	}
	for _, id := range ids {
		if info := s.ended(id); info.State != run.Succeeded || info.Attempt != 1 || string(info.Output) != `{"value":1}` {
			t.Errorf("%s in attempt %d: %s", info.State, info.Attempt, info.Output)
		}
	}
	opens("short")
	if resp, body := s.send("POST", "patient", "", "short"); resp.StatusCode != 200 || body != "1" {
		t.Errorf("awaited with more attempts: %d %s", resp.StatusCode, body)
	}
}

// TestRateHoldsRunsBack: more messages than the destination may get in a time
// wait on disk for their turn, each in its first and only attempt.
func TestRateHoldsRunsBack(t *testing.T) {
	out := newSink(t, nil)
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  erp: { type: http, url: \"" + out.URL + "/api\", allow_private: true, rate: 2/h }\n" +
			"channels:\n  go: { type: public, scenario: go, retry: { attempts: 1 } }\n",
		"scenarios/go.ts": `import { http } from "junctor"; export default async () => { await http.get("erp", "/x"); };`,
	})
	states := map[run.State]int{}
	for range 5 {
		resp, _ := s.send("POST", "go", "", "")
		info := s.endedAs(resp.Header.Get("Junctor-Run"), run.Succeeded, run.Failed, run.Waiting)
		states[info.State]++
		if info.State != run.Waiting {
			continue
		}
		if wait := time.Until(*info.DueAt); wait < 50*time.Minute || wait > 75*time.Minute || info.Attempt != 1 || !strings.Contains(info.Error.Message, "the 2/h that rate allows are used up") {
			t.Errorf("waits for %s in attempt %d: %+v", wait, info.Attempt, info.Error)
		}
	}
	if states[run.Succeeded] != 2 || states[run.Waiting] != 3 || len(out.all()) != 2 {
		t.Errorf("%v, %d requests", states, len(out.all()))
	}
}

// TestOAuth2ThroughAHub: the token is fetched once for many runs, and neither it
// nor the client's secret is kept anywhere.
func TestOAuth2ThroughAHub(t *testing.T) {
	t.Setenv("CLIENT_SECRET", "the-client-secret")
	var tokens atomic.Int32
	var broken atomic.Bool
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if broken.Load() || id != "me" || secret != "the-client-secret" || r.FormValue("audience") != "erp" {
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"error": "invalid_client", "error_description": "not %s"}`, secret)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "the-token-%d", "token_type": "Bearer", "expires_in": 3600}`, tokens.Add(1))
	}))
	defer issuer.Close()
	out := newSink(t, func(_ int, w http.ResponseWriter, r received) {
		if r.Header.Get("Authorization") == "Bearer the-token-1" && r.Path == "/api/revoked" {
			w.WriteHeader(401)
		}
	})
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  erp: { type: http, url: \"" + out.URL + "/api\", allow_private: true, auth: { oauth2: { token_url: \"" + issuer.URL +
			"/token\", client_id: me, client_secret: \"${env:CLIENT_SECRET}\", scopes: [orders], params: { audience: erp } } } }\n" +
			"channels:\n  go: { type: public, scenario: go, retry: { attempts: 1 } }\n",
		"scenarios/go.ts": `import { http, type Request } from "junctor"; export default async (request: Request) => { await http.post("erp", request.text(), { json: 1 }); };`,
	})
	var ids []string
	send := func(path string) string {
		resp, _ := s.send("POST", "go", "", path)
		ids = append(ids, resp.Header.Get("Junctor-Run"))
		return ids[len(ids)-1]
	}
	for range 20 {
		send("/orders")
	}
	for _, id := range ids {
		if info := s.ended(id); info.State != run.Succeeded {
			t.Errorf("%+v", info.Error)
		}
	}
	if tokens.Load() != 1 {
		t.Errorf("%d tokens were fetched", tokens.Load())
	}
	if info := s.ended(send("/revoked")); info.State != run.Succeeded || tokens.Load() != 2 {
		t.Errorf("%s with %d tokens: %+v", info.State, tokens.Load(), info.Error)
	}
	broken.Store(true)
	if err := s.hub.Reload(t.Context()); err != nil { // what has not changed stays open, and keeps its token
		t.Fatal(err)
	}
	if info := s.ended(send("/orders")); info.State != run.Succeeded || tokens.Load() != 2 {
		t.Errorf("%+v", info.Error)
	}
	for _, id := range ids {
		kept, err := json.Marshal(s.ended(id))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"the-token", "the-client-secret"} {
			if strings.Contains(string(kept), secret) || strings.Contains(s.logged(), secret) {
				t.Errorf("%s is kept: %s", secret, kept)
			}
		}
	}
}

// TestRemovingAConnectionInUse: who removes a connection is told of the runs that
// have not ended and may still need it.
func TestRemovingAConnectionInUse(t *testing.T) {
	out := newSink(t, nil)
	files := map[string]string{
		"junctor.yaml": out.connection() + `  crm: { type: http, url: "` + out.URL + `", allow_private: true }
  idle: { type: http, url: "` + out.URL + `", allow_private: true }
channels:
  named: { type: public, scenario: named }
  spelt: { type: public, scenario: spelt }
`,
		"scenarios/named.ts": `import { http, sleep } from "junctor"; export default async () => { await sleep("1d"); await http.get("erp", "/"); };`,
		"scenarios/spelt.ts": `import { http, sleep, type Request } from "junctor"; export default async (r: Request) => { await http.get(r.text(), "/"); await sleep("1d"); };`,
	}
	s := serve(t, files)
	ids := map[string]string{}
	for _, channel := range []string{"named", "spelt"} {
		resp, _ := s.send("POST", channel, "", "crm")
		ids[channel] = resp.Header.Get("Junctor-Run")
		s.endedAs(ids[channel], run.Waiting)
	}
	_, channels, _ := strings.Cut(files["junctor.yaml"], "channels:")
	files["junctor.yaml"] = "channels:" + channels
	set, problems := config.Load(t.Context(), s.write(files))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var planned []string
	for _, act := range []func(context.Context, *config.Set, config.Options) (*config.Result, error){s.hub.Config().Plan, s.hub.Config().Apply} {
		result, err := act(t.Context(), set, config.Options{Author: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Warnings) != 2 || !strings.Contains(result.Warnings[0], `connections "crm" is removed, and unfinished runs of the scenario "spelt" (1 of v`) ||
			!strings.Contains(result.Warnings[1], `connections "erp" is removed, and unfinished runs of the scenario "named" (1 of v`) {
			t.Errorf("warnings: %q", result.Warnings)
		}
		if planned != nil && !slices.Equal(planned, result.Warnings) {
			t.Errorf("planned were %q", planned)
		}
		planned = result.Warnings
	}
}
