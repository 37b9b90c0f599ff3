package hub_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"junctor/internal/hub"
)

func TestAddressesAndRates(t *testing.T) {
	files := map[string]string{
		"junctor.yaml": `channels:
  office: { type: public, scenario: echo, await: true, allow: [10.0.0.0/8, "2001:db8::/32", 192.0.2.7] }
  host: { type: public, scenario: echo, await: true, allow: [localhost] }
  nowhere: { type: public, scenario: echo, await: true, allow: [nowhere.invalid] }
  slow: { type: public, scenario: echo, rate: 2/h }
  few: { type: public, scenario: echo, rate_per_address: 2/h }
  basic: { type: public, scenario: echo, await: true, verify: { basic: { user: u, password: p } } }
  either: { type: public, scenario: echo, await: true, verify: [{ basic: { user: u, password: p } }, { github: s }] }
  signed: { type: public, scenario: echo, rate: 2/h, verify: { bearer: b } }
`,
		"scenarios/echo.ts": echo,
	}
	// The test's own address is that of a proxy: X-Forwarded-For says where a message comes from.
	s := serveAs(t, hub.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil, files)
	from := func(channel, address string, status int, header ...string) {
		t.Helper()
		resp, body := s.send("POST", channel, "", "hi", append(header, "X-Forwarded-For", address)...)
		if resp.StatusCode != status {
			t.Fatalf("%s from %s: %d %s, want %d", channel, address, resp.StatusCode, body, status)
		}
		if status < 400 {
			return
		}
		var p struct{ Type, Detail string }
		if err := json.Unmarshal([]byte(body), &p); err != nil || resp.Header.Get("Junctor-Run") != "" {
			t.Errorf("%s from %s: %v %s", channel, address, resp.Header, body)
		}
		if again := resp.Header.Get("Retry-After"); (again != "") != (status == 429) || again == "0" {
			t.Errorf("%s from %s: Retry-After %q", channel, address, again)
		}
		if status == 403 && !strings.ContainsAny(address, ",[") && !strings.Contains(p.Detail, strings.TrimSuffix(address, ":5678")) {
			t.Errorf("the refusal does not name the address %s: %s", address, p.Detail)
		}
	}
	for address, status := range map[string]int{
		"10.1.2.3": 200, "192.0.2.7": 200, "::ffff:10.9.9.9": 200, "2001:db8::5": 200,
		"192.0.2.8": 403, "2001:db9::5": 403,
		"10.1.2.3, 203.0.113.9": 403, // the last one that no trusted proxy has added counts
		"203.0.113.9, 10.1.2.3": 200,
		"10.1.2.3:5678":         200, // as some proxies write it
		"203.0.113.9:5678":      403,
		"[2001:db8::5]:99":      200,
		"[2001:db9::5]":         403,
		"203.0.113.9,":          403,
	} {
		from("office", address, status)
	}
	from("host", "127.0.0.1", 200)
	from("host", "203.0.113.1", 403)
	from("nowhere", "203.0.113.1", 403)
	if !strings.Contains(s.logged(), "nowhere.invalid") {
		t.Error("a host that is not found is not logged")
	}

	for _, status := range []int{200, 200, 429, 429} {
		from("slow", "203.0.113.1", status)
	}
	for _, status := range []int{200, 200, 429} {
		from("few", "203.0.113.1", status)
		from("few", "2001:db8:5:5::1", status)
	}
	from("few", "2001:db8:5:5::ffff", 429) // of the same network
	from("few", "2001:db8:5:6::1", 200)

	// What a forger sends does not use up the rate of those who may send.
	for range 5 {
		from("signed", "203.0.113.1", 401, "Authorization", "Bearer forged")
	}
	for _, status := range []int{200, 200, 429} {
		from("signed", "203.0.113.2", status, "Authorization", "Bearer b")
	}

	for range 30 {
		from("basic", "203.0.113.1", 401, "Authorization", "Basic dTp4")
	}
	from("basic", "203.0.113.1", 429, "Authorization", "Basic dTpw") // right, but who knows after how many guesses
	from("basic", "203.0.113.2", 200, "Authorization", "Basic dTpw")

	// Nor do many at once get more guesses that have another scheme beside it.
	late := func(i int) int {
		conn := s.connect()
		fmt.Fprintf(conn, "POST /api/token/v1/%s HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.77\r\nX-Hub-Signature-256: sha256=%064d\r\nAuthorization: Basic %s\r\nContent-Length: 2\r\n\r\nh",
			s.token["either"], 0, base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "u:guess%d", i)))
		<-time.After(300 * time.Millisecond) // all of them are at the door
		io.WriteString(conn, "i")            //nolint:errcheck // seen in the answer
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	answers := make(chan int)
	for i := range 60 {
		go func() { answers <- late(i) }()
	}
	counts := map[int]int{}
	for range 60 {
		counts[<-answers]++
	}
	if counts[401] > 31 || counts[429] < 25 {
		t.Errorf("60 guesses at once were answered %v", counts)
	}

	// A change of something else does not give a new allowance.
	files["junctor.yaml"] = strings.Replace(files["junctor.yaml"], "rate: 2/h }\n  few", "rate: 2/h, comment: c }\n  few", 1)
	s.apply(files)
	from("slow", "203.0.113.1", 429)
	files["junctor.yaml"] = strings.Replace(files["junctor.yaml"], "rate: 2/h, comment: c", "rate: 3/h", 1)
	s.apply(files)
	from("slow", "203.0.113.1", 200)
}
