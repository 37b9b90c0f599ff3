package powerloss_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"junctor/internal/config"
	"junctor/internal/hub"
	"junctor/internal/run"
	"junctor/test/powerloss"
)

// A 200 promises that the message is on disk. So the power fails, again and
// again, right after an answer, and what the disk then holds must have one run
// for each message that was answered; of an awaited one, its outcome too.
func TestAnsweredMeansSynced(t *testing.T) {
	dir := t.TempDir()
	disk, err := powerloss.Watch(dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	paths := configure(t, dir)
	address := serve(t, dir)

	var mu sync.Mutex
	var answered []string // CHANNEL-NUMBER
	news := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var senders sync.WaitGroup
	for s := range 8 {
		senders.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				channel := []string{"accepted", "awaited"}[n%2]
				number := fmt.Sprintf("%s-%d-%d", channel, s, n)
				if status := send(t, address+paths[channel], number); status != http.StatusOK {
					t.Errorf("%s was answered %d", number, status)
					return
				}
				mu.Lock()
				answered = append(answered, number)
				mu.Unlock()
				select {
				case news <- struct{}{}:
				default:
				}
			}
		})
	}
	for failure := range 8 {
		var promised []string
		for len(promised) <= failure*50 {
			<-news
			mu.Lock()
			promised = slices.Clone(answered)
			mu.Unlock()
		}
		image := filepath.Join(t.TempDir(), "image")
		if err := disk.Image(image); err != nil {
			t.Fatal(err)
		}
		examine(t, image, promised)
	}
	cancel()
	senders.Wait()
}

// examine opens an image as a restarted server would, and looks for the runs.
func examine(t *testing.T, image string, promised []string) {
	t.Helper()
	h := open(t, image)
	defer h.Close() //nolint:errcheck // nothing was written
	runs := map[string][]run.Info{}
	for after := ""; ; {
		items, next, err := h.Runs().List(t.Context(), run.Filter{Limit: 1000, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range items {
			whole := r.Subject
			if whole == "" { // accepted and not begun: its number is in the input only
				info, err := h.Runs().Get(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				whole = numberIn(string(info.Input))
			}
			runs[whole] = append(runs[whole], r)
		}
		if after = next; after == "" {
			break
		}
	}
	for _, number := range promised {
		of := runs[number]
		if len(of) != 1 {
			t.Fatalf("%s was answered; after the power failure it has %d runs (%d messages promised, %d runs there)", number, len(of), len(promised), len(runs))
		}
		if strings.HasPrefix(number, "awaited") && of[0].State != run.Succeeded {
			t.Fatalf("%s was answered with its outcome; after the power failure its run is %s", number, of[0].State)
		}
	}
}

// numberIn finds the order's number in a run's input as people see it.
func numberIn(input string) string {
	for _, channel := range []string{"accepted-", "awaited-"} {
		if _, rest, ok := strings.Cut(input, channel); ok {
			return channel + rest[:strings.IndexFunc(rest, func(r rune) bool { return r != '-' && (r < '0' || r > '9') })]
		}
	}
	return ""
}

func open(t *testing.T, dir string) *hub.Hub {
	t.Helper()
	h, err := hub.Open(context.WithoutCancel(t.Context()), hub.Options{Data: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// configure applies the test's integration and returns its channels' paths.
func configure(t *testing.T, dir string) map[string]string {
	t.Helper()
	set, problems := config.Load(t.Context(), filepath.Join("testdata", "integration"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	h := open(t, dir)
	defer h.Close() //nolint:errcheck // the next opening would tell
	result, err := h.Config().Apply(t.Context(), set, config.Options{Author: "test"})
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	for _, c := range result.Channels {
		paths[c.Code] = c.Path
	}
	return paths
}

// serve runs a server until the test ends and returns its URL.
func serve(t *testing.T, dir string) string {
	t.Helper()
	h := open(t, dir)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.Serve(ctx, func(a hub.Addresses) { ready <- "http://" + a.Listen }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	select {
	case url := <-ready:
		return url
	case err := <-ended:
		t.Fatalf("the server ended: %v", err)
		return ""
	}
}

func send(t *testing.T, url, number string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, url, strings.NewReader(fmt.Sprintf(`{"number":%q}`, number)))
	if err != nil {
		t.Error(err)
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
