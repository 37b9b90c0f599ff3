// Package api is the management door: sessions, the admin API, health,
// metrics, the error reference and the OpenAPI document.
//
// It translates between HTTP and the packages that hold the rules. There is
// one table of routes (routes.go); the router, the check of rights, the
// OpenAPI document and the test of every route with every credential are made
// from it.
//
// The package must not know how anything is stored, and it must not know
// package config, which stands beside it: what it needs of it is the interface
// Configuration.
package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/access"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/limit"
)

// Services are what the door leads to. All must be set, but those that say
// otherwise.
type Services struct {
	Access        *access.Store
	Runs          Runs
	Configuration Configuration
	Versions      Versions
	Functions     Functions
	Packets       Packets
	Schedules     Schedules
	Events        *event.Log
	// Turn waits until an account may begin to read any number of events; what it
	// returns ends the turn. nil: nobody waits.
	Turn          func(ctx context.Context, login string) (leave func(), err error)
	Subscriptions Subscriptions
	Views         Views
	Approvals     Approvals
	Links         Links
	// Offer is what /docs and /openapi.json tell of; nil: nothing.
	Offer   func() Offer
	Sockets Sockets
	// ChannelToken gives the token of a channel that exists.
	ChannelToken func(ctx context.Context, code string) (string, error)
	// Ready makes a probe write; its error says why the database does not take it.
	Ready func(ctx context.Context) error

	Metrics        prometheus.Gatherer
	MetricsByToken func() bool // whether /metrics needs a credential; nil: it is open

	// BaseURL is scheme://host as the caller sees it; nil means as it was asked.
	BaseURL func(*http.Request) string
	// Address is the client's address, seen through trusted proxies; nil means
	// the connection's.
	Address func(*http.Request) string
	Release string
	// Room is what bodies and answers share with other doors. What is small needs none.
	Room *limit.Room
	Log  *slog.Logger
}

const (
	small    = 64 << 10 // bytes of a body or an answer that needs no room
	mostWait = 500      // calls that wait for events at the same time
)

var errNoRoom = fault.New(fault.Unavailable, "too much is being received and answered at the moment; nothing was done, try again in a moment").WithRetryAfter(time.Second)

// New makes the door. It answers every path it is given: unknown ones with a
// 404 problem.
func New(s Services) http.Handler {
	if s.Address == nil {
		s.Address = connectionAddress
	}
	if s.BaseURL == nil {
		s.BaseURL = func(r *http.Request) string { return "http://" + r.Host }
	}
	d := &door{Services: s, mux: http.NewServeMux(), patience: patience, waiting: limit.NewRoom(mostWait)}
	d.routes = d.table()
	d.openAPI = document(d.routes, s.Release)
	for i := range d.routes {
		r := &d.routes[i]
		d.mux.Handle(r.method+" "+r.pattern, d.serve(r))
	}
	return d
}

// door is the handler and the receiver of every route's function.
type door struct {
	Services
	mux     *http.ServeMux
	routes  []route
	openAPI []byte
	waiting *limit.Room // of callers, not of bytes

	patience func(limit int64) time.Duration // with a body of up to so many bytes
}

func connectionAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
