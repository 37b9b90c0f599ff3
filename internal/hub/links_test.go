package hub_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/hub"
	"junctor/internal/run"
	"junctor/internal/secret"
)

var linkFiles = map[string]string{
	"junctor.yaml": "channels:\n  mint: { type: public, scenario: mint, await: true, retry: { attempts: 1 } }\n",
	"scenarios/mint.ts": `import { links, type Request } from "junctor";
export default async function (request: Request) {
  const { call, args } = request.json<{ call: "event" | "run" | "revoke"; args: any[] }>();
  const args_ = args.map((a) => (a?.expires?.date ? { ...a, expires: new Date(a.expires.date) } : a));
  try { return { url: await (links as any)[call](...args_) }; } catch (e) { return { error: (e as Error).name + ": " + (e as Error).message }; }
}`,
	"scenarios/cancel.ts": `import { run } from "junctor"; export default async (input: { number: string }) => { run.tag("by-link"); return input; };`,
}

// eachSite is a site on both databases.
func eachSite(t *testing.T, files map[string]string, f func(t *testing.T, s *site), more ...func(*hub.Options)) {
	t.Helper()
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			at := ""
			if where == "postgres" {
				at = database(t)
			}
			f(t, serveOn(t, at, files, more...))
		})
	}
}

// mint makes a link and returns its URL.
func (s *site) mint(call string, args ...any) string {
	s.t.Helper()
	url, wrong := s.tryMint(call, args...)
	if wrong != "" {
		s.t.Fatalf("%s: %s", call, wrong)
	}
	return url
}

