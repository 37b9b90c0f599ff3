package hub_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/hub"
)

const senders = `channels:
  webhooks: { type: public, scenario: echo, await: true, verify: { standard-webhooks: "${env:WEBHOOKS}" } }
  stripe: { type: public, scenario: echo, await: true, verify: { stripe: whsec_test_secret } }
  github: { type: public, scenario: echo, verify: [{ github: newer }, { github: "It's a Secret to Everybody" }] }
  shopify: { type: public, scenario: echo, await: true, verify: { shopify: hush } }
  slack:
    type: public
    scenario: echo
    await: true
    verify:
      hmac:
        header: X-Slack-Signature
        secret: "${env:SLACK}"
        prefix: v0=
        timestamp_header: X-Slack-Request-Timestamp
        content: "v0:{timestamp}:{body}"
  unset: { type: public, scenario: echo, verify: { hmac: { header: X-Signature, secret: "${secret:never_set}" } } }
  empty: { type: public, scenario: echo, verify: { github: "${env:EMPTY}" } }
  broken: { type: public, scenario: echo, verify: { standard-webhooks: "${env:SLACK}!" } }
`

// mac is an HMAC with SHA-256.
func mac(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// as is how the sender of a channel signs a message at a time, in headers.
func as(sender, id, body string, at time.Time) []string {
	stamp := seconds(at)
	switch sender {
	case "webhooks":
		sum := mac("0123456789abcdef01234567", id+"."+stamp+"."+body)
		return []string{"Webhook-Id", id, "Webhook-Timestamp", stamp, "Webhook-Signature", "v1," + base64.StdEncoding.EncodeToString(sum)}
	case "stripe":
		return []string{"Stripe-Signature", "t=" + stamp + ",v1=" + hex.EncodeToString(mac("whsec_test_secret", stamp+"."+body)) + ",v0=00"}
	case "github":
		return []string{"X-GitHub-Delivery", id, "X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac("It's a Secret to Everybody", body))}
	case "shopify":
		return []string{"X-Shopify-Event-Id", id, "X-Shopify-Topic", "orders/create", "X-Shopify-Hmac-Sha256", base64.StdEncoding.EncodeToString(mac("hush", body))}
	default:
		return []string{"X-Slack-Request-Timestamp", stamp, "X-Slack-Signature", "v0=" + hex.EncodeToString(mac("8f742231b10e", "v0:"+stamp+":"+body))}
	}
}

func serveSenders(t *testing.T) (*site, *clock.Fake) {
	t.Helper()
	t.Setenv("WEBHOOKS", "whsec_"+base64.StdEncoding.EncodeToString([]byte("0123456789abcdef01234567")))
	t.Setenv("SLACK", "8f742231b10e")
	t.Setenv("EMPTY", "")
	now := clock.NewFake(time.Unix(1614265330, 0))
	return serveAs(t, hub.Options{Clock: now}, slog.LevelDebug, map[string]string{"junctor.yaml": senders, "scenarios/echo.ts": echo}), now
}

func TestSenders(t *testing.T) {
	s, now := serveSenders(t)
	refusal := ""
	for _, sender := range []string{"webhooks", "stripe", "github", "shopify", "slack"} {
		t.Run(sender, func(t *testing.T) {
			body := `{"id":"evt_` + sender + `","text":"žluťoučký"}`
			good := as(sender, "one", body, now.Now())
			resp, answer := s.send("POST", sender, "", body, good...)
			if resp.StatusCode != 200 || resp.Header.Get("Junctor-Run") == "" || sender != "github" && !strings.Contains(answer, "žluťoučký") {
				t.Fatalf("%d %s", resp.StatusCode, answer)
			}
			before := s.count()
			packed := packed("gzip", body)
			if resp, answer := s.send("POST", sender, "", packed, append(as(sender, "two", body, now.Now()), "Content-Encoding", "gzip")...); resp.StatusCode != 200 {
				t.Errorf("compressed: %d %s", resp.StatusCode, answer)
			}
			refused := func(what, sent string, header []string) {
				t.Helper()
				resp, answer := s.send("POST", sender, "", sent, header...)
				if refusal == "" {
					refusal = answer
				}
				if resp.StatusCode != 401 || answer != refusal || resp.Header.Get("WWW-Authenticate") == "" || resp.Header.Get("Junctor-Run") != "" {
					t.Errorf("%s: %d %s %v", what, resp.StatusCode, answer, resp.Header)
				}
			}
			refused("another body", body+" ", good)
			refused("no signature", body, good[:len(good)-2])
			refused("an odd signature", body, append(good[:len(good)-1:len(good)-1], "%"))
			refused("the signature of the packed body", packed, append(as(sender, "three", packed, now.Now()), "Content-Encoding", "gzip"))
			if sender != "github" && sender != "shopify" {
				refused("old", body, as(sender, "four", body, now.Now().Add(-5*time.Minute-time.Second)))
				refused("of the future", body, as(sender, "five", body, now.Now().Add(5*time.Minute+time.Second)))
			}
			if n := s.count() - before; n > 1 {
				t.Errorf("%d runs of refused messages", n-1)
			}
		})
	}
	for _, channel := range []string{"unset", "empty", "broken"} {
		if resp, answer := s.send("POST", channel, "", "x", as("github", "x", "x", now.Now())...); resp.StatusCode != 503 || strings.Contains(answer, "SLACK") {
			t.Errorf("%s: %d %s", channel, resp.StatusCode, answer)
		}
	}
	log := s.logged()
	for _, why := range []string{"is missing", "the tolerance", ": no signature is that of the message", "5m1s from the future"} {
		if !strings.Contains(log, why) {
			t.Errorf("the log does not say that %s", why)
		}
	}
	for _, secret := range []string{"8f742231b10e", "whsec_M", "Secret to Everybody", "hush", "v1,", "v0=", "sha256="} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %s", secret)
		}
	}
}

