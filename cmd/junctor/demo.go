package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"junctor/internal/clock"
	"junctor/internal/config"
	"junctor/internal/demo"
	"junctor/internal/hub"
	"junctor/internal/id"
)

type demoCommand struct {
	Data    string `help:"Keep the demo's data in this directory and go on there next time; a fresh temporary one otherwise." placeholder:"DIR"`
	Listen  string `help:"Address of the server." default:"127.0.0.1:8080" placeholder:"ADDR"`
	ERP     string `help:"Address of the demo's ERP." default:"127.0.0.1:9009" placeholder:"ADDR"`
	ERPOnly bool   `name:"erp-only" help:"Serve the ERP and nothing else, as the far end of an integration of your own."`
}

// Help says what one is going to see.
func (demoCommand) Help() string {
	return `A shop's orders go through a TypeScript scenario to an ERP, and a warehouse's stock movements follow. The console tells what happens as it happens, and prints what to try: send an order, break the ERP, watch the runs wait, mend it. Everything is on this machine; Ctrl+C ends it.`
}

// Run serves the sample integration and plays messages through it.
func (d demoCommand) Run(ctx context.Context, console *console) (err error) {
	shown := demo.NewConsole(console.out, console.colour, clock.Real{})
	if d.ERPOnly {
		return d.serveERP(ctx, shown)
	}
	dir := d.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "junctor-demo-"); err != nil {
			return fmt.Errorf("make a place for the demo: %w", err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // it is in the system's folder of temporary files
	}
	erp, err := startERP(ctx, d.ERP, shown)
	if err != nil {
		return err
	}
	defer erp.stop()
	if err := os.Setenv("ERP_URL", erp.url); err != nil {
		return err
	}
	password := id.Token(12)
	h, err := hub.Open(ctx, hub.Options{
		Data: filepath.Join(dir, "data"), Listen: d.Listen, AdminPassword: password, Release: release(),
		Log: console.log(slog.LevelWarn), Clock: clock.Real{},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	paths, err := applySample(ctx, h, filepath.Join(dir, "shop-to-erp"))
	if err != nil {
		return err
	}
	if _, made, err := h.Access().EnsureAdmin(ctx, password); err != nil {
		return err
	} else if !made {
		password = "" // it was made by an earlier demo
	}
	performed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err = h.Serve(ctx, func(a hub.Addresses) {
		base := "http://" + a.Listen
		go func() {
			performed <- demo.Perform(ctx, demo.Setup{
				Server: base, Shop: base + paths["shop"], Warehouse: base + paths["warehouse"], ERP: erp.url,
				Password: password, Runs: h.Runs(), Console: shown,
			})
			cancel()
		}()
	})
	cancel()
	select {
	case played := <-performed:
		return errors.Join(err, played)
	default:
		return err
	}
}

// serveERP serves the demo's ERP until the process is told to end.
func (d demoCommand) serveERP(ctx context.Context, shown *demo.Console) error {
	erp, err := startERP(ctx, d.ERP, shown)
	if err != nil {
		return err
	}
	defer erp.stop()
	if err := demo.ExplainERP(shown, erp.url); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// applySample writes the example into a folder, unless an earlier demo has, and
// applies it. It returns the channels' paths.
func applySample(ctx context.Context, h *hub.Hub, dir string) (map[string]string, error) {
	if _, err := os.Stat(filepath.Join(dir, config.File)); errors.Is(err, os.ErrNotExist) {
		if err := demo.Unpack(dir); err != nil {
			return nil, fmt.Errorf("write the sample integration: %w", err)
		}
	}
	set, problems := config.Load(ctx, dir)
	for _, p := range problems {
		return nil, fmt.Errorf("the sample integration in %s is not valid: %s", dir, p)
	}
	result, err := h.Config().Apply(ctx, set, config.Options{Author: "demo"})
	if err != nil {
		return nil, err
	}
	paths := map[string]string{}
	for _, c := range result.Channels {
		paths[c.Code] = c.Path
	}
	return paths, h.Reload(ctx)
}

// erpServer is the demo's ERP on an address of its own.
type erpServer struct {
	url    string
	server *http.Server
}

func startERP(ctx context.Context, address string, shown *demo.Console) (*erpServer, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the demo's ERP: %w; choose another address with --erp", err)
	}
	e := &erpServer{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: demo.NewERP(shown.ERP).Handler(), ReadHeaderTimeout: 10 * time.Second},
	}
	go e.server.Serve(listener) //nolint:errcheck // it ends when it is closed
	return e, nil
}

func (e *erpServer) stop() { e.server.Close() } //nolint:errcheck // the process ends