func (s *site) tryMint(call string, args ...any) (url, wrong string) {
	s.t.Helper()
	sent, err := json.Marshal(map[string]any{"call": call, "args": args})
	if err != nil {
		s.t.Fatal(err)
	}
	resp, body := s.send("POST", "mint", "", string(sent))
	var answer struct {
		URL   any
		Error string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != 200 {
		s.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return fmt.Sprint(answer.URL), answer.Error
}

// open is a request to a link.
func (s *site) open(method, url, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	path, ok := strings.CutPrefix(url, s.base)
	if !ok {
		s.t.Fatalf("%s does not begin with %s", url, s.base)
	}
	return s.do(method, path, body, header)
}

const browser = "text/html,application/xhtml+xml,*/*;q=0.8"

func (s *site) toldOf(types string) []string {
	s.t.Helper()
	var all []string
	for _, i := range s.events("types", types).Items {
		all = append(all, i.Event.Type+" "+i.Event.Subject+" "+string(i.Event.Data))
	}
	return all
}

func TestALinkRaisesAnEventOnce(t *testing.T) {
	eachSite(t, linkFiles, func(t *testing.T, s *site) {
		url := s.mint("event", "order.received", map[string]any{"subject": 4711, "data": map[string]any{"n": 1.5}, "title": "Has it arrived?", "done": "Thank you."})
		if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+/link/v1/[0-9a-hjkmnp-tv-z]{40}$`).MatchString(url) {
			t.Fatal(url)
		}
		// Whatever looks at it does nothing.
		for _, look := range [][]string{{"GET"}, {"HEAD"}, {"OPTIONS"}, {"GET", "Accept", browser}, {"HEAD", "Accept", browser}, {"GET", "Sec-Purpose", "prefetch"}, {"PUT"}, {"DELETE"}} {
			resp, body := s.open(look[0], url+"?utm_source=mail", "", look[1:]...)
			want := map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "PUT": 405, "DELETE": 405}[look[0]]
			if resp.StatusCode != want || want != 200 && resp.Header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
				t.Errorf("%v: %d %s", look, resp.StatusCode, body)
			}
		}
		if got := s.toldOf("order.*"); len(got) != 0 {
			t.Fatalf("a look has told %v", got)
		}
		resp, body := s.open("POST", url, "", "Accept", browser)
		if resp.StatusCode != 200 || !strings.Contains(body, "<h1>Done</h1>") || !strings.Contains(body, "Thank you.") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		for _, again := range []string{"POST", "POST", "GET"} {
			resp, body := s.open(again, url, "", "Accept", browser)
			if want := map[string]int{"POST": 409, "GET": 200}[again]; resp.StatusCode != want || !strings.Contains(body, "<h1>Used already</h1>") {
				t.Errorf("%s: %d %s", again, resp.StatusCode, body)
			}
		}
		resp, body = s.open("POST", url, "")
		if resp.StatusCode != 409 || resp.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, "used already") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		got := s.events("types", "order.*").Items
		if len(got) != 1 || string(got[0].Event.Data) != `{"n":1.5}` || got[0].Event.Subject != "4711" || got[0].Event.Source != "/junctor/default" ||
			!strings.HasPrefix(got[0].Event.ID, "lnk_") || got[0].Event.JunctorRun == "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestALinkStartsARun(t *testing.T) {
	eachSite(t, linkFiles, func(t *testing.T, s *site) {
		url := s.mint("run", "cancel", map[string]any{"number": "4711"}, map[string]any{"subject": "4711", "tags": []string{"a"}, "uses": 2})
		for range 2 {
			resp, body := s.open("POST", url, "comment=x", "Content-Type", "application/x-www-form-urlencoded")
			if resp.StatusCode != 200 {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			info := s.ended(resp.Header.Get("Junctor-Run"))
			if info.State != run.Succeeded || !strings.HasPrefix(info.Source, "link:lnk_") || info.Subject != "4711" || len(info.Tags) != 2 || !strings.Contains(string(info.Output), `"number":"4711"`) {
				t.Errorf("%+v %s", info, info.Output)
			}
		}
		if resp, body := s.open("POST", url, ""); resp.StatusCode != 409 {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		if list, _, err := s.hub.Runs().List(t.Context(), run.Filter{Program: "scenario:cancel"}); err != nil || len(list) != 2 {
			t.Errorf("%d runs, %v", len(list), err)
		}
		// Whose scenario is not there any more waits unused until it is.
		url = s.mint("run", "cancel", nil)
		without := map[string]string{"junctor.yaml": linkFiles["junctor.yaml"], "scenarios/mint.ts": linkFiles["scenarios/mint.ts"]}
		s.apply(without)
		if resp, body := s.open("POST", url, ""); resp.StatusCode != 503 || strings.Contains(body, "cancel") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
		s.apply(linkFiles)
		if resp, body := s.open("POST", url, ""); resp.StatusCode != 200 {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	})
}

// Links for machines act by GET, and by nothing that only looks.
func TestALinkForMachines(t *testing.T) {
	s := serve(t, linkFiles)
	url := s.mint("event", "door.opened", map[string]any{"confirm": false, "uses": "unlimited"})
	s.open("HEAD", url, "")
	s.open("OPTIONS", url, "")
	s.open("GET", url, "", "Sec-Purpose", "prefetch;prerender")
	s.open("GET", url, "", "Purpose", "prefetch")
	if got := s.toldOf("door.*"); len(got) != 0 {
		t.Fatal(got)
	}
	for range 3 {
		if resp, body := s.open("GET", url, ""); resp.StatusCode != 200 || !strings.Contains(body, `"done":true`) {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if got := s.toldOf("door.*"); len(got) != 3 {
		t.Error(got)
	}
	url = s.mint("event", "door.closed", map[string]any{"confirm": false})
	s.open("GET", url, "")
	if resp, body := s.open("GET", url, ""); resp.StatusCode != 409 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// As many succeed as there are uses, however many come at once, at whichever node.
func TestALinkAtTheSameTime(t *testing.T) {
	t.Setenv(secret.EnvKey, strings.Repeat("0f", secret.KeySize)) // of all nodes
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			at := ""
			if where == "postgres" {
				at = database(t)
			}
			nodes := []*site{serveOn(t, at, linkFiles)}
			if at != "" {
				nodes = append(nodes, serveOn(t, at, linkFiles))
			}
			for _, uses := range []int{1, 5} {
				event, started := nodes[0].mint("event", "pressed.often", map[string]any{"uses": uses}), nodes[0].mint("run", "cancel", nil, map[string]any{"uses": uses, "subject": fmt.Sprint(uses)})
				var all sync.WaitGroup
				var mu sync.Mutex
				got := map[int]int{}
				for i := range 40 {
					all.Go(func() {
						s := nodes[i%len(nodes)]
						url := []string{event, started}[i/len(nodes)%2]
						resp, _ := s.do("POST", strings.TrimPrefix(url, nodes[0].base), "", nil)
						mu.Lock()
						defer mu.Unlock()
						got[resp.StatusCode]++
					})
				}
				all.Wait()
				if got[200] != 2*uses || got[409] != 40-2*uses {
					t.Errorf("%d uses: %v", uses, got)
				}
				list, _, err := nodes[0].hub.Runs().List(t.Context(), run.Filter{Subject: fmt.Sprint(uses)})
				if err != nil || len(list) != uses {
					t.Errorf("%d runs for %d uses, %v", len(list), uses, err)
				}
			}
			if n := len(nodes[0].toldOf("pressed.*")); n != 6 {
				t.Errorf("%d events", n)
			}
		})
	}
}

func TestLinksThatAreNone(t *testing.T) {
	now := clock.NewFake(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	s := serveOn(t, "", linkFiles, func(o *hub.Options) { o.Clock = now })
	kept, short, revoked := s.mint("event", "a.kept", map[string]any{"expires": "3d"}), s.mint("event", "a.short", map[string]any{"expires": "1h"}), s.mint("event", "a.revoked")
	if first, second := s.mint("revoke", revoked), s.mint("revoke", revoked); first != "true" || second != "false" {
		t.Errorf("revoked %s and %s", first, second)
	}
	dated := s.mint("event", "a.dated", map[string]any{"expires": map[string]any{"date": "2026-11-22T08:30:00Z"}})
	if resp, _ := s.open("GET", dated, ""); resp.StatusCode != 200 {
		t.Error(resp.StatusCode)
	}
	now.Advance(time.Hour)
	token := kept[strings.LastIndexByte(kept, '/')+1:]
	swapped := "0" + token[1:]
	if token[0] == '0' {
		swapped = "1" + token[1:]
	}
	other := short[strings.LastIndexByte(short, '/')+1:]
	dead := map[string]string{
		"expired": short, "expired at a time": dated, "revoked": revoked, "altered": s.base + "/link/v1/" + swapped, "upper case": s.base + "/link/v1/" + strings.ToUpper(token),
		"cut off": kept[:len(kept)-1], "longer": kept + "0", "with a path": kept + "/x", "nothing": s.base + "/link/v1/", "half of each": s.base + "/link/v1/" + token[:16] + other[16:],
		"the other halves": s.base + "/link/v1/" + other[:16] + token[16:], "very long": s.base + "/link/v1/" + strings.Repeat("0", 30_000),
		"not of the alphabet": s.base + "/link/v1/" + strings.Repeat("u", 40), "a line's end": s.base + "/link/v1/" + token[:39] + "%0A", "a NUL": s.base + "/link/v1/%00" + token[1:],
	}
	answers := map[string][]string{}
	for what, url := range dead {
		for _, method := range []string{"GET", "POST"} {
			resp, body := s.open(method, url, "")
			if resp.StatusCode != 404 {
				t.Errorf("%s %s: %d", method, what, resp.StatusCode)
			}
			answers[body] = append(answers[body], what)
			now.Advance(20 * time.Second) // so that it is no guessing
		}
	}
	if len(answers) != 1 {
		t.Errorf("they are told apart: %v", answers)
	}
	resp, body := s.open("GET", short, "", "Accept", browser)
	if resp.StatusCode != 404 || !strings.Contains(body, "<h1>This link is not valid</h1>") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if got := s.toldOf("a.*"); len(got) != 0 {
		t.Errorf("told is %v", got)
	}
	if resp, body := s.open("POST", kept, ""); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	// Who guesses waits; others do not.
	refused := 0
	for range 40 {
		if resp, _ := s.open("POST", s.base+"/link/v1/"+swapped, ""); resp.StatusCode == 429 && resp.Header.Get("Retry-After") != "" {
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("%d of 40 guesses were refused", refused)
	}
	// One secret ends them all.
	now.Advance(time.Hour)
	again := s.mint("event", "a.again")
	if resp, body := s.call("DELETE", "/api/v1/admin/secrets/junctor.links", ""); resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := s.open("POST", again, ""); resp.StatusCode != 404 {
		t.Error(resp.StatusCode)
	}
	if resp, _ := s.open("POST", s.mint("event", "a.new"), ""); resp.StatusCode != 200 {
		t.Error(resp.StatusCode)
	}
}

// What a scenario and people write is text on the page, whatever it looks like.
func TestTheLinksPage(t *testing.T) {
	s := serve(t, linkFiles)
	nasty := `</title></style><script>alert(1)</script><img src=x onerror=alert(1)>" onfocus="x' {{.}}`
	url := s.mint("event", "x.y", map[string]any{"title": nasty, "text": nasty + "\nsecond line", "button": `"><b>`, "done": nasty, "subject": nasty})
	for _, method := range []string{"GET", "POST", "POST"} {
		resp, body := s.open(method, url, "", "Accept", browser)
		for _, never := range []string{"<script", "<img", "<b>", `" onfocus`} {
			if strings.Contains(body, never) {
				t.Errorf("%s: the page has %s\n%s", method, never, body)
			}
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
			"Content-Type": "text/html; charset=utf-8",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", method, name, got)
			}
		}
		policy := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
				t.Error(policy)
			}
		}
		if style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body); style == nil || !strings.Contains(policy, "'sha256-"+digestOf(style[1])+"'") {
			t.Error("the policy does not let the page's style be used")
		}
	}
	got := s.events("types", "x.y").Items
	if len(got) != 1 || got[0].Event.Subject != nasty {
		t.Errorf("%+v", got)
	}
}

