package hub_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/hub"
	"junctor/internal/load"
)

// wire is a websocket of a test.
type wire struct {
	t *testing.T
	*load.Socket
}

// socket opens a websocket of a channel, or returns why it is refused.
func (s *site) socket(channel, rest string, header ...string) (*wire, *load.Refused) {
	s.t.Helper()
	return s.dial(s.base, "/ws/token/v1/"+s.token[channel]+rest, header...)
}

func (s *site) dial(base, path string, header ...string) (*wire, *load.Refused) {
	s.t.Helper()
	target, _, err := load.ParseTarget(base)
	if err != nil {
		s.t.Fatal(err)
	}
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	c, err := load.DialSocket(ctx, target, path, h)
	var refused *load.Refused
	if err != nil && !errors.As(err, &refused) {
		s.t.Fatal(err)
	}
	if refused != nil {
		return nil, refused
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(60 * time.Second)) //nolint:errcheck // a connection that was made a moment ago
	return &wire{s.t, c}, nil
}

// connected is a websocket that must come about.
func (s *site) connected(channel, rest string, header ...string) *wire {
	s.t.Helper()
	w, refused := s.socket(channel, rest, header...)
	if refused != nil {
		s.t.Fatal(refused)
	}
	return w
}

func (w *wire) say(texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if err := w.Send(load.Text, []byte(text)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// hear is what comes next: text, "bytes ..." or "close CODE REASON".
func (w *wire) hear() string {
	w.t.Helper()
	opcode, data, err := w.Receive()
	switch {
	case err != nil:
		return "error " + err.Error()
	case opcode == load.Binary:
		return "bytes " + string(data)
	case opcode == load.Close && len(data) >= 2:
		return fmt.Sprintf("close %d %s", binary.BigEndian.Uint16(data), data[2:])
	case opcode == load.Close:
		return "close"
	}
	return string(data)
}

// hears holds what comes against what should; one that ends in * says how it
// begins.
func (w *wire) hears(wanted ...string) {
	w.t.Helper()
	for _, want := range wanted {
		got := w.hear()
		if prefix, any := strings.CutSuffix(want, "*"); got != want && (!any || !strings.HasPrefix(got, prefix)) {
			w.t.Fatalf("heard %.300q, not %q", got, want)
		}
	}
}

const chat = `import { sockets, events, kv, run, log, respond, sleep, Problem, PermanentError, Unauthorized, type SocketMessage } from "junctor";
export async function validate(message: SocketMessage) {
  if (message.data === "unwanted") return false;
  if (message.data === "worded") throw new Problem({ status: 418, title: "no" });
}
export default async function (message: SocketMessage) {
  const [what, rest] = [message.text().split(" ")[0], message.text().split(" ").slice(1).join(" ")];
  switch (what) {
    case "say": return rest;
    case "json": return { got: rest };
    case "bytes": return new Uint8Array([0, 255, 1]);
    case "binary": return message.data instanceof Uint8Array ? message.data : typeof message.data;
    case "empty": return "";
    case "null": return null;
    case "nothing": return;
    case "status": return { status: 204 };
    case "whole": return { status: 201, headers: { "x-a": "1" }, json: { a: 1 } };
    case "classic": return { response_code: 200, response_content: "classic" };
    case "fail": throw new Error("the secret is out");
    case "problem": throw new Problem({ status: 422, title: "wrong", detail: rest, errors: [{ pointer: "/a", detail: "is wrong" }] });
    case "parse": return message.json();
    case "early": respond("early"); await kv.set("early", rest); return "too late";
    case "slow": await sleep(rest as any); return "slow";
    case "long": await sleep("1h"); return;
    case "me": return [message.channel.code, message.startparam(1), message.startparam(2), message.connection.slice(0, 4), message.path, message.query,
      message.remoteAddress, message.mode, message.role ?? null, run.mode, message.body.length];
    case "push": await sockets.send(message.connection, "1"); await sockets.send(message.connection, { n: 2 });
      await sockets.send(message.connection, new Uint8Array([51])); return "4";
    case "all": return sockets.send(message.channel, rest);
    case "list": return (await sockets.list("chat")).map(one => [one.id === message.connection, one.remoteAddress, one.openedAt.length > 10]);
    case "bye": await sockets.close(message.connection, 4001, rest); return "never heard";
    case "wrong": return Promise.all([
        () => sockets.send("con_none", "a"), () => sockets.send("shop", "a"), () => sockets.send("chta", "a"), () => sockets.send(undefined as any, "a"),
        () => sockets.send(message.connection, undefined), () => sockets.close(message.connection, 1005), () => sockets.close(message.connection, 1000, "x".repeat(124)),
        () => sockets.close("con_none"), () => sockets.list("shop"),
      ].map(call => call().then(() => "done", (e: Error) => e.name + ": " + e.message)));
    case "reserved": return events.publish("channel.chat.connected").catch((e: Error) => e.message);
  }
  throw new PermanentError("what is " + what);
}`

var chatFiles = map[string]string{
	"junctor.yaml": `roles:
  guest: { events: { read: ["order.*"] } }
channels:
  chat: { type: public, websocket_scenario: chat, websocket_role: guest, timeout: 20s }
  shop: { type: public, scenario: shop, await: true }
  both: { type: public, scenario: shop, websocket_scenario: chat, await: true, timeout: 3s, subject: $.number, retry: { attempts: 2, first: 1ms } }
  gated: { type: public, websocket_scenario: chat, verify: { basic: { user: u, password: p } }, rate: 2/m, body_limit: 100B }
  paused: { type: public, websocket_scenario: chat, paused: true }
  pages: { type: public, websocket_scenario: chat, cors: { origins: ["https://app.example.com"] } }
  redacted: { type: public, websocket_scenario: chat, redact: ["$.card"] }
`,
	"scenarios/chat.ts": chat,
	"scenarios/shop.ts": `export default async () => "shop";`,
}

func TestWebsocketChannel(t *testing.T) {
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			at := ""
			if where == "postgres" {
				at = database(t)
			}
			s := serveOn(t, at, chatFiles)
			w := s.connected("chat", "/a%20b?x=1&y=%C5%BE")
			for _, c := range []struct{ say, hear string }{
				{"say hello", "hello"},
				{"json a", `{"got":"a"}`},
				{"bytes", "bytes \x00\xff\x01"},
				{"binary", "string"},
				{"empty", ""},
				{"null", "null"},
				{"whole", `{"a":1}`},
				{"classic", "classic"},
				{"early", "early"},
				{"me there", `["chat","chat","me there","con_","/a b",{"x":"1","y":"ž"},"127.0.0.1","production","guest","production",8]`},
				{"problem here", `{"error":{"type":"about:blank","title":"wrong","status":422,"detail":"here","errors":[{"pointer":"/a","detail":"is wrong"}]}}`},
				{"unwanted", `{"error":{"type":"/errors/unauthorized",*`},
				{"worded", `{"error":{"type":"about:blank","title":"no","status":418}}`},
				{"parse", `{"error":{"type":"about:blank","title":"The message is not valid JSON","status":400,*`},
				{"list", `[[true,"127.0.0.1",true]]`},
				{"reserved", "events.publish: type begins with a word that is kept*"},
			} {
				w.say(c.say)
				w.hears(c.hear)
			}
			if err := w.Send(load.Binary, []byte("binary")); err != nil {
				t.Fatal(err)
			}
			w.hears("bytes binary")

			// Nothing is sent for nothing, and the order stays.
			w.say("nothing", "slow 50ms", "status", "say 1", "nothing", "say 2")
			w.hears("slow", "1", "2")
			w.say("push")
			w.hears("1", `{"n":2}`, "bytes 3", "4")

			// A failed run tells its id, and nothing of its inside.
			w.say("fail")
			var failed struct {
				Error struct {
					Status      int
					Detail, Run string
				}
			}
			text := w.hear()
			if err := json.Unmarshal([]byte(text), &failed); err != nil || failed.Error.Status != 502 || strings.Contains(text, "secret") {
				t.Errorf("%s %v", text, err)
			}
			if info := s.ended(failed.Error.Run); info.Error == nil || info.Error.Message != "the secret is out" || info.Channel != "chat" ||
				!strings.Contains(string(info.Input), `"body":"fail"`) || !strings.Contains(string(info.Input), `"connection":"con_`) {
				t.Errorf("%+v %s", info, info.Input)
			}

			// To everybody.
			other := s.connected("chat", "")
			w.say("all together")
			got := []string{w.hear(), w.hear()}
			if got[0] != "together" || got[1] != "2" {
				t.Error(got)
			}
			other.hears("together")

			w.say("wrong")
			var wrong []string
			if err := json.Unmarshal([]byte(w.hear()), &wrong); err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{
				"SocketError: sockets.send: The connection con_none is not there any more", `SocketError: sockets.send: There is no channel "shop" with a websocket_scenario`,
				`SocketError: sockets.send: There is no channel "chta" with a websocket_scenario, did you mean "chat"?`, "TypeError: sockets.send: the first argument",
				"TypeError: sockets.send: the data are not data", "RangeError: sockets.close: the code 1005", "RangeError: sockets.close: the reason has more",
				"SocketError: sockets.close: The connection con_none is not there any more", `SocketError: sockets.list: There is no channel "shop"`,
			} {
				if !strings.HasPrefix(wrong[i], want) {
					t.Errorf("%s, not %s", wrong[i], want)
				}
			}
			w.say("bye čau")
			w.hears("close 4001 čau")
			s.hearsOf(t, "channel.chat.connected", 2)
			s.hearsOf(t, "channel.chat.disconnected", 1)
		})
	}
}

