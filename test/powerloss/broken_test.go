package powerloss_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"junctor/internal/hub"
	"junctor/test/powerloss"
)

// A disk that does not take what is synced to it ends the server: nothing is
// answered as stored any more, and what was answered before is there at the
// next start.
func TestServerEndsWhenTheDiskFails(t *testing.T) {
	dir := t.TempDir()
	disk, err := powerloss.Watch(dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	paths := configure(t, dir)
	h := open(t, dir)
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- h.Serve(context.WithoutCancel(t.Context()), func(a hub.Addresses) { ready <- "http://" + a.Listen })
	}()
	url := <-ready
	if status := send(t, url+paths["accepted"], "accepted-1"); status != http.StatusOK {
		t.Fatalf("before the failure: status %d", status)
	}
	disk.Break()
	resp, err := http.Post(url+paths["accepted"], "application/json", http.NoBody) //nolint:noctx // the server ends
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode < 500 {
			t.Errorf("after the failure: status %d", resp.StatusCode)
		}
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the server ended without an error")
		}
	case <-time.After(time.Minute):
		t.Fatal("the server did not end")
	}
	h.Close() //nolint:errcheck // its disk has failed
	disk.Mend()
	examine(t, dir, []string{"accepted-1"})
}
