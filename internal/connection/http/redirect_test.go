package http

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"junctor/internal/connection"
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
