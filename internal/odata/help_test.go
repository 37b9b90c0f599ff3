package odata_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/access"
	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/limit"
	"junctor/internal/odata"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/stored"
)

var noon = time.Date(2027, 1, 4, 12, 0, 0, 0, time.UTC)

const (
	regionsBody   = `{"key":"code","columns":{"code":"text!","name":"text"}}`
	customersBody = `{"key":"code","comment":"who buys","columns":{"code":"text!","name":"text","owner":"text","region":"ref(regions)"}}`
	ordersBody    = `{"key":"number","history":"full","columns":{"number":{"type":"text","required":true,"length":20},"customer":"ref(customers)","total":"decimal(12,2)",
		"state":{"type":"enum(new,sent,done)","default":"new"},"received":"datetime","due":"date","lines":"integer","paid":"boolean","extra":"json",
		"margin":"decimal(12,2)","note":"text","paper":"file","doubled":{"type":"decimal(14,2)","computed":"total mul 2"}}}`
	lockedBody = `{"key":[["a","b"]],"require_match":true,"columns":{"a":"text!","b":"integer!","c":"text"}}`
)

// site is the door over a database, without a server's other parts.
type site struct {
	testing.TB
	base    string
	rights  map[string]*right.Set // by login
	refused atomic.Int32
	note    func() // is called with each of them
	close   func()
}

var everything = right.Full(right.Account{ID: "acc_admin", Login: "admin"})

