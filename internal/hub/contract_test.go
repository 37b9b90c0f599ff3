package hub_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// clause is a sentence of the contract with the outside world, and a request
// that shows whether it is kept. The requests of a table are made in order.
//
// In path, body, headers and expectations {name} stands for what an earlier
// clause has kept, and {token:CODE} for a channel's token.
type clause struct {
	says   string            // the contract's words
	do     string            // METHOD and path
	by     string            // login:password, or a token; "" for nobody
	with   []string          // headers, name and value in turn
	sent   string            // the body
	status int               // of the answer
	has    []string          // headers of the answer: "Name", "Name: beginning", or "-Name" for one that is not there
	json   []string          // the members of the body, all of them
	body   string            // an expression that the body fits; "" for any
	keep   map[string]string // name: "/json/pointer" or "Header-Name"
}

// contract makes the requests of a table.
func (s *site) contract(clauses []clause, kept map[string]string) {
	s.t.Helper()
	fill := func(text string) string {
		for name, value := range kept {
			text = strings.ReplaceAll(text, "{"+name+"}", value)
		}
		for code, token := range s.token {
			text = strings.ReplaceAll(text, "{token:"+code+"}", token)
		}
		return text
	}
	for _, c := range clauses {
		method, path, _ := strings.Cut(fill(c.do), " ")
		var header []string
		for _, h := range c.with {
			header = append(header, fill(h))
		}
		if by := fill(c.by); strings.Contains(by, ":") {
			header = append(header, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(by)))
		} else if by != "" {
			header = append(header, "Authorization", "Bearer "+by)
		}
		if !slices.Contains(c.with, "Content-Type") && strings.HasPrefix(c.sent, "{") {
			header = append(header, "Content-Type", "application/json")
		}
		resp, body := s.do(method, path, fill(c.sent), header)
		if wrong := c.judge(resp, body, fill); wrong != "" {
			s.t.Errorf("%q is not kept: %s\n%s\n%d %v\n%.700s", c.says, wrong, fill(c.do), resp.StatusCode, resp.Header, body)
		}
		for name, from := range c.keep {
			value := resp.Header.Get(from)
			if strings.HasPrefix(from, "/") {
				value = memberAt(body, from)
			}
			if value == "" {
				s.t.Fatalf("%q: there is no %s in the answer to %s: %d %.2000s", c.says, from, c.do, resp.StatusCode, body)
			}
			kept[name] = value
		}
	}
}

// judge says what an answer lacks. Every error has the documented form.
func (c *clause) judge(resp *http.Response, body string, fill func(string) string) string {
	if resp.StatusCode != c.status {
		return fmt.Sprintf("the status is not %d", c.status)
	}
	for _, want := range c.has {
		name, value, _ := strings.Cut(fill(want), ": ")
		have := resp.Header.Get(strings.TrimPrefix(name, "-"))
		if strings.HasPrefix(name, "-") != (have == "") || !strings.HasPrefix(have, value) {
			return "the header " + want
		}
	}
	var members map[string]json.RawMessage
	if c.json != nil {
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			return err.Error()
		}
		if have := slices.Sorted(maps.Keys(members)); !slices.Equal(have, slices.Sorted(slices.Values(c.json))) {
			return fmt.Sprintf("the members are %v", have)
		}
	}
	if c.body != "" && !regexp.MustCompile("(?s)"+fill(c.body)).MatchString(body) {
		return "the body does not fit " + fill(c.body)
	}
	if c.status < 400 || resp.Request.Method == http.MethodHead {
		return ""
	}
	if strings.HasPrefix(resp.Request.URL.Path, "/api/v1/data") {
		var odata struct {
			Error struct{ Code, Message string }
		}
		if json.Unmarshal([]byte(body), &odata) != nil || odata.Error.Code == "" || odata.Error.Message == "" {
			return `OData endpoints answer errors in OData's "error" form`
		}
		return ""
	}
	var problem struct {
		Type, Title, Detail string
		Status              int
		Errors              []struct{ Pointer, Detail *string }
	}
	if err := json.Unmarshal([]byte(body), &problem); err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") ||
		problem.Type == "" || problem.Title == "" || problem.Status != c.status {
		return "Errors are RFC 9457 application/problem+json: type, title, status, detail, errors[] {pointer, detail}"
	}
	for _, e := range problem.Errors {
		if e.Pointer == nil || e.Detail == nil {
			return "errors[] {pointer, detail}"
		}
	}
	return ""
}

// memberAt is a value in a JSON text, its own text when it is none.
func memberAt(text, pointer string) string {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return ""
	}
	for name := range strings.SplitSeq(pointer[1:], "/") {
		switch in := value.(type) {
		case map[string]any:
			value = in[name]
		case []any:
			if name != "0" || len(in) == 0 {
				return ""
			}
			value = in[0]
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// counterpart is an outside system. /flaky/KEY answers 503 twice, /status/N N,
// and anything else what it was sent.
type counterpart struct {
	*httptest.Server
	mu   sync.Mutex
	keys map[string][]string // by path: the Idempotency-Key of each request
}

// asked is the Idempotency-Key of each request to a path.
func (p *counterpart) asked(path string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.keys[path])
}

func newCounterpart(t *testing.T) *counterpart {
	t.Helper()
	p := &counterpart{keys: map[string][]string{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body) //nolint:errcheck // what could be read is told
		p.mu.Lock()
		p.keys[r.URL.Path] = append(p.keys[r.URL.Path], r.Header.Get("Idempotency-Key"))
		times := len(p.keys[r.URL.Path])
		p.mu.Unlock()
		status, answered := 0, false
		if _, err := fmt.Sscanf(r.URL.Path, "/status/%d", &status); err == nil {
			w.WriteHeader(status)
			io.WriteString(w, "nope") //nolint:errcheck // the other side is gone
			answered = true
		}
		if strings.HasPrefix(r.URL.Path, "/flaky/") && times < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			answered = true
		}
		if answered {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{ //nolint:errcheck // as above
			"method": r.Method, "path": r.URL.RequestURI(), "type": r.Header.Get("Content-Type"), "body": string(sent),
			"authorization": r.Header.Get("Authorization"), "key": r.Header.Get("X-Key"),
		})
	}))
	t.Cleanup(p.Close)
	return p
}