func TestLinksThatCannotBeMade(t *testing.T) {
	s := serve(t, linkFiles)
	long := strings.Repeat("x", 70_000)
	for _, c := range []struct {
		says string
		call string
		args []any
	}{
		{"TypeError: links.event: type begins with a word", "event", []any{"record.orders.created"}},
		{"TypeError: links.event: type begins with a word", "event", []any{"approval.decided"}},
		{"TypeError: links.event: the type is a text", "event", []any{""}},
		{"TypeError: links.event: type has a control character", "event", []any{"a\x00b"}},
		{"TypeError: links.event knows no option \"ttl\"", "event", []any{"a", map[string]any{"ttl": 1}}},
		{"TypeError: links.event: uses is", "event", []any{"a", map[string]any{"uses": 0}}},
		{"TypeError: links.event: uses is", "event", []any{"a", map[string]any{"uses": 1.5}}},
		{"TypeError: links.event: uses is", "event", []any{"a", map[string]any{"uses": 1e9}}},
		{"TypeError: links.event: uses is", "event", []any{"a", map[string]any{"uses": 1e300}}},
		{"TypeError: \"soon\" is not a duration", "event", []any{"a", map[string]any{"expires": "soon"}}},
		{"TypeError: links.event: expires lies in the past", "event", []any{"a", map[string]any{"expires": 0}}},
		{"TypeError: links.event: expires lies in the past", "event", []any{"a", map[string]any{"expires": map[string]any{"date": "2020-01-01T00:00:00Z"}}}},
		{"TypeError: links.event: expires is more than ten years", "event", []any{"a", map[string]any{"expires": "4000d"}}},
		{"TypeError: links.event: expires is more than ten years", "event", []any{"a", map[string]any{"expires": 1e300}}},
		{"TypeError: \"999", "event", []any{"a", map[string]any{"expires": strings.Repeat("9", 400) + "d"}}},
		{"TypeError: +275760-09-13T00:00:00.000Z is not a time", "event", []any{"a", map[string]any{"expires": map[string]any{"date": 8.64e15}}}},
		{"TypeError: an invalid Date is not a time", "event", []any{"a", map[string]any{"expires": map[string]any{"date": "never"}}}},
		{"TypeError: links.event: title has 300 bytes", "event", []any{"a", map[string]any{"title": strings.Repeat("x", 300)}}},
		{"TypeError: links.event: title has a control", "event", []any{"a", map[string]any{"title": "a\nb"}}},
		{"TypeError: links.event: text has a character that turns", "event", []any{"a", map[string]any{"text": "a\u202eb"}}},
		{"TypeError: links.event: title is a text", "event", []any{"a", map[string]any{"title": []int{1}}}},
		{"TypeError: links.event: confirm is true or false", "event", []any{"a", map[string]any{"confirm": "no"}}},
		{"TypeError: links.event: has more than 64 KiB", "event", []any{"a", map[string]any{"data": long}}},
		{"TypeError: links.event: subject has", "event", []any{"a", map[string]any{"subject": long}}},
		{"TypeError: links.run takes the name", "run", []any{""}},
		{"TypeError: There is no scenario \"cancle\"", "run", []any{"cancle"}},
		{"TypeError: links.run: has more than 64 KiB", "run", []any{"cancel", long}},
		{"TypeError: links.revoke takes the URL", "revoke", []any{7}},
	} {
		if url, wrong := s.tryMint(c.call, c.args...); !strings.HasPrefix(wrong, c.says) {
			t.Errorf("%s%.80v: %s %s, want %s", c.call, c.args, url, wrong, c.says)
		}
	}
	for _, none := range []string{"", "http://example.com/", "https://example.com/link/v1/" + strings.Repeat("0", 40)} {
		if got := s.mint("revoke", none); got != "false" {
			t.Errorf("%q: %s", none, got)
		}
	}
}

