package channel

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"junctor/internal/fault"
)

func TestParseOrigin(t *testing.T) {
	for text, want := range map[string]Origin{
		"10.0.0.0/8":           {Network: netip.MustParsePrefix("10.0.0.0/8")},
		"10.1.2.3/8":           {Network: netip.MustParsePrefix("10.0.0.0/8")},
		"192.0.2.7":            {Network: netip.MustParsePrefix("192.0.2.7/32")},
		"::ffff:192.0.2.7":     {Network: netip.MustParsePrefix("192.0.2.7/32")},
		"::ffff:10.0.0.0/104":  {Network: netip.MustParsePrefix("10.0.0.0/8")},
		"2001:db8::/32":        {Network: netip.MustParsePrefix("2001:db8::/32")},
		"0.0.0.0/0":            {Network: netip.MustParsePrefix("0.0.0.0/0")},
		"erp.Example.com":      {Host: "erp.example.com"},
		"localhost":            {Host: "localhost"},
		"a-b.c1.example.test.": {Host: "a-b.c1.example.test."},
	} {
		if got, err := ParseOrigin(text); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "10.0.0", "10.0.0.0/33", "300.1.1.1", "10.0.0.0/8 ", "fe80::1%eth0", "-a.example", "a_b.example", "*.example.com", "http://example.com", "1.2.3.4.5", "a..b", "2001:db8::/129",
	} {
		if got, err := ParseOrigin(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

// gateOf makes the gate of a channel with these settings.
func gateOf(t *testing.T, settings string, now func() time.Time) *Gate {
	t.Helper()
	return NewGate(configOf(t, settings), now)
}

func configOf(t *testing.T, settings string) *Config {
	t.Helper()
	c, wrong := Parse("shop", []byte(`{"type":"public","scenario":"order"`+settings+`}`))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return &c
}

func TestGateAddresses(t *testing.T) {
	g := gateOf(t, `,"allow":["10.0.0.0/8","2001:db8::/32","192.0.2.7"]`, time.Now)
	for address, in := range map[string]bool{
		"10.255.0.1": true, "11.0.0.1": false, "192.0.2.7": true, "192.0.2.8": false, "::ffff:10.0.0.1": true,
		"2001:db8:ffff::1": true, "2001:db9::1": false, "@": false, "": false, "127.0.0.1": false,
	} {
		if err := g.From(address); (err == nil) != in || err != nil && !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if (&Gate{}).From("203.0.113.1") != nil || (&Gate{}).Admit() != nil {
		t.Error("a channel without settings lets everybody in")
	}
}

func TestGateHosts(t *testing.T) {
	g := gateOf(t, `,"allow":["erp.example.com","crm.example.com","10.0.0.1"]`, time.Now)
	if g.From("203.0.113.1") == nil || g.From("10.0.0.1") != nil {
		t.Error("before the names are known, only the address is let in")
	}
	answers := map[string][]netip.Addr{
		"erp.example.com": {netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("2001:db8::1")},
		"crm.example.com": {netip.MustParseAddr("::ffff:203.0.113.9")},
	}
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if found, ok := answers[host]; ok {
			return found, nil
		}
		return nil, errors.New("no such host")
	}
	check := func(want map[string]bool) {
		t.Helper()
		for address, in := range want {
			if err := g.From(address); (err == nil) != in {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
	if err := g.Resolve(t.Context(), lookup); err != nil {
		t.Fatal(err)
	}
	check(map[string]bool{"203.0.113.1": true, "2001:db8::1": true, "203.0.113.9": true, "203.0.113.2": false, "10.0.0.1": true})
	answers["erp.example.com"] = []netip.Addr{netip.MustParseAddr("203.0.113.2")}
	if err := g.Resolve(t.Context(), lookup); err != nil {
		t.Fatal(err)
	}
	check(map[string]bool{"203.0.113.1": false, "203.0.113.2": true, "203.0.113.9": true})
	delete(answers, "crm.example.com")
	if err := g.Resolve(t.Context(), lookup); err == nil {
		t.Error("an unknown host is not reported")
	}
	check(map[string]bool{"203.0.113.2": true, "203.0.113.9": true}) // the name server's trouble locks nobody out
	former := g
	g = gateOf(t, `,"allow":["erp.example.com","crm.example.com","b2b.example.com"]`, time.Now)
	g.Remember(former)
	check(map[string]bool{"203.0.113.2": true, "203.0.113.9": true, "10.0.0.1": false})
	g = gateOf(t, `,"allow":["erp.example.com"]`, time.Now)
	g.Remember(former) // it does not know whose the addresses are
	check(map[string]bool{"203.0.113.2": false, "203.0.113.9": false})
}

func TestGateRates(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	g := gateOf(t, `,"rate":"3/s","rate_per_address":"2/m","verify":{"basic":{"user":"u","password":"p"}}`, func() time.Time { return now })
	refused := func(err error, after time.Duration) {
		t.Helper()
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.TooMany || f.RetryAfter != after {
			t.Errorf("got %v, want a refusal for %v", err, after)
		}
	}
	for range 3 {
		if err := g.Admit(); err != nil {
			t.Error(err)
		}
	}
	refused(g.Admit(), time.Second/3)
	for _, address := range []string{"203.0.113.1", "203.0.113.1", "203.0.113.2"} {
		if err := g.From(address); err != nil {
			t.Error(err)
		}
	}
	refused(g.From("203.0.113.1"), 30*time.Second)
	now = now.Add(time.Hour)
	for range 30 {
		g.Refused("203.0.113.3")
	}
	refused(g.From("203.0.113.3"), 10*time.Second)
	if err := g.From("203.0.113.4"); err != nil {
		t.Error(err)
	}
}

func TestGateStaysWhileItFits(t *testing.T) {
	c := configOf(t, `,"rate":"3/s","allow":["10.0.0.0/8"],"comment":"a"`)
	g := NewGate(c, time.Now)
	if !g.Fits(configOf(t, `,"rate":"3/s","allow":["10.0.0.0/8"],"comment":"b","await":true`)) {
		t.Error("another comment makes another gate")
	}
	for _, settings := range []string{
		`,"rate":"4/s","allow":["10.0.0.0/8"]`, `,"rate":"3/s"`, `,"rate":"3/s","allow":["10.0.0.0/8","10.0.0.0/8"]`,
		`,"rate":"3/s","allow":["10.0.0.0/8"],"rate_per_address":"1/s"`, `,"rate":"3/s","allow":["10.0.0.0/8"],"verify":{"basic":{"user":"u","password":"p"}}`,
	} {
		if g.Fits(configOf(t, settings)) {
			t.Errorf("the gate fits %s", settings)
		}
	}
}
