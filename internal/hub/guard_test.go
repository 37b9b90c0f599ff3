package hub

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Who streams an answer may let more time pass between two pieces than the
// receiver has for one.
func TestStreamsHaveTime(t *testing.T) {
	t.Parallel()
	patience := Patience{Answer: 300 * time.Millisecond}
	server := httptest.NewUnstartedServer(guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, piece := range []string{"a", "b", "c"} {
			io.WriteString(w, piece) //nolint:errcheck // the client tells
			w.(http.Flusher).Flush()
			<-time.After(2 * patience.Answer)
		}
	}), patience))
	server.Config.Protocols = &http.Protocols{}
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	for _, http2 := range []bool{false, true} {
		p := &http.Protocols{}
		p.SetHTTP1(!http2)
		p.SetUnencryptedHTTP2(http2)
		transport := &http.Transport{Protocols: p}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.Body.Close(); err != nil || string(body) != "abc" {
			t.Errorf("%s: %q, %v", resp.Proto, body, err)
		}
	}
}
