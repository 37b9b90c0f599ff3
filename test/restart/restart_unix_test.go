//go:build unix

package restart_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/test/outside"
)

const (
	restarts = "the node restarts itself"
	serving  = "serving"
)

// Messages take a core for ever, twice. The process is replaced, and whoever
// sends meanwhile sees at most a delay.
func TestNodeRestartsItself(t *testing.T) {
	t.Parallel()
	s := start(t)
	var counted, parked, slow []answer
	var senders sync.WaitGroup
	over := make(chan struct{})
	stop := sync.OnceFunc(func() { close(over); senders.Wait() })
	defer stop()
	senders.Go(func() { counted = s.keepSending("counted", 10*time.Millisecond, over) })
	senders.Go(func() { parked = s.keepSending("parked", 100*time.Millisecond, over) })
	senders.Go(func() { slow = s.keepSending("slow", 0, over) })

	stuck := []answer{s.send("stuck", "first"), s.send("stuck_awaited", "awaited")}
	s.awaitRestart(t, 1)
	stuck = append(stuck, s.send("stuck", "second"))
	s.awaitRestart(t, 2)
	stop()
	if _, err := s.admin.AwaitFinished(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}

	for channel, answers := range map[string][]answer{"counted": counted, "parked": parked, "slow": slow} {
		s.examine(t, channel, answers)
	}
	s.examineStuck(t, stuck)
	s.examineTotals(t, counted)
	s.examineRestarts(t, parked)
	if t.Failed() {
		t.Logf("the server's log:\n%s", s.log)
	}
}

// Who tells a node to end while it is about to begin again is heard.
func TestNodeAboutToRestartCanBeStopped(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.send("stuck", "stuck")
	var sender sync.WaitGroup
	over := make(chan struct{})
	defer sender.Wait()
	defer close(over)
	sender.Go(func() { s.keepSending("slow", 0, over) }) // what is under way is answered first
	until(t, "the node restarts itself", func() bool { return len(s.log.times(restarts)) == 1 })
	if err := s.process.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.log.times(serving)); n != 1 {
		t.Errorf("it has begun to serve %d times:\n%s", n, s.log)
	}
}

// awaitRestart waits until it has happened for the nth time, in place.
func (s *server) awaitRestart(t *testing.T, n int) {
	t.Helper()
	until(t, fmt.Sprintf("process %d serves", n+1), func() bool { return len(s.log.times(serving)) == n+1 })
	if now := s.pid(t); now != s.first || !s.process.Running() {
		t.Errorf("process %s serves in place of %s", now, s.first)
	}
}

type server struct {
	process  *outside.Server
	admin    *outside.Admin
	channels map[string]outside.Channel
	log      *serverLog
	data     string
	public   string // where messages go: both addresses are handed over
	first    string // its process id
}

func start(t *testing.T) *server {
	t.Helper()
	binary := built.Binary(t)
	listen, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	public, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{log: &serverLog{}, data: t.TempDir(), public: "http://" + public}
	o := outside.Options{Binary: binary, Data: s.data, Listen: listen, Log: s.log, Env: []string{"GOMAXPROCS=2", "JUNCTOR_PUBLIC_LISTEN=" + public}}
	if s.channels, err = outside.Apply(t.Context(), filepath.Join("testdata", "integration"), o); err != nil {
		t.Fatal(err)
	}
	if s.process, err = outside.Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.process.Stop(); err != nil {
			t.Error(err)
		}
	})
	if s.admin, err = s.process.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.first = s.pid(t)
	return s
}

// pid is the id of the process that has the data directory.
func (s *server) pid(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data, "junctor.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func (s *server) send(channel, number string) answer {
	return send(s.public+s.channels[channel].Path, number)
}

// keepSending sends one message after another, each on a fresh connection.
func (s *server) keepSending(channel string, pause time.Duration, over <-chan struct{}) (answers []answer) {
	for n := 0; ; n++ {
		answers = append(answers, s.send(channel, fmt.Sprintf("%s-%d", channel, n)))
		select {
		case <-over:
			return answers
		case <-time.After(pause):
		}
	}
}

