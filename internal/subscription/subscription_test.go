package subscription

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"junctor/internal/event"
)

func TestParse(t *testing.T) {
	c, found := Parse("crm", json.RawMessage(`{"url":"https://crm.example/hook","types":["record.orders.*"],"filter":"data/key ne null","rate":"10/s","concurrency":3,
		"ordering_key":"$.subject","on_failure":"skip","timeout":"5s","retry":{"schedule":["1s","1m"]},"response_limit":"1KiB","retention":{"succeeded":"1d"}}`))
	if len(found) > 0 {
		t.Fatal(found)
	}
	p := c.policy()
	if p.Attempts != 3 || p.Schedule[1] != time.Minute || !p.Skip || p.AtOnce != 3 || p.KeepSucceeded != 24*time.Hour || c.Timeout != 5*time.Second || c.Keep != 1024 {
		t.Errorf("read as %+v, %+v", c, p)
	}
	if c, _ := Parse("crm", json.RawMessage(`{"url":"https://crm.example"}`)); c.policy().Attempts != 10 || c.policy().Schedule[8] != 24*time.Hour || c.Timeout != 15*time.Second || !c.Enabled {
		t.Errorf("by itself %+v", c)
	}
	if c, _ := Parse("crm", json.RawMessage(`{"url":"https://crm.example","retry":{"attempts":4}}`)); c.policy().Attempts != 4 || c.policy().Schedule == nil {
		t.Errorf("fewer attempts: %+v", c.policy())
	}
	if c, _ := Parse("crm", json.RawMessage(`{"url":"https://crm.example","retry":{"first":"2s","max":"1m"}}`)); c.policy().Attempts != 15 || c.policy().Schedule != nil || c.policy().Factor != 2 {
		t.Errorf("a back-off: %+v", c.policy())
	}
}

func TestParseFindsWhatIsWrong(t *testing.T) {
	for body, want := range map[string]string{
		`[]`: "",
		`{}`: "/url",
		`{"connection":"c","url":"https://a.example"}`:                             "/connection",
		`{"url":"https://a.example","path":"/x"}`:                                  "/path",
		`{"url":"gopher://a.example"}`:                                             "/url",
		`{"url":"https://a.example","types":"a"}`:                                  "/types",
		`{"url":"https://a.example","types":["a.**.b"]}`:                           "/types",
		`{"url":"https://a.example","filter":"a b c"}`:                             "/filter",
		`{"url":"https://a.example","secret":"whsec_short"}`:                       "/secret",
		`{"url":"https://a.example","old_secret":"x"}`:                             "/old_secret",
		`{"url":"https://a.example","rate":"often"}`:                               "/rate",
		`{"url":"https://a.example","concurrency":0}`:                              "/concurrency",
		`{"url":"https://a.example","concurrency":101}`:                            "/concurrency",
		`{"url":"https://a.example","ordering_key":"X-Key"}`:                       "/ordering_key",
		`{"url":"https://a.example","ordering_key":"$"}`:                           "/ordering_key",
		`{"url":"https://a.example","on_failure":"stop"}`:                          "/on_failure",
		`{"url":"https://a.example","timeout":"1h"}`:                               "/timeout",
		`{"url":"https://a.example","retry":{"schedule":["1s"],"attempts":2}}`:     "/retry/schedule",
		`{"url":"https://a.example","retry":{"schedule":["0"]}}`:                   "/retry/schedule/0",
		`{"url":"https://a.example","retry":{"attempts":0}}`:                       "/retry/attempts",
		`{"url":"https://a.example","retry":{"factor":0.5}}`:                       "/retry/factor",
		`{"url":"https://a.example","retry":{"first":"1m","max":"1s"}}`:            "/retry/max",
		`{"url":"https://a.example","response_limit":"1MiB"}`:                      "/response_limit",
		`{"url":"https://a.example","retention":{"failed":"1000w1"}}`:              "/retention/failed",
		`{"url":"https://a.example","unknown":1}`:                                  "/unknown",
		`{"url":"https://` + strings.Repeat("a", 3000) + `.example"}`:              "/url",
		`{"url":"https://a.example","filter":"` + strings.Repeat(" ", 5000) + `"}`: "/filter",
	} {
		_, found := Parse("crm", json.RawMessage(body))
		if len(found) != 1 || found[0].Pointer != want {
			t.Errorf("%.80s: found %v, want one at %q", body, found, want)
		}
	}
	if _, found := Parse("sub_x", json.RawMessage(`{"url":"https://a.example"}`)); len(found) != 1 {
		t.Errorf("a code that is not to be had: %v", found)
	}
}

