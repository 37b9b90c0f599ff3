package hub_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"junctor/internal/hub"
)

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
