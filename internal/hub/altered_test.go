package hub_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/run"
)

// A class is changed in every way while a hundred requests a second read and write
// its records: none fails. With JUNCTOR_TEST_ROWS (see manyRows) none takes 200 ms
// either; otherwise the machine may be too busy to say so.
func TestClassesChangeUnderLoad(t *testing.T) {
	n, byHand := manyRows(t)
	const columns = `"number":"text(20)!","total":"decimal(12,2)","state":"enum(new,done)","customer":%s,"%s":%s`
	class := func(customer, note, kind, more string) string {
		return `{"key":"number","columns":{` + fmt.Sprintf(columns, customer, note, kind) + more + `}}`
	}
	const days = `,"days":{"type":"integer!","default":30}`
	before := class(`"text(30)"`, "note", `"text(200)"`, `,"old":"integer"`)
	eachDatabase(t, map[string]string{"junctor.yaml": "classes:\n  orders: " + before + "\n"}, func(s *site) {
		s.orders(n)
		l := s.load(n)
		l.least(map[bool]int{true: 6000, false: 200}[byHand]) // a minute's, to compare with
		control := l.report("nothing changes")
		for _, step := range []struct{ what, body string }{
			{"a column is added", class(`"text(30)"`, "note", `"text(200)"`, `,"old":"integer"`+days)},
			{"a text becomes shorter, another gets an index", class(`{"type":"text(30)","index":true}`, "note", `"text(100)"`, `,"old":"integer"`+days)},
			{"a column is renamed", class(`{"type":"text(30)","index":true}`, "remark", `{"type":"text(100)","was":"note"}`, `,"old":"integer"`+days)},
			{"a column is dropped", class(`{"type":"text(30)","index":true}`, "remark", `"text(100)"`, days)},
		} {
			drop := ""
			if strings.Contains(step.what, "dropped") {
				if resp, body := s.call("PUT", "/api/v1/admin/classes/orders", step.body); resp.StatusCode != 409 || !strings.Contains(body, "--allow-drop") {
					s.t.Fatalf("%s without being confirmed: %d %s", step.what, resp.StatusCode, body)
				}
				drop = "?allow_drop=true"
			}
			began := time.Now()
			if resp, body := s.call("PUT", "/api/v1/admin/classes/orders"+drop, step.body); resp.StatusCode != 200 {
				s.t.Fatalf("%s: %d %s", step.what, resp.StatusCode, body)
			}
			s.altered("orders")
			took := time.Since(began).Round(time.Millisecond)
			l.least(50)
			if longest := l.report(fmt.Sprintf("%s in %s", step.what, took)); byHand && longest >= 200*time.Millisecond {
				s.t.Errorf("%s: a request took %s; %s while nothing changed", step.what, longest, control)
			}
		}
		made := l.end()
		resp, body := s.call("GET", "/api/v1/data/orders/$count", "")
		if body != fmt.Sprint(n+made) {
			s.t.Errorf("there are %d %s records, want %d and the %d that were made meanwhile", resp.StatusCode, body, n, made)
		}
		resp, body = s.call("GET", "/api/v1/data/orders('rec_00000004')?$select=customer,remark,days", "")
		if resp.StatusCode != 200 || !strings.Contains(body, `"customer":"customer 4","remark":"a note of some length about the order","days":30}`) {
			s.t.Errorf("%d %s", resp.StatusCode, body)
		}
	})
}