// TestSendersRepeat: a sender's own identifier of the message makes it one.
func TestSendersRepeat(t *testing.T) {
	s, now := serveSenders(t)
	for _, sender := range []string{"webhooks", "stripe", "github", "shopify"} {
		body := `{"id":"evt_1"}`
		first, _ := s.send("POST", sender, "", body, as(sender, "one", body, now.Now())...)
		s.ended(first.Header.Get("Junctor-Run"))
		now.Advance(time.Minute) // when Stripe and others sign anew
		second, _ := s.send("POST", sender, "", body, as(sender, "one", body, now.Now())...)
		if second.Header.Get("Junctor-Duplicate") != "true" || second.Header.Get("Junctor-Run") != first.Header.Get("Junctor-Run") {
			t.Errorf("%s: %v then %v", sender, first.Header, second.Header)
		}
		body = `{"id":"evt_2"}`
		if third, _ := s.send("POST", sender, "", body, as(sender, "two", body, now.Now())...); third.StatusCode != 200 || third.Header.Get("Junctor-Duplicate") != "" {
			t.Errorf("%s: another message: %d %v", sender, third.StatusCode, third.Header)
		}
	}
	body := `{"id":"other"}` // of the same event, under another topic
	header := as("shopify", "one", body, now.Now())
	header[3] = "orders/paid"
	if resp, answer := s.send("POST", "shopify", "", body, header...); resp.StatusCode != 200 || resp.Header.Get("Junctor-Duplicate") != "" {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
}

// TestRefusedWithoutTheBody: who cannot be let in is told so before the body
// has come.
func TestRefusedWithoutTheBody(t *testing.T) {
	s, now := serveSenders(t)
	for _, c := range []struct {
		name, channel string
		header        []string
		status        int
	}{
		{"no signature", "github", nil, 401},
		{"no signature in the header", "github", []string{"X-Hub-Signature-256", "sha1=00"}, 401},
		{"old", "stripe", as("stripe", "", "", now.Now().Add(-time.Hour)), 401},
		{"no id", "webhooks", as("webhooks", "a", "", now.Now())[2:], 401},
		{"something like a signature", "github", as("github", "a", "", now.Now()), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			request := "POST /api/token/v1/" + s.token[c.channel] + " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n"
			for i := 0; i < len(c.header); i += 2 {
				request += c.header[i] + ": " + c.header[i+1] + "\r\n"
			}
			if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a connection that was made a moment ago
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			asked := strings.Contains(line, " 100 ")
			if asked != (c.status == 0) || c.status != 0 && !strings.Contains(line, strconv.Itoa(c.status)) {
				t.Errorf("answered %s", line)
			}
		})
	}
}

