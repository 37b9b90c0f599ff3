package http

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"junctor/internal/connection"
)

func TestFailureClasses(t *testing.T) {
	conn := serve(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.WriteHeader(status)
		io.WriteString(w, "why")
	})
	for status, want := range map[int]connection.Class{
		200: 0, 204: 0, 304: 0, 400: connection.Permanent, 401: connection.Permanent, 404: connection.Permanent, 409: connection.Permanent,
		422: connection.Permanent, 408: connection.BackOff, 425: connection.BackOff, 429: connection.BackOff, 500: connection.BackOff, 503: connection.BackOff, 599: connection.BackOff,
	} {
		res, err := conn.Do(t.Context(), Request{Method: "PUT", Path: "/" + strconv.Itoa(status) + "?token=hush"})
		if err != nil {
			t.Errorf("%d is an error: %v", status, err)
			continue
		}
		failure := res.Failure()
		if connection.ClassOf(failure) != want || (failure == nil) != (want == 0) {
			t.Errorf("%d: class %v, want %v", status, connection.ClassOf(failure), want)
			continue
		}
		if failure == nil {
			continue
		}
		var e *connection.Error
		if errors.As(failure, &e); (e.After == 7*time.Second) != (want == connection.BackOff) {
			t.Errorf("%d: after %v", status, e.After)
		}
		if text := failure.Error(); !strings.HasPrefix(text, `connection "erp" answered `+strconv.Itoa(status)) || strings.Contains(text, "hush") {
			t.Errorf("%d: %v", status, text)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		value, date string
		want        time.Duration
	}{
		"absent": {"", "", 0}, "seconds": {"120", "", 2 * time.Minute}, "spaces": {" 3 ", "", 3 * time.Second}, "zero": {"0", "", 0},
		"negative": {"-5", "", 0}, "fraction": {"1.5", "", 0}, "nonsense": {"soon", "", 0},
		"huge": {"9223372036854775807", "", 24 * time.Hour}, "over uint64": {"99999999999999999999999", "", maxRetryAfter},
		"date":       {"Sun, 22 Nov 2026 10:01:00 GMT", "", time.Minute},
		"past date":  {"Sun, 22 Nov 2026 09:00:00 GMT", "", 0},
		"far date":   {"Sun, 22 Nov 2099 09:00:00 GMT", "", 24 * time.Hour},
		"other hour": {"Sun, 22 Nov 2026 18:00:30 GMT", "Sun, 22 Nov 2026 18:00:00 GMT", 30 * time.Second},
	} {
		h := http.Header{}
		h.Set("Retry-After", tt.value)
		h.Set("Date", tt.date)
		if got := retryAfter(h, now); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// Whatever a server says, the wait is neither negative nor longer than a day.
func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("Sun, 22 Nov 2026 10:01:00 GMT", "Sun, 22 Nov 2026 10:00:00 GMT")
	f.Add("-1", "x")
	f.Fuzz(func(t *testing.T, value, date string) {
		if got := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Unix(1_800_000_000, 0)); got < 0 || got > 24*time.Hour {
			t.Errorf("%q at %q: %v", value, date, got)
		}
	})
}

// A server that breaks off is a failure of the network, not an empty answer.
func TestBrokenAnswers(t *testing.T) {
	conn := serve(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		c, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		buffer.WriteString(map[string]string{
			"/nothing": "", "/half": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "/garbage": "SMTP ready\r\n\r\n",
			"/headers": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 300<<10) + "\r\n\r\n",
		}[r.URL.Path])
		buffer.Flush()
	})
	for _, path := range []string{"/nothing", "/half", "/garbage", "/headers"} {
		res, err := conn.Do(t.Context(), Request{Method: "POST", Path: path, Body: []byte("x")})
		if connection.ClassOf(err) != connection.NotConnected {
			t.Errorf("%s: %v, %v", path, res, err)
		}
	}
}

// A failure names no path where the whole address is the connection's own.
func TestFailureOfAWholeAddress(t *testing.T) {
	conn := serve(t, Config{Label: `subscription "crm"`, URL: "/hook"}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	res, err := conn.Do(t.Context(), Request{Method: "POST"})
	if err != nil || res.Failure() == nil || res.Failure().Error() != `subscription "crm" answered 502 Bad Gateway to POST` {
		t.Errorf("%v, %v", res.Failure(), err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	conn, err = Open(Config{Label: `subscription "crm"`, URL: gone.URL + "/hook", AllowPrivate: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Do(t.Context(), Request{Method: "POST"}); err == nil || !strings.HasPrefix(err.Error(), `subscription "crm": POST: nobody listens there`) {
		t.Error(err)
	}
}

// No way of failing tells a credential, also when the server echoes it.
func TestSecretsStayOutOfErrors(t *testing.T) {
	const secret = "s3cret&value"
	secrets := func(string) (string, error) { return secret, nil }
	echo := func(w http.ResponseWriter, r *http.Request) {
		c, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		buffer.WriteString(r.URL.RawQuery + r.Header.Get("Authorization") + r.Header.Get("X-Key") + " garbage\r\n\r\n")
		buffer.Flush()
	}
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	var texts []string
	for _, auth := range []*Auth{
		{Basic: &Basic{User: "u", Password: "${secret:x}"}}, {Bearer: "${secret:x}"}, {Bearer: secret}, {APIKey: &APIKey{Header: "X-Key", Value: "${secret:x}"}},
		{APIKey: &APIKey{Query: "key", Value: "${secret:x}"}}, {APIKey: &APIKey{Query: "key", Value: secret}}, {Basic: &Basic{User: "u", Password: secret}},
	} {
		for _, url := range []string{server.URL, "http://127.0.0.1:1"} {
			conn, err := Open(Config{Label: "c", URL: url, Auth: auth, AllowPrivate: true}, secrets)
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.Do(t.Context(), Request{Path: "/x"})
			if err == nil {
				t.Fatal("no error")
			}
			texts = append(texts, err.Error())
		}
	}
	for _, config := range []Config{
		{URL: "${secret:x}"}, {URL: "https://${secret:x}:99999/"}, {URL: "https://a", Headers: map[string]string{"X-A": "${secret:x}\n"}},
	} {
		_, err := Open(config, secrets)
		if err == nil {
			t.Fatalf("%v is opened", config)
		}
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		for _, spelling := range []string{secret, "s3cret%26value", "dTpzM2NyZXQmdmFsdWU="} {
			if strings.Contains(text, spelling) {
				t.Errorf("tells the secret: %s", text)
			}
		}
	}
}
