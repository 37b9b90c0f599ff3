package hub

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"junctor/internal/certificate"
)

// Addresses is where a server listens.
type Addresses struct {
	Listen string
	Public string // "" without an address of its own for the token endpoints
	TLS    bool
}

// URL is where the server is from this machine.
func (a Addresses) URL() string { return a.scheme() + a.Listen }

// PublicURL is that of the token endpoints' own address.
func (a Addresses) PublicURL() string { return a.scheme() + a.Public }

func (a Addresses) scheme() string {
	if a.TLS {
		return "https://"
	}
	return "http://"
}

// TLS is what a server shows of itself and asks of its clients; the zero value
// is plain HTTP.
type TLS struct {
	Cert, Key      string // PEM files, reloaded when they change
	SelfSigned     bool   // a certificate of its own making, kept in the data directory; instead of files
	ClientCA       string // PEM file: certificates of clients are asked for, and verified
	ClientRequired bool   // and demanded
}

// Patience is how long a server waits for its clients. What is 0 is as the
// comment says.
type Patience struct {
	Header time.Duration // for a TLS handshake, and for a request's headers; 10s
	Body   time.Duration // for the body of a message; 1m
	Answer time.Duration // for a client to take the next 64 KiB of its answer; 1m
	Idle   time.Duration // for the next request on a connection; 2m
}

func (p Patience) withDefaults() Patience {
	for d, standard := range map[*time.Duration]time.Duration{
		&p.Header: 10 * time.Second, &p.Body: time.Minute, &p.Answer: time.Minute, &p.Idle: 2 * time.Minute,
	} {
		if *d == 0 {
			*d = standard
		}
	}
	return p
}

// The bounds of HTTP/2, per connection.
const (
	http2Streams = 100       // requests at the same time
	http2Frame   = 64 << 10  // bytes of a frame
	http2Stream  = 256 << 10 // bytes of a body before somebody reads them
)

// server is one for HTTP/1.1 and HTTP/2, with TLS by ALPN and without by prior
// knowledge, as proxies speak it.
func (h *Hub) server(handler http.Handler, cert *certificate.Keeper) *http.Server {
	patience := h.options.Patience
	s := &http.Server{
		Handler: guard(handler, patience), Protocols: &http.Protocols{}, DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout: patience.Header, IdleTimeout: patience.Idle, MaxHeaderBytes: 2 * headerBytes,
		ErrorLog: quiet(h.log),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: http2Streams, MaxReadFrameSize: http2Frame, MaxReceiveBufferPerStream: http2Stream,
			WriteByteTimeout: patience.Answer,
		},
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(cert == nil)
	if cert != nil {
		s.TLSConfig = cert.Config()
	}
	return s
}

// certificate is what the server shows of itself; nil for plain HTTP.
func (h *Hub) certificate() (*certificate.Keeper, error) {
	t := h.options.TLS
	o := certificate.Options{
		Cert: t.Cert, Key: t.Key, ClientCA: t.ClientCA, ClientRequired: t.ClientRequired, Log: h.log, Now: h.options.Clock.Now,
	}
	if t.SelfSigned {
		o.SelfSigned, o.Names = filepath.Join(h.options.Data, "self-signed.pem"), h.ownNames()
	}
	if o.Cert == "" && o.SelfSigned == "" {
		return nil, nil
	}
	return certificate.Open(o)
}

// ownNames are those by which clients may know this machine.
func (h *Hub) ownNames() []string {
	list := []string{"localhost", "127.0.0.1", "::1"}
	if name, err := os.Hostname(); err == nil {
		list = append(list, name)
	}
	if u, err := url.Parse(h.options.PublicURL); err == nil {
		list = append(list, u.Hostname())
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		h.log.Warn("this machine's addresses are not in the self-signed certificate", "error", err)
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			list = append(list, network.IP.String())
		}
	}
	return list
}

// open listens at the server's addresses, all or none. The first is that of
// everything, or of everything but the token endpoints when these have the
// second.
func (h *Hub) open(ctx context.Context) (listeners []net.Listener, err error) {
	for _, at := range []struct{ address, flag, handedOver string }{
		{h.options.Listen, "--listen", listenerEnv},
		{h.options.PublicListen, "--public-listen", publicListenerEnv},
	} {
		if at.address == "" {
			continue
		}
		l, err := listen(ctx, at.address, at.handedOver)
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("listen on %s: %w; choose another address with %s", at.address, err, at.flag)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// The variables that name the file descriptors of open listeners, which a
// process hands over to the one that takes its place.
const (
	listenerEnv       = "JUNCTOR_LISTENER_FD"
	publicListenerEnv = "JUNCTOR_PUBLIC_LISTENER_FD"
)

// listen opens the address, or takes over the listener that this process's
// predecessor has left open (see Exec).
func listen(ctx context.Context, address, handedOver string) (net.Listener, error) {
	if l, err := inherited(handedOver); l != nil || err != nil {
		return l, err
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", address)
}
