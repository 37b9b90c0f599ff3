package channel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"junctor/internal/fault"
	"junctor/internal/limit"
)

// Origin is an entry of a channel's address list: a network, or a host whose
// addresses the name server tells.
type Origin struct {
	Network netip.Prefix
	Host    string // "" when Network is set
}

// hostName is what can be asked of a name server; a last label of digits would
// be a mistyped address.
var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$`)

// ParseOrigin reads 10.0.0.0/8, 192.0.2.7, 2001:db8::/32 or erp.example.com.
func ParseOrigin(text string) (Origin, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return Origin{Network: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 { // senders are known by their IPv4 addresses
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		return Origin{Network: p.Masked()}, nil
	}
	if hostName.MatchString(text) && len(text) <= 253 {
		return Origin{Host: strings.ToLower(text)}, nil
	}
	return Origin{}, fmt.Errorf("%q is no network, address or host; write it like 10.0.0.0/8, 192.0.2.7 or erp.example.com", text)
}

// allow reads `allow`: one entry, or a list of them.
func (p *parser) allow(raw json.RawMessage) []Origin {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		p.add("/allow", "must be a list of networks, addresses or hosts, like [10.0.0.0/8]")
		return nil
	}
	if len(texts) == 0 {
		p.add("/allow", "an empty list would let nobody in; leave allow out to let every address in")
	}
	list := make([]Origin, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = ParseOrigin(text); err != nil {
			p.add("/allow/"+strconv.Itoa(i), "%s", err.Error())
		}
	}
	return list
}

// guesses is how many wrong passwords an address may send to a channel, and how
// long until it may send one more. Only a password can be guessed; other
// credentials are too long.
var guesses = limit.Rule{Size: 30, Refill: 10 * time.Second}

// Gate is from where and how often messages may come in. Its zero value lets
// everybody in. It is safe for concurrent use.
type Gate struct {
	rules     rules
	hosts     []string
	resolved  atomic.Pointer[map[netip.Addr]bool] // of the hosts
	channel   *limit.Bucket                       // nil: no limit; so are the next two
	addresses *limit.Keyed
	passwords *limit.Keyed
}

// rules is what a gate is made of.
type rules struct {
	allow     []Origin
	rates     Rates
	guessable bool // by a password
}

func rulesOf(c *Config) rules {
	return rules{
		allow: c.Allow, rates: c.Rate,
		guessable: slices.ContainsFunc(c.Verify, func(s Scheme) bool { return s.Basic != nil }),
	}
}

// NewGate makes a channel's gate. Hosts of its list let nobody in until Resolve.
func NewGate(c *Config, now func() time.Time) *Gate {
	g := &Gate{rules: rulesOf(c)}
	for _, o := range c.Allow {
		if o.Host != "" {
			g.hosts = append(g.hosts, o.Host)
		}
	}
	if r := c.Rate.All; r.Count > 0 {
		g.channel = limit.NewBucket(limit.Per(r.Count, r.Per), now)
	}
	if r := c.Rate.PerAddress; r.Count > 0 {
		g.addresses = limit.NewKeyed(limit.Per(r.Count, r.Per), now)
	}
	if g.rules.guessable {
		g.passwords = limit.NewKeyed(guesses, now)
	}
	return g
}

// Remember takes over what the channel's former gate knows of its hosts, when all
// of these still may send: who is in is not put out until they are looked up again.
func (g *Gate) Remember(former *Gate) {
	if !slices.ContainsFunc(former.hosts, func(host string) bool { return !slices.Contains(g.hosts, host) }) {
		g.resolved.Store(former.resolved.Load())
	}
}

// Fits reports whether the gate is what NewGate would make of c: it can stay,
// with what it has counted.
func (g *Gate) Fits(c *Config) bool { return reflect.DeepEqual(g.rules, rulesOf(c)) }

// Lets says whether an address is one that may send. Errors: fault.Forbidden.
func (g *Gate) Lets(address string) error {
	if g.allows(address) {
		return nil
	}
	return fault.New(fault.Forbidden, "This channel does not take messages from the address %s.", address)
}

// From lets an address in that may send, now. Errors: fault.Forbidden,
// fault.TooMany.
func (g *Gate) From(address string) error {
	if err := g.Lets(address); err != nil {
		return err
	}
	if g.addresses != nil {
		if wait := g.addresses.Take(limit.Network(address)); wait > 0 {
			return tooMany(wait, "This channel takes %s from one address; nothing was accepted.", g.rules.rates.PerAddress)
		}
	}
	if g.passwords != nil {
		if wait := g.passwords.Wait(limit.Network(address)); wait > 0 {
			return tooMany(wait, "Too many wrong passwords came from this address; nothing was accepted.")
		}
	}
	return nil
}

// Refused counts a message with the wrong credentials.
func (g *Gate) Refused(address string) {
	if g.passwords != nil {
		g.passwords.Take(limit.Network(address))
	}
}

// Admit lets a message in that is within the channel's rate. Errors: fault.TooMany.
func (g *Gate) Admit() error {
	if g.channel != nil {
		if wait := g.channel.Take(); wait > 0 {
			return tooMany(wait, "This channel takes %s; nothing was accepted.", g.rules.rates.All)
		}
	}
	return nil
}

func tooMany(wait time.Duration, format string, args ...any) error {
	return fault.New(fault.TooMany, format, args...).WithRetryAfter(wait)
}

func (g *Gate) allows(address string) bool {
	if len(g.rules.allow) == 0 {
		return true
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	for _, o := range g.rules.allow {
		if o.Host == "" && o.Network.Contains(a) {
			return true
		}
	}
	known := g.resolved.Load()
	return known != nil && (*known)[a]
}

// Resolve asks for all addresses of the hosts in the list, and lets them in from
// now on. When a host is not found, what was known before stays as well; the
// error names it.
func (g *Gate) Resolve(ctx context.Context, lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)) error {
	if len(g.hosts) == 0 {
		return nil
	}
	known := map[netip.Addr]bool{}
	var failed []string
	for _, host := range g.hosts {
		found, err := lookup(ctx, "ip", host)
		if err != nil {
			failed = append(failed, host)
		}
		for _, a := range found {
			known[a.Unmap().WithZone("")] = true
		}
	}
	if len(failed) == 0 {
		g.resolved.Store(&known)
		return nil
	}
	if before := g.resolved.Load(); before != nil { // a name server that is down must not lock a partner out
		for a := range *before {
			known[a] = true
		}
	}
	g.resolved.Store(&known)
	return fmt.Errorf("the addresses of %s are not known", strings.Join(failed, ", "))
}
