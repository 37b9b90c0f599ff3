package hub_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"junctor/internal/load"
)

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
