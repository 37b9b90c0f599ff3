package http

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"junctor/internal/connection"
)

// notPublic are addresses of every kind that is not on the public internet, in
// all the clothes that IPv6 has for IPv4.
var notPublic = []string{
	"0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
	"192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "fc00::1", "fd00:ec2::254",
	"fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "100::1",
}

func TestGuardRefusesAddresses(t *testing.T) {
	safe := guard()
	for _, address := range notPublic {
		a := netip.AddrPortFrom(netip.MustParseAddr(address), 443).String()
		for _, network := range []string{"tcp4", "tcp6"} {
			if safe(network, a, nil) == nil {
				t.Errorf("%s over %s is let through", address, network)
			}
		}
	}
	for _, network := range []string{"udp4", "unix", "tcp"} {
		if safe(network, "93.184.215.14:80", nil) == nil {
			t.Errorf("network %s is let through", network)
		}
	}
	if safe("tcp6", "[fe80::1%eth0]:80", nil) == nil || safe("tcp4", "nonsense", nil) == nil {
		t.Error("a zone or nonsense is let through")
	}
	for network, address := range map[string]string{"tcp4": "93.184.215.14:8443", "tcp6": "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443"} {
		if err := safe(network, address, nil); err != nil {
			t.Errorf("public %s: %v", address, err)
		}
	}
}

// However a private address is written, and whichever way leads there, the
// request ends in a permanent error that names the connection and the setting.
func TestPrivateTargetsAreRefused(t *testing.T) {
	resolver := stubResolver(map[string][]string{
		"one.test":      {"127.0.0.1"},
		"several.test":  {"10.0.0.1", "192.168.0.1", "::1"},
		"mixed.test":    {"169.254.169.254", "127.0.0.1"},
		"metadata.test": {"fd00:ec2::254"},
		"public.test":   {"93.184.215.14"},
		"localhost":     {"127.0.0.1"}, "sub.localhost": {"127.0.0.1"},
	})
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the proxy was asked for %s", r.Host) }))
	defer proxy.Close()
	const words = "no token from its token_url: the connection may not reach "
	refused := func(t *testing.T, config Config) {
		t.Helper()
		config.Label = `connection "erp"`
		conn, err := open(config, nil, resolver)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = conn.Do(t.Context(), Request{Path: "/x"})
		if connection.ClassOf(err) != connection.Permanent {
			t.Fatalf("class %v: %v", connection.ClassOf(err), err)
		}
		for _, want := range []string{`connection "erp": `, "may not reach ", "allow_private"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in: %v", want, err)
			}
		}
		if config.Auth != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("%q is not in: %v", words, err)
		}
	}
	var literals []string
	for _, address := range notPublic {
		literals = append(literals, "http://"+netip.AddrPortFrom(netip.MustParseAddr(address), 1).String())
	}
	literals = append(literals, "http://[::FFFF:127.0.0.1]:1", "http://[0:0:0:0:0:ffff:7f00:1]:1", "https://[fe80::1%25eth0]", "http://localhost", "http://LOCALHOST.:1", "http://sub.localhost")
	names := []string{"http://one.test:1", "http://several.test:1", "http://mixed.test:1", "http://metadata.test:1", "http://ONE.test.:1"}
	for _, url := range append(names, literals...) {
		t.Run(url, func(t *testing.T) { refused(t, Config{URL: url}) })
		t.Run("token from "+url, func(t *testing.T) {
			refused(t, Config{URL: "https://public.test", Auth: &Auth{OAuth2: &OAuth2{TokenURL: url, ClientID: "i", ClientSecret: "client-secret"}}})
		})
	}
	for _, url := range literals { // names are the proxy's to resolve
		for _, at := range []string{proxy.URL, strings.Replace(proxy.URL, "http", "socks5", 1)} {
			t.Run(url+" by "+at, func(t *testing.T) { refused(t, Config{URL: url, Proxy: at}) })
			t.Run("token from "+url+" by "+at, func(t *testing.T) {
				refused(t, Config{URL: "https://public.test", Proxy: at, Auth: &Auth{OAuth2: &OAuth2{TokenURL: url, ClientID: "i", ClientSecret: "client-secret"}}})
			})
		}
	}
	for _, url := range []string{
		"http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://127.1/", "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://127.0.0.0x1/",
		"http://127.0.0.1./", "http://256.256.256.256/", "http://1.2.3.4.5/", "http://%31%32%37.0.0.0x1/",
	} {
		for name, config := range map[string]Config{
			"url": {URL: url}, "token_url": {URL: "https://public.test", Auth: &Auth{OAuth2: &OAuth2{TokenURL: url, ClientID: "i", ClientSecret: "client-secret"}}},
			"proxy": {URL: "https://public.test", Proxy: strings.TrimSuffix(url, "/"), AllowPrivate: true},
		} {
			config.Label = `connection "erp"`
			if _, err := Open(config, nil); connection.ClassOf(err) != connection.Permanent || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %s is opened: %v", name, url, err)
			}
		}
	}
}