// examine wants each message to have been acknowledged, and to have one run,
// which has ended well.
func (s *server) examine(t *testing.T, channel string, answers []answer) {
	t.Helper()
	runs := map[string][]outside.Run{}
	for _, r := range s.runs(t, channel) {
		runs[r.Subject] = append(runs[r.Subject], r)
	}
	var longest time.Duration
	for _, a := range answers {
		of := runs[a.number]
		switch {
		case a.refused:
			t.Errorf("the connection for %s was refused: %s", a.number, a.body)
		case a.status != http.StatusOK:
			t.Errorf("%s was answered %d %s; its runs: %+v", a.number, a.status, a.body, of)
		case len(of) != 1 || of[0].State != "succeeded":
			t.Errorf("%s was acknowledged; its runs: %+v", a.number, of)
		}
		longest = max(longest, a.took)
	}
	t.Logf("%s: %d messages, answered within %s", channel, len(answers), longest.Round(time.Millisecond))
}

// examineStuck wants the runs that brought it about to have failed, each once.
func (s *server) examineStuck(t *testing.T, sent []answer) {
	t.Helper()
	runs := map[string]outside.Run{}
	for _, r := range append(s.runs(t, "stuck"), s.runs(t, "stuck_awaited")...) {
		runs[r.ID] = r
	}
	for _, a := range sent {
		r := runs[a.run]
		if r.State != "failed" || r.Error == nil || !strings.Contains(r.Error.Message, "cannot be interrupted") {
			t.Errorf("%s was answered %d %s; its run: %+v", a.number, a.status, a.body, r)
		}
		if want := map[bool]int{true: http.StatusBadGateway, false: http.StatusOK}[r.Channel == "stuck_awaited"]; a.status != want {
			t.Errorf("%s was answered %d %s, want %d", a.number, a.status, a.body, want)
		}
	}
	if len(runs) != len(sent) {
		t.Errorf("%d messages have %d runs", len(sent), len(runs))
	}
}

// examineTotals wants each run to have counted once.
func (s *server) examineTotals(t *testing.T, counted []answer) {
	t.Helper()
	seen := map[int]string{}
	for _, a := range counted {
		var got struct{ Count int }
		if a.status != http.StatusOK {
			continue
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Count == 0 || seen[got.Count] != "" {
			t.Errorf("%s was answered %s, which %q was told before (%v)", a.number, a.body, seen[got.Count], err)
		}
		seen[got.Count] = a.number
	}
	want := fmt.Sprintf(`{"counted":%d,"before":%d,"after":%[2]d}`, s.ended(t, "counted"), s.ended(t, "parked"))
	if got := s.send("totals", ""); got.body != want {
		t.Errorf("the totals are %s, want %s", got.body, want)
	}
}

// examineRestarts wants one for each reason, and runs that were parked by one process and ended by the next.
func (s *server) examineRestarts(t *testing.T, parked []answer) {
	t.Helper()
	gone, again := s.log.times(restarts), s.log.times(serving)
	if len(gone) != 2 || len(again) != 3 {
		t.Fatalf("it restarted itself %d times and served %d times", len(gone), len(again))
	}
	ended := map[string]time.Time{}
	for _, r := range s.runs(t, "parked") {
		if r.FinishedAt != nil {
			ended[r.Subject] = *r.FinishedAt
		}
	}
	for i, at := range gone {
		back, across := again[i+1], 0
		for _, a := range parked {
			if a.status == http.StatusOK && a.at.Before(at) && ended[a.number].After(back) {
				across++
			}
		}
		t.Logf("restart %d took %s; %d runs slept over it", i+1, back.Sub(at).Round(time.Millisecond), across)
		if across == 0 {
			t.Error("no run was parked before the restart and ended after it")
		}
	}
}

// ended is how many runs of a channel have come to their end.
func (s *server) ended(t *testing.T, channel string) (n int) {
	t.Helper()
	for _, r := range s.runs(t, channel) {
		if r.FinishedAt != nil {
			n++
		}
	}
	return n
}

func (s *server) runs(t *testing.T, channel string) (runs []outside.Run) {
	t.Helper()
	err := s.admin.Runs(t.Context(), url.Values{"channel": {channel}}, func(r outside.Run) bool {
		runs = append(runs, r)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}