// hearsOf waits for so many events of a type.
func (s *site) hearsOf(t *testing.T, kind string, n int) followed {
	t.Helper()
	var f followed
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(5 * time.Millisecond) {
		if f = s.events("types", kind); len(f.Items) == n {
			return f
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events of %s, not %d", len(f.Items), kind, n)
		}
	}
}

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

// TestWebsocketMessagesRefused: each is answered, and the connection stays.
func TestWebsocketMessagesRefused(t *testing.T) {
	s := serve(t, chatFiles)
	w := s.connected("gated", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("u:p")))
	w.say("say 1", "say 2", "say 3")
	w.hears("1", "2", `{"error":{"type":"/errors/too-many","title":"Too many requests","status":429,*`)
	w.say(strings.Repeat("x", 101))
	w.hears("close 1009 A message may have at most 100B.")
	w = s.connected("paused", "")
	w.say("say 1")
	w.hears(`{"error":{"type":"/errors/unavailable",*`)
	w = s.connected("redacted", "")
	w.say("say 1")
	w.hears(`{"error":{"type":"/errors/invalid",*`)

	// Over the time: the next one goes on.
	w = s.connected("both", "")
	w.say("long", "say 2")
	w.hears(`{"error":{"type":"/errors/answer-timeout",*`, "2")
}

