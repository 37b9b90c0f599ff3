package http

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/connection"
)

// issuer is an authorization server: it counts its tokens and keeps the last
// request.
type issuer struct {
	*httptest.Server
	mu     sync.Mutex
	issued int
	form   url.Values
	basic  string
	answer func(w http.ResponseWriter, n int) // in the place of a token when it is not nil
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != "POST" {
		http.Error(w, "no form", 400)
		return
	}
	i.mu.Lock()
	i.issued++
	n := i.issued
	i.form, i.basic = r.PostForm, strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
	answer := i.answer
	i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if answer != nil {
		answer(w, n)
		return
	}
	fmt.Fprintf(w, `{"access_token": "access-t0ken-%d", "token_type": "bearer", "expires_in": 3600}`, n)
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued
}

func (i *issuer) auth() *Auth {
	return &Auth{OAuth2: &OAuth2{TokenURL: i.URL + "/token", ClientID: "id:1", ClientSecret: "${secret:s}"}}
}

func TestTokenIsFetchedOnceAndShared(t *testing.T) {
	i := newIssuer(t)
	release := make(chan struct{})
	i.answer = func(w http.ResponseWriter, n int) {
		<-release
		fmt.Fprintf(w, `{"access_token": "t-%d", "token_type": "bearer", "expires_in": "3600"}`, n)
	}
	var mu sync.Mutex
	got := map[string]int{}
	auth := i.auth()
	auth.OAuth2.Scopes, auth.OAuth2.Params = []string{"read", "write"}, map[string]string{"audience": "${env:AUD}"}
	conn := serve(t, Config{Auth: auth}, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got[r.Header.Get("Authorization")]++
		mu.Unlock()
	})
	gone, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := conn.Do(gone, Request{}); first <- err }()
	for i.count() == 0 {
		<-time.After(time.Millisecond)
	}
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			if _, err := conn.Do(t.Context(), Request{Method: "POST", Body: []byte("x")}); err != nil {
				t.Error(err)
			}
		})
	}
	cancel() // who asked first leaves, and the others get it all the same
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	close(release)
	group.Wait()
	if i.count() != 1 || len(got) != 1 || got["Bearer t-1"] != 40 {
		t.Errorf("%d tokens, requests %v", i.count(), got)
	}
	want := url.Values{"grant_type": {"client_credentials"}, "scope": {"read write"}, "audience": {"value of env:AUD"}}
	if i.form.Encode() != want.Encode() {
		t.Errorf("asked with %v", i.form)
	}
	if plain, _ := base64.StdEncoding.DecodeString(i.basic); string(plain) != "id%3A1:value+of+secret%3As" {
		t.Errorf("client credentials %q", plain)
	}
}

func TestClientCredentialsInTheBody(t *testing.T) {
	i := newIssuer(t)
	auth := i.auth()
	auth.OAuth2.AuthStyle = "body"
	conn := serve(t, Config{Auth: auth}, func(http.ResponseWriter, *http.Request) {})
	if _, err := conn.Do(t.Context(), Request{}); err != nil {
		t.Fatal(err)
	}
	if i.basic != "" || i.form.Get("client_id") != "id:1" || i.form.Get("client_secret") != "value of secret:s" {
		t.Errorf("basic %q, form %v", i.basic, i.form)
	}
}

func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	for expires, good := range map[int]time.Duration{3600: 59 * time.Minute, 100: 90 * time.Second, 0: 1000 * time.Hour} {
		i := newIssuer(t)
		i.answer = func(w http.ResponseWriter, n int) {
			if expires == 0 {
				fmt.Fprintf(w, `{"access_token": "t-%d"}`, n)
				return
			}
			fmt.Fprintf(w, `{"access_token": "t-%d", "expires_in": %d}`, n, expires)
		}
		conn := serve(t, Config{Auth: i.auth()}, func(http.ResponseWriter, *http.Request) {})
		start := time.Now()
		for _, step := range []struct {
			at   time.Duration
			want int
		}{{0, 1}, {good - 5*time.Second, 1}, {good + 5*time.Second, 2}} {
			conn.tokens.now = func() time.Time { return start.Add(step.at) }
			if _, err := conn.Do(t.Context(), Request{}); err != nil {
				t.Fatal(err)
			}
			if expires == 0 {
				step.want = 1
			}
			if i.count() != step.want {
				t.Errorf("expires_in %d: %d tokens after %s, want %d", expires, i.count(), step.at, step.want)
			}
		}
	}
}

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	i := newIssuer(t)
	good := "Bearer access-t0ken-2"
	var bodies []string
	conn := serve(t, Config{Auth: i.auth()}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body)+r.Header.Get("Idempotency-Key"))
		if r.Header.Get("Authorization") != good {
			w.WriteHeader(401)
		}
	})
	res, err := conn.Do(t.Context(), Request{Method: "POST", Body: []byte("order"), IdempotencyKey: "k"})
	if err != nil || res.Status != 200 || strings.Join(bodies, ",") != "orderk,orderk" || i.count() != 2 {
		t.Errorf("%+v %v, requests %v, %d tokens", res, err, bodies, i.count())
	}
	good = "never"
	res, err = conn.Do(t.Context(), Request{Method: "POST"})
	if err != nil || res.Status != 401 || len(bodies) != 4 || connection.ClassOf(res.Failure()) != connection.Permanent {
		t.Errorf("refused again: %+v %v after %d requests", res, err, len(bodies))
	}
}

