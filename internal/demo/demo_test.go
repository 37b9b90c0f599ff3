package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/demo"
	"junctor/internal/run"
)

func TestUnpackWritesTheExample(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := demo.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"junctor.yaml", "scenarios/order.ts", "scenarios/stock.ts", "scenarios/lib/erp.ts"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	if err := demo.Unpack(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("unpacking over files says %v", err)
	}
}

// fakeRuns shows prepared lists, one after another, the last one for ever.
type fakeRuns struct {
	lists  [][]run.Info
	asked  int
	whole  *run.Info
	enough context.CancelFunc
}

func (f *fakeRuns) List(context.Context, run.Filter) ([]run.Info, string, error) {
	f.asked++
	if f.asked >= len(f.lists) {
		f.enough()
	}
	return f.lists[min(f.asked, len(f.lists))-1], "", nil
}

func (f *fakeRuns) Get(context.Context, string) (*run.Info, error) { return f.whole, nil }

func TestWatchTellsEveryChangeOnce(t *testing.T) {
	start := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	end := start.Add(12 * time.Millisecond)
	info := func(state run.State, change func(*run.Info)) []run.Info {
		r := run.Info{ID: "run_1", State: state, Channel: "warehouse", Subject: "P-1", Attempt: 1}
		if change != nil {
			change(&r)
		}
		return []run.Info{r}
	}
	retry := func(r *run.Info) {
		r.Attempt, r.WaitingFor, r.DueAt = 2, "retry", &end
		r.Error = &run.ErrorInfo{Message: "the ERP answered 500"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	runs := &fakeRuns{enough: cancel,
		lists: [][]run.Info{nil, info(run.Running, nil), info(run.Waiting, retry), info(run.Waiting, retry), info(run.Succeeded, nil), info(run.Succeeded, nil)},
		whole: &run.Info{Steps: []run.Step{{Seq: 1, Name: "http.request", StartedAt: start, FinishedAt: &end}}},
	}
	var out strings.Builder
	err := demo.Watch(ctx, demo.Setup{Runs: runs, Console: demo.NewConsole(&out, false, clock.NewFake(start))})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2:\n%s", len(lines), out.String())
	}
	for i, want := range []string{"run_1  warehouse P-1: waiting for retry 2 at ", "run_1  warehouse P-1: succeeded (http.request 12ms)"} {
		if !strings.Contains(lines[i], want) || !strings.HasPrefix(lines[i], "08:00:00.000  junctor ") {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], want)
		}
	}
	if !strings.Contains(lines[0], "the ERP answered 500") {
		t.Errorf("the reason is missing: %q", lines[0])
	}
}

func TestPlaySendsValidJSONAndPrintsTheAnswers(t *testing.T) {
	var bodies []map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("not JSON: %v", err)
		}
		bodies = append(bodies, body)
		if r.URL.Path == "/shop" {
			w.Header().Set("Junctor-Run", "run_7")
			w.WriteHeader(http.StatusCreated)
			w.Write([]byte(`{"erp_number":"ERP-000001"}`))
		}
	}))
	defer s.Close()
	var out strings.Builder
	setup := demo.Setup{Shop: s.URL + "/shop", Warehouse: s.URL + "/warehouse", Console: demo.NewConsole(&out, true, clock.Real{})}
	if err := demo.Play(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sends order S-1001", `gets  201 {"erp_number":"ERP-000001"}  run_7`, "gets  200 (empty: it is on disk)", "\x1b[36mshop"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if len(bodies) < 5 || bodies[0]["number"] != "S-1001" || bodies[0]["currency"] != "EUR" {
		t.Errorf("sent: %v", bodies)
	}
	s.Close()
	if err := demo.Play(t.Context(), setup); err == nil || !strings.Contains(err.Error(), "S-1001") {
		t.Errorf("a server that is gone gives %v", err)
	}
}

func TestExplainPrintsLinesToTry(t *testing.T) {
	var out strings.Builder
	err := demo.Explain(demo.Setup{Server: "http://s:1", Shop: "http://s:1/shop", ERP: "http://e:2", Password: "pw",
		Console: demo.NewConsole(&out, false, clock.Real{})})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"admin / pw", "curl -X POST 'http://e:2/_demo/fail?mode=500'", "curl -i 'http://s:1/shop'", `{"number":"S-2001"`, "curl -u admin:pw 'http://s:1/api/v1/admin/runs?limit=5'"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestPerformPlaysExplainsAndWatchesUntilItsContextEnds(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out strings.Builder
	runs := &fakeRuns{lists: make([][]run.Info, 10), enough: cancel} // about two seconds of looking
	err := demo.Perform(ctx, demo.Setup{Shop: s.URL, Warehouse: s.URL, Server: s.URL, ERP: "http://e:2", Runs: runs,
		Console: demo.NewConsole(&out, false, clock.Real{})})
	if err != nil {
		t.Fatal(err)
	}
	played, explained := strings.Index(out.String(), "sends order S-1001"), strings.Index(out.String(), "_demo/fail?mode=500")
	if played < 0 || explained < played {
		t.Errorf("printed:\n%s", out.String())
	}
	s.Close()
	if err := demo.Perform(t.Context(), demo.Setup{Shop: s.URL, Runs: &fakeRuns{lists: make([][]run.Info, 1000), enough: func() {}},
		Console: demo.NewConsole(&out, false, clock.Real{})}); err == nil {
		t.Error("a server that is gone is no error")
	}
}
