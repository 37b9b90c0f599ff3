package channel_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"junctor/internal/channel"
	"junctor/internal/fault"
)

// signed is a message as a sender makes it.
type signed struct {
	verify string   // of the channel
	header []string // name and value in turn
	body   string
	at     string // RFC 3339: when it comes
}

const (
	event = `{"id":"evt_1","total":12.50,"note":"žluťoučký"}`
	slack = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&" +
		"user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F" +
		"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)

// genuine are messages that others have signed.
var genuine = map[string]signed{
	// The example of the specification's libraries, and of Svix's documentation:
	// https://docs.svix.com/receiving/verifying-payloads/how-manual
	"standard webhooks, published": {
		`{"standard-webhooks":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`,
		[]string{
			"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
			"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		},
		`{"test": 2432232314}`, "2021-02-25T15:02:10Z",
	},
	// npm standardwebhooks 1.1.1: new Webhook(secret).sign("msg_1", new Date(1614265330000), event)
	"standard webhooks, bare secret": {
		`{"standard-webhooks":"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`,
		[]string{
			"webhook-id", "msg_1", "webhook-timestamp", "1614265330",
			"webhook-signature", "v1,dBORhEeM02qo/arlMI1EoN2Iuq/Zf0/OlvTAlWVILII=",
		},
		event, "2021-02-25T15:07:10Z",
	},
	"standard webhooks, signed with two": {
		`[{"standard-webhooks":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},{"standard-webhooks":"whsec_AAAA"}]`,
		[]string{
			"webhook-id", "msg_1", "webhook-timestamp", "1614265330",
			"webhook-signature", "v1,j0nQfLOqHLcbBDpwEJNHBOR+Htq4KIzbCoXDo06igiw= v1a,AAAA v1,dBORhEeM02qo/arlMI1EoN2Iuq/Zf0/OlvTAlWVILII=",
		},
		event, "2021-02-25T14:57:10Z",
	},
	// node 20 crypto.sign of msg_1.1614265330.event by the ed25519 key whose seed is 32 times 7
	"standard webhooks, ed25519": {
		`{"standard-webhooks":"whpk_6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw="}`,
		[]string{
			"webhook-id", "msg_1", "webhook-timestamp", "1614265330",
			"webhook-signature", "v1,AAAA v1a,fZPNW+mUgUWgVGratu7tmmtLx6K7pSb7mlqfH+L1zFWrn+9mIUNm23te4uRx9Th5x1fJVYVAbRp1n33ls7z+Bw==",
		},
		event, "2021-02-25T15:02:10Z",
	},
	// npm stripe 23.1.0: stripe.webhooks.generateTestHeaderString({payload: event, secret: "whsec_test_secret", timestamp: 1614265330})
	"stripe": {
		`{"stripe":"whsec_test_secret"}`,
		[]string{"Stripe-Signature", "t=1614265330,v1=3b4cc4b21dc1a12abd38e96503dc41908e2d3a700e26f7a9e871777dfc4725c9"},
		event, "2021-02-25T15:07:10Z",
	},
	"stripe, signed with two": {
		`[{"stripe":"whsec_other"},{"stripe":"whsec_new_secret"}]`,
		[]string{
			"Stripe-Signature", "t=1614265330,v1=3b4cc4b21dc1a12abd38e96503dc41908e2d3a700e26f7a9e871777dfc4725c9," +
				"v1=34392fb135954164f5ea934912bf566a2bd69ee4453367c6cc2bfa7b99b07d08,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39",
		},
		event, "2021-02-25T15:02:10Z",
	},
	// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
	"github, published": {
		`{"github":"It's a Secret to Everybody"}`,
		[]string{"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		"Hello, World!", "2021-02-25T15:02:10Z",
	},
	// npm @octokit/webhooks-methods 6.0.0: sign("It's a Secret to Everybody", event)
	"github": {
		`[{"github":"an older one"},{"github":"It's a Secret to Everybody"}]`,
		[]string{"X-Hub-Signature-256", "sha256=2208178709c1a1fb47fd88eb1d0d3da73c93cb4ea99e7c2c69a07c4b683ad3be"},
		event, "2031-01-01T00:00:00Z",
	},
	// As https://shopify.dev/docs/apps/build/webhooks/subscribe/https says, by node 20:
	// crypto.createHmac("sha256", "hush").update(event, "utf8").digest("base64")
	"shopify": {
		`{"shopify":"hush"}`,
		[]string{"X-Shopify-Hmac-Sha256", "JfzT07No0mSU94tvTno8O29P/EE4NAOR1Sj5R+PtXPg="},
		event, "2031-01-01T00:00:00Z",
	},
	// https://docs.slack.dev/authentication/verifying-requests-from-slack
	"slack, published": {
		`{"hmac":{"header":"X-Slack-Signature","secret":"8f742231b10e8888abcd99yyyzzz85a5","prefix":"v0=",
			"timestamp_header":"X-Slack-Request-Timestamp","content":"v0:{timestamp}:{body}"}}`,
		[]string{
			"X-Slack-Request-Timestamp", "1531420618",
			"X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
		},
		slack, "2018-07-12T18:36:58Z",
	},
	// node 20: crypto.createHmac("sha1", "k").update(event).digest("hex"), and so on
	"hmac, hex in capitals": {
		`{"hmac":{"header":"X-Signature","secret":"k"}}`,
		[]string{"X-Signature", "10947F6A0ACD5E324DF2B2689FCD0A71137F2ED2A79E349BA3046342B16BF0FE"}, event, "2021-02-25T15:02:10Z",
	},
	"hmac, sha1": {
		`{"hmac":{"header":"x-signature","secret":"k","algorithm":"sha1","prefix":"sha1="}}`,
		[]string{"X-Signature", "sha1=c794bd00ba7d36e0869ea8592b19191c1ce9aab1"}, event, "2021-02-25T15:02:10Z",
	},
	"hmac, sha384 in base64": {
		`{"hmac":{"header":"Authorization","secret":"k","algorithm":"sha384","encoding":"base64","prefix":"HMAC "}}`,
		[]string{"Authorization", "HMAC qPhBhOgea9WPiLtkuSiG25lN5+vCX+vSxWdJyOeOeXx/xLueMBR8aYZqXCdds5Yl"}, event, "2021-02-25T15:02:10Z",
	},
	"hmac, sha512 in base64url": {
		`{"hmac":{"header":"X-Signature","secret":"k","algorithm":"sha512","encoding":"base64url"}}`,
		[]string{"X-Signature", "AAAA, XGx32YQTtGojziOlmB7_Ak9gREvvnmEDmUjH6DrU-PdgpuSXYhKMWLsQAGeID631TVSG4HxIrVPWciDQUXZGcA=="}, event, "2021-02-25T15:02:10Z",
	},
	"hmac, time in seconds": {
		`{"hmac":{"header":"X-Signature","secret":"k","timestamp_header":"X-Time"}}`,
		[]string{"X-Time", "1614265330", "X-Signature", "8085940d4dd30bc4c6cd9dd3e730d57e8c526b3d90de3260178330d7e2c4b2ca"}, event, "2021-02-25T15:07:10Z",
	},
	"hmac, time in milliseconds": {
		`{"hmac":{"header":"X-Signature","secret":"k","timestamp_header":"X-Time","tolerance":"1s"}}`,
		[]string{"X-Time", "1614265330123", "X-Signature", "a6bd547c3ad1648ee30f811809b5e23146adf0c67dba24fb9e84725112a63517"}, event, "2021-02-25T15:02:11Z",
	},
	"hmac, time in words": {
		`{"hmac":{"header":"X-Signature","secret":"k","timestamp_header":"X-Time","tolerance":"1s"}}`,
		[]string{"X-Time", "2021-02-25T15:02:10Z", "X-Signature", "8eb626fe52b8f126f269e4ceb5ea16e1eed58ea6f8dd1bdb801d1143cdbe1c3d"}, event, "2021-02-25T15:02:09Z",
	},
}

func (m signed) request() *http.Request {
	r := httptest.NewRequest("POST", "/api/token/v1/t/p%2Fq?x=1", nil)
	for i := 0; i < len(m.header); i += 2 {
		r.Header.Add(m.header[i], m.header[i+1])
	}
	return r
}

// arrive lets the message come to its channel.
func (m signed) arrive(t *testing.T) error {
	t.Helper()
	c, found := channel.Parse("c", []byte(`{"type":"public","scenario":"s","verify":`+m.verify+`}`))
	if found != nil {
		t.Fatal(found)
	}
	v, err := channel.NewVerifier(c.Verify, nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339Nano, m.at)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := v.Before(m.request(), at)
	if err == nil {
		err = claims.Check([]byte(m.body))
	}
	return err
}

// with is the message with one header replaced; "" leaves it out.
func (m signed) with(name, value string) signed {
	var header []string
	for i := 0; i < len(m.header); i += 2 {
		switch {
		case !strings.EqualFold(m.header[i], name):
			header = append(header, m.header[i:i+2]...)
		case value != "":
			header = append(header, name, value)
		}
	}
	m.header = header
	return m
}

func (m signed) after(d time.Duration) signed {
	at, err := time.Parse(time.RFC3339, m.at)
	if err != nil {
		panic(err)
	}
	m.at = at.Add(d).Format(time.RFC3339Nano)
	return m
}

func TestGenuineMessages(t *testing.T) {
	for name, m := range genuine {
		if err := m.arrive(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForgedMessages changes genuine ones in one place each: all are refused,
// and with one and the same answer.
func TestForgedMessages(t *testing.T) {
	refused := func(what string, m signed) {
		t.Helper()
		err := m.arrive(t)
		if !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %v", what, err)
			return
		}
		if detail := fault.ProblemOf(err).Detail; detail != "The channel's credentials are missing or wrong." {
			t.Errorf("%s: the answer tells why: %s", what, detail)
		}
		for i := 0; i < len(m.header); i += 2 {
			if len(m.header[i+1]) > 20 && strings.Contains(err.Error(), m.header[i+1]) {
				t.Errorf("%s: the log would have the signature: %v", what, err)
			}
		}
	}
	for name, m := range genuine {
		for i := range m.body {
			changed := m
			changed.body = m.body[:i] + string(m.body[i]^1) + m.body[i+1:]
			if i < 3 || i == len(m.body)-1 {
				refused(fmt.Sprintf("%s, byte %d of the body", name, i), changed)
			}
		}
		longer, empty := m, m
		longer.body, empty.body = m.body+"\n", ""
		refused(name+", a longer body", longer)
		refused(name+", no body", empty)
		for i := 0; i < len(m.header); i += 2 {
			header, value := m.header[i], m.header[i+1]
			refused(name+" without "+header, m.with(header, ""))
			for _, odd := range []string{" ", ",", "=", "v1,", "t=", "sha256=", "v0=", "x", value[:len(value)/2], strings.Repeat(",", 1000), strings.Repeat("v1,A ", 500), strings.Repeat("v1=ab,", 500), "\xff\xfe", "0", "-1", "1e9", "99999999999999999999"} {
				refused(fmt.Sprintf("%s with %s: %.20q", name, header, odd), m.with(header, odd))
			}
		}
	}
	for _, name := range []string{"standard webhooks, published", "standard webhooks, ed25519", "stripe, signed with two", "slack, published"} {
		m := genuine[name]
		for _, d := range []time.Duration{301 * time.Second, time.Hour, 24 * 365 * 200 * time.Hour, -301 * time.Second, -time.Hour} {
			refused(fmt.Sprintf("%s, %s late", name, d), m.after(d))
		}
	}
	webhook, stripe := genuine["standard webhooks, published"], genuine["stripe"]
	refused("another id", webhook.with("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJel"))
	refused("another time", webhook.with("webhook-timestamp", "1614265331"))
	refused("another version", webhook.with("webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="))
	refused("a secret's signature as v1a", webhook.with("webhook-signature", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="))
	refused("no version", webhook.with("webhook-signature", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="))
	twice := webhook
	twice.header = append([]string{"webhook-timestamp", "1614265330"}, webhook.header...)
	refused("two times", twice)
	twice.header = append([]string{"webhook-id", "msg_other"}, webhook.header...)
	refused("two ids", twice)
	refused("stripe's v0", stripe.with("Stripe-Signature", "t=1614265330,v0=3b4cc4b21dc1a12abd38e96503dc41908e2d3a700e26f7a9e871777dfc4725c9"))
	refused("stripe without a time", stripe.with("Stripe-Signature", "v1=3b4cc4b21dc1a12abd38e96503dc41908e2d3a700e26f7a9e871777dfc4725c9"))
	refused("stripe with two times", stripe.with("Stripe-Signature", "t=1614265330,t=1614265331,v1=3b4cc4b21dc1a12abd38e96503dc41908e2d3a700e26f7a9e871777dfc4725c9"))
	refused("stripe with another time", stripe.with("Stripe-Signature", "t=1614265331,v1=3b4cc4b21dc1a12abd38e96503dc41908e2d3a700e26f7a9e871777dfc4725c9"))
	refused("github's sha1", genuine["github"].with("X-Hub-Signature-256", "sha1=2208178709c1a1fb47fd88eb1d0d3da73c93cb4ea99e7c2c69a07c4b683ad3be"))
}

// TestRotation: while a secret is replaced both are good, by themselves and
// together.
func TestRotation(t *testing.T) {
	one, other := "v1,dBORhEeM02qo/arlMI1EoN2Iuq/Zf0/OlvTAlWVILII=", "v1,j0nQfLOqHLcbBDpwEJNHBOR+Htq4KIzbCoXDo06igiw="
	m := genuine["standard webhooks, bare secret"]
	m.verify = `[{"standard-webhooks":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},{"standard-webhooks":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}]`
	for _, sent := range []string{one, other, one + " " + other, other + " " + one, "v1,AAAA " + other} {
		if err := m.with("webhook-signature", sent).arrive(t); err != nil {
			t.Errorf("%s: %v", sent, err)
		}
	}
	m.verify = `{"standard-webhooks":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}`
	if err := m.with("webhook-signature", one).arrive(t); err == nil {
		t.Error("the old secret is good after its end")
	}
	m.verify = `[{"standard-webhooks":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},{"bearer":"b"},{"github":"It's a Secret to Everybody"}]`
	for _, header := range [][]string{{"Authorization", "Bearer b"}, genuine["github"].header} {
		mixed := signed{m.verify, header, event, m.at}
		if err := mixed.arrive(t); err != nil {
			t.Errorf("another scheme of the list: %v", err)
		}
	}
	if err := (signed{m.verify, []string{"Authorization", "Bearer c"}, event, m.at}).arrive(t); err == nil {
		t.Error("a wrong bearer was let in beside signatures")
	}
}

// TestContent: what a signature can be made over.
func TestContent(t *testing.T) {
	sign := func(text string) string {
		mac := hmac.New(sha256.New, []byte("k"))
		mac.Write([]byte(text))
		return hex.EncodeToString(mac.Sum(nil))
	}
	for content, text := range map[string]string{
		"{body}":                        "B",
		"{method} {path}?{query}{body}": "POST /api/token/v1/t/p%2Fq?x=1B",
		"{{{body}}":                     "{B}",
		"{{body}{body}}{{":              "{body}B}{",
		"{header:x-id}|{header:Host}|{body}|{body}": "7|example.com|B|B",
	} {
		m := signed{
			fmt.Sprintf(`{"hmac":{"header":"X-Signature","secret":"k","content":%q}}`, content),
			[]string{"X-Id", "7", "X-Signature", sign(text)}, "B", "2021-02-25T15:02:10Z",
		}
		if err := m.arrive(t); err != nil {
			t.Errorf("%s: %v", content, err)
		}
		m.body = "C"
		if err := m.arrive(t); err == nil {
			t.Errorf("%s: another body was let in", content)
		}
		if err := m.with("X-Id", "").arrive(t); strings.Contains(content, "x-id") && err == nil {
			t.Errorf("%s: the missing header was let in", content)
		}
	}
}

// What was signed as one header and body is no signature of another header and
// body whose text is the same.
func TestHeadersAreFramed(t *testing.T) {
	mac := hmac.New(sha256.New, []byte("k"))
	mac.Write([]byte("n1.note=a.b&amount=5"))
	m := signed{
		`{"hmac":{"header":"X-Signature","secret":"k","content":"{header:X-Nonce}.{body}"}}`,
		[]string{"X-Nonce", "n1", "X-Signature", hex.EncodeToString(mac.Sum(nil))}, "note=a.b&amount=5", "2021-02-25T15:02:10Z",
	}
	if err := m.arrive(t); err != nil {
		t.Error(err)
	}
	m.body = "b&amount=5"
	if err := m.with("X-Nonce", "n1.note=a").arrive(t); err == nil {
		t.Error("the text of the body was taken for the nonce's")
	}
}

// Whatever a sender writes into its headers, a message that it has not signed
// is refused.
func FuzzSignatures(f *testing.F) {
	var verifiers []*channel.Verifier
	for _, m := range genuine {
		f.Add(m.header[len(m.header)-1], m.header[1], m.body)
		c, _ := channel.Parse("c", []byte(`{"type":"public","scenario":"s","verify":`+m.verify+`}`))
		v, err := channel.NewVerifier(c.Verify, nil)
		if err != nil {
			f.Fatal(err)
		}
		verifiers = append(verifiers, v)
	}
	now, bodies := time.Unix(1614265330, 0), map[string]bool{}
	for _, m := range genuine {
		bodies[m.body] = true
	}
	f.Fuzz(func(t *testing.T, signature, stamp, body string) {
		r := httptest.NewRequest("POST", "/", nil)
		for _, name := range []string{"Webhook-Signature", "Stripe-Signature", "X-Hub-Signature-256", "X-Shopify-Hmac-Sha256", "X-Signature", "X-Slack-Signature", "Authorization"} {
			r.Header.Set(name, signature)
		}
		for _, name := range []string{"Webhook-Timestamp", "X-Slack-Request-Timestamp", "X-Time", "Webhook-Id"} {
			r.Header.Set(name, stamp)
		}
		for _, v := range verifiers {
			claims, err := v.Before(r, now)
			if err == nil {
				err = claims.Check([]byte(body))
			}
			if err == nil && !bodies[body] {
				t.Errorf("%q lets %q in", signature, body)
			}
			if err != nil && !fault.Is(err, fault.Unauthorized) {
				t.Error(err)
			}
		}
	})
}

// Every template that is taken can be signed, and covers the body.
func FuzzContent(f *testing.F) {
	for _, text := range []string{"{body}", "v0:{timestamp}:{body}", "{{{body}}", "{header:X-A}.{body}", "{method}{path}{query}{body}", "{body", "{}", "{header:}{body}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		c, found := channel.Parse("c", fmt.Appendf(nil, `{"type":"public","scenario":"s","verify":{"hmac":{"header":"X","secret":"k","content":%s}}}`, quoted))
		v, err := channel.NewVerifier(c.Verify, nil)
		if text != "" && (len(found) == 0) != (err == nil) {
			t.Fatalf("%q: %v, %v", text, found, err)
		}
		if len(found) > 0 {
			return
		}
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("X", strings.Repeat("0", 64))
		claims, err := v.Before(r, time.Now())
		if err == nil {
			err = claims.Check([]byte(text))
		}
		if !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
