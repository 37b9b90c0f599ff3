package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// sink is the outside system. It remembers every call by its Idempotency-Key.
type sink struct {
	server *httptest.Server
	mu     sync.Mutex
	calls  map[string][]call // by Idempotency-Key
	keys   map[string]string // "NUMBER /path" -> the key it came under
	wrong  []string          // what no honest server sends
	closed chan struct{}
}

// call is one request that arrived.
type call struct {
	at     time.Time
	failed bool // it was answered 500, so it will rightly come again
}

func startSink() *sink {
	s := &sink{calls: map[string][]call{}, keys: map[string]string{}, closed: make(chan struct{})}
	s.server = httptest.NewServer(s)
	return s
}

func (s *sink) url() string { return s.server.URL }

// decide uses a link until it is answered that something was decided: by this
// request or, where its answer was lost, by one before.
func (s *sink) decide(number, link string) {
	for {
		select {
		case <-s.closed:
			return
		case <-time.After(50 * time.Millisecond):
		}
		resp, err := http.Post(link, "", nil) //nolint:noctx // it ends with the server
		if err != nil {
			continue
		}
		resp.Body.Close()
		switch resp.StatusCode {
		case http.StatusOK, http.StatusConflict:
			return
		case http.StatusServiceUnavailable, http.StatusInternalServerError:
		default:
			s.mu.Lock()
			s.wrong = append(s.wrong, number+": its link was answered "+resp.Status)
			s.mu.Unlock()
			return
		}
	}
}

func (s *sink) close() {
	close(s.closed)
	s.server.CloseClientConnections()
	s.server.Close()
}

// ServeHTTP fails some calls of accepted messages, which are retried; a failure
// of an awaited one would end its run.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	var message struct {
		Number  string
		Subject string // of an event
		Link    string // that decides
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		return // the sender died while it was sending: nothing has arrived
	}
	key := r.Header.Get("Idempotency-Key")
	s.mu.Lock()
	defer s.mu.Unlock()
	if message.Number == "" {
		message.Number = message.Subject
	}
	what := message.Number + " " + r.URL.Path
	switch before, known := s.keys[what]; {
	case key == "":
		s.wrong = append(s.wrong, what+" came without an Idempotency-Key")
	case known && before != key:
		s.wrong = append(s.wrong, what+" came under two keys: "+before+" and "+key)
	}
	s.keys[what] = key
	first := len(s.calls[key]) == 0
	failed := first && r.URL.Path == "/second" && strings.HasPrefix(message.Number, "accepted-") && strings.HasSuffix(message.Number, "7") ||
		first && r.URL.Path == "/hook" && strings.HasSuffix(message.Number, "3")
	s.calls[key] = append(s.calls[key], call{at, failed})
	if failed {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if message.Link != "" && first {
		go s.decide(message.Number, message.Link)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte("{}")) //nolint:errcheck // the sender may have been killed
}
