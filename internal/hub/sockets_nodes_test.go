package hub_test

import (
	"fmt"
	"strings"
	"testing"

	"junctor/internal/db"
)

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