// TestTokenInTheHeaderAndASignature: a signature leaves Authorization to the
// token.
func TestTokenInTheHeaderAndASignature(t *testing.T) {
	s, now := serveSenders(t)
	s.token["-"] = "-"
	for sent, status := range map[string]int{"the message": 200, "another": 401} {
		header := append(as("github", "one", "the message", now.Now()), "Authorization", "Bearer "+s.token["github"])
		if resp, answer := s.send("POST", "-", "", sent, header...); resp.StatusCode != status {
			t.Errorf("%s: %d %s", sent, resp.StatusCode, answer)
		}
	}
}

// TestKeyInTheBody: a place in the body may tell a repetition.
func TestKeyInTheBody(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml":       "channels:\n  asked: { type: public, scenario: count, await: true, idempotency: { header: $.event.id } }\n",
		"scenarios/count.ts": `import { kv } from "junctor"; export default () => kv.increment("n");`,
	})
	for _, c := range []struct {
		what, first, second, header string
		status                      int
		same                        bool
	}{
		{"a text", `{"event":{"id":"a"}}`, `{"event":{"id":"a"}}`, "", 200, true},
		{"a number", `{"event":{"id":7}}`, `{"event":{"id":7}}`, "", 200, true},
		{"another", `{"event":{"id":"b"}}`, `{"event":{"id":"c"}}`, "", 200, false},
		{"another content", `{"event":{"id":"d"}}`, `{"event":{"id":"d"},"x":1}`, "", 422, false},
		{"none", `{"event":{}}`, `{"event":{}}`, "", 200, false},
		{"null", `{"event":{"id":null}}`, `{"event":{"id":null}}`, "", 200, false},
		{"empty", `{"event":{"id":""}}`, `{"event":{"id":""}}`, "", 200, false},
		{"no JSON", `event`, `event`, "", 200, false},
		{"a header, which does not count", `{}`, `{}`, "k", 200, false},
		{"too long", `{"event":{"id":"e"}}`, `{"event":{"id":"` + strings.Repeat("e", 256) + `"}}`, "", 400, false},
		{"much too long", `{"event":{"id":"f"}}`, `{"event":{"id":"` + strings.Repeat("f", 600) + `"}}`, "", 400, false},
	} {
		first, _ := s.send("POST", "asked", "", c.first, "Idempotency-Key", c.header)
		second, answer := s.send("POST", "asked", "", c.second, "Idempotency-Key", c.header)
		if second.StatusCode != c.status || (second.Header.Get("Junctor-Run") == first.Header.Get("Junctor-Run")) != c.same {
			t.Errorf("%s: %d %s: %v, then %v", c.what, second.StatusCode, answer, first.Header, second.Header)
		}
	}
}

const nonces = `channels:
  asked: { type: public, scenario: once, await: true, nonce: { header: X-Nonce } }
  taken: { type: public, scenario: once, nonce: { header: X-Nonce, window: 10m } }
  ordered: { type: public, scenario: once, await: true, ordering_key: $.o, nonce: { header: X-Nonce } }
  signed:
    type: public
    scenario: once
    await: true
    verify: { hmac: { header: X-Signature, secret: k, timestamp_header: X-Time, content: "{timestamp}.{header:X-Nonce}.{body}" } }
    nonce: { header: X-Nonce, window: 10m }
  paused: { type: public, scenario: once, await: true, paused: true, nonce: { header: X-Nonce } }
`

