package hub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"junctor/internal/api"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/ingress"
)

// Addresses is where a server listens.
type Addresses struct{ Listen string }

// The patience of a server with its clients.
const (
	headerTime   = 10 * time.Second
	idleTime     = 2 * time.Minute
	headerBytes  = 64 << 10
	shutdownTime = 20 * time.Second
)

// Serve opens a hub, executes its runs and listens until ctx ends; ready is
// called once requests are answered. The end is graceful: messages being
// received are answered, steps under way may finish for some seconds, what is
// left goes on at the next start.
func Serve(ctx context.Context, o Options, ready func(Addresses)) (err error) {
	h, err := Open(ctx, o)
	if err != nil {
		return err
	}
	err = errors.Join(h.Serve(ctx, ready), h.Close())
	if !errors.Is(err, errRestart) {
		return err
	}
	h.log.Warn("the node has stopped", "why", err) // with what went wrong meanwhile
	if ctx.Err() != nil {
		return nil // it has been told to end for good
	}
	return Exec()
}

// errRestart ends a server whose process has to be replaced.
var errRestart = errors.New("the node restarts itself")

// Serve is the function of that name for a hub that is open. It does not
// replace the process when scripts are stuck, but ends with an error.
func (h *Hub) Serve(ctx context.Context, ready func(Addresses)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	oneMore()
	listener, err := listen(ctx, h.options.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --listen", h.options.Listen, err)
	}
	if err := h.firstAdmin(ctx); err != nil { // a start that fails above would have shown the password to nobody
		return errors.Join(err, listener.Close())
	}
	h.restart.Store(&cancel)
	if err := h.runs.Start(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	h.lookUp(ctx) // or the first messages from hosts would be refused
	go h.watch(ctx)
	go h.names(ctx)
	go h.profiles(ctx)
	go h.expire(ctx)
	server := &http.Server{
		Handler: h.handler(), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
		ErrorLog: quiet(h.log),
	}
	entrance := newEntrance(listener, server)
	h.log.Info("serving", "address", listener.Addr().String(), "release", h.options.Release, "node", h.runs.Node())
	if ready != nil {
		ready(Addresses{Listen: listener.Addr().String()})
	}
	var broken error
	select {
	case <-ctx.Done():
	case <-entrance.closed:
	case <-h.db.Broken():
		broken = fault.New(fault.Unavailable, "The disk of the data directory has failed; nothing can be stored any more. Start again when it works: what was acknowledged is kept.")
	}
	h.restart.Store(nil)
	if errors.Is(context.Cause(ctx), errRestart) {
		err = errors.Join(errRestart, handOver(listener))
	}
	return errors.Join(broken, err, h.stop(entrance))
}

func (h *Hub) stop(e *entrance) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	err := e.close(ctx)
	short, done := context.WithTimeout(ctx, shutdownTime/4)
	defer done()
	return errors.Join(err, h.runs.Stop(short))
}

// firstAdmin makes the account of the first start.
func (h *Hub) firstAdmin(ctx context.Context) error {
	password, created, err := h.access.EnsureAdmin(ctx, h.options.AdminPassword)
	if err != nil {
		return fmt.Errorf("make the account admin: %w", err)
	}
	if !created && h.options.AdminPassword != "" {
		h.log.Info("there is an admin account already: the password from the environment is not used; `junctor admin reset-password` sets another")
	}
	if created && password != "" && h.options.Console != nil {
		fmt.Fprintf(h.options.Console, "\n  The account \"admin\" has been made. Its password, shown this once: %s\n\n", password)
	}
	return nil
}

// handler sends each request to its door.
func (h *Hub) handler() http.Handler {
	outside := ingress.New(ingress.Options{
		Doors: h, Runs: h.runs, Validator: h.validator, Nonces: h.nonces, Address: h.address, BaseURL: h.baseURL,
		Log: h.log, Metrics: h.metrics, Now: h.options.Clock.Now,
	})
	inside := api.New(api.Services{
		Access: h.access, Runs: h.runs, Configuration: configuration{h}, Versions: h.versions, ChannelToken: h.tokens.Token,
		Ready: h.ready, Metrics: h.metrics, Address: h.address, Release: h.options.Release, Log: h.log,
		MetricsByToken: func() bool { return h.live.Load().snapshot.Settings.MetricsByToken },
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, ingress.Base) {
			h.arriving.Add(1)
			defer h.arriving.Add(-1)
			outside.ServeHTTP(w, r)
			return
		}
		inside.ServeHTTP(w, r)
	})
}

// ready is whether the database takes a write.
func (h *Hub) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return h.committer.Commit(ctx, db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
		_, err := tx.Exec(`UPDATE nodes SET executing = executing WHERE id = $1`, h.runs.Node())
		return nil, err
	}})
}

// address is the client's: the last one in X-Forwarded-For that no trusted
// proxy has put there, when the connection is from a trusted proxy.
func (h *Hub) address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	client := peer.Addr().Unmap()
	if !h.trusted(client) {
		return client.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if client = hop.Unmap(); !h.trusted(client) {
			break
		}
	}
	return client.String()
}

func (h *Hub) trusted(a netip.Addr) bool {
	for _, p := range h.options.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// baseURL is scheme://host as the sender sees it.
func (h *Hub) baseURL(r *http.Request) string {
	if h.options.PublicURL != "" {
		return strings.TrimSuffix(h.options.PublicURL, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && h.trusted(peer.Addr().Unmap()) {
		if proto := r.Header.Get("X-Forwarded-Proto"); proto == "https" || proto == "http" {
			scheme = proto
		}
	}
	return scheme + "://" + r.Host
}

// listen opens the address, or takes over the listener that this process's
// predecessor has left open (see Restart).
func listen(ctx context.Context, address string) (net.Listener, error) {
	if l, err := inherited(); l != nil || err != nil {
		return l, err
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", address)
}