func TestAllowed(t *testing.T) {
	var all Allowed
	some, err := NewAllowed([]string{"order.*", "run.failed"})
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string][2]bool{
		"order.made": {true, true}, "order.made.twice": {true, false}, "record.orders.created": {true, false}, "run.failed": {false, true},
		"config.roles.updated": {false, false}, "session.begun": {false, false}, "subscription.x.ended": {false, false}, "runs": {true, false},
	} {
		if got := [2]bool{all.Has(kind), some.Has(kind)}; got != want {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
}

func TestSignature(t *testing.T) {
	// npm standardwebhooks 1.1.1: new Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").sign("msg_p5jXN8AQM9LWM0D4loKWxJek", new Date(1614265330000), '{"test": 2432232314}')
	key, err := parseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	at, body := time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := signature([][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body); got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
	if got := signature([][]byte{key, key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body); got != want+" "+want {
		t.Errorf("signed twice %s", got)
	}
	if _, err := parseSecret(newSecret()); err != nil {
		t.Error(err)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	b := newBodies()
	for n := range int64(3 * maxBodies) {
		if _, err := b.of(&event.Item{Seq: n + 1, ID: "1", Type: strings.Repeat("x", 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.by) > maxBodies || b.get(3*maxBodies) == nil || b.get(1) != nil {
		t.Errorf("%d bodies are kept", len(b.by))
	}
	large := strings.Repeat("x", 5<<20)
	for n := range int64(20) {
		if _, err := b.of(&event.Item{Seq: 1_000_000 + n, ID: "1", Type: large}); err != nil {
			t.Fatal(err)
		}
	}
	if b.size > maxBodiesSize {
		t.Errorf("%d bytes are kept", b.size)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"url":"https://a.example","types":["a.*"],"filter":"data/n gt 1","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`)
	f.Add(`{"connection":"c","path":"/x","retry":{"schedule":["1s"]},"ordering_key":"$.data.a[0]"}`)
	f.Fuzz(func(t *testing.T, body string) {
		c, found := Parse("x", json.RawMessage(body))
		if len(found) == 0 && c.policy().Attempts < 1 {
			t.Errorf("%s: no attempts", body)
		}
		if r, found := ParseRequest([]byte(body)); len(found) == 0 && (r.URL == "" || strings.Contains(r.URL+r.Secret, "${")) {
			t.Errorf("%s is taken from a subscriber", body)
		}
	})
}

// The log keeps what a delivery needs to its last try.
func TestLongest(t *testing.T) {
	s := &Store{}
	for body, want := range map[string]time.Duration{
		`{"url":"https://a.example"}`:                                                (2+5+10+14+20+24)*time.Hour + 35*time.Minute + 5*time.Second,
		`{"url":"https://a.example","retry":{"schedule":["1h"]}}`:                    time.Hour,
		`{"url":"https://a.example","retry":{"attempts":3,"first":"1s","max":"2h"}}`: 4 * time.Hour,
		`{"url":"https://a.example","retry":{"attempts":12}}`:                        (2+5+10+14+20+24+24+24)*time.Hour + 35*time.Minute + 5*time.Second,
	} {
		c, found := Parse("x", json.RawMessage(body))
		if len(found) > 0 {
			t.Fatal(found)
		}
		s.list.Store(&list{of: map[string]*subscriber{"x": {config: c}}})
		if got := s.Longest(); got < want || got > want+25*time.Hour {
			t.Errorf("%s: %s, want %s and a day", body, got, want)
		}
	}
}