const once = `import { kv, type Request } from "junctor";
export async function validate(request: Request) {
  await kv.increment("asked");
  return request.text() !== "no";
}
export default async (request: Request) => {
  if (request.text() === "fail") throw new Error("as it was told");
  return await kv.increment("made");
};`

func TestNonces(t *testing.T) {
	now := clock.NewFake(time.Unix(1614265330, 0))
	s := serveAs(t, hub.Options{Clock: now}, nil, map[string]string{"junctor.yaml": nonces, "scenarios/once.ts": once})
	want := func(what string, status int, channel, body string, header ...string) (*http.Response, string) {
		t.Helper()
		before := s.count()
		resp, answer := s.send("POST", channel, "", body, header...)
		if resp.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", what, resp.StatusCode, answer, status)
		}
		if status == 409 && (resp.Header.Get("Retry-After") != "" || !strings.Contains(answer, `"type":"/errors/conflict"`)) {
			t.Errorf("%s: %v %s", what, resp.Header, answer)
		}
		if made := s.count() - before; status != 200 && status != 502 && made != 0 {
			t.Errorf("%s: a run was made", what)
		}
		return resp, answer
	}
	for _, channel := range []string{"asked", "taken", "ordered"} {
		want(channel+", none", 401, channel, "a")
		want(channel+", empty", 401, channel, "a", "X-Nonce", "")
		want(channel+", too long", 401, channel, "a", "X-Nonce", strings.Repeat("n", 256))
		want(channel+", refused by validate", 401, channel, "no", "X-Nonce", "1")
		want(channel+", new", 200, channel, "a", "X-Nonce", "1")
		want(channel+", another", 200, channel, "a", "X-Nonce", "2")
		want(channel+", used", 409, channel, "a", "X-Nonce", "1")
		want(channel+", used, with another body", 409, channel, "b", "X-Nonce", "1")
		want(channel+", used, what validate would refuse", 409, channel, "no", "X-Nonce", "1")
		want(channel+", the longest", 200, channel, "a", "X-Nonce", strings.Repeat("n", 255))
		want(channel+", odd", 200, channel, "a", "X-Nonce", "\xff'\"%00")
		want(channel+", odd and used", 409, channel, "a", "X-Nonce", "\xff'\"%00")
		want(channel+", another odd one", 200, channel, "a", "X-Nonce", "\xfe'\"%00")
	}
	want("a failing run", 502, "asked", "fail", "X-Nonce", "failing")
	want("after the failing run", 409, "asked", "a", "X-Nonce", "failing")

	want("with a key", 200, "asked", "a", "X-Nonce", "k1", "Idempotency-Key", "k")
	want("the same nonce and key", 409, "asked", "a", "X-Nonce", "k1", "Idempotency-Key", "k")
	if resp, _ := want("another nonce, the same key", 200, "asked", "a", "X-Nonce", "k2", "Idempotency-Key", "k"); resp.Header.Get("Junctor-Duplicate") != "true" {
		t.Error("a repetition by its key made a run")
	}
	want("the nonce of a repetition", 409, "asked", "a", "X-Nonce", "k2", "Idempotency-Key", "k")
	want("the nonce of a repetition without its key", 409, "asked", "a", "X-Nonce", "k2")
	want("another content under the key", 422, "asked", "b", "X-Nonce", "k3", "Idempotency-Key", "k")
	want("the nonce of that", 200, "asked", "a", "X-Nonce", "k3", "Idempotency-Key", "k")

	for range 2 {
		want("a paused channel", 503, "paused", "a", "X-Nonce", "p")
	}

	sign := func(nonce string, at time.Time) []string {
		return []string{"X-Nonce", nonce, "X-Time", seconds(at), "X-Signature", hex.EncodeToString(mac("k", seconds(at)+"."+nonce+".a"))}
	}
	first := sign("s1", now.Now().Add(5*time.Minute)) // as far in the future as it may be
	forged := append([]string{"X-Nonce", "s2"}, first[2:]...)
	want("signed", 200, "signed", "a", first...)
	want("with another nonce", 401, "signed", "a", forged...)
	want("changed", 401, "signed", "b", sign("s3", now.Now())...)
	want("the nonce of a refused one", 200, "signed", "a", sign("s3", now.Now())...)
	now.Advance(10 * time.Minute)
	want("at the end of its time", 409, "signed", "a", first...)
	want("at the end of the window", 409, "taken", "a", "X-Nonce", "1")
	now.Advance(time.Second)
	want("too old", 401, "signed", "a", first...)
	want("after the window", 200, "taken", "a", "X-Nonce", "1")
	want("in the new window", 409, "taken", "a", "X-Nonce", "1")
	want("in a longer window", 409, "asked", "a", "X-Nonce", "1")
	now.Advance(2 * time.Hour) // when the janitor has been
	want("long after the window", 200, "taken", "a", "X-Nonce", "1")
	want("still in the longer window", 409, "asked", "a", "X-Nonce", "1")
}

