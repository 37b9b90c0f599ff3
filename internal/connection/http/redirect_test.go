package http

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/connection"
	"junctor/internal/unit"
)

func TestRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s reached the other server with %v", r.Method, r.Header)
	}))
	defer other.Close()
	var referers []string
	hops := 0
	conn := serve(t, Config{Auth: &Auth{Bearer: "b"}}, func(w http.ResponseWriter, r *http.Request) {
		referers = append(referers, r.Header.Get("Referer"))
		to, status := "", http.StatusFound
		switch r.URL.Path {
		case "/same":
			to = "/end"
		case "/other":
			to = other.URL + "/end"
		case "/scheme":
			to = "https://" + r.Host + "/end"
		case "/slashes":
			to = "//" + strings.TrimPrefix(other.URL, "http://") + "/end"
		case "/user":
			to = "http://u:p@" + r.Host + "/end"
		case "/private":
			to = "http://169.254.169.254/latest/meta-data"
		case "/file":
			to = "file:///etc/passwd"
		case "/kept":
			to, status = "/end", http.StatusTemporaryRedirect
		case "/loop":
			hops++
			to = "/loop"
		default:
			io.WriteString(w, r.Method+" "+r.Header.Get("Authorization"))
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	})
	tests := []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/same", 200, "GET Bearer b"}, {"HEAD", "/same", 200, ""}, {"GET", "/kept", 200, "GET Bearer b"},
		{"POST", "/same", 302, ""}, {"POST", "/kept", 307, ""}, {"PUT", "/kept", 307, ""},
		{"GET", "/other", 302, ""}, {"GET", "/scheme", 302, ""}, {"GET", "/slashes", 302, ""}, {"GET", "/user", 302, ""},
		{"GET", "/private", 302, ""}, {"GET", "/file", 302, ""},
	}
	for _, tt := range tests {
		res, err := conn.Do(t.Context(), Request{Method: tt.method, Path: tt.path})
		if err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
			continue
		}
		if res.Status != tt.status || string(res.Body) != tt.body {
			t.Errorf("%s %s: %d %q, want %d %q", tt.method, tt.path, res.Status, res.Body, tt.status, tt.body)
		}
	}
	_, err := conn.Do(t.Context(), Request{Path: "/loop"})
	if connection.ClassOf(err) != connection.Permanent || !strings.Contains(err.Error(), "redirected more than 5 times") {
		t.Errorf("loop: %v", err)
	}
	if hops != 1+maxRedirects {
		t.Errorf("%d requests in the loop, want %d", hops, 1+maxRedirects)
	}
	if got := strings.Join(referers, ""); got != "" {
		t.Errorf("Referer was sent: %s", got)
	}
}

// TestRedirectsAreRequests: each needs the credential of the query, and a turn.
func TestRedirectsAreRequests(t *testing.T) {
	var asked []string
	answer := func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		switch r.URL.Path {
		case "/1":
			http.Redirect(w, r, "/2?a=b", http.StatusFound)
		case "/2":
			http.Redirect(w, r, "/3?key=other", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		}
	}
	auth := &Auth{APIKey: &APIKey{Query: "key", Value: "s&cret"}}
	conn := serve(t, Config{Auth: auth, Rate: unit.Rate{Count: 4, Per: time.Hour}, Breaker: &Breaker{Failures: 1, Pause: time.Hour}}, answer)
	if res, err := conn.Do(t.Context(), Request{Path: "/1"}); err != nil || res.Status != http.StatusOK {
		t.Errorf("%+v, %v", res, err)
	}
	if d := cmp.Diff([]string{"/1?key=s%26cret", "/2?a=b&key=s%26cret", "/3?key=other"}, asked); d != "" {
		t.Error(d)
	}
	_, err := conn.Do(t.Context(), Request{Path: "/round"})
	var e *connection.Error
	if !errors.As(err, &e) || e.Class != connection.BackOff || e.After < 59*time.Minute || e.After > time.Hour ||
		!strings.Contains(e.Message, `connection "erp": GET /round: was redirected, and the 4/h that rate allows are used up for the next `) {
		t.Errorf("a redirect over the rate: %v, %+v", err, e)
	}
	if len(asked) != 4 {
		t.Errorf("%d requests left: %q", len(asked), asked)
	}
	_, err = conn.Do(t.Context(), Request{})
	wantHeld(t, err, 59*time.Minute, time.Hour, "that rate allows") // and not the breaker: the destination has answered
}
