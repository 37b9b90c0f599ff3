// Package hub is the composition root: a Hub is one domain's services wired
// together, a server adds the listener. It holds no rule of its own: it hands
// each part what it needs of the others.
package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"junctor/internal/access"
	"junctor/internal/catalog"
	"junctor/internal/channel"
	"junctor/internal/class/table"
	"junctor/internal/clock"
	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/host"
	"junctor/internal/link"
	"junctor/internal/packet"
	"junctor/internal/record"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/schedule"
	"junctor/internal/script"
	"junctor/internal/secret"
	"junctor/internal/subscription"
)

// Hub is one domain: its storage and the services over it.
type Hub struct {
	options   Options
	log       *slog.Logger
	metrics   *prometheus.Registry
	db        *db.DB
	committer *db.Committer
	access    *access.Store
	objects   *catalog.Store
	versions  *scenario.Versions
	tokens    *channel.Tokens
	nonces    *channel.Nonces
	config    *config.Service
	events    *event.Log
	waits     *event.Waits
	records   *record.Store
	packets   *packet.Fetcher
	schedules *schedule.Keeper
	pool      *script.Pool   // of the zone
	zone      *time.Location // the domain's
	pools     int            // that have been made
	runtime   *scenario.Runtime
	validator *scenario.Validator
	sockets   *sockets
	rules     atomic.Pointer[scenario.Rules] // nil while no class asks a rule before its changes
	rulesZone *time.Location
	runs      *run.Engine
	links     *link.Store
	ownURL    atomic.Pointer[string] // by which this machine reaches what the outside may; nil when not serving
	live      atomic.Pointer[live]
	opened    []func() error // what Close undoes, in reverse
	arriving  atomic.Int64   // messages at the door
	named     chan struct{}  // holds one when hosts of address lists are to be looked up
	reloading sync.Mutex     // one reload at a time
	// Ends serving, to begin the process anew; nil when not serving, or ending.
	restart atomic.Pointer[context.CancelCauseFunc]

	subscriptions *subscription.Store
}