// A nonce is taken before a failed run is retried for its idempotency key, and
// a message that is refused for its nonce does not count for the rate.
func TestNonceOfARepetition(t *testing.T) {
	s := serve(t, map[string]string{
		"junctor.yaml": `channels:
  fails: { type: public, scenario: fails, await: true, nonce: { header: X-Nonce } }
  few: { type: public, scenario: fails, rate: 2/h, nonce: { header: X-Nonce } }
`,
		"scenarios/fails.ts": `export default () => { throw new Error("no"); };`,
	})
	send := func(channel, nonce string, status int, more ...string) {
		t.Helper()
		if resp, body := s.send("POST", channel, "", "hi", append(more, "X-Nonce", nonce)...); resp.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", nonce, resp.StatusCode, body, status)
		}
	}
	send("fails", "n1", 502, "Idempotency-Key", "k")
	send("fails", "n2", 502, "Idempotency-Key", "k")
	send("fails", "n2", 409, "Idempotency-Key", "k")
	send("fails", "n2", 409)
	send("few", "m1", 200)
	for range 3 {
		send("few", "m1", 409)
	}
	send("few", "m2", 200)
	send("few", "m3", 429)
}

// TestOneOfManyWithANonce: of many at once, on two nodes, one is let in.
func TestOneOfManyWithANonce(t *testing.T) {
	files := map[string]string{"junctor.yaml": nonces, "scenarios/once.ts": once}
	race := func(t *testing.T, nodes ...*site) {
		for _, channel := range []string{"asked", "taken", "ordered"} {
			before := nodes[0].count()
			const at = 24
			statuses := make(chan int, at)
			for i := range at {
				go func() {
					resp, _ := nodes[i%len(nodes)].send("POST", channel, "", `{"o":1}`, "X-Nonce", "at once")
					statuses <- resp.StatusCode
				}()
			}
			got := map[int]int{}
			for range at {
				got[<-statuses]++
			}
			if got[200] != 1 || got[200]+got[409]+got[503] != at {
				t.Errorf("%s: %v", channel, got)
			}
			if n := nodes[0].count() - before; n != 1 {
				t.Errorf("%s: %d runs", channel, n)
			}
		}
		for _, node := range nodes {
			if strings.Contains(node.logged(), "level=ERROR") {
				t.Error("a refusal is an error in the log")
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) { race(t, serve(t, files)) })
	t.Run("postgres", func(t *testing.T) {
		t.Setenv("JUNCTOR_MASTER_KEY", strings.Repeat("5a", 32)) // both nodes need it
		database := database(t)
		race(t, serveOn(t, database, files), serveOn(t, database, files))
	})
}
