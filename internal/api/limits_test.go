package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"junctor/internal/fault"
	"junctor/internal/limit"
)

// A sender that stops in the middle of its body is told so, and does not hold
// the connection.
func TestASlowBodyIsGivenUp(t *testing.T) {
	f := newFixture(t, nil)
	f.door.patience = func(int64) time.Duration { return 50 * time.Millisecond }
	server := httptest.NewServer(f)
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if err := connection.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), "/errors/timeout") {
		t.Errorf("answered %d %s, %v", answer.StatusCode, body, err)
	}
}

// A body in time does not shorten the life of its connection.
func TestAConnectionIsUsedAgain(t *testing.T) {
	f := newFixture(t, nil)
	server := httptest.NewServer(f)
	defer server.Close()
	for range 2 {
		answer, err := server.Client().Post(server.URL+"/api/v1/session", "application/json", strings.NewReader(`{"login":"admin","password":"correct horse"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusCreated {
			t.Errorf("answered %d, %v", answer.StatusCode, err)
		}
		answer.Body.Close()
	}
}

// Whatever stands in a query is read, or named in an error that can be shown.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "state=failed,running&limit=10", "since=2026-11-22T08:00:00Z", "limit=0", "%zz", "a=1&a=2", "q=\x00", "state=&state=,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var q runsQuery
		if err := readQuery(&url.URL{RawQuery: raw}, &q); err != nil {
			if err.Error() == "" {
				t.Error("an error says nothing")
			}
			return
		}
		if q.Limit < 0 || q.Limit > 1000 || !utf8.ValidString(q.Q) || strings.ContainsRune(q.Q, 0) {
			t.Errorf("%q is read as %+v", raw, q)
		}
	})
}

// A cursor goes round, and nothing else is taken for one.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "shop", "a/b?c", "c2hvcA", "AA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if printable(text) {
			if key, err := (paging{After: cursor(text)}).key(); err != nil || key != text || url.QueryEscape(cursor(text)) != cursor(text) {
				t.Errorf("%q becomes %q becomes %q, %v", text, cursor(text), key, err)
			}
		}
		if key, err := (paging{After: text}).key(); err == nil && !printable(key) {
			t.Errorf("the cursor %q is taken for %q", text, key)
		}
	})
}

// An Accept header of any kind is decided upon.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"*/*", "application/json;q=0.5, */*;q=0", "text/html", ";;", "application/*;q=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if accepts([]string{header}, "application/json") && !strings.ContainsAny(header, "*jJ") {
			t.Errorf("%q lets JSON through", header)
		}
	})
}

// Large bodies and answers find room, or come again; small ones need none.
func TestRoomForBodiesAndAnswers(t *testing.T) {
	f := newFixture(t, nil)
	large := least + `,"data":"` + strings.Repeat("x", 100<<10) + `"}`
	f.publish(t, large, structured)
	f.door.Room = limit.NewRoom(100 << 10)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"a body":    f.admin(t, "POST", eventsPath, large, structured),
		"an answer": f.admin(t, "GET", eventsPath, ""),
	} {
		wantProblem(t, w, fault.Unavailable)
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
	f.publish(t, least+`}`, structured)
	wantStatus(t, f.admin(t, "GET", eventsPath+"?after=latest", ""), 200)
	f.door.Room = limit.NewRoom(1 << 20)
	for range 20 { // nobody keeps what he has left
		f.publish(t, large, structured)
		wantStatus(t, f.admin(t, "GET", eventsPath+"?limit=1", ""), 200)
	}
}