// orders makes n of them, as load_test.go of package table does.
func (s *site) orders(n int) {
	s.t.Helper()
	for from := 0; from < n; from += 50_000 {
		if err := s.hub.Write(s.t.Context(), func(tx *db.Tx) error {
			total := map[bool]string{true: "12.34", false: "1234"}[tx.Postgres()]
			_, err := tx.Exec(fmt.Sprintf(`INSERT INTO class_orders (id, version, number, total, state, customer, note)
				WITH RECURSIVE i (n) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM i WHERE n + 1 < CAST($2 AS BIGINT))
				SELECT 'rec_' || substr(CAST(100000000 + n AS TEXT), 2), 1, CAST(n AS TEXT), %s, 'new', 'customer ' || CAST(n %% 1000 AS TEXT), 'a note of some length about the order' FROM i`, total), from, min(from+50_000, n))
			return err
		}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// altered waits until no run changes the class's table.
func (s *site) altered(class string) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Minute); ; {
		list, _, err := s.hub.Runs().List(s.t.Context(), run.Filter{Program: "table", Subject: class})
		if err != nil || time.Now().After(deadline) {
			s.t.Fatalf("the runs that change the table: %+v %v", list, err)
		}
		if i := slices.IndexFunc(list, func(i run.Info) bool { return i.State != run.Succeeded }); i < 0 {
			return
		} else if list[i].State == run.Failed || list[i].State == run.Cancelled {
			s.t.Fatalf("%+v", list[i].Error)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// driver sends a hundred requests a second, however long each takes.
type driver struct {
	s     *site
	token string
	n     int
	stop  func()
	done  sync.WaitGroup

	mu    sync.Mutex
	since time.Time // the last report
	took  []answer
	made  int
}

// answer is how long a request took, and when it was sent.
type answer struct {
	began time.Time
	took  time.Duration
}

func (s *site) load(n int) *driver {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &driver{s: s, n: n, stop: cancel, since: time.Now()}
	s.t.Cleanup(func() { l.end() })
	resp, body := s.do("POST", "/api/v1/session", "", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+adminPassword))})
	var session struct{ Token string }
	if err := json.Unmarshal([]byte(body), &session); err != nil || resp.StatusCode != 201 {
		s.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	l.token = session.Token
	l.done.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
				l.done.Go(func() { l.request(i) })
			case <-ctx.Done():
				return
			}
		}
	})
	return l
}

// request is a read by id or key, a change, a new record or a list, in turn.
func (l *driver) request(i int) {
	id := fmt.Sprintf("/api/v1/data/orders('rec_%08d')", 5+i*7919%(l.n-5))
	method, path, body, status := "GET", id+"?$select=number,total,state", "", 200
	switch i % 5 {
	case 1:
		method, path, body, status = "PATCH", id, fmt.Sprintf(`{"total":%d.50,"state":"done"}`, i), 204
	case 2:
		method, path, body, status = "POST", "/api/v1/data/orders", fmt.Sprintf(`{"number":"new%d","state":"new","total":1.5}`, i), 201
	case 3:
		path = fmt.Sprintf("/api/v1/data/orders(number='%d')?$select=total,customer", i*7919%l.n)
	case 4:
		path = "/api/v1/data/orders?$top=20&$select=number,state&$filter=" + url.QueryEscape(fmt.Sprintf("id gt 'rec_%08d'", i*7919%l.n))
	}
	began := time.Now()
	err := func() error {
		r, err := http.NewRequest(method, l.s.base+path, bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+l.token)
		r.Header.Set("Content-Type", "application/json")
		resp, err := loadClient.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != status {
			err = fmt.Errorf("%d %s", resp.StatusCode, answer)
		}
		return err
	}()
	took := time.Since(began)
	if err != nil {
		l.s.t.Errorf("%s %s failed after %s: %v", method, path, took, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.took = append(l.took, answer{began, took}); status == 201 && err == nil {
		l.made++
	}
}

var loadClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}

// least waits until so many requests have been answered since the last report.
func (l *driver) least(n int) {
	for {
		l.mu.Lock()
		have := len(l.took)
		l.mu.Unlock()
		if have >= n {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
}

// report says how long the answers since the last one took.
func (l *driver) report(what string) (longest time.Duration) {
	l.s.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.took, func(a, b answer) int { return cmp.Compare(a.took, b.took) })
	at := func(p float64) time.Duration {
		return l.took[int(p*float64(len(l.took)-1))].took.Round(10 * time.Microsecond)
	}
	worst := l.took[len(l.took)-1].began.Sub(l.since).Round(time.Millisecond)
	l.s.t.Logf("%s: %d requests, median %s, 99%% %s, 99.9%% %s, longest %s, sent after %s", what, len(l.took), at(.5), at(.99), at(.999), at(1), worst)
	longest, l.took, l.since = at(1), nil, time.Now()
	return longest
}

// end stops the requests and says how many records were made.
func (l *driver) end() (made int) {
	l.stop()
	l.done.Wait()
	return l.made
}
