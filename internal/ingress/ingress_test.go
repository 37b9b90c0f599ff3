package ingress_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/channel"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/ingress"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// house is what is behind the door: one channel whose runs do as told.
type house struct {
	door   ingress.Door
	await  func(context.Context, run.Start) (run.Result, error)
	accept func(context.Context, run.Start) (run.Accepted, error)
}

func (h *house) Door(token string) *ingress.Door {
	if token != "t0ken" {
		return nil
	}
	return &h.door
}

func (h *house) Accept(ctx context.Context, s run.Start) (run.Accepted, error) {
	return h.accept(ctx, s)
}

func (h *house) Await(ctx context.Context, s run.Start, _ time.Duration) (run.Result, error) {
	return h.await(ctx, s)
}

func (h *house) Has(context.Context, string, string) (bool, error) { return false, nil }

func (h *house) Validate(context.Context, string, string, scenario.Input) (func(*db.Tx) ([]db.Op, error), error) {
	return nil, nil
}

func (h *house) open(t *testing.T, log io.Writer) (*httptest.Server, *prometheus.Registry) {
	t.Helper()
	c, wrong := channel.Parse("shop", []byte(`{"type":"public","scenario":"order"}`))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	c.Await = h.await != nil
	h.door = ingress.Door{Channel: &c, Version: "v1", Verifier: &channel.Verifier{}, Gate: &channel.Gate{}}
	metrics := prometheus.NewRegistry()
	server := httptest.NewServer(ingress.New(ingress.Options{
		Doors: h, Runs: h, Validator: h, Metrics: metrics, BodyTime: 50 * time.Millisecond,
		Address: func(r *http.Request) string { return r.RemoteAddr }, BaseURL: func(*http.Request) string { return "http://h" },
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}))
	t.Cleanup(server.Close)
	return server, metrics
}

// TestSlowSenders: whoever does not send what was announced is answered all the
// same, whatever else is wrong.
func TestSlowSenders(t *testing.T) {
	server, _ := (&house{}).open(t, io.Discard)
	for _, c := range []struct {
		name, path, rest string
		status           int
	}{
		{"too slow", "t0ken", "Content-Length: 10\r\n\r\nabc", 408},
		{"too slow with chunks", "t0ken", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 408},
		{"too slow with gzip", "t0ken", "Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n", 408},
		{"unknown encoding", "t0ken", "Content-Encoding: br\r\nContent-Length: 10\r\n\r\nabc", 415},
		{"unknown token", "other", "Content-Length: 10\r\n\r\nabc", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // a connection that was made a moment ago
			if _, err := io.WriteString(conn, "POST /api/token/v1/"+c.path+" HTTP/1.1\r\nHost: h\r\n"+c.rest); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %v", resp.StatusCode, resp.Header)
			}
		})
	}
}

// TestStorageThatCannotKeepUp: the sender is told to come again, and the log
// why; what the storage said stays inside.
func TestStorageThatCannotKeepUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		retry  string
	}{
		{"full", fault.Wrap(errors.New("disk /var/lib full"), fault.Unavailable, "It cannot be stored.").WithRetryAfter(1500 * time.Millisecond), 503, "2"},
		{"a mistake of ours", errors.New("disk /var/lib full"), 500, ""},
		{"busy key", fault.New(fault.Conflict, "Busy.").WithRetryAfter(time.Second), 409, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			h := &house{accept: func(context.Context, run.Start) (run.Accepted, error) { return run.Accepted{}, c.err }}
			server, metrics := h.open(t, &log)
			resp, err := http.Post(server.URL+"/api/token/v1/t0ken", "", strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status || resp.Header.Get("Retry-After") != c.retry || strings.Contains(string(body), "disk") {
				t.Errorf("%d, Retry-After %q: %s", resp.StatusCode, resp.Header.Get("Retry-After"), body)
			}
			if logged := strings.Contains(log.String(), "disk /var/lib full"); logged != (c.status >= 500) {
				t.Errorf("the log: %s", log.String())
			}
			server.Close()
			if got := counted(t, metrics); got != strconv.Itoa(c.status) {
				t.Errorf("counted as %s", got)
			}
		})
	}
}

// TestStatusIsCounted: what a scenario answers is the request's status.
func TestStatusIsCounted(t *testing.T) {
	h := &house{await: func(context.Context, run.Start) (run.Result, error) {
		return run.Result{Run: "run_1", State: run.Succeeded, Output: []byte(`{"status":404,"headers":{},"text":"no such order"}`)}, nil
	}}
	server, metrics := h.open(t, io.Discard)
	resp, err := http.Get(server.URL + "/api/token/v1/t0ken/orders/1")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	server.Close() // after which the request has been counted
	if got := counted(t, metrics); got != "404" {
		t.Errorf("counted as %s", got)
	}
}

// counted lists the statuses of all requests at the door.
func counted(t *testing.T, metrics *prometheus.Registry) string {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range families {
		if f.GetName() != "junctor_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "status" {
					found = append(found, label.GetValue())
				}
			}
		}
	}
	return strings.Join(found, ",")
}

// TestSenderWhoLeaves is neither an error of ours nor answered.
func TestSenderWhoLeaves(t *testing.T) {
	var log strings.Builder
	began := make(chan struct{})
	h := &house{await: func(ctx context.Context, _ run.Start) (run.Result, error) {
		close(began)
		<-ctx.Done()
		return run.Result{}, ctx.Err()
	}}
	server, metrics := h.open(t, &log)
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/api/token/v1/t0ken", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-began; leave() }()
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
		t.Fatalf("answered with %d", resp.StatusCode)
	}
	server.Close()
	if log.String() != "" {
		t.Errorf("the log: %s", log.String())
	}
	if got := counted(t, metrics); got != "499" {
		t.Errorf("counted as %s", got)
	}
}
