package http

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"junctor/internal/connection"
)

// relay is a proxy for tests: it knows what it was asked to connect to, and
// goes to one place whatever that was.
type relay struct {
	to     string // host:port
	closed bool   // SOCKS: lets nobody in

	mu    sync.Mutex
	asked []string
	auth  string
}

func (p *relay) note(target, auth string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, target)
	p.auth = auth
}

func (p *relay) seen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.asked, " ")
}

// ServeHTTP is the HTTP proxy: CONNECT, and requests with a whole URL.
func (p *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.note(r.Host, r.Header.Get("Proxy-Authorization"))
	switch {
	case strings.HasPrefix(r.Host, "status-"):
		var status int
		fmt.Sscanf(r.Host, "status-%d.", &status) //nolint:errcheck // a test's own names
		w.WriteHeader(status)
	case r.Method == http.MethodConnect:
		client, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
			p.pipe(client)
		}
	default:
		r.RequestURI, r.URL.Host = "", p.to
		r.Header.Del("Proxy-Authorization")
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(502)
			return
		}
		defer res.Body.Close()
		w.WriteHeader(res.StatusCode)
		io.Copy(w, res.Body)
	}
}

func (p *relay) pipe(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { io.Copy(server, client); server.Close() }()
	io.Copy(client, server)
}

// socks serves SOCKS 5 (RFC 1928, 1929).
func (p *relay) socks(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.greet(client)
		}
	}()
	return listener.Addr().String()
}

func (p *relay) greet(client net.Conn) {
	defer client.Close()
	in := bufio.NewReader(client)
	read := func(n int) []byte {
		b := make([]byte, n)
		io.ReadFull(in, b)
		return b
	}
	methods := read(int(read(2)[1]))
	auth := ""
	switch wants := strings.Contains(string(methods), "\x02"); {
	case wants:
		client.Write([]byte{5, 2})
		name := read(int(read(2)[1]))
		auth = string(name) + ":" + string(read(int(read(1)[0])))
		if p.closed {
			client.Write([]byte{1, 1})
			return
		}
		client.Write([]byte{1, 0})
	case p.closed:
		client.Write([]byte{5, 0xff})
		return
	default:
		client.Write([]byte{5, 0})
	}
	head := read(4)
	var host string
	switch head[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = net.IP(read(16)).String()
	}
	p.note(fmt.Sprintf("%s:%d", host, binary.BigEndian.Uint16(read(2))), auth)
	client.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	p.pipe(client)
}

// The destination is named and reached by the proxy only; the proxy itself may
// be private.
func TestProxies(t *testing.T) {
	ours := newAuthority(t)
	certificate := localhost()
	certificate.DNSNames = []string{"erp.test"}
	secure := ours.serve(certificate, nil)
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the destination got the proxy's password")
		}
	}))
	defer plain.Close()
	for _, kind := range []string{"http", "https", "socks5"} {
		for url, server := range map[string]*httptest.Server{"http://erp.test:8080": plain, "https://erp.test": secure} {
			t.Run(kind+" to "+url, func(t *testing.T) {
				p := &relay{to: server.Listener.Addr().String()}
				var at string
				switch kind {
				case "http":
					s := httptest.NewServer(p)
					defer s.Close()
					at = s.Listener.Addr().String()
				case "https":
					s := ours.serve(localhost(), nil)
					s.Config.Handler = p
					at = s.Listener.Addr().String()
				default:
					at = p.socks(t)
				}
				conn, err := Open(Config{
					Label: "c", URL: url, Proxy: kind + "://${env:USER}:${secret:p}@" + at, TLS: &TLS{CA: ours.pem},
				}, func(ref string) (string, error) {
					return map[string]string{"env:USER": "me", "secret:p": "p:w@/d %"}[ref], nil
				})
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				res, err := conn.Do(t.Context(), Request{Path: "/x"})
				if err != nil || res.Status != 200 {
					t.Fatalf("%+v %v", res, err)
				}
				want := map[bool]string{true: "erp.test:443", false: "erp.test:8080"}[strings.HasPrefix(url, "https")]
				if p.seen() != want {
					t.Errorf("the proxy was asked for %s", p.seen())
				}
				if p.auth != "me:p:w@/d %" && p.auth != "Basic bWU6cDp3QC9kICU=" {
					t.Errorf("the proxy got %q", p.auth)
				}
			})
		}
	}
}

// A proxy that does not let a request through is named as the one who refused.
func TestProxyFailures(t *testing.T) {
	p := &relay{closed: true}
	server := httptest.NewServer(p)
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, tt := range []struct {
		name, url, proxy string
		class            connection.Class
		says             string
	}{
		{"wrong password", "https://status-407.test", server.URL, connection.Permanent, "the proxy answered 407 Proxy Authentication Required"},
		{"wrong password, plain", "http://status-407.test", server.URL, connection.Permanent, "the proxy answered 407"},
		{"wrong password, SOCKS", "https://erp.test", "socks5://me:wrong@" + p.socks(t), connection.Permanent, "the proxy does not take its user and password"},
		{"password wanted, SOCKS", "https://erp.test", "socks5://" + p.socks(t), connection.Permanent, "the proxy does not take its user and password"},
		{"forbidden", "https://status-403.test", server.URL, connection.Permanent, "the proxy answered 403"},
		{"cannot reach it", "https://status-502.test", server.URL, connection.NotConnected, "the proxy answered 502"},
		{"too slow for it", "https://status-504.test", server.URL, connection.NotConnected, "the proxy answered 504"},
		{"gone", "https://erp.test", gone.URL, connection.NotConnected, "the proxy: nobody listens there"},
		{"gone, plain", "http://erp.test", gone.URL, connection.NotConnected, "the proxy: nobody listens there"},
		{"unknown", "http://erp.test", "http://proxy.invalid:1", connection.NotConnected, "the proxy: the host proxy.invalid is not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := open(Config{Label: "c", URL: tt.url, Proxy: tt.proxy}, nil, stubResolver(nil))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, err = conn.Do(t.Context(), Request{})
			if connection.ClassOf(err) != tt.class || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v: %v", connection.ClassOf(err), err)
			}
		})
	}
}

