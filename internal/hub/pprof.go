package hub

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// profiles serves net/http/pprof at a loopback address until ctx ends; "" is
// nowhere. It is for measuring, and reachable from this machine only.
func (h *Hub) profiles(ctx context.Context) {
	host, _, err := net.SplitHostPort(h.options.Profiles)
	if h.options.Profiles == "" {
		return
	}
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		h.log.Warn("profiles are served at a loopback address only", "address", h.options.Profiles)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Addr: h.options.Profiles, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close() //nolint:errcheck // nobody is waiting for a profile any more
	}()
	if err := server.ListenAndServe(); err != nil && ctx.Err() == nil {
		h.log.Warn("profiles cannot be served", "error", err)
	}
}
