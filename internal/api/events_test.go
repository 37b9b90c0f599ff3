package api

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
)

// newEvents is a log that begins empty.
func newEvents(t *testing.T, d *db.DB, c clock.Clock) *event.Log {
	t.Helper()
	committer := db.NewCommitter(d, nil, nil)
	l, err := event.Open(t.Context(), event.Options{DB: d, Committer: committer, Source: "/junctor/test", Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	l.Start()
	t.Cleanup(func() {
		l.Stop()
		committer.Close()
	})
	return l
}

const (
	eventsPath = "/api/v1/events"
	structured = "Content-Type: application/cloudevents+json"
	batch      = "Content-Type: application/cloudevents-batch+json; charset=utf-8"
	least      = `{"specversion":"1.0","id":"1","source":"/s","type":"order.made"`
)

// publish sends events, which are taken.
func (f *fixture) publish(t *testing.T, body string, headers ...string) {
	t.Helper()
	w := f.admin(t, "POST", eventsPath, body, headers...)
	wantStatus(t, w, 202)
	if w.Body.Len() > 0 {
		t.Errorf("answered %s", w.Body)
	}
}

type events struct {
	Items []struct {
		Event  map[string]any
		Cursor string
	}
	Next string
}

func (f *fixture) follow(t *testing.T, query string) events {
	t.Helper()
	w := f.admin(t, "GET", eventsPath+"?"+query, "")
	wantStatus(t, w, 200)
	return read[events](t, w)
}

func (e events) data() (all []any) {
	for _, i := range e.Items {
		all = append(all, i.Event["data"])
	}
	return all
}

func TestPublishAndRead(t *testing.T) {
	f := newFixture(t, nil)
	f.publish(t, least+`,"subject":"4711","data":{"n":1}}`, structured)
	f.publish(t, `[`+strings.Replace(least, `"1",`, `"2",`, 1)+`,"data":2},`+strings.Replace(least, `"1",`, `"3",`, 1)+`,"data":3}]`, batch)
	f.publish(t, `{"n": 4}`, "Content-Type: application/json", "ce-specversion: 1.0", "ce-id: 4", "ce-source: /s", "ce-type: order.sent", "ce-subject: %C5%BE", "ce-x: y")
	f.publish(t, least+`,"data":"again"}`, structured)
	f.publish(t, `[]`, batch)
	all := f.follow(t, "")
	if diff := cmp.Diff([]any{map[string]any{"n": 1.0}, 2.0, 3.0, map[string]any{"n": 4.0}}, all.data()); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{
		"specversion": "1.0", "id": "4", "source": "/s", "type": "order.sent", "subject": "ž", "x": "y", "time": "2026-11-22T08:00:00Z",
		"datacontenttype": "application/json", "data": map[string]any{"n": 4.0},
	}
	if diff := cmp.Diff(want, all.Items[3].Event); diff != "" {
		t.Error(diff)
	}
	if all.Next != all.Items[3].Cursor {
		t.Errorf("next is %q", all.Next)
	}
	first := f.follow(t, "limit=1")
	second := f.follow(t, "limit=2&after="+first.Next)
	if diff := cmp.Diff([]any{2.0, 3.0}, second.data()); diff != "" {
		t.Error(diff)
	}
	if rest := f.follow(t, "after="+second.Items[0].Cursor); len(rest.Items) != 2 {
		t.Errorf("%d events behind the second", len(rest.Items))
	}
	if none := f.follow(t, "after="+all.Next); len(none.Items) != 0 || none.Next != all.Next {
		t.Errorf("behind the last: %+v", none)
	}
	if first := f.follow(t, "after=oldest"); len(first.Items) != len(all.Items) {
		t.Errorf("from the oldest: %v", first.data())
	}
	if now := f.follow(t, "after=latest"); len(now.Items) != 0 || now.Next != all.Next {
		t.Errorf("from now on: %+v", now)
	}
	if sent := f.follow(t, "types=order.sent,else.**"); len(sent.Items) != 1 || sent.Next != all.Next {
		t.Errorf("by type: %+v", sent)
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	f := newFixture(t, nil)
	with := func(more string) string { return least + `,` + more + `}` }
	for _, c := range []struct {
		body     string
		headers  []string
		code     fault.Code
		pointers []string
	}{
		{least + `}`, []string{"Content-Type: application/json"}, fault.Unsupported, nil},
		{least + `}`, []string{"Content-Type: text/plain"}, fault.Unsupported, nil},
		{least + `}`, []string{structured, "Content-Encoding: gzip"}, fault.Unsupported, nil},
		{`{`, []string{structured}, fault.Invalid, []string{""}},
		{"", []string{structured}, fault.Invalid, []string{""}},
		{with(`"time":"x","B":1`), []string{structured}, fault.Unprocessable, []string{"/B", "/time"}},
		{`[` + least + `},{}]`, []string{batch}, fault.Unprocessable, []string{"/1/specversion", "/1/id", "/1/source", "/1/type"}},
		{least + `}`, []string{batch}, fault.Unprocessable, []string{""}},
		{strings.Replace(least, "order.made", "record.orders.created", 1) + `}`, []string{structured}, fault.Unprocessable, []string{"/type"}},
		{`[` + least + `},` + strings.Replace(least, "order.made", "run", 1) + `}]`, []string{batch}, fault.Unprocessable, []string{"/1/type"}},
		{"x", []string{"Content-Type: text/plain", "ce-specversion: 1.0", "ce-id: 1", "ce-type: t"}, fault.Unprocessable, []string{"/headers/ce-source"}},
		{with(`"data":"` + strings.Repeat("x", event.MaxSize) + `"`), []string{structured}, fault.Unprocessable, nil},
		{with(`"data":"` + strings.Repeat("x", publishLimit) + `"`), []string{structured}, fault.TooLarge, nil},
		{`[` + strings.Repeat(least+`},`, batchLimit) + least + `}]`, []string{batch}, fault.TooLarge, nil},
	} {
		w := f.admin(t, "POST", eventsPath, c.body, c.headers...)
		wantProblem(t, w, c.code, c.pointers...)
	}
	wantProblem(t, f.admin(t, "POST", eventsPath+"?x=1", least+`}`, structured), fault.Invalid, "/query/x")
	if all := f.follow(t, ""); len(all.Items) != 0 {
		t.Errorf("there are %d events: a refusal leaves none", len(all.Items))
	}
}

func TestQueriesOfEventsThatAreRefused(t *testing.T) {
	f := newFixture(t, nil)
	foreign := newFixture(t, nil).follow(t, "").Next
	for query, pointers := range map[string][]string{
		"after=nonsense":            {"/query/after"},
		"after=" + foreign:          {"/query/after"},
		"limit=0":                   {"/query/limit"},
		"limit=1001":                {"/query/limit"},
		"wait=soon":                 {"/query/wait"},
		"wait=61s":                  {"/query/wait"},
		"types=a.b*&filter=type+eq": {"/query/filter", "/query/types"},
		"types=":                    {"/query/types"},
		"filter=nobody+eq+1":        {"/query/filter"},
		"filter=data/a+eq+%27":      {"/query/filter"},
		"type=a":                    {"/query/type"},
	} {
		w := f.admin(t, "GET", eventsPath+"?"+query, "")
		wantStatus(t, w, 400)
		p := read[fault.Problem](t, w)
		got := map[string]bool{}
		for _, e := range p.Errors {
			got[e.Pointer] = true
		}
		for _, want := range pointers {
			if !got[want] {
				t.Errorf("%s: %s, want %v", query, w.Body, pointers)
			}
		}
	}
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/events?types=**.a&limit=2000", ""), fault.Invalid, "/query/limit")
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/events?types=**.a", ""), fault.Invalid, "/query/types")
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/events?after=nonsense", ""), fault.Invalid, "/query/after")
}

func TestFilterOfEvents(t *testing.T) {
	f := newFixture(t, nil)
	f.publish(t, `[`+
		`{"specversion":"1.0","id":"1","source":"/a","type":"t","subject":"s1","data":{"total":10.5,"state":"new","lines":[1],"made":"2026-11-22T08:00:00Z"}},`+
		`{"specversion":"1.0","id":"2","source":"/b","type":"t","data":{"total":99,"state":"sent","ok":true,"of":{"code":"C1"}}},`+
		`{"specversion":"1.0","id":"3","source":"/b","type":"u","time":"2020-01-01T00:00:00Z","data":"text"},`+
		`{"specversion":"1.0","id":"4","source":"/b","type":"u","data_base64":"AA=="}]`, batch)
	for filter, want := range map[string]string{
		"":                                  "1234",
		"type eq 'u'":                       "34",
		"source eq '/a' or id eq '4'":       "14",
		"subject eq null":                   "234",
		"startswith(subject,'s')":           "1",
		"time lt 2021-01-01T00:00:00Z":      "3",
		"data/total gt 10":                  "12",
		"data/total gt 10.5":                "2",
		"data/total eq 10.50":               "1",
		"data/total add 1 eq 100":           "2",
		"data/state in ('new','sent')":      "12",
		"data/state eq 7":                   "",
		"data/ok eq true":                   "2",
		"data/of/code eq 'C1'":              "2",
		"data/of/code/deeper eq null":       "1234",
		"data/of ne null":                   "2",
		"data/made gt 2026-01-01T00:00:00Z": "1",
		"not (data/state eq 'new')":         "234",
		"contains(data/state,'e')":          "12",
		"data eq 'text'":                    "3",
	} {
		got := ""
		for _, i := range f.follow(t, "filter="+url.QueryEscape(filter)).Items {
			got += i.Event["id"].(string)
		}
		if got != want {
			t.Errorf("%s chooses %q, want %q", filter, got, want)
		}
		list := read[struct{ Items []map[string]any }](t, f.admin(t, "GET", "/api/v1/admin/events?filter="+url.QueryEscape(filter), ""))
		if len(list.Items) != len(want) {
			t.Errorf("%s lists %d, want %d", filter, len(list.Items), len(want))
		}
	}
}

func TestEventsForAdministrators(t *testing.T) {
	f := newFixture(t, nil)
	f.publish(t, `[`+least+`,"data":1},`+strings.Replace(least, `"1","source":"/s"`, `"a/b c","source":"/t"`, 1)+`,"data":2},`+strings.Replace(least, `"/s"`, `"/t"`, 1)+`,"data":3}]`, batch)
	list := func(query string) (ids string, next string) {
		p := read[struct {
			Items []map[string]any
			Next  string
		}](t, f.admin(t, "GET", "/api/v1/admin/events?"+query, ""))
		for _, i := range p.Items {
			b, _ := json.Marshal(i["data"]) //nolint:errcheck // a number
			ids += string(b)
		}
		return ids, p.Next
	}
	page, next := list("limit=2")
	if rest, end := list("limit=2&after=" + next); page != "32" || rest != "1" || end != "" {
		t.Errorf("%s, then %s, then %q", page, rest, end)
	}
	for query, want := range map[string]string{"source=/t": "32", "types=order.*": "321", "types=x,order.made": "321", "subject=x": "", "since=2027-01-01T00:00:00Z": "", "until=2027-01-01T00:00:00Z": "321"} {
		if got, _ := list(query); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	for path, want := range map[string]float64{"1": 3, "1?source=/s": 1, "a%2Fb%20c": 2} {
		w := f.admin(t, "GET", "/api/v1/admin/events/"+path, "")
		wantStatus(t, w, 200)
		if e := read[map[string]any](t, w); e["data"] != want {
			t.Errorf("%s is %v", path, e)
		}
	}
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/events/nothing", ""), fault.NotFound)
	wantProblem(t, f.admin(t, "GET", "/api/v1/admin/events/1?source=/u", ""), fault.NotFound)
}

// Who waits is answered as soon as there is something for him; one whose
// credential has ended meanwhile is told nothing more.
func TestWaitingForEvents(t *testing.T) {
	f := newFixture(t, nil)
	login := read[begunSession](t, f.call(t, "POST", "/api/v1/session", `{"login":"admin","password":"`+password+`"}`))
	wait := func(token string) chan *httptest.ResponseRecorder {
		answer := make(chan *httptest.ResponseRecorder, 1)
		go func() {
			answer <- f.call(t, "GET", eventsPath+"?wait=1m&types=order.*", "", "Authorization: Bearer "+token)
		}()
		return answer
	}
	mine, ended := wait(f.token), wait(login.Token)
	f.publish(t, strings.Replace(least, "order.made", "noise", 1)+`}`, structured)
	wantStatus(t, f.call(t, "DELETE", "/api/v1/session", "", "Authorization: Bearer "+login.Token), 204)
	f.publish(t, strings.Replace(least, `"1"`, `"2"`, 1)+`,"data":7}`, structured)
	w := <-mine
	wantStatus(t, w, 200)
	if got := read[events](t, w); len(got.Items) != 1 || got.Items[0].Event["data"] != 7.0 {
		t.Errorf("answered %s", w.Body)
	}
	wantProblem(t, <-ended, fault.Unauthorized)

	late := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		late <- f.call(t, "GET", eventsPath+"?wait=5s&after=latest", "", "Authorization: Bearer "+f.token)
	}()
	for {
		select {
		case w := <-late:
			wantStatus(t, w, 200)
			if got := read[events](t, w); len(got.Items) != 0 || got.Next == "" {
				t.Errorf("answered %s", w.Body)
			}
			return
		case <-time.After(5 * time.Millisecond):
			f.clock.Advance(time.Second)
		}
	}
}

// Who leaves while he waits is no mistake of the server's.
func TestWhoLeavesWhileHeWaits(t *testing.T) {
	f := newFixture(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", eventsPath+"?wait=1m", nil)
	r.Header.Set("Authorization", "Bearer "+f.token)
	left := make(chan struct{})
	go func() {
		f.ServeHTTP(httptest.NewRecorder(), r)
		close(left)
	}()
	cancel()
	<-left
	if strings.Contains(f.log.String(), "level=ERROR") {
		t.Error(f.log.String())
	}
}

// So many calls of one account wait at the same time, and no more: the rest is told
// to come again, and who waits is answered.
func TestManyWhoWait(t *testing.T) {
	f := newFixture(t, nil)
	const most, more = mostWait / 2, 20
	var refused, answered atomic.Int32
	var all sync.WaitGroup
	for range most + more {
		all.Go(func() {
			switch w := f.admin(t, "GET", eventsPath+"?types=order.*&after=latest&wait=1m", ""); w.Code {
			case 200:
				answered.Add(1)
			case 429:
				if refused.Add(1); w.Header().Get("Retry-After") == "" {
					t.Error("it is not said when to come again")
				}
			default:
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	for deadline := time.Now().Add(30 * time.Second); refused.Load() < more; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d were refused", refused.Load())
		}
	}
	wantStatus(t, f.admin(t, "GET", eventsPath, ""), 200)
	f.publish(t, least+`}`, structured)
	all.Wait()
	if refused.Load() != more || answered.Load() != most {
		t.Errorf("%d refused, %d answered; want %d and %d", refused.Load(), answered.Load(), more, most)
	}
	wantStatus(t, f.admin(t, "GET", eventsPath+"?wait=1ms", ""), 200)
}

// Who reads much of the log waits for his turn, as with other lists, and who waits
// for an event has none meanwhile.
func TestEventsAreReadInTurns(t *testing.T) {
	asked, turn, left := make(chan string), make(chan struct{}), make(chan struct{}, 10)
	f := newFixture(t, func(s *Services) {
		s.Turn = func(ctx context.Context, login string) (func(), error) {
			select {
			case asked <- login:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			<-turn
			return func() { left <- struct{}{} }, nil
		}
	})
	f.publish(t, least+`,"data":1}`, structured)
	call := func(path string) chan *httptest.ResponseRecorder {
		answer := make(chan *httptest.ResponseRecorder, 1)
		go func() { answer <- f.admin(t, "GET", path, "") }()
		return answer
	}
	const heavy = "?filter=contains(data/a,'x')+or+contains(data/b,'y')"
	for _, path := range []string{eventsPath + heavy, "/api/v1/admin/events" + heavy} {
		answer := call(path)
		select {
		case login := <-asked:
			if login == "" {
				t.Errorf("%s: it is nobody's turn", path)
			}
		case w := <-answer:
			t.Fatalf("%s takes no turn: %d %s", path, w.Code, w.Body)
		}
		turn <- struct{}{}
		w := <-answer
		<-left
		if wantStatus(t, w, 200); !strings.HasPrefix(strings.TrimSpace(w.Body.String()), `{"items":[]`) {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
	waits := call(eventsPath + "?types=order.sent&wait=1m")
	<-asked // for what the log has
	turn <- struct{}{}
	<-left
	f.publish(t, strings.Replace(least, `"1","source":"/s","type":"order.made`, `"2","source":"/s","type":"order.sent`, 1)+`}`, structured)
	for {
		select {
		case w := <-waits:
			if wantStatus(t, w, 200); len(read[events](t, w).Items) != 1 {
				t.Errorf("%s", w.Body)
			}
			return
		case <-asked: // when it came before the log was followed
			turn <- struct{}{}
			<-left
		}
	}
}

// Who gets no turn is told to come again.
func TestNoTurnToReadEvents(t *testing.T) {
	f := newFixture(t, func(s *Services) {
		s.Turn = func(context.Context, string) (func(), error) {
			return nil, fault.New(fault.Unavailable, "This account reads too much at the same time.").WithRetryAfter(time.Second)
		}
	})
	for _, path := range []string{eventsPath, eventsPath + "?wait=1m", "/api/v1/admin/events"} {
		w := f.admin(t, "GET", path, "")
		wantProblem(t, w, fault.Unavailable)
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
}