func TestWhatIsSentToALink(t *testing.T) {
	s := serve(t, linkFiles)
	url := s.mint("event", "a.b")
	for _, c := range []struct {
		status     int
		kind, body string
	}{
		{413, "application/x-www-form-urlencoded", "comment=" + strings.Repeat("x", 70_000)},
		{415, "text/plain", "hello"},
		{415, "", "hello"},
		{400, "application/json", "{"},
		{400, "application/json", `{"comment": 7}`},
		{400, "application/json", `{"comment": "x", "choice": "no"}`},
		{400, "application/x-www-form-urlencoded", "comment=%zz"},
		{400, "application/x-www-form-urlencoded", "choice=no"},
	} {
		if resp, body := s.open("POST", url, c.body, "Content-Type", c.kind); resp.StatusCode != c.status {
			t.Errorf("%s %.20s: %d %s", c.kind, c.body, resp.StatusCode, body)
		}
	}
	if got := s.toldOf("a.*"); len(got) != 0 {
		t.Error(got)
	}
	if resp, _ := s.open("POST", url, `{"comment": "x"}`, "Content-Type", "application/json"); resp.StatusCode != 200 {
		t.Error(resp.StatusCode)
	}
}

// Links lead to the public address, and are there and nowhere else.
func TestLinksAtThePublicAddress(t *testing.T) {
	s := serveOn(t, "", linkFiles, func(o *hub.Options) { o.PublicListen = "127.0.0.1:0" })
	s.base, s.public = s.public, s.base // messages come there
	url := s.mint("event", "a.b")
	if !strings.HasPrefix(url, s.base+"/link/v1/") {
		t.Fatalf("%s is not at %s", url, s.base)
	}
	inside, err := http.Get(strings.Replace(url, s.base, s.public, 1))
	if err != nil {
		t.Fatal(err)
	}
	inside.Body.Close()
	if inside.StatusCode != 404 {
		t.Errorf("inside: %d", inside.StatusCode)
	}
	if resp, body := s.open("POST", url, ""); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestLinksBeginWithThePublicURL(t *testing.T) {
	s := serveOn(t, "", linkFiles, func(o *hub.Options) { o.PublicURL = "https://hooks.example.com/" })
	if url := s.mint("event", "a.b"); !strings.HasPrefix(url, "https://hooks.example.com/link/v1/") {
		t.Error(url)
	}
}

// A link is good at every node, and after the master key was replaced.
func TestLinksOutliveTheMasterKey(t *testing.T) {
	data, url := t.TempDir(), ""
	t.Run("before", func(t *testing.T) {
		s := serveOn(t, "", linkFiles, func(o *hub.Options) { o.Data = data })
		url = strings.TrimPrefix(s.mint("event", "a.b"), s.base)
	})
	h, err := hub.Open(t.Context(), hub.Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := h.RotateKey(t.Context(), "test"); err != nil || done.Sealed != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	s := serveOn(t, "", linkFiles, func(o *hub.Options) { o.Data = data })
	if resp, body := s.do("POST", url, "", nil); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