// What the token endpoint does instead of giving a token has its class and a
// sentence that says who failed, and no secret.
func TestTokenFailures(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	const lasting = connection.Permanent
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter, n int)
		class  connection.Class
		after  time.Duration
		says   string
	}{
		{"wrong client", func(w http.ResponseWriter, _ int) {
			w.WriteHeader(401)
			io.WriteString(w, `{"error": "invalid_client", "error_description": "no client with value of secret:s\nhere"}`)
		}, lasting, 0, "answered 401 Unauthorized, invalid_client: no client with *** here"},
		{"wrong scope", func(w http.ResponseWriter, _ int) {
			w.WriteHeader(400)
			io.WriteString(w, `{"error": "invalid_scope"}`)
		}, lasting, 0, "400 Bad Request, invalid_scope"},
		{"error in 200", func(w http.ResponseWriter, _ int) { io.WriteString(w, `{"error": "unauthorized_client"}`) }, lasting, 0, "200 OK, unauthorized_client"},
		{"not there", func(w http.ResponseWriter, _ int) { w.WriteHeader(404) }, lasting, 0, "404 Not Found"},
		{"redirect", func(w http.ResponseWriter, _ int) { w.Header().Set("Location", "/x"); w.WriteHeader(302) }, lasting, 0, "302 Found"},
		{"down", func(w http.ResponseWriter, _ int) { w.Header().Set("Retry-After", "7"); w.WriteHeader(503) }, connection.BackOff, 7 * time.Second, "503 Service Unavailable"},
		{"too many", func(w http.ResponseWriter, _ int) { w.WriteHeader(429) }, connection.BackOff, 0, "429 Too Many Requests"},
		{"no JSON", func(w http.ResponseWriter, _ int) { io.WriteString(w, "<html>") }, lasting, 0, "cannot parse json"},
		{"no token", func(w http.ResponseWriter, _ int) { io.WriteString(w, `{}`) }, lasting, 0, "missing access_token"},
		{"a token with a line break", func(w http.ResponseWriter, _ int) { io.WriteString(w, `{"access_token": "a\r\nX: y"}`) }, lasting, 0, "no header can carry"},
		{"closes", func(w http.ResponseWriter, _ int) { panic(http.ErrAbortHandler) }, connection.NotConnected, 0, "closed without an answer"},
		{"endless", func(w http.ResponseWriter, _ int) {
			for {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1000)); err != nil {
					return
				}
			}
		}, lasting, 0, "cannot parse json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := newIssuer(t)
			i.answer = tt.answer
			conn := serve(t, Config{Auth: i.auth()}, func(http.ResponseWriter, *http.Request) { t.Error("a request left without a token") })
			_, err := conn.Do(t.Context(), Request{Path: "/orders"})
			var e *connection.Error
			if !errors.As(err, &e) || e.Class != tt.class || e.After != tt.after {
				t.Fatalf("%v: %+v", err, e)
			}
			if !strings.Contains(e.Message, `connection "erp": no token from its token_url: `) || !strings.Contains(e.Message, tt.says) ||
				strings.Contains(e.Message, "secret:s") || strings.Contains(e.Message, "\n") {
				t.Errorf("says %q", e.Message)
			}
		})
	}
	silent := newIssuer(t)
	hang := make(chan struct{})
	defer close(hang)
	silent.answer = func(http.ResponseWriter, int) { <-hang }
	conn := serve(t, Config{Auth: silent.auth(), Timeout: 30 * time.Millisecond}, func(http.ResponseWriter, *http.Request) {})
	if _, err := conn.Do(t.Context(), Request{}); connection.ClassOf(err) != connection.NotConnected || !strings.Contains(err.Error(), "within 30ms") || !strings.Contains(err.Error(), "token_url") {
		t.Errorf("silent: %v", err)
	}
	auth := silent.auth()
	auth.OAuth2.TokenURL = gone.URL
	conn = serve(t, Config{Auth: auth}, func(http.ResponseWriter, *http.Request) {})
	if _, err := conn.Do(t.Context(), Request{}); connection.ClassOf(err) != connection.NotConnected || !strings.Contains(err.Error(), "nobody listens") {
		t.Errorf("gone: %v", err)
	}
}

// A destination that shows the token in a broken answer does not get it into a text.
func TestTokensStayOutOfErrors(t *testing.T) {
	i := newIssuer(t)
	conn := serve(t, Config{Auth: i.auth()}, func(w http.ResponseWriter, r *http.Request) {
		c, buffer, _ := w.(http.Hijacker).Hijack()
		defer c.Close()
		buffer.WriteString(r.Header.Get("Authorization") + " garbage\r\n\r\n")
		buffer.Flush()
	})
	_, err := conn.Do(t.Context(), Request{})
	if err == nil || strings.Contains(err.Error(), "t0ken-1") || !strings.Contains(err.Error(), "***") {
		t.Errorf("%v", err)
	}
}
