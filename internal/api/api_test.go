package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/access"
	"junctor/internal/catalog"
	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/limit"
	"junctor/internal/run"
	"junctor/internal/secret"
)

const password = "correct horse"

var start = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// fixture is a door with fakes behind it, but for access, which is real.
type fixture struct {
	http.Handler
	door          *door
	access        *access.Store
	db            *db.DB
	events        *event.Log
	clock         *clock.Fake
	runs          *fakeRuns
	configuration *fakeConfiguration
	log           *buffer
	ready         error
	token         string // an API token with every right
}

// newFixture opens a door; change may alter the services before.
func newFixture(t *testing.T, change func(*Services)) *fixture {
	t.Helper()
	key, err := secret.NewKey([]byte(strings.Repeat("k", secret.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{
		clock: clock.NewFake(start), runs: newRuns(run.Failed, run.Running, run.Succeeded, run.Failed),
		configuration: &fakeConfiguration{objects: map[string]catalog.Object{}, versions: fakeVersions{}},
		log:           &buffer{},
	}
	f.db = dbtest.SQLite(t)(nil)
	f.access = access.New(f.db, secret.Keys{key}, f.clock)
	f.events = newEvents(t, f.db, f.clock)
	if _, _, err := f.access.EnsureAdmin(t.Context(), password); err != nil {
		t.Fatal(err)
	}
	made, err := f.access.CreateToken(t.Context(), access.TokenOptions{Name: "ci", Author: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	f.token = made.Token
	services := Services{
		Access: f.access, Events: f.events, Subscriptions: fakeSubscriptions{}, Runs: f.runs, Configuration: f.configuration, Versions: f.configuration.versions,
		ChannelToken: func(_ context.Context, code string) (string, error) { return "token-of-" + code, nil },
		Functions:    fakeFunctions{}, Views: fakeViews{}, Approvals: fakeApprovals{}, Links: fakeApprovals{}, Sockets: fakeSockets{}, Schedules: fakeSchedules{f.runs},
		Ready:   func(context.Context) error { return f.ready },
		Metrics: prometheus.NewRegistry(), Release: "1.2.3", Room: limit.NewRoom(128 << 20),
		Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&services)
	}
	f.Handler = New(services)
	f.door = f.Handler.(*door)
	return f
}

// call is one request and its answer. headers are "Name: value".
func (f *fixture) call(t *testing.T, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// admin is call with every right.
func (f *fixture) admin(t *testing.T, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return f.call(t, method, target, body, append([]string{"Authorization: Bearer " + f.token}, headers...)...)
}

func wantStatus(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("answered %d, want %d: %s", w.Code, status, w.Body)
	}
}

// wantProblem reads the problem and checks its form; pointers are those of its
// errors.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, code fault.Code, pointers ...string) {
	t.Helper()
	wantStatus(t, w, fault.Status(code))
	if kind := w.Header().Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("the problem is sent as %q", kind)
	}
	p := read[fault.Problem](t, w)
	if p.Type != "/errors/"+string(code) || p.Status != w.Code || p.Title == "" || p.Detail == "" {
		t.Errorf("the problem is %+v", p)
	}
	var got []string
	for _, e := range p.Errors {
		got = append(got, e.Pointer)
	}
	if fmt.Sprint(got) != fmt.Sprint(pointers) {
		t.Errorf("the errors are at %q, want %q: %s", got, pointers, w.Body)
	}
}

func read[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

func TestWhatIsNotThere(t *testing.T) {
	f := newFixture(t, nil)
	wantProblem(t, f.call(t, "GET", "/nothing", ""), fault.NotFound)
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/nothing", ""), fault.NotFound)
	w := f.admin(t, "PATCH", "/api/v1/admin/channels/shop", "{}")
	wantProblem(t, w, fault.MethodNot)
	if allow := w.Header().Get("Allow"); allow != "DELETE, GET, HEAD, PUT" {
		t.Errorf("Allow is %q", allow)
	}
	for _, path := range []string{"/api/v1/admin/runs/a%00b", "/api/v1/admin/runs/%ff", "/api/v1/admin/channels/%0a"} {
		wantProblem(t, f.admin(t, "GET", path, ""), fault.NotFound)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	f := newFixture(t, nil)
	const tokens = "/api/v1/admin/tokens"
	for _, c := range []struct {
		body     string
		headers  []string
		code     fault.Code
		pointers []string
	}{
		{body: `{"name":`, code: fault.Invalid, pointers: []string{""}},
		{body: "{\"name\":\"\xff\"}", code: fault.Invalid, pointers: []string{""}},
		{body: `{"name":"x"} {}`, code: fault.Invalid, pointers: []string{""}},
		{body: `{"nam":"x","login":7}`, code: fault.Unprocessable, pointers: []string{"/nam", "/login", "/name"}},
		{body: `name=x`, headers: []string{"Content-Type: application/x-www-form-urlencoded"}, code: fault.Unsupported},
		{body: `{"name":"x"}`, headers: []string{"Content-Encoding: gzip"}, code: fault.Unsupported},
		{body: `{"name":"x"}`, headers: []string{"Accept: text/csv"}, code: fault.NotAcceptable},
		{body: `{"name":"x"}`, headers: []string{"Accept: application/json;q=0, */*"}, code: fault.NotAcceptable},
		{body: `{"name":"` + strings.Repeat("x", bodyLimit) + `"}`, code: fault.TooLarge},
	} {
		wantProblem(t, f.admin(t, "POST", tokens, c.body, c.headers...), c.code, c.pointers...)
	}
	wantProblem(t, f.admin(t, "POST", tokens, ""), fault.Invalid, "")
}

func TestQueries(t *testing.T) {
	f := newFixture(t, nil)
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/runs?limit=0&stat=x&state=lost&since=monday&until=2026-01-01T00:00:00Z&channel=a&channel=b", ""),
		fault.Invalid, "/query/channel", "/query/limit", "/query/since", "/query/stat", "/query/state")
	for _, query := range []string{"limit=1001", "limit=x", "channel=%00", "channel=%ff"} {
		wantProblem(t, f.admin(t, "GET", "/api/v1/admin/runs?"+query, ""), fault.Invalid, "/query/"+strings.SplitN(query, "=", 2)[0])
	}
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/runs?a=%zz", ""), fault.Invalid)
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/nodes?limit=0&state=x", ""), fault.Invalid, "/query/limit", "/query/state")
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/tokens?after=not+a+cursor", ""), fault.Invalid, "/query/after")
	wantProblem(t, f.admin(t, "GET", "/openapi.json?x=1", ""), fault.Invalid, "/query/x")
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	f := newFixture(t, nil)
	for _, path := range []string{"/", "/nothing", "/openapi.json", "/api/v1/admin/runs", "/errors/invalid"} {
		h := f.call(t, "GET", path, "").Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s answers with %v", path, h)
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s lets other origins in", path)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	f := newFixture(t, nil)
	wantStatus(t, f.call(t, "GET", "/healthz", ""), 200)
	wantStatus(t, f.call(t, "GET", "/readyz", ""), 200)
	f.ready = errors.New("disk full at /var/secret-place")
	w := f.call(t, "GET", "/readyz", "")
	wantProblem(t, w, fault.Unavailable)
	if strings.Contains(w.Body.String(), "secret-place") || w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %v %s", w.Header(), w.Body)
	}
	if !strings.Contains(f.log.String(), "disk full") {
		t.Error("the log does not say why")
	}
	wantStatus(t, f.call(t, "GET", "/healthz", ""), 200)
}

func TestMetricsAreOpenUnlessTheSettingSaysOtherwise(t *testing.T) {
	wantStatus(t, newFixture(t, nil).call(t, "GET", "/metrics", ""), 200)
	f := newFixture(t, func(s *Services) { s.MetricsByToken = func() bool { return true } })
	wantProblem(t, f.call(t, "GET", "/metrics", ""), fault.Unauthorized)
	wantStatus(t, f.admin(t, "GET", "/metrics", ""), 200)
}

func TestAPanicIsAnInternalError(t *testing.T) {
	f := newFixture(t, func(s *Services) { s.Ready = func(context.Context) error { panic("at the disco") } })
	w := f.call(t, "GET", "/readyz", "")
	wantProblem(t, w, fault.Internal)
	if strings.Contains(w.Body.String(), "disco") || !strings.Contains(f.log.String(), "disco") {
		t.Errorf("answered %s, logged %s", w.Body, f.log.String())
	}
}

func TestEveryErrorCodeIsExplained(t *testing.T) {
	f := newFixture(t, nil)
	for _, code := range fault.Codes() {
		w := f.call(t, "GET", "/errors/"+string(code), "")
		wantStatus(t, w, 200)
		if e := read[explanation](t, w); e.Code != code || e.Status != fault.Status(code) || e.Detail == "" {
			t.Errorf("%s is explained as %+v", code, e)
		}
		w = f.call(t, "GET", "/errors/"+string(code), "", "Accept: text/html,*/*")
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || !strings.Contains(w.Body.String(), fault.Title(code)) {
			t.Errorf("%s is shown as %v %s", code, w.Header(), w.Body)
		}
	}
	wantProblem(t, f.call(t, "GET", "/errors/nonsense", ""), fault.NotFound)
	wantProblem(t, f.call(t, "GET", "/errors/invalid", "", "Accept: image/png"), fault.NotAcceptable)
}

func TestTheFrontPageSaysWhatItIs(t *testing.T) {
	f := newFixture(t, nil)
	w := f.call(t, "GET", "/", "", "Accept: text/html")
	wantStatus(t, w, 200)
	if !strings.Contains(w.Body.String(), "Junctor") || !strings.Contains(w.Body.String(), "1.2.3") {
		t.Errorf("the page is %s", w.Body)
	}
}
