package hub_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The websockets of all channels and nodes stand in one list.
func TestWebsocketsOfAllChannels(t *testing.T) {
	files := map[string]string{
		"junctor.yaml": `
channels:
  a: { type: public, websocket_scenario: echo }
  b: { type: public, websocket_scenario: echo }
roles:
  desk: { admin: [channels] }
  other: { admin: [runs] }
applications:
  desk: { password: desk, roles: [desk] }
  other: { password: other, roles: [other] }
`,
		"scenarios/echo.ts": `export default (message) => message.text();`,
	}
	eachSite(t, files, func(t *testing.T, s *site) {
		for _, channel := range []string{"a", "b", "a"} {
			w := s.connected(channel, "")
			w.say("here")
			w.hears("here")
		}
		type connection struct{ ID, Channel, Node, Address string }
		list := func(query string) (all []connection) {
			t.Helper()
			for after := ""; ; {
				_, text := s.api("GET", "/api/v1/admin/websockets?limit=1"+query+after, "")
				var page struct {
					Items []connection
					Next  string
				}
				if err := json.Unmarshal([]byte(text), &page); err != nil || len(page.Items) > 1 {
					t.Fatalf("%s: %s", query, text)
				}
				all = append(all, page.Items...)
				if page.Next == "" {
					return all
				}
				after = "&after=" + page.Next
			}
		}
		all := list("")
		if len(all) != 3 || all[0].Channel+all[1].Channel+all[2].Channel != "aba" || all[0].ID > all[1].ID || all[1].Address != "127.0.0.1" {
			t.Fatalf("listed %v", all)
		}
		for query, want := range map[string]string{
			"&channel=a": all[0].ID + all[2].ID, "&channel=b&node=" + all[0].Node: all[1].ID, "&node=" + all[0].Node: all[0].ID + all[1].ID + all[2].ID,
			"&channel=none": "", "&node=none": "",
		} {
			got := ""
			for _, one := range list(query) {
				got += one.ID
			}
			if got != want {
				t.Errorf("%s lists %s, want %s", query, got, want)
			}
		}
		for path, status := range map[string]int{"?channel=a&channel=b": 400, "?address=x": 400, "?limit=0": 400, "?after=%25": 400} {
			if got, text := s.api("GET", "/api/v1/admin/websockets"+path, ""); got != status {
				t.Errorf("%s: %d %s", path, got, text)
			}
		}
		for who, status := range map[string]int{"desk:desk": 200, "other:other": 403} {
			if got, text := s.callAs("GET", "/api/v1/admin/websockets", "", who); got != status {
				t.Errorf("%s: %d %s", who, got, text)
			}
		}
		if status, text := s.api("DELETE", "/api/v1/admin/channels/b/connections/"+all[1].ID, ""); status != 204 {
			t.Errorf("close: %d %s", status, text)
		}
		s.until("it is closed", func() bool {
			return !slices.ContainsFunc(list(""), func(one connection) bool { return one.ID == all[1].ID })
		})
		if text := fmt.Sprint(list("")); strings.Contains(text, all[1].ID) {
			t.Error(text)
		}
	})
}
