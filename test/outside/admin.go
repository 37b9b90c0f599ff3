package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Admin is a session of the account admin. It is safe for use by several
// goroutines.
type Admin struct {
	url, token string
	client     *http.Client
}

// Run is a run as the admin API shows it, as far as anyone here looks.
type Run struct {
	ID         string     `json:"id"`
	State      string     `json:"state"`
	Channel    string     `json:"channel"`
	Subject    string     `json:"subject"`
	FinishedAt *time.Time `json:"finished_at"`
	Error      *struct{ Message string }
	Steps      []Step `json:"steps"` // of one run only
}

// Step is one journalled call of a run.
type Step struct {
	Seq        int             `json:"seq"`
	Name       string          `json:"name"`
	Result     json.RawMessage `json:"result"`
	FinishedAt *time.Time      `json:"finished_at"`
}

// Login opens a session.
func (s *Server) Login(ctx context.Context) (*Admin, error) {
	a := &Admin{url: s.URL, client: &http.Client{Timeout: 60 * time.Second}}
	var session struct{ Token string }
	err := a.call(ctx, http.MethodPost, "/api/v1/session", map[string]string{"login": "admin", "password": Password}, &session)
	if err != nil {
		return nil, fmt.Errorf("logging in at %s: %w", s.URL, err)
	}
	a.token = session.Token
	return a, nil
}

// Runs calls f for every run that the query (state, channel, subject) chooses,
// newest first, until f returns false.
func (a *Admin) Runs(ctx context.Context, query url.Values, f func(Run) bool) error {
	for after := ""; ; {
		q := url.Values{"limit": {"1000"}}
		for name, values := range query {
			q[name] = values
		}
		if after != "" {
			q.Set("after", after)
		}
		var page struct {
			Items []Run
			Next  string
		}
		if err := a.call(ctx, http.MethodGet, "/api/v1/admin/runs?"+q.Encode(), nil, &page); err != nil {
			return err
		}
		for _, r := range page.Items {
			if !f(r) {
				return nil
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// Run is one run with its steps.
func (a *Admin) Run(ctx context.Context, id string) (Run, error) {
	var r Run
	err := a.call(ctx, http.MethodGet, "/api/v1/admin/runs/"+id, nil, &r)
	return r, err
}

// Unfinished reports whether any run is queued, running or waiting. It asks for all
// of them at once: a run may go from one state to another meanwhile.
func (a *Admin) Unfinished(ctx context.Context) (found bool, err error) {
	err = a.Runs(ctx, url.Values{"state": {"queued,running,waiting"}, "limit": {"1"}}, func(Run) bool {
		found = true
		return false
	})
	return found, err
}

// AwaitFinished waits until no run is unfinished and returns how long that took.
// When limit is over it returns an error.
func (a *Admin) AwaitFinished(ctx context.Context, limit time.Duration) (time.Duration, error) {
	begun := time.Now()
	for {
		more, err := a.Unfinished(ctx)
		if err != nil {
			return 0, err
		}
		took := time.Since(begun)
		if !more {
			return took, nil
		}
		if took > limit {
			return took, fmt.Errorf("runs are still unfinished after %v", limit)
		}
		select { // rarely when it lasts: to be asked is work, too
		case <-time.After(min(max(took/20, 50*time.Millisecond), 250*time.Millisecond)):
		case <-ctx.Done():
			return took, ctx.Err()
		}
	}
}

// Call is any other request: in as its body, nil for none, and its answer into out,
// nil for whatever it is. An answer other than 2xx is an error.
func (a *Admin) Call(ctx context.Context, method, path string, in, out any) error {
	if out == nil {
		out = new(json.RawMessage)
	}
	return a.call(ctx, method, path, in, out)
}

// AwaitDispatched waits until each event of the log that a subscription chooses
// has a run that delivers it.
func (a *Admin) AwaitDispatched(ctx context.Context, subscription string, limit time.Duration) error {
	for begun := time.Now(); ; {
		var s struct{ Behind int64 }
		if err := a.call(ctx, http.MethodGet, "/api/v1/admin/subscriptions/"+subscription, nil, &s); err != nil {
			return err
		}
		if s.Behind == 0 {
			return nil
		}
		if time.Since(begun) > limit {
			return fmt.Errorf("%d events are still not dispatched after %v", s.Behind, limit)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (a *Admin) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s answered %s: %s", method, path, strconv.Itoa(resp.StatusCode), bytes.TrimSpace(answer))
	}
	return json.Unmarshal(answer, out)
}
