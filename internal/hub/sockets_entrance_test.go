package hub_test

import (
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"junctor/internal/hub"
	"junctor/internal/load"
)

// TestWebsocketEntrance: who may come in, and what the others are told.
func TestWebsocketEntrance(t *testing.T) {
	s := serve(t, chatFiles)
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+password))
	}
	for name, c := range map[string]struct {
		path   string
		header []string
		status int
		want   string
	}{
		"no such token":         {"/ws/token/v1/nobody", nil, 404, "There is nothing here; check the token in the address, and whether its channel takes requests or websockets."},
		"no websocket scenario": {"/ws/token/v1/" + s.token["shop"], nil, 404, "There is nothing here; check the token in the address, and whether its channel takes requests or websockets."},
		"subscribe":             {"/ws/token/v1/" + s.token["chat"] + "/subscribe", nil, 404, "There is nothing here; check the token in the address, and whether its channel takes requests or websockets."},
		"no bearer":             {"/ws/token/v1/-", nil, 404, "There is nothing here; check the token in the address, and whether its channel takes requests or websockets."},
		"no password":           {"/ws/token/v1/" + s.token["gated"], nil, 401, "credentials"},
		"a wrong password":      {"/ws/token/v1/" + s.token["gated"], []string{"Authorization", basic("q")}, 401, "credentials"},
		"a foreign page":        {"/ws/token/v1/" + s.token["chat"], []string{"Origin", "https://evil.example.com"}, 403, `Pages of the origin \"https://evil.example.com\"`},
		"another foreign page":  {"/ws/token/v1/" + s.token["pages"], []string{"Origin", "https://evil.example.com"}, 403, `Pages of the origin`},
		"a sandboxed page":      {"/ws/token/v1/" + s.token["chat"], []string{"Origin", "null"}, 403, `Pages of the origin`},
		"version 8":             {"/ws/token/v1/" + s.token["chat"], []string{"Sec-WebSocket-Extensions", "x", "Upgrade", "h2c"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.status == 0 {
				return
			}
			w, refused := s.dial(s.base, c.path, c.header...)
			if w != nil || refused.Status != c.status || !strings.Contains(string(refused.Body), c.want) {
				t.Errorf("%v", refused)
			}
		})
	}
	for name, open := range map[string]func() *wire{
		"bearer": func() *wire {
			w, _ := s.dial(s.base, "/ws/token/v1/-", "Authorization", "Bearer "+s.token["chat"])
			return w
		},
		"password":        func() *wire { return s.connected("gated", "", "Authorization", basic("p")) },
		"own page":        func() *wire { return s.connected("chat", "", "Origin", s.base) },
		"listed page":     func() *wire { return s.connected("pages", "", "Origin", "https://app.example.com") },
		"beside requests": func() *wire { return s.connected("both", "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := open()
			w.say("say hello")
			w.hears("hello")
		})
	}
	for _, c := range []struct{ channel, method, want string }{{"chat", "GET", "426"}, {"chat", "POST", "426"}} {
		resp, body := s.do(c.method, "/ws/token/v1/"+s.token[c.channel], "", nil)
		if resp.StatusCode != 426 || resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Sec-WebSocket-Version") != "13" || !strings.Contains(body, "upgrade-required") {
			t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
		}
	}
	if resp, _ := s.send("POST", "chat", "", "a"); resp.StatusCode != 404 {
		t.Errorf("a request to a channel of websockets is answered %d", resp.StatusCode)
	}
	if resp, body := s.send("POST", "both", "", "a"); resp.StatusCode != 200 || body != `"shop"` {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestWebsocketPublicListen: the address of the token endpoints has them, the
// other one has not.
func TestWebsocketPublicListen(t *testing.T) {
	s := serveWith(t, chatFiles, func(o *hub.Options) { o.PublicListen = "127.0.0.1:0" })
	path := "/ws/token/v1/" + s.token["chat"]
	w, refused := s.dial(s.public, path)
	if refused != nil {
		t.Fatal(refused)
	}
	w.say("say 1")
	w.hears("1")
	if _, refused := s.dial(s.base, path); refused == nil || refused.Status != 404 {
		t.Error(refused)
	}
}

// TestWebsocketOverTLS: wss is the same, by HTTP/1.1; HTTP/2 has no websockets
// here.
func TestWebsocketOverTLS(t *testing.T) {
	s := serveWith(t, chatFiles, func(o *hub.Options) { o.TLS.SelfSigned = true })
	address := strings.TrimPrefix(s.base, "https://")
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec // its own certificate
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second)) //nolint:errcheck // a connection that was made a moment ago
	w := &wire{t, load.NewSocket(conn)}
	if err := w.Open(address, "/ws/token/v1/"+s.token["chat"], nil); err != nil {
		t.Fatal(err)
	}
	w.say("say hello", "say "+strings.Repeat("x", 200_000), "bye bye")
	w.hears("hello", strings.Repeat("x", 200_000), "close 4001 bye")

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}} //nolint:gosec // as above
	defer client.CloseIdleConnections()
	resp, err := client.Get(s.base + "/ws/token/v1/" + s.token["chat"])
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("%s %d", resp.Proto, resp.StatusCode)
	}
}