// A proxy that says nothing takes no longer than the request, and nothing of it
// stays behind.
func TestSilentProxy(t *testing.T) {
	for _, kind := range []string{"http", "https", "socks5"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			if client, err := listener.Accept(); err == nil {
				io.Copy(io.Discard, client)
			}
		}()
		conn, err := Open(Config{Label: "c", URL: "https://erp.test", Proxy: kind + "://" + listener.Addr().String(), Timeout: 50 * time.Millisecond}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = conn.Do(t.Context(), Request{}); connection.ClassOf(err) != connection.NotConnected || !strings.Contains(err.Error(), "within 50ms") {
			t.Errorf("%s: %v", kind, err)
		}
		conn.Close()
		<-closed
		listener.Close()
	}
}

// A proxy that shows its password in a broken answer does not get it into a text.
func TestProxysPasswordStaysOutOfErrors(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, buffer, _ := w.(http.Hijacker).Hijack()
		defer c.Close()
		buffer.WriteString(r.Header.Get("Proxy-Authorization") + " p:w@/ p%3Aw%40%2F garbage\r\n\r\n")
		buffer.Flush()
	}))
	defer server.Close()
	for _, url := range []string{"http://erp.test", "https://erp.test"} {
		conn, err := Open(Config{Label: "c", URL: url, Proxy: strings.Replace(server.URL, "//", "//me:${secret:p}@", 1)}, func(string) (string, error) { return "p:w@/", nil })
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = conn.Do(t.Context(), Request{})
		if err == nil || strings.Contains(err.Error(), "p:w@/") || strings.Contains(err.Error(), "p%3Aw%40%2F") || strings.Contains(err.Error(), "bWU6cDp3QC8=") || !strings.Contains(err.Error(), "***") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestEnvironmentsProxyIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	conn := serve(t, Config{}, func(http.ResponseWriter, *http.Request) {})
	if _, err := conn.Do(t.Context(), Request{}); err != nil {
		t.Error(err)
	}
}

func TestParseProxy(t *testing.T) {
	values := map[string]string{"${env:P}": "http://u:p%40w@proxy:3128", "${env:H}": "proxy", "${env:U}": "a:b", "${secret:p}": "x@y/%:z"}
	expand := func(piece string) (string, error) {
		for ref, v := range values {
			piece = strings.ReplaceAll(piece, ref, v)
		}
		return piece, nil
	}
	for text, want := range map[string][3]string{
		"http://proxy:3128":                       {"http://proxy:3128", "", ""},
		"socks5://10.0.0.1":                       {"socks5://10.0.0.1", "", ""},
		"https://[fd00::1]:8080/":                 {"https://[fd00::1]:8080/", "", ""},
		"http://u:p%40w@proxy":                    {"http://proxy", "u", "p@w"},
		"http://u@proxy":                          {"http://proxy", "u", ""},
		"${env:P}":                                {"http://proxy:3128", "u", "p@w"},
		"http://${env:H}:3128":                    {"http://proxy:3128", "", ""},
		"http://${env:U}:${secret:p}@${env:H}:80": {"http://proxy:80", "a:b", "x@y/%:z"},
	} {
		u, err := parseProxy(text, expand)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		password, _ := u.User.Password()
		name := u.User.Username()
		u.User = nil
		if got := [3]string{u.String(), name, password}; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
		if err := checkProxy(text); err != nil {
			t.Errorf("%s is refused before it is opened: %v", text, err)
		}
	}
	for text, says := range map[string]string{
		"": "is empty", "proxy:3128": "not a URL", "ftp://proxy": "must begin with", "socks4://proxy": "must begin with", "http://": "no host",
		"http://proxy/path": "after its host", "http://proxy?x": "after its host", "http://proxy:0": "port", "http://u:%zz@proxy": "percent-encoded",
		"http://0177.0.0.1": "looks like an address", "http://u:p@": "no host", "http://${proxy}": "write a reference", "//proxy": "must begin with", "http://a b": "not a URL",
	} {
		if err := checkProxy(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Whatever is written, the password is in no error and the host in no password.
func FuzzParseProxy(f *testing.F) {
	for _, seed := range []string{"http://u:p@h:1", "socks5://h", "http://${env:U}:${secret:p}@h", "https://u:%40@[::1]:8", "http://@", "http://$${x}@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checked := checkProxy(text)
		u, err := parseProxy(text, func(piece string) (string, error) {
			x := connection.NewExpander(func(string) (string, error) { return "s3cret@/:", nil })
			return x.Expand(piece)
		})
		if err != nil {
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
			t.Errorf("%q gives %s", text, u)
		}
		if checked != nil {
			t.Errorf("%q is opened and was refused: %v", text, checked)
		}
		bare := url.URL{Scheme: u.Scheme, Host: u.Host}
		if _, err := url.Parse(bare.String()); err != nil {
			t.Errorf("%q gives %s: %v", text, &bare, err)
		}
	})
}