// Of a name's addresses none is dialled that is not public, also when the name
// had another one before.
func TestPrivateAddressesOfNamesAreNeverDialled(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			t.Error("the private address was dialled")
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	const public = "93.184.215.14" // whether or not it answers
	var looked atomic.Int32
	rebinding := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		addresses := []string{"127.0.0.1"}
		if looked.Add(1) <= 2 { // the first time, for A and AAAA
			addresses = []string{public}
		}
		go serveDNS(server, map[string][]string{"name.test": addresses})
		return client, nil
	}}
	for name, resolver := range map[string]*net.Resolver{
		"private first": stubResolver(map[string][]string{"name.test": {"127.0.0.1", public}}),
		"private last":  stubResolver(map[string][]string{"name.test": {public, "127.0.0.1"}}),
		"rebinding":     rebinding,
	} {
		conn, err := open(Config{Label: "c", URL: "http://name.test:" + port}, nil, resolver)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := conn.Do(t.Context(), Request{Timeout: 100 * time.Millisecond}); err == nil {
				t.Errorf("%s: an answer came", name)
			}
		}
		conn.Close()
	}
	looked.Store(2) // the name has changed its mind, however few looks there were
	conn, err := open(Config{Label: "c", URL: "http://name.test:" + port}, nil, rebinding)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Do(t.Context(), Request{}); connection.ClassOf(err) != connection.Permanent {
		t.Errorf("after the change: %v", err)
	}
}

func TestAllowPrivateLetsNamesThrough(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	conn, err := open(Config{URL: "http://erp.test" + port, AllowPrivate: true}, nil, stubResolver(map[string][]string{"erp.test": {"127.0.0.1"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	res, err := conn.Do(t.Context(), Request{})
	if err != nil || string(res.Body) != "erp.test"+port {
		t.Errorf("%v, %v", res, err)
	}
	unknown, err := open(Config{Label: "c", URL: "http://nowhere.test", AllowPrivate: true}, nil, stubResolver(nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = unknown.Do(t.Context(), Request{})
	if connection.ClassOf(err) != connection.NotConnected || !strings.Contains(err.Error(), "nowhere.test is not known") {
		t.Errorf("unknown name: %v", err)
	}
}

// stubResolver answers A and AAAA questions from a table.
func stubResolver(names map[string][]string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serveDNS(server, names)
		return client, nil
	}}
}

// serveDNS speaks DNS over a stream: each message after its length.
func serveDNS(conn net.Conn, names map[string][]string) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // a pipe has deadlines
	for {
		var length uint16
		if binary.Read(conn, binary.BigEndian, &length) != nil {
			return
		}
		question := make([]byte, length)
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		answer := answerDNS(question, names)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func answerDNS(query []byte, names map[string][]string) []byte {
	var labels []string
	i := 12
	for query[i] != 0 {
		labels = append(labels, strings.ToLower(string(query[i+1:i+1+int(query[i])])))
		i += 1 + int(query[i])
	}
	kind := binary.BigEndian.Uint16(query[i+1:])
	addresses, known := names[strings.Join(labels, ".")]
	var records []byte
	count := uint16(0)
	for _, text := range addresses {
		a := netip.MustParseAddr(text)
		if a.Is4() != (kind == 1) {
			continue
		}
		records = append(records, 0xc0, 12) // the name of the question
		records = binary.BigEndian.AppendUint16(records, kind)
		records = append(records, 0, 1, 0, 0, 0, 0)
		records = binary.BigEndian.AppendUint16(records, uint16(a.BitLen()/8))
		records = append(records, a.AsSlice()...)
		count++
	}
	flags := uint16(0x8180)
	if !known {
		flags |= 3 // NXDOMAIN
	}
	head := append([]byte{}, query[:2]...)
	for _, n := range []uint16{flags, 1, count, 0, 0} {
		head = binary.BigEndian.AppendUint16(head, n)
	}
	return append(append(head, query[12:i+5]...), records...)
}