// Open opens or creates a domain's storage and wires its services, without
// executing runs or listening. Errors name what is wrong with the storage.
func Open(ctx context.Context, o Options) (_ *Hub, err error) {
	o = o.withDefaults()
	h := &Hub{options: o, log: o.Log, metrics: prometheus.NewRegistry(), named: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	h.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := h.openStorage(ctx); err != nil {
		return nil, err
	}
	if err := h.openServices(ctx); err != nil {
		return nil, err
	}
	return h, h.reload(ctx)
}

func (h *Hub) openStorage(ctx context.Context) (err error) {
	where := db.Options{Dir: h.options.Data, Domain: config.Domain, Log: h.log}
	if h.options.Database != "" {
		where.Dir, where.URL = "", h.options.Database
	}
	h.db, err = db.Open(ctx, where)
	if err != nil {
		return err
	}
	h.closes(h.db.Close)
	h.committer = db.NewCommitter(h.db, run.Fence, h.metrics)
	h.closes(func() error { h.committer.Close(); return nil })
	if err := os.MkdirAll(h.options.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := h.keyIsThere(ctx, h.keyFile()); err != nil {
		return err
	}
	keys, err := secret.LoadKeys(h.keyFile())
	if err != nil {
		return err
	}
	h.access = access.New(h.db, keys, h.options.Clock)
	if h.options.AnyKey {
		return nil
	}
	return h.keyFits(ctx)
}

func (h *Hub) keyFile() string { return filepath.Join(h.options.Data, "master.key") }

// keyIsThere refuses to make a new master key where sealed secrets wait for the
// old one: that would look like a success and be none.
func (h *Hub) keyIsThere(ctx context.Context, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || os.Getenv(secret.EnvKey) != "" {
		return nil
	}
	sealed, err := access.Sealed(ctx, h.db)
	if err != nil || sealed == 0 {
		return err
	}
	return fault.New(fault.Unavailable, "The master key %s is not there, but the database has %d secrets that are sealed with it. "+
		"Put the key back, or give it as %s: that of the other nodes, if there are any. If it is lost, so are the secrets: "+
		"with any key in that variable `junctor secret list` and `junctor secret delete NAME` work; then set them again.", path, sealed, secret.EnvKey)
}

// keyFits refuses a master key that opens none of the secrets: what is set under
// it would come to lie beside them under another one.
func (h *Hub) keyFits(ctx context.Context) error {
	names, all, err := h.access.Unopened(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	if len(names) < all {
		h.log.Warn("secrets were sealed with another master key and cannot be used; start with that key, or set them again", "secrets", names)
		return nil
	}
	where := "in " + h.keyFile()
	if os.Getenv(secret.EnvKey) != "" {
		where = "of " + secret.EnvKey
	}
	return fault.New(fault.Unavailable, "The master key %s is not the one that the %d secrets of the database were sealed with: it opens none of them. "+
		"Put the right key there. If it is lost, so are the secrets: delete them (`junctor secret list` and `junctor secret delete NAME` work with any key), and set them again.", where, all)
}

// sealed sees to it that the first node of a database seals something: so the
// next one finds out by keyFits whether it has the same master key. A data
// directory has one node, and its key beside it.
func (h *Hub) sealed(ctx context.Context) error {
	if !h.db.Postgres() {
		return nil
	}
	return h.db.Write(ctx, func(tx *db.Tx) error {
		_, err := h.linkKey(tx)
		return err
	})
}

func (h *Hub) openServices(ctx context.Context) (err error) {
	h.events, err = event.Open(ctx, event.Options{
		DB: h.db, Committer: h.committer, Source: "/junctor/" + config.Domain, Keep: h.keepsEvents, Hold: h.holdsEvents, Clock: h.options.Clock, Log: h.log,
	})
	if err != nil {
		return err
	}
	h.waits = event.NewWaits(h.events, waiters{h})
	h.access.OnAudit(h.audited)
	h.openRecords()
	h.openSchedules()
	h.openSubscriptions()
	h.packets = &packet.Fetcher{DB: h.db, Store: h.records, Model: h.model, Query: h.storedQuery, Sources: sources{h}}
	h.objects = catalog.New(h.db)
	h.openSockets()
	h.versions, h.tokens, h.nonces = scenario.NewVersions(h.db), channel.NewTokens(h.db), channel.NewNonces(h.db)
	h.config = config.New(h.db, h.objects, h.versions, h.tokens, h.access, config.Parts{
		Measure: func(p *script.Program) (time.Duration, error) { return h.runtime.Measure(p) },
		Names:   func(p *script.Program) []script.Diagnostic { return h.runtime.Check(p) },
		Params:  func(ctx context.Context, p *script.Program) (json.RawMessage, error) { return h.runtime.Params(ctx, p) },
		Secrets: h.secret,
		Tables:  h.tables,
		Runs:    func() config.Runs { return h.runs },
		Changed: h.changed,
	})
	first, err := h.config.Snapshot(ctx)
	if err != nil {
		return err
	}
	if err := h.usePool(first.Settings.Timezone); err != nil {
		return err
	}
	h.closes(func() error { h.pool.Close(); return nil })
	h.closes(func() error {
		if rules := h.rules.Load(); rules != nil {
			rules.Runtime.Close()
		}
		return nil
	})
	h.runtime = scenario.NewRuntime(h.versions, h.pool, cores, h.version, h.busy)
	migration := &table.Migration{DB: h.db, Changed: h.objects.Touch}
	handlers := host.Handlers(connections{h}, scenarios{h}, h, h.options.Clock.Now)
	h.validator = &scenario.Validator{Runtime: h.runtime, DB: h.db, Handlers: host.ValidateHandlers(handlers), Now: h.options.Clock.Now}
	maps.Copy(handlers, host.PacketHandlers(h.fetchFor))
	maps.Copy(handlers, host.ScheduleHandlers(scheduleSteps{h}))
	maps.Copy(handlers, host.PollHandlers(inserter{h}, scenarios{h}, h.options.Clock.Now))
	maps.Copy(handlers, host.SocketHandlers(h.sockets))
	maps.Copy(handlers, host.WaitHandlers(h.waits))
	maps.Copy(handlers, migration.Handlers())
	maps.Copy(handlers, host.LinkHandlers(func() *link.Store { return h.links }, scenarios{h}, func() time.Time { return h.runs.Now() }))
	maps.Copy(handlers, h.subscriptions.Handlers())
	hostname, _ := os.Hostname() //nolint:errcheck // a nameless machine is one without a name in the list of nodes
	h.runs, err = run.New(run.Options{
		DB: h.db, Committer: h.committer, Programs: programs{h.runtime, migration, h.subscriptions.Delivery()}, Handlers: handlers, Policies: h.policy, Show: show, Revise: h.revise,
		Position: event.Position, Log: h.log, Metrics: h.metrics, Clock: h.options.Clock, Dir: h.options.Data, Host: hostname, Release: h.options.Release,
		OnLog: h.options.OnLog, OnEnd: h.options.OnEnd, Unsuccessful: h.unsuccessful, AlsoSucceeded: h.tellsSuccess,
		Erased: func(tx *db.Tx, run string) error { return h.links.Forget(tx, run) },
	})
	if err == nil {
		h.openLinks()
	}
	h.schedules.Runs = h.runs
	return err
}

// usePool makes the machines that execute scenarios, which know one time zone,
// in place of those of another zone.
func (h *Hub) usePool(zone *time.Location) error {
	if h.pool != nil && h.zone.String() == zone.String() {
		return nil
	}
	h.pools++
	label := zone.String()
	if h.pools > 1 { // the old pool may live on for a while, and be of the same zone
		label += " " + strconv.Itoa(h.pools)
	}
	pool, err := script.NewPool(script.Config{
		Zone: zone, Module: host.Module(), Pure: host.Pure(), Log: h.log, OnStuck: h.stuck,
		Metrics: prometheus.WrapRegistererWith(prometheus.Labels{"timezone": label}, h.metrics),
	})
	if err != nil {
		return fmt.Errorf("prepare the script engine for the time zone %s: %w", zone, err)
	}
	h.pool, h.zone = pool, zone
	if h.runtime != nil {
		go h.runtime.Use(pool).Close() // it ends when the runs that it executes have ended
	}
	return nil
}

// Config changes and reads the configuration; see Hub.Reload for when a change
// takes effect.
func (h *Hub) Config() *config.Service { return h.config }

// Access is the accounts, tokens and secrets.
func (h *Hub) Access() *access.Store { return h.access }

// RotateKey replaces the master key, see access.Store.RotateKey. Errors:
// fault.Conflict while a node works with the key that would go.
func (h *Hub) RotateKey(ctx context.Context, author string) (access.Rotation, error) {
	if os.Getenv(secret.EnvKey) != "" { // nodes may already know all of these keys
		return h.access.RotateKey(ctx, "", author)
	}
	var nodes []run.NodeInfo
	if h.db.Postgres() { // in a data directory there is no other node: its lock is ours
		var err error
		if nodes, err = h.runs.Nodes(ctx); err != nil {
			return access.Rotation{}, err
		}
	}
	for _, n := range nodes {
		if n.Alive {
			return access.Rotation{}, fault.New(fault.Conflict, "The node %s (%s) is at work with the present key; stop every node first. "+
				"One that was killed counts as gone ten seconds later.", n.ID, n.Host)
		}
	}
	return h.access.RotateKey(ctx, h.keyFile(), author)
}

// Runs is the engine; it executes only while the hub serves.
func (h *Hub) Runs() *run.Engine { return h.runs }

// Versions are the scenarios' versions.
func (h *Hub) Versions() *scenario.Versions { return h.versions }

// Close releases everything Open has opened.
func (h *Hub) Close() error {
	var errs []error
	for i := len(h.opened) - 1; i >= 0; i-- {
		errs = append(errs, h.opened[i]())
	}
	h.opened = nil
	if l := h.live.Load(); l != nil {
		l.close()
	}
	return errors.Join(errs...)
}

func (h *Hub) closes(f func() error) { h.opened = append(h.opened, f) }

// secret resolves the references of configurations.
func (h *Hub) secret(ref string) (string, error) {
	kind, name, _ := strings.Cut(ref, ":")
	switch kind {
	case "env":
		if value, ok := os.LookupEnv(name); ok {
			return value, nil
		}
		return "", fault.New(fault.NotFound, "the environment variable %s is not set", name)
	case "secret":
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return h.access.Secret(ctx, name)
	}
	return "", fault.New(fault.Invalid, "%q is not a reference.", ref)
}

// changed brings who may come in, what they may do and when schedules come into
// use, and writes the audit log's line of a configuration change, and its event, in its transaction.
func (h *Hub) changed(tx *db.Tx, author string, c config.Change) error {
	if err := h.grant(tx, author, c); err != nil {
		return err
	}
	if err := h.planned(tx, c); err != nil {
		return err
	}
	err := h.access.Audit(tx, access.Entry{
		Author: author, Action: c.Kind + "." + c.Action, Object: c.Kind + "/" + c.Code,
	})
	if err != nil {
		return err
	}
	if err := h.subscribed(tx, c); err != nil {
		return err
	}
	return h.configured(tx, author, c)
}

func (h *Hub) grant(tx *db.Tx, author string, c config.Change) error {
	if !slices.Contains(access.Kinds(), c.Kind) {
		return nil
	}
	if c.Action == config.Delete {
		return h.access.DropObject(tx, c.Kind, c.Code, author)
	}
	o, err := h.objects.Find(tx, c.Kind, c.Code)
	if err != nil {
		return err
	}
	return h.access.PutObject(tx, c.Kind, c.Code, o.Body, author)
}

// busy is when more messages are at the door than the machine takes at once.
func (h *Hub) busy() bool { return h.arriving.Load() > int64(4*cores) }

// stuck restarts the process when scripts that cannot be stopped hold half of
// the machine's cores. Runs go on from their journals.
func (h *Hub) stuck(n int) {
	if n*2 < computing() {
		return
	}
	if end := h.restart.Swap(nil); end != nil { // once: what gets stuck until then goes with the process too
		h.log.Error("scripts that cannot be stopped hold half of the cores; the node restarts itself", "stuck", n)
		(*end)(errRestart)
	}
}

// Options is what a hub is opened with. The zero value is a server on
// ./junctor-data and :8080.
type Options struct {
	Data           string // directory; ./junctor-data when empty
	Database       string // postgres://... ; SQLite in Data when empty
	Listen         string // :8080 when empty
	PublicListen   string // the token endpoints' own address, which they leave Listen for; none when empty
	TLS            TLS    // of both addresses
	Patience       Patience
	PublicURL      string // scheme://host that senders see; from the request when empty
	TrustedProxies []netip.Prefix
	AnyKey         bool   // open with a master key that opens none of the secrets too
	AdminPassword  string // of the first start's admin; random when empty
	Release        string
	Log            *slog.Logger
	Clock          clock.Clock
	OnLog          func(run.Info, run.LogLine) // each line that a scenario logs
	OnEnd          func(run.Info)              // each run that ends
	Profiles       string                      // loopback address for net/http/pprof; nowhere when empty
	Console        io.Writer                   // where the first start's password is printed; nil: nowhere
}

func (o Options) withDefaults() Options {
	if o.Data == "" {
		o.Data = "junctor-data"
	}
	if o.Listen == "" {
		o.Listen = ":8080"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	o.Patience = o.Patience.withDefaults()
	return o
}
