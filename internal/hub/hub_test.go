package hub_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/config"
	"junctor/internal/hub"
	"junctor/internal/run"
)

// site is a served hub over a folder of configuration.
type site struct {
	t      *testing.T
	hub    *hub.Hub
	base   string
	public string            // the token endpoints' own address, when there is one
	data   string            // its directory
	token  map[string]string // by channel
	log    *logBook
	stop   func() // begins its end
}

const adminPassword = "secret-enough"

func serve(t *testing.T, files map[string]string) *site {
	t.Helper()
	return serveOn(t, "", files)
}

// serveOn is serve on a PostgreSQL database; "" is SQLite.
func serveOn(t *testing.T, database string, files map[string]string, more ...func(*hub.Options)) *site {
	t.Helper()
	o := hub.Options{Database: database}
	for _, change := range more {
		change(&o)
	}
	return serveAs(t, o, nil, files)
}

// serveAs is serve with options of the hub; nil is the log's usual level.
func serveAs(t *testing.T, o hub.Options, level slog.Leveler, files map[string]string) *site {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	book := &logBook{t: t}
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	o.Listen, o.AdminPassword = "127.0.0.1:0", adminPassword
	o.Log = slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: level}))
	h, err := hub.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, hub: h, log: book, data: o.Data, stop: cancel}
	s.apply(files)
	ready, done := make(chan hub.Addresses, 1), make(chan error, 1)
	go func() { done <- h.Serve(ctx, func(a hub.Addresses) { ready <- a }) }()
	select {
	case a := <-ready:
		s.base, s.public = a.URL(), a.PublicURL()
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// logBook is the server's log: shown with a failing test, and kept.
type logBook struct {
	t    *testing.T
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBook) Write(line []byte) (int, error) {
	b.t.Log(strings.TrimSpace(string(line)))
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (s *site) logged() string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.text.String()
}

// write makes a folder of the files.
func (s *site) write(files map[string]string) string {
	s.t.Helper()
	dir := s.t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	return dir
}

// apply brings the files into use.
func (s *site) apply(files map[string]string) {
	s.t.Helper()
	dir := s.write(files)
	set, problems := config.Load(context.Background(), dir)
	for _, p := range problems {
		s.t.Error(p)
	}
	if len(problems) > 0 {
		s.t.FailNow()
	}
	result, err := s.hub.Config().Apply(context.Background(), set, config.Options{Author: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.token = map[string]string{}
	for _, c := range result.Channels {
		s.token[c.Code] = c.Token
	}
	if err := s.hub.Reload(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// send is a message to a channel.
func (s *site) send(method, channel, rest, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	return s.do(method, "/api/token/v1/"+s.token[channel]+rest, body, header)
}

// call is a request with the credentials of admin, its body JSON.
func (s *site) call(method, path, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+adminPassword))
	return s.do(method, path, body, append([]string{"Authorization", basic, "Content-Type", "application/json"}, header...))
}

// do sends a request with headers, name and value in turn.
func (s *site) do(method, path, body string, header []string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(answer)
}

// ended waits for a run's end.
func (s *site) ended(id string) *run.Info {
	s.t.Helper()
	return s.endedAs(id, run.Succeeded, run.Failed, run.Cancelled)
}

func (s *site) endedWithin(id string, d time.Duration) *run.Info {
	s.t.Helper()
	return s.await(id, d, run.Succeeded, run.Failed, run.Cancelled)
}

func (s *site) endedAs(id string, states ...run.State) *run.Info {
	s.t.Helper()
	return s.await(id, 20*time.Second, states...)
}

// await waits until a run has one of the states.
func (s *site) await(id string, d time.Duration, states ...run.State) *run.Info {
	s.t.Helper()
	deadline := time.Now().Add(d)
	for {
		info, err := s.hub.Runs().Get(context.Background(), id)
		if err == nil && slices.Contains(states, info.State) {
			return info
		}
		if time.Now().After(deadline) {
			shown, _ := json.MarshalIndent(info, "", " ")
			s.t.Fatalf("the run never ended: %v\n%s", err, shown)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestAwaitedChannelAnswers(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": "channels:\n  shop: { type: public, scenario: order, await: true, subject: $.number }\n",
		"scenarios/order.ts": `import { kv, run, now, log, type Request } from "junctor";
export default async function (request: Request) {
  const order = request.json<{ number: string; lines: { qty: number; price: number }[] }>();
  let total = 0;
  for (const line of order.lines) total += line.qty * line.price;
  const n = await kv.increment("orders");
  log.info("total", total);
  return { status: 201, json: { number: order.number, total, n, path: request.path, q: request.query.x, p: [1, 2, 3, 4, 5, 6, 7].map((i) => request.startparam(i as 1) !== undefined) } };
}`,
	})
	resp, body := s.send("PUT", "shop", "/some/path?x=1", `{"number":"4711","lines":[{"qty":2,"price":1.5}]}`)
	want := `{"number":"4711","total":3,"n":1,"path":"/some/path","q":"1","p":[true,true,true,true,true,true,true]}`
	if resp.StatusCode != 201 || body != want || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	info := s.ended(resp.Header.Get("Junctor-Run"))
	if info.State != run.Succeeded || info.Subject != "4711" || len(info.Steps) != 1 || len(info.Logs) != 1 {
		t.Errorf("run: %+v", info)
	}
}

func TestNotAwaitedReachesTheSink(t *testing.T) {
	got := make(chan *http.Request, 10)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r }))
	defer sink.Close()
	s := serve(t, map[string]string{
		"junctor.yaml": "connections:\n  erp: { type: http, url: \"" + sink.URL + "\", allow_private: true }\nchannels:\n  shop: { type: public, scenario: order }\n",
		"scenarios/order.ts": `import { http, type Request } from "junctor";
export default async function (request: Request) {
  await http.post("erp", "/orders", { json: request.json() });
}`,
	})
	resp, body := s.send("POST", "shop", "", `{"number":"4711"}`)
	if resp.StatusCode != 200 || body != "" {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	id := resp.Header.Get("Junctor-Run")
	r := <-got
	if r.URL.Path != "/orders" || r.Header.Get("Idempotency-Key") != id+".1" {
		t.Errorf("the sink got %s with key %s", r.URL.Path, r.Header.Get("Idempotency-Key"))
	}
	if info := s.ended(id); info.State != run.Succeeded {
		t.Errorf("run: %+v", info)
	}
}

// endedSubject waits for the run about something, whose id nobody was told.
func (s *site) endedSubject(subject string) *run.Info {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		list, _, err := s.hub.Runs().List(context.Background(), run.Filter{Subject: subject})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(list) == 1 {
			return s.ended(list[0].ID)
		}
		<-time.After(5 * time.Millisecond)
	}
	s.t.Fatalf("there is no run about %s", subject)
	return nil
}
