package http

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// refusal is what the guard answers instead of letting a dial go on.
type refusal struct{ address string }

func (r *refusal) Error() string { return "refused to connect to " + r.address }

// guard refuses every address that is not on the public internet. It is asked
// for each address a name resolved to, right before the connect, so a name that
// changes its mind between check and use (DNS rebinding) gains nothing.
func guard() func(network, address string, c syscall.RawConn) error {
	guardian := ssrf.New(ssrf.WithAnyPort())
	return func(network, address string, c syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return &refusal{address}
		}
		if guardian.Safe(network, address, c) != nil || !public(target.Addr()) {
			return &refusal{address}
		}
		return nil
	}
}

// public reports an address on the public internet. An IPv4 address in IPv6
// clothes is judged as what it is, by IPv4's list; the clothes are refused as
// well.
func public(a netip.Addr) bool {
	guardian := ssrf.New(ssrf.WithAnyPort())
	return guardian.SafeAddr(a) == nil && guardian.SafeAddr(a.Unmap()) == nil
}

// Distant is an error of a URL whose host is written as an address that is not on
// the public internet, or as a name of this machine's own. What other names stand
// for is seen when somebody connects.
func Distant(text string) error {
	u, err := parseBase(text)
	if err != nil {
		return err
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	a, err := netip.ParseAddr(host)
	if err == nil && !public(a) || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return fmt.Errorf("names %s: private, loopback and other special addresses are refused", u.Hostname())
	}
	return nil
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dialer connects, through the guard unless private addresses are allowed.
// A nil resolver is the system's.
func dialer(allowPrivate bool, resolver *net.Resolver) dialFunc {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: resolver}
	if !allowPrivate {
		d.Control = guard()
	}
	return d.DialContext
}

func (r *refusal) explain(what, lets string) string {
	return fmt.Sprintf("%s may not reach %s: private, loopback and other special addresses are refused; %s allows them", what, r.address, lets)
}
