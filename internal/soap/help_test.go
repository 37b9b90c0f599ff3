package soap

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"junctor/internal/access"
	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/function"
	"junctor/internal/limit"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/run"
	"junctor/internal/secret"
	"junctor/internal/stored"
)

var noon = time.Date(2027, 1, 4, 12, 0, 0, 0, time.UTC)

const adminPassword = "secret-enough"

var classes = map[string]json.RawMessage{
	"customers": json.RawMessage(`{"key":"code","comment":"who buys","columns":{"code":"text!","name":"text","owner":"text"}}`),
	"orders": json.RawMessage(`{"key":"number","columns":{"number":{"type":"text","required":true,"length":20},"customer":"ref(customers)","total":"decimal(12,2)",
		"state":{"type":"enum(new,sent,done)","default":"new"},"received":"datetime","due":"date","lines":"integer","paid":"boolean","extra":"json",
		"margin":"decimal(12,2)","note":"text"}}`),
	"ruled":  json.RawMessage(`{"key":"a","columns":{"a":"text!","b":"text"},"rules":[{"when":["created"],"before":true,"scenario":"check"}]}`),
	"locked": json.RawMessage(`{"key":[["a","b"]],"require_match":true,"columns":{"a":"text!","b":"integer!","c":"text"}}`),
}

// site is the door over a database, without a server's other parts.
type site struct {
	testing.TB
	door      *door
	base      string
	rights    map[string]*right.Set // by login, for Basic
	functions []*function.Function
	started   []run.Start
}

// site implements Runs: every run fails.
func (s *site) Await(_ context.Context, start run.Start, _ time.Duration) (run.Result, error) {
	s.started = append(s.started, start)
	return run.Result{Run: "run_1", State: run.Failed}, nil
}

func newSite(t testing.TB, d *db.DB, bodies map[string]json.RawMessage) *site {
	t.Helper()
	m, found := class.NewModel(bodies)
	if found != nil {
		t.Fatal(found)
	}
	var model *class.Model
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		if _, _, err := table.Apply(tx, m, false); err != nil {
			return err
		}
		var err error
		model, err = table.Applied(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	committer := db.NewCommitter(d, nil, nil)
	t.Cleanup(committer.Close)
	accounts := access.New(d, secret.Keys{secret.RandomKey()}, clock.Real{})
	if _, _, err := accounts.EnsureAdmin(context.Background(), adminPassword); err != nil {
		t.Fatal(err)
	}
	s := &site{TB: t, rights: map[string]*right.Set{"admin": right.Full(right.Account{ID: "acc_admin", Login: "admin"})}}
	handler := New(Services{
		DB: d, Committer: committer, Access: accounts,
		Records: record.NewStore(record.Hooks{Before: check}, func() time.Time { return noon }),
		Model:   func() *class.Model { return model },
		Reload: func(ctx context.Context) error {
			return d.Read(ctx, func(tx *db.Tx) (err error) {
				model, err = table.Applied(tx)
				return err
			})
		},
		Queries:   func() map[string]*stored.Query { return nil },
		Functions: func() []*function.Function { return s.functions }, Runs: s,
		Caller: func(r *http.Request) (access.Caller, error) {
			login, _, _ := r.BasicAuth()
			set := s.rights[login]
			if set == nil {
				return access.Caller{}, fault.New(fault.Unauthorized, "who are you?")
			}
			return access.Caller{Account: access.Account{Login: login}, Rights: set}, nil
		},
		Address: func(*http.Request) string { return "127.0.0.1" },
		BaseURL: func(r *http.Request) string { return "http://" + r.Host },
		Room:    limit.NewRoom(128 << 20),
		Log:     slog.New(slog.NewTextHandler(testLog{t}, nil)),
	})
	s.door = handler.(*door)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s.base = server.URL + Base
	return s
}

// check is the rule of the class ruled.
func check(_ *db.Tx, ask record.Ask) (json.RawMessage, error) {
	switch {
	case strings.Contains(string(ask.Record), `"refused"`):
		return nil, fault.New(fault.Forbidden, "the rule does not want it")
	case strings.Contains(string(ask.Record), `"broken"`):
		return nil, fault.New(fault.ScenarioFailed, "the rule does not work")
	}
	return json.RawMessage(`{"b":"ruled"}`), nil
}

type testLog struct{ testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	l.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// send posts a body; pairs are headers.
func (s *site) send(login, body string, pairs ...string) reply {
	s.Helper()
	r, err := http.NewRequest(http.MethodPost, s.base, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if login != "" {
		r.SetBasicAuth(login, "x")
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	return s.do(r)
}

func (s *site) do(r *http.Request) reply {
	s.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(all)}
}

// wsdl reads the description that is made for a login.
func (s *site) wsdl(login string) string {
	s.Helper()
	r, err := http.NewRequest(http.MethodGet, s.base+"?wsdl", nil)
	if err != nil {
		s.Fatal(err)
	}
	r.SetBasicAuth(login, "x")
	got := s.do(r)
	if got.status != http.StatusOK {
		s.Fatalf("the WSDL of %s: %d %s", login, got.status, got.body)
	}
	if _, err := parse(got.body); err != nil {
		s.Fatal(err)
	}
	return got.body
}

// envelope is one of SOAP 1.1, with a header or without.
func envelope(header, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + envelope11 + `" xmlns:xsi="` + instance + `" xmlns:j="` + namespace + `">` +
		`<s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

// operation is an envelope with one call.
func operationOf(name, content string) string {
	return envelope("", `<`+name+` xmlns="`+namespace+`">`+content+`</`+name+`>`)
}

// must calls an operation that has to go well, and returns its answer's element.
func (s *site) must(login, name, content string) *node {
	s.Helper()
	got := s.send(login, operationOf(name, content))
	if got.status != http.StatusOK {
		s.Fatalf("%s: %d %s", name, got.status, got.body)
	}
	in, err := readBody(got.body)
	if err != nil {
		s.Fatalf("%s: %v: %s", name, err, got.body)
	}
	return in
}

// refused is the code and the pointers of a fault.
func (r reply) refused(t testing.TB) (code, pointers string) {
	t.Helper()
	root, err := parse(r.body)
	if err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	p := root.find("problem")
	if p == nil {
		t.Fatalf("no problem in %d %s", r.status, r.body)
	}
	return p.value("code"), pointersOf(p)
}

func pointersOf(problem *node) string {
	var all []string
	for _, c := range problem.children {
		if c.local == "error" {
			all = append(all, c.value("pointer"))
		}
	}
	return strings.Join(all, " ")
}

// find is the first element of a name, at any depth.
func (n *node) find(local string) *node {
	if n.local == local {
		return n
	}
	for _, c := range n.children {
		if found := c.find(local); found != nil {
			return found
		}
	}
	return nil
}

// all are the texts of elements with a name, joined.
func (n *node) all(local string) string {
	var texts []string
	var walk func(*node)
	walk = func(n *node) {
		if n.local == local {
			texts = append(texts, n.text)
		}
		for _, c := range n.children {
			walk(c)
		}
	}
	walk(n)
	return strings.Join(texts, " ")
}

func rows(t testing.TB, text string) right.Row {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return right.Row{Filter: e}
}

var all = right.Row{All: true}