func newSite(t testing.TB, d *db.DB) *site {
	t.Helper()
	apply(t, d, ordersBody)
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`CREATE TABLE IF NOT EXISTS odata_test_log (n BIGINT PRIMARY KEY, class TEXT, kind TEXT, id TEXT, body TEXT)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newSiteOn(t, d)
	t.Cleanup(s.close)
	return s
}

// apply makes the tables, or changes that of the orders.
func apply(t testing.TB, d *db.DB, orders string) {
	t.Helper()
	m, found := class.NewModel(map[string]json.RawMessage{
		"regions": json.RawMessage(regionsBody), "customers": json.RawMessage(customersBody), "orders": json.RawMessage(orders), "locked": json.RawMessage(lockedBody),
	})
	if found != nil {
		t.Fatal(found)
	}
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		_, _, err := table.Apply(tx, m, true)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newSiteOn is newSite over a database that has its tables.
func newSiteOn(t testing.TB, d *db.DB) *site {
	t.Helper()
	return newSiteIn(t, d, limit.NewRoom(128<<20))
}

// newSiteIn is newSiteOn with room for so many bytes.
func newSiteIn(t testing.TB, d *db.DB, room *limit.Room) *site {
	t.Helper()
	var model atomic.Pointer[class.Model]
	reload := func(ctx context.Context) error {
		return d.Read(ctx, func(tx *db.Tx) error {
			m, err := table.Applied(tx)
			model.Store(m)
			return err
		})
	}
	if err := reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	committer := db.NewCommitter(d, nil, nil)
	s := &site{TB: t, rights: map[string]*right.Set{"admin": everything}}
	door := odata.New(odata.Services{
		DB: d, Committer: committer, Records: record.NewStore(record.Hooks{Changed: told, Log: logged{}}, func() time.Time { return noon }),
		Model: model.Load, Reload: reload, Queries: func() map[string]*stored.Query { return nil },
		Caller: func(r *http.Request) (access.Caller, error) {
			login, _, _ := r.BasicAuth()
			set := s.rights[login]
			if set == nil {
				return access.Caller{}, fault.New(fault.Unauthorized, "who are you?")
			}
			return access.Caller{Account: access.Account{Login: login}, Rights: set}, nil
		},
		Refused: func(access.Caller, *http.Request, string) {
			s.refused.Add(1)
			if s.note != nil {
				s.note()
			}
		},
		Room: room, Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
	})
	server := httptest.NewServer(door)
	s.close = sync.OnceFunc(func() {
		server.Close()
		committer.Close()
	})
	s.base = server.URL + odata.Base
	return s
}

type testLog struct{ testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	l.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

// told and logged are a log of changes in a table, in the place of the event log.
func told(tx *db.Tx, changes ...record.Change) error {
	for _, c := range changes {
		_, err := tx.Exec(`INSERT INTO odata_test_log (n, class, kind, id, body) SELECT coalesce(max(n), 0) + 1, $1, $2, $3, $4 FROM odata_test_log`,
			c.Class, string(c.Kind), c.ID, string(c.Before))
		if err != nil {
			return err
		}
	}
	return nil
}

type logged struct{}

func (logged) Position(tx *db.Tx) (string, error) {
	var n int64
	err := tx.QueryRow(`SELECT coalesce(max(n), 0) FROM odata_test_log`).Scan(&n)
	return strconv.FormatInt(n, 10), err
}

func (logged) Since(tx *db.Tx, class, position string, limit int) (all []record.Logged, next string, more bool, err error) {
	after, err := strconv.ParseInt(position, 10, 64)
	if err != nil {
		return nil, "", false, fault.New(fault.Invalid, "no position")
	}
	if after < 0 {
		return nil, "", false, fault.New(fault.Gone, "too old")
	}
	rows, err := tx.Query(`SELECT n, kind, id, body FROM odata_test_log WHERE class = $1 AND n > $2 ORDER BY n LIMIT $3`, class, after, limit)
	if err != nil {
		return nil, "", false, err
	}
	defer rows.Close()
	for rows.Next() {
		var l record.Logged
		var body string
		if err := rows.Scan(&after, (*string)(&l.Kind), &l.ID, &body); err != nil {
			return nil, "", false, err
		}
		if body != "" {
			l.Before = json.RawMessage(body)
		}
		all = append(all, l)
	}
	return all, strconv.FormatInt(after, 10), len(all) == limit, errors.Join(rows.Err(), rows.Close())
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// as makes a request with a login. request is "GET /orders?..."; pairs are headers.
func (s *site) as(login, request, body string, pairs ...string) reply {
	s.Helper()
	method, path, _ := strings.Cut(request, " ")
	if !strings.HasPrefix(path, "http") {
		path = s.base + path
	}
	r, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.SetBasicAuth(login, "x")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
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

func (s *site) do(request, body string, pairs ...string) reply {
	s.Helper()
	return s.as("admin", request, body, pairs...)
}

// must is do for what has to go well, its body as JSON.
func (s *site) must(status int, request, body string, pairs ...string) map[string]any {
	s.Helper()
	got := s.do(request, body, pairs...)
	if got.status != status {
		s.Fatalf("%s: %d %s", request, got.status, got.body)
	}
	var all map[string]any
	if got.body != "" && json.Unmarshal([]byte(got.body), &all) != nil {
		s.Fatalf("%s: no JSON object: %s", request, got.body)
	}
	return all
}

// failure is the error of an answer.
func (r reply) failure(t testing.TB) (code, message, target string) {
	t.Helper()
	var all struct {
		Error struct{ Code, Message, Target string }
	}
	if err := json.Unmarshal([]byte(r.body), &all); err != nil || all.Error.Code == "" || all.Error.Message == "" {
		t.Fatalf("no error of OData: %d %s", r.status, r.body)
	}
	return all.Error.Code, all.Error.Message, all.Error.Target
}

// fill makes two customers and five orders.
func (s *site) fill() {
	s.Helper()
	s.must(201, "POST /regions", `{"id":"rg","code":"north","name":"North"}`)
	s.must(201, "POST /customers", `{"id":"c1","code":"C1","name":"Ann","owner":"ann","region":"rg"}`)
	s.must(201, "POST /customers", `{"id":"c2","code":"C2","name":"Bob","owner":"bob"}`)
	for i, body := range []string{
		`{"id":"o1","number":"1","customer":"c1","total":10.10,"lines":1,"received":"2027-01-01T10:00:00Z","due":"2027-02-01","paid":true}`,
		`{"id":"o2","number":"2","customer":"c2","total":20.20,"state":"sent","lines":9007199254740993}`,
		`{"id":"o3","number":"3","customer":"c1","total":30.30,"state":"done","note":"=1+1"}`,
		`{"id":"o4","number":"4","total":40}`,
		`{"id":"o5","number":"5","customer":"c2"}`,
	} {
		if got := s.do("POST /orders", body); got.status != 201 {
			s.Fatalf("order %d: %d %s", i+1, got.status, got.body)
		}
	}
}

func role(t testing.TB, account right.Account, classes map[string]right.Class) *right.Set {
	t.Helper()
	return &right.Set{Account: account, Classes: classes}
}

func rows(t testing.TB, text string) right.Row {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return right.Row{Filter: e}
}