// TestWebsocketChannelThatGoes: its connections go with it, and stay through
// other changes.
func TestWebsocketChannelThatGoes(t *testing.T) {
	s := serve(t, chatFiles)
	w, other := s.connected("chat", ""), s.connected("pages", "")
	files := maps.Clone(chatFiles)
	files["junctor.yaml"] = strings.Replace(files["junctor.yaml"], "chat: { type: public,", "chat: { type: public, enabled: false,", 1)
	files["scenarios/chat.ts"] = strings.Replace(chat, `return rest;`, `return "new " + rest;`, 1)
	s.apply(files)
	w.hears("close 1008 The channel is not there any more.")
	other.say("say 1")
	other.hears("new 1")
	if _, refused := s.socket("chat", ""); refused == nil || refused.Status != 404 {
		t.Error(refused)
	}
	files["junctor.yaml"] = strings.Replace(files["junctor.yaml"], "pages: { type: public,", "pages: { type: public, allow: [192.0.2.0/24],", 1)
	s.apply(files)
	other.hears("close 1008 This channel does not take messages from the address 127.0.0.1.")
}

// TestWebsocketAdministration: connections are listed and closed.
func TestWebsocketAdministration(t *testing.T) {
	s := serve(t, chatFiles)
	w := s.connected("chat", "")
	s.connected("chat", "")
	var page struct {
		Items []struct{ ID, Node, Address, OpenedAt string }
		Next  string
	}
	_, body := s.call("GET", "/api/v1/admin/channels/chat/connections?limit=1", "")
	if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Items) != 1 || page.Next == "" || page.Items[0].Address != "127.0.0.1" {
		t.Fatalf("%s %v", body, err)
	}
	first := page.Items[0].ID
	_, body = s.call("GET", "/api/v1/admin/channels/chat/connections?after="+page.Next, "")
	if !strings.Contains(body, `"items":[{`) || strings.Contains(body, first) || strings.Contains(body, "next") {
		t.Error(body)
	}
	for path, want := range map[string]int{"chat/connections/con_none": 404, "both/connections/" + first: 404, "chat/connections/" + first: 204} {
		if resp, body := s.call("DELETE", "/api/v1/admin/channels/"+path, ""); resp.StatusCode != want {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if _, body := s.call("GET", "/api/v1/admin/audit?action=connection.close", ""); !strings.Contains(body, `"object":"connection/`+first+`"`) {
		t.Error(body)
	}
	if resp, _ := s.call("GET", "/api/v1/admin/channels/none/connections", ""); resp.StatusCode != 404 {
		t.Error(resp.StatusCode)
	}
	w.hears("close 1008 An administrator has closed the connection.")
	f := s.hearsOf(t, "channel.chat.disconnected", 1)
	var data struct {
		Connection, Channel, Address, Reason, By string
		Code                                     int
	}
	if err := json.Unmarshal(f.Items[0].Event.Data, &data); err != nil || data.Connection != first || data.Code != 1008 || data.By != "server" || f.Items[0].Event.Subject != first {
		t.Errorf("%s", f.Items[0].Event.Data)
	}
}

// TestWebsocketStop: a server that ends says so, and the events tell of it.
func TestWebsocketStop(t *testing.T) {
	s := serve(t, chatFiles)
	w, busy := s.connected("chat", ""), s.connected("chat", "")
	busy.say("slow 300ms")
	s.until("the run has begun", func() bool {
		_, body := s.call("GET", "/api/v1/admin/runs?channel=chat", "")
		return strings.Contains(body, "run_")
	})
	s.stop()
	w.hears("close 1001 The server is stopping; connect again.")
	busy.hears("slow", "close 1001 The server is stopping; connect again.")
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

// TestWebsocketsByNode does what a client does with npm's ws.
func TestWebsocketsByNode(t *testing.T) {
	dir := forNode(t, "websocket")
	s := serve(t, chatFiles)
	tokens, err := json.Marshal(s.token)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOKENS", string(tokens))
	t.Setenv("EXTENSIONS", "")
	s.client(dir, "node", "client.mjs")
	files := maps.Clone(chatFiles)
	files["junctor.yaml"] = "settings: { websockets: { compress: true } }\n" + files["junctor.yaml"]
	s.apply(files)
	t.Setenv("EXTENSIONS", "permessage-deflate")
	s.client(dir, "node", "client.mjs")
}

// TestWebsocketSettings: how many, and how long.
func TestWebsocketSettings(t *testing.T) {
	files := maps.Clone(chatFiles)
	files["junctor.yaml"] = "settings: { websockets: { connections: 2, message: 10B } }\n" + files["junctor.yaml"]
	s := serve(t, files)
	first, second := s.connected("chat", ""), s.connected("pages", "")
	if _, refused := s.socket("chat", ""); refused == nil || refused.Status != 503 || refused.Header.Get("Retry-After") == "" {
		t.Errorf("%v", refused)
	}
	first.say("say 1", "01234567890")
	first.hears("1", "close 1009 A message may have at most 10B.")
	s.until("there is a place", func() bool { w, _ := s.socket("chat", ""); return w != nil })
	second.say("say 2")
	second.hears("2")
}

// TestWebsocketsOfNodes: any node reaches the connections of every other one.
func TestWebsocketsOfNodes(t *testing.T) {
	t.Setenv("JUNCTOR_MASTER_KEY", strings.Repeat("5a", 32)) // all nodes need it
	database := database(t)
	files := map[string]string{
		"junctor.yaml": "channels:\n  a: { type: public, scenario: ask, websocket_scenario: tell, await: true }\n  con_a: { type: public, websocket_scenario: tell }\n",
		"scenarios/tell.ts": `import { type SocketMessage } from "junctor";
export default (message: SocketMessage) => message.connection;`,
		"scenarios/ask.ts": `import { sockets, Problem, type Request } from "junctor";
export default async (request: Request) => {
  const { to, data, bytes, code, reason } = request.json();
  try {
    if (code) return await sockets.close(to, code, reason);
    return await sockets.send(to, bytes ? new Uint8Array(bytes) : data);
  } catch (error: any) { throw new Problem({ status: 404, title: error.name, detail: error.message }); }
};`,
	}
	first, second := serveOn(t, database, files), serveOn(t, database, files)
	here, there := first.connected("a", ""), second.connected("a", "")
	here.say("who")
	there.say("who")
	ids := []string{here.hear(), there.hear()}
	asked := func(s *site, status int, body string, args ...any) {
		t.Helper()
		if resp, answer := s.send("POST", "a", "", fmt.Sprintf(body, args...)); resp.StatusCode != status {
			t.Fatalf("%d %s", resp.StatusCode, answer)
		}
	}
	for i := range 100 { // in order, though nobody waits for what is sent
		asked(first, 200, `{"to":%q,"data":"n%d"}`, ids[1], i)
	}
	for i := range 100 {
		there.hears(fmt.Sprintf("n%d", i))
	}
	asked(first, 200, `{"to":%q,"bytes":[0,255]}`, ids[1])
	there.hears("bytes \x00\xff")
	if _, answer := second.send("POST", "a", "", `{"to":"a","data":{"n":1}}`); answer != "2" {
		t.Errorf("sent to %s", answer)
	}
	here.hears(`{"n":1}`)
	there.hears(`{"n":1}`)
	if _, body := first.call("GET", "/api/v1/admin/channels/a/connections", ""); !strings.Contains(body, ids[0]) || !strings.Contains(body, ids[1]) {
		t.Error(body)
	}
	named := second.connected("con_a", "") // which looks like a connection, and is a channel
	asked(first, 200, `{"to":"con_a","data":"by name"}`)
	named.hears("by name")
	asked(first, 404, `{"to":%q,"code":4000,"reason":"a\u0000b"}`, ids[1])
	asked(first, 200, `{"to":%q,"code":4000,"reason":"from afar"}`, ids[1])
	there.hears("close 4000 from afar")
	first.hearsOf(t, "channel.a.disconnected", 1)
	asked(first, 404, `{"to":%q,"data":"late"}`, ids[1])
	for _, body := range []string{`{"to":"con_\u0000","data":"n"}`, `{"to":"con_\u0000","code":1000}`} {
		if resp, answer := first.send("POST", "a", "", body); resp.StatusCode != 404 || !strings.Contains(answer, "SocketError") {
			t.Errorf("%s: %d %s", body, resp.StatusCode, answer)
		}
	}

	// A node that is gone is noticed, and its connections are none any more.
	err := first.hub.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO channel_connections (id, channel, node, address, opened_at) VALUES ('con_left', 'a', 'node_gone', '192.0.2.1', 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	asked(first, 404, `{"to":"con_left","data":"nobody"}`)
	for range 2 { // once is enough
		if err := second.hub.ForgetSockets(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if f := first.hearsOf(t, "channel.a.disconnected", 2); !strings.Contains(string(f.Items[1].Event.Data), "The node that had the connection has gone.") {
		t.Errorf("%s", f.Items[1].Event.Data)
	}
	here.say("still here")
	here.hears(ids[0])
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

// TestWebsocketRestart: who was there is there no more after a restart, and the
// log tells of it.
func TestWebsocketRestart(t *testing.T) {
	data := t.TempDir()
	t.Run("before", func(t *testing.T) {
		s := serveAs(t, hub.Options{Data: data}, nil, chatFiles)
		w := s.connected("chat", "")
		s.hearsOf(t, "channel.chat.connected", 1)
		s.stop()
		w.hears("close 1001 The server is stopping; connect again.")
	})
	s := serveAs(t, hub.Options{Data: data}, nil, chatFiles)
	if f := s.hearsOf(t, "channel.chat.disconnected", 1); !strings.Contains(string(f.Items[0].Event.Data), `"code":1001`) {
		t.Errorf("%s", f.Items[0].Event.Data)
	}
	if _, body := s.call("GET", "/api/v1/admin/channels/chat/connections", ""); strings.TrimSpace(body) != `{"items":[]}` {
		t.Error(body)
	}
}
