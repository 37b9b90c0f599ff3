package hub_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"
)

// openLink is a link as the admin API shows it.
type openLink struct {
	ID, Kind, Target, Title, Run string
	Uses, Used                   int
	Confirm                      bool
	CreatedAt                    time.Time `json:"created_at"`
	ExpiresAt                    time.Time `json:"expires_at"`
}

// listed are the links that a query lists, and all that was answered.
func (s *site) listed(query string) (all []openLink, text string) {
	s.t.Helper()
	for after := ""; ; {
		status, page := s.api("GET", "/api/v1/admin/links?limit=2"+query+after, "")
		var read struct {
			Items []openLink
			Next  string
		}
		if err := json.Unmarshal([]byte(page), &read); status != 200 || err != nil || len(read.Items) > 2 {
			s.t.Fatalf("links %s: %d %s", query, status, page)
		}
		all, text = append(all, read.Items...), text+page
		if read.Next == "" {
			return all, text
		}
		after = "&after=" + read.Next
	}
}

func TestOpenLinksAreListedAndRevoked(t *testing.T) {
	files := maps.Clone(linkFiles)
	files["junctor.yaml"] += `
  ask: { type: public, scenario: ask }
roles:
  desk: { admin: [runs] }
  other: { admin: [approvals] }
applications:
  desk: { password: desk, roles: [desk] }
  other: { password: other, roles: [other] }
`
	files["scenarios/ask.ts"] = `import { approval } from "junctor"; export default async () => approval({ subject: "A1", choices: ["yes", "no"], timeout: "1d" });`
	eachSite(t, files, func(t *testing.T, s *site) {
		event := s.mint("event", "order.approved", map[string]any{"subject": "4711", "data": map[string]any{"card": "sensitive"}, "title": "Approve it", "uses": 3})
		twin := s.mint("event", "order.rejected", map[string]any{"uses": "unlimited"})
		start := s.mint("run", "cancel", map[string]any{"number": "sensitive"}, map[string]any{"confirm": false})
		all, text := s.listed("")
		if len(all) != 3 || all[0].Target+all[1].Target+all[2].Target != "cancelorder.rejectedorder.approved" {
			t.Fatalf("listed %s", text)
		}
		for _, url := range []string{event, twin, start} {
			if token := url[strings.LastIndex(url, "/")+1:]; strings.Contains(text, token) || strings.Contains(text, token[:16]) {
				t.Errorf("the list has a token: %s", text)
			}
		}
		if strings.Contains(text, "sensitive") {
			t.Errorf("the list has what a link carries: %s", text)
		}
		if l := all[2]; l.Kind != "event" || l.Title != "Approve it" || l.Uses != 3 || l.Used != 0 || !l.Confirm || !strings.HasPrefix(l.Run, "run_") || l.ExpiresAt.Sub(l.CreatedAt) < 6*24*time.Hour {
			t.Errorf("shown as %+v", l)
		}
		if l := all[1]; l.Uses != 0 || all[0].Confirm || all[0].Kind != "run" || all[0].Uses != 1 {
			t.Errorf("shown as %+v, %+v", l, all[0])
		}
		for query, want := range map[string]int{"&kind=event": 2, "&kind=run,event": 3, "&kind=choice": 0, "&target=cancel": 1, "&target=canc": 0, "&run=" + all[2].Run: 1, "&kind=run&run=" + all[2].Run: 0} {
			if got, text := s.listed(query); len(got) != want {
				t.Errorf("%s lists %s", query, text)
			}
		}
		for query, status := range map[string]int{"?kind=other": 400, "?after=%25": 400, "?subject=x": 400} {
			if got, text := s.api("GET", "/api/v1/admin/links"+query, ""); got != status {
				t.Errorf("%s: %d %s", query, got, text)
			}
		}

		// Used up, a link is in the list no more; used once of three times it is.
		for _, url := range []string{event, start} {
			if res, text := s.open("POST", url, ""); res.StatusCode != 200 {
				t.Fatalf("%d %s", res.StatusCode, text)
			}
		}
		if left, text := s.listed(""); len(left) != 2 || left[1].ID != all[2].ID || left[1].Used != 1 {
			t.Errorf("after two were used: %s", text)
		}

		// Revoked, it is dead, once.
		path := "/api/v1/admin/links/" + all[2].ID
		for _, c := range []struct {
			who    string
			status int
		}{{"other:other", 403}, {"desk:desk", 204}, {"desk:desk", 404}} {
			if got, text := s.callAs("DELETE", path, "", c.who); got != c.status {
				t.Errorf("%s revokes it: %d %s", c.who, got, text)
			}
		}
		if got, text := s.callAs("GET", "/api/v1/admin/links", "", "other:other"); got != 403 {
			t.Errorf("who may not see runs: %d %s", got, text)
		}
		if res, _ := s.open("POST", event, ""); res.StatusCode != 404 {
			t.Errorf("revoked, it answers %d", res.StatusCode)
		}
		for _, id := range []string{all[0].ID, "lnk_none"} { // used up; none
			if got, text := s.api("DELETE", "/api/v1/admin/links/"+id, ""); got != 404 {
				t.Errorf("%s: %d %s", id, got, text)
			}
		}
		if _, audit := s.api("GET", "/api/v1/admin/audit?action=link.revoke", ""); strings.Count(audit, `"author":"desk"`) != 1 || !strings.Contains(audit, `"object":"link/`+all[2].ID+`"`) {
			t.Errorf("audit: %s", audit)
		}

		// The links of an approval go with its decision.
		s.send("POST", "ask", "", "{}")
		var choices []openLink
		s.until("the approval is open", func() bool {
			choices, _ = s.listed("&kind=choice")
			return len(choices) == 2
		})
		if status, text := s.api("POST", "/api/v1/admin/approvals/"+choices[0].Target, `{"choice":"yes"}`); status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		if left, text := s.listed("&target=" + choices[0].Target); len(left) != 0 {
			t.Errorf("after the decision: %s", text)
		}
		if got, text := s.api("DELETE", "/api/v1/admin/links/"+choices[0].ID, ""); got != 404 {
			t.Errorf("a link of what is decided: %d %s", got, text)
		}
	})
}
