package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"junctor/internal/api"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/ingress"
	"junctor/internal/limit"
	"junctor/internal/link"
	"junctor/internal/record"
	"junctor/internal/soap"
)

// shutdownTime is how long a server that ends waits for those who are in.
const shutdownTime = 20 * time.Second

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
	cert, err := h.certificate()
	if err != nil {
		return err
	}
	listeners, err := h.open(ctx)
	if err != nil {
		return err
	}
	if err = h.sealed(ctx); err == nil {
		err = h.firstAdmin(ctx) // a start that fails above would have shown the password to nobody
	}
	if err == nil {
		err = h.renewPasswords(ctx)
	}
	if err == nil {
		h.listensAt(listeners, cert != nil)
		h.restart.Store(&cancel)
		err = h.runs.Start(ctx)
	}
	if err == nil {
		err = h.unfinished(ctx)
	}
	if err != nil {
		closeAll(listeners)
		return err
	}
	h.lookUp(ctx) // or the first messages from hosts would be refused
	if err := h.sockets.forget(ctx); err != nil {
		h.log.Warn("connections of nodes that have gone could not be forgotten; trying again in a minute", "error", err)
	}
	h.events.Start()
	h.waits.Start()
	go h.watch(ctx)
	go h.deliver(ctx)
	go h.hosts(ctx)
	go h.sockets.run(ctx)
	go h.profiles(ctx)
	go h.expire(ctx)
	go h.analyze(ctx)
	go h.schedules.Run(ctx)
	go h.capturer().Run(ctx)
	if cert != nil {
		go cert.Watch(ctx)
	}
	addresses := Addresses{Listen: listeners[0].Addr().String(), TLS: cert != nil}
	handlers := h.handlers()
	closed := make(chan struct{}, len(listeners))
	var entrances []*entrance
	for i, l := range listeners {
		entrances = append(entrances, newEntrance(l, h.server(handlers[i], cert), closed))
	}
	said := []any{"address", addresses.Listen, "tls", addresses.TLS, "release", h.options.Release, "node", h.runs.Node()}
	if len(listeners) > 1 {
		addresses.Public = listeners[1].Addr().String()
		said = append(said, "public_address", addresses.Public)
	}
	h.log.Info("serving", said...)
	if ready != nil {
		ready(addresses)
	}
	var broken error
	select {
	case <-ctx.Done():
	case <-closed:
	case <-h.db.Broken():
		broken = fault.New(fault.Unavailable, "The disk of the data directory has failed; nothing can be stored any more. Start again when it works: what was acknowledged is kept.")
	}
	h.restart.Store(nil)
	if errors.Is(context.Cause(ctx), errRestart) {
		err = errRestart
		for i, name := range []string{listenerEnv, publicListenerEnv}[:len(listeners)] {
			err = errors.Join(err, handOver(listeners[i], name))
		}
	}
	return errors.Join(broken, err, h.stop(entrances, errors.Is(err, errRestart)))
}

func (h *Hub) stop(entrances []*entrance, restart bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	h.events.Stop() // those who wait for events are answered
	errs := make([]error, len(entrances)+1)
	var closing sync.WaitGroup
	for i, e := range entrances {
		closing.Go(func() { errs[i] = e.close(ctx) })
	}
	closing.Go(func() { h.sockets.stop(ctx, restart) })
	closing.Wait()
	short, done := context.WithTimeout(ctx, shutdownTime/4)
	defer done()
	errs[len(entrances)] = h.runs.Stop(short)
	return errors.Join(errs...)
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

// renewPasswords takes those of applications and people that stand in this
// process's environment.
func (h *Hub) renewPasswords(ctx context.Context) error {
	problems, err := h.access.RenewPasswords(ctx, "junctor")
	for _, p := range problems {
		h.log.Warn("an account cannot come in with a new password", "error", p)
	}
	return err
}

// doorRoom is how many bytes of bodies and answers the doors for who has an account
// hold in memory at the same time.
const doorRoom = 128 << 20

// handlers are the doors behind each of the server's addresses.
func (h *Hub) handlers() []http.Handler {
	messages := h.counted(ingress.New(ingress.Options{
		Doors: h, Runs: h.runs, Validator: h.validator, Nonces: h.nonces, Events: h.subscriptions, Sockets: h.sockets.door(), Address: h.address, BaseURL: h.baseURL,
		Log: h.log, Metrics: h.metrics, Now: h.options.Clock.Now, BodyTime: h.options.Patience.Body,
	}))
	room := limit.NewRoom(doorRoom)
	links := ingress.NewLinks(ingress.LinkOptions{
		Links: h.links, Address: h.address, Zone: func() *time.Location { return h.live.Load().snapshot.Settings.Timezone },
		Log: h.log, Metrics: h.metrics, Now: h.options.Clock.Now, BodyTime: h.options.Patience.Body,
	})
	outside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, link.Base) {
			links.ServeHTTP(w, r)
			return
		}
		messages.ServeHTTP(w, r)
	})
	data, envelopes, admin := h.data(room), h.soap(room), api.New(api.Services{
		Access: h.access, Events: h.events, Subscriptions: h.subscriptions, Runs: h.runs, Configuration: configuration{h}, Versions: h.versions, Views: h, Approvals: h.links, Links: h.links, ChannelToken: h.tokens.Token, Sockets: h.sockets,
		Turn: func(ctx context.Context, login string) (func(), error) {
			return h.records.Turn(ctx, record.Actor{By: login})
		},
		Functions: h, Packets: h, Schedules: scheduleDoor{h}, Offer: h.offer, BaseURL: h.baseURL, Room: room,
		Ready: h.ready, Metrics: h.metrics, Address: h.address, Release: h.options.Release, Log: h.log,
		MetricsByToken: func() bool { return h.live.Load().snapshot.Settings.MetricsByToken },
	})
	inside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case isData(r.URL.Path):
			data.ServeHTTP(w, r)
		case r.URL.Path == soap.Base:
			envelopes.ServeHTTP(w, r)
		default:
			admin.ServeHTTP(w, r)
		}
	})
	if h.options.PublicListen != "" {
		return []http.Handler{inside, outside}
	}
	return []http.Handler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, ingress.Base) || strings.HasPrefix(r.URL.Path, ingress.SocketBase) || strings.HasPrefix(r.URL.Path, link.Base) {
			outside.ServeHTTP(w, r)
			return
		}
		inside.ServeHTTP(w, r)
	})}
}

// counted knows how many messages are at the door.
func (h *Hub) counted(door http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.arriving.Add(1)
		defer h.arriving.Add(-1)
		door.ServeHTTP(w, r)
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
		if strings.TrimSpace(hops[i]) == "" {
			continue
		}
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if client = hop.Unmap(); !h.trusted(client) {
			break
		}
	}
	return client.String()
}

// parseHop reads an address as proxies write it: with or without a port, IPv6 in
// brackets or not.
func parseHop(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr(), nil
	}
	return netip.ParseAddr(strings.Trim(text, "[]"))
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
