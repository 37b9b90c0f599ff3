package hub_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"junctor/internal/hub"
)

// Who was let in before the server was told to end is answered, however late
// the request comes.
func TestServerThatEndsHearsWhoIsIn(t *testing.T) {
	h, err := hub.Open(t.Context(), hub.Options{Data: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.Serve(ctx, func(a hub.Addresses) { ready <- a.Listen }) }()
	address := <-ready

	early, idle := dial(t, address), dial(t, address)
	ask(t, idle) // it is answered, so whoever came before is in
	end()
	for refused := false; !refused; {
		c, err := net.Dial("tcp", address)
		if refused = err != nil; !refused {
			c.Close()
		}
	}
	if resp := ask(t, early); !resp.Close {
		t.Error("the answer does not say that the connection ends")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask wants an answer on the connection.
func ask(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: junctor\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("answered %d", resp.StatusCode)
	}
	return resp
}

// So is who speaks HTTP/2, with idle connections at both addresses.
func TestServerThatEndsHearsHTTP2(t *testing.T) {
	t.Parallel()
	h, err := hub.Open(t.Context(), hub.Options{Data: t.TempDir(), Listen: "127.0.0.1:0", PublicListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	ready, ended := make(chan hub.Addresses, 1), make(chan error, 1)
	go func() { ended <- h.Serve(ctx, func(a hub.Addresses) { ready <- a }) }()
	at := <-ready

	idle, slow := client(t, true, nil), client(t, true, nil)
	for _, url := range []string{at.URL() + "/healthz", at.PublicURL() + "/"} {
		resp, err := idle.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	body, send := io.Pipe()
	answered := make(chan error, 1)
	go func() {
		resp, err := slow.Post(at.URL()+"/api/v1/session", "application/json", body)
		if err == nil && resp.StatusCode != http.StatusUnauthorized {
			err = fmt.Errorf("answered %d", resp.StatusCode)
		}
		answered <- err
	}()
	fmt.Fprint(send, `{"login":"x",`) // it is in
	end()
	for refused := false; !refused; {
		c, err := net.Dial("tcp", at.Listen)
		if refused = err != nil; !refused {
			c.Close()
		}
	}
	fmt.Fprint(send, `"password":"y"}`)
	send.Close()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
