package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/alecthomas/kong"

	"junctor/internal/access"
	"junctor/internal/certificate"
	"junctor/internal/class/table"
	"junctor/internal/client"
	"junctor/internal/clock"
	"junctor/internal/config"
	"junctor/internal/hub"
	"junctor/internal/run"
)

// target is the installation that a command works on: a running server, or the
// data of a stopped one.
type target struct {
	Server   string `help:"The running server." placeholder:"URL" group:"Which installation"`
	Token    string `help:"An API token for it." placeholder:"TOKEN" group:"Which installation"`
	User     string `help:"An account of it, instead of a token. Its password is asked for, or taken from JUNCTOR_PASSWORD." placeholder:"LOGIN" group:"Which installation"`
	Cert     string `help:"A client certificate for it, with its chain, in PEM." placeholder:"FILE" group:"Which installation"`
	Key      string `help:"The private key of --cert, in PEM; the file of --cert may have it too." placeholder:"FILE" group:"Which installation"`
	CA       string `name:"ca" help:"Whom to trust instead of the system's authorities, in PEM." placeholder:"FILE" group:"Which installation"`
	Data     string `help:"The data directory of a stopped server; an empty one becomes a new installation." placeholder:"DIR" group:"Which installation"`
	Database string `help:"The PostgreSQL of a stopped server, instead of SQLite under --data." placeholder:"URL" group:"Which installation"`

	anyKey bool // the master key need not open the secrets
}

// terminal is whom the audit log names when no account was needed.
const terminal = "terminal"

// Parts of an installation, each as one command needs it. A stopped server's
// are access.Store, run.Engine and config.Service, a running one's the client.
type (
	tokens interface {
		CreateToken(ctx context.Context, o access.TokenOptions) (access.Token, error)
		ListTokens(ctx context.Context, after string, limit int) ([]access.Token, string, error)
		RevokeToken(ctx context.Context, nameOrID, author string) (access.Token, error)
	}
	secrets interface {
		SetSecret(ctx context.Context, name, value, author string) error
		ListSecrets(ctx context.Context, after string, limit int) ([]access.SecretInfo, string, error)
		DeleteSecret(ctx context.Context, name, author string, force bool) error
	}
	accounts interface {
		CreateAdmin(ctx context.Context, login, password, author string) (generated string, err error)
		SetPassword(ctx context.Context, login, password, author string) (generated string, err error)
	}
	engine interface {
		Get(ctx context.Context, id string) (*run.Info, error)
		List(ctx context.Context, f run.Filter) (runs []run.Info, next string, err error)
		Retry(ctx context.Context, id string) (*run.Info, error)
		Cancel(ctx context.Context, id string) (*run.Info, error)
		Terminate(ctx context.Context, id string) (*run.Info, error)
		Rerun(ctx context.Context, id string, o run.RerunOptions) (*run.Info, error)
		Purge(ctx context.Context, o run.PurgeOptions) (int64, error)
	}
	eraser interface {
		Erase(ctx context.Context, subject string, dryRun bool) (run.Erased, error)
	}
	classViews interface {
		Views(ctx context.Context) ([]table.View, error)
		RefreshViews(ctx context.Context) error
	}
	configuration interface {
		Plan(ctx context.Context, set *config.Set, o config.Options) (*config.Result, error)
		Apply(ctx context.Context, set *config.Set, o config.Options) (*config.Result, error)
		Export(ctx context.Context) (*config.Set, error)
	}
)

// installation is an opened target.
type installation struct {
	tokens        tokens
	secrets       secrets
	accounts      accounts
	runs          engine
	eraser        eraser
	views         classViews
	configuration configuration
	stopped       *hub.Hub // nil for a running server
	close         func() error

	// firstAdmin makes the account that the first start would make; a running
	// server has it.
	firstAdmin func(context.Context) error
}

// AfterApply lets what the command line says go before what the environment or
// the file says of another installation. Where only these speak, of both, the
// server goes first: JUNCTOR_DATA and JUNCTOR_DATABASE are its own flags too.
func (t *target) AfterApply(ctx *kong.Context) error { //nolint:unparam // kong asks for the error
	given := map[string]bool{}
	for _, p := range ctx.Path {
		if p.Flag != nil && !p.Resolved {
			given[p.Flag.Name] = true
		}
	}
	switch stopped := given["data"] || given["database"]; {
	case stopped && !given["server"]:
		t.Server = ""
	case t.Server != "" && !stopped:
		t.Data, t.Database = "", ""
	}
	return nil
}

// use opens the target, hands it to f and closes it.
func (t *target) use(ctx context.Context, console *console, f func(*installation) error) error {
	i, err := t.open(ctx, console)
	if err != nil {
		return err
	}
	err = f(i)
	if closeErr := i.close(); err == nil {
		err = closeErr
	}
	return err
}

func (t *target) open(ctx context.Context, console *console) (*installation, error) {
	local := t.Data != "" || t.Database != ""
	switch {
	case t.Server != "" && local:
		return nil, usage("give either --server, or --data or --database, not both")
	case t.Server != "":
		c, err := t.client(console)
		if err != nil {
			return nil, usageError{error: err}
		}
		return &installation{
			tokens: c, secrets: c, accounts: c, runs: c, eraser: c, views: c, configuration: remote{c},
			close:      func() error { return nil },
			firstAdmin: func(context.Context) error { return nil },
		}, nil
	case !local:
		return nil, usage("say which installation: --server URL --token TOKEN for a running server, --data DIR or --database URL for a stopped one")
	}
	h, err := hub.Open(ctx, hub.Options{
		Data: t.dataOrDefault(), Database: t.Database, AnyKey: t.anyKey, AdminPassword: environment("ADMIN_PASSWORD"),
		Log: console.log(errorsOnly), Release: release(), Clock: clock.Real{},
	})
	if err != nil {
		return nil, err
	}
	return &installation{
		tokens: h.Access(), secrets: stored{h.Access(), h.Config()}, accounts: h.Access(), runs: h.Runs(), eraser: audited{h}, views: h, configuration: h.Config(), stopped: h,
		close: h.Close,
		firstAdmin: func(ctx context.Context) error {
			generated, _, err := h.Access().EnsureAdmin(ctx, environment("ADMIN_PASSWORD"))
			if generated != "" {
				fmt.Fprintf(console.err, "The account \"admin\" has been made. Its password, shown this once: %s\n", generated)
			}
			return err
		},
	}, nil
}

// stored is a stopped server's secrets.
type stored struct {
	*access.Store
	config *config.Service
}

// DeleteSecret is the client's.
func (s stored) DeleteSecret(ctx context.Context, name, author string, force bool) error {
	if !force {
		if err := s.config.Unreferred(ctx, name); err != nil {
			return err
		}
	}
	return s.Store.DeleteSecret(ctx, name, author)
}

// audited is a stopped server's erasure with the line in the audit log that a
// running one writes.
type audited struct{ hub *hub.Hub }

func (a audited) Erase(ctx context.Context, subject string, dryRun bool) (run.Erased, error) {
	erased, err := a.hub.Runs().Erase(ctx, subject, dryRun)
	if !dryRun && (err == nil || erased.Done > 0) {
		err = errors.Join(err, a.hub.Access().Record(ctx, access.Entry{
			Author: terminal, Action: "run.actions", Object: "runs", Detail: erased.Audit(subject),
		}))
	}
	return erased, err
}

// client speaks to the running server.
func (t *target) client(console *console) (*client.Client, error) {
	shown, err := t.tls()
	if err != nil {
		return nil, err
	}
	switch {
	case t.User != "":
		password := environment("PASSWORD")
		if password == "" && !isTerminal(console.in) {
			return nil, errors.New("there is no terminal to ask for the password of --user; set JUNCTOR_PASSWORD")
		}
		if password == "" {
			if password, err = console.secret("Password of " + t.User); err != nil {
				return nil, err
			}
		}
		return client.WithPassword(t.Server, t.User, password, shown)
	case t.Token != "":
		return client.WithToken(t.Server, t.Token, shown)
	}
	return nil, fmt.Errorf("--server needs --token (or JUNCTOR_TOKEN); `junctor token create NAME --server %s --user admin` makes one", t.Server)
}

// tls is what the server is shown, and how it is known.
func (t *target) tls() (*tls.Config, error) {
	switch {
	case t.Key != "" && t.Cert == "":
		return nil, errors.New("--key needs --cert, the certificate that it belongs to")
	case t.Cert != "" && strings.HasPrefix(t.Server, "http://"):
		return nil, errors.New("--cert is shown over TLS only: is it a --server that begins with https://?")
	}
	return certificate.Client(t.Cert, cmp.Or(t.Key, t.Cert), t.CA)
}

// dataOrDefault is where the master key lies also when PostgreSQL keeps the rest.
func (t *target) dataOrDefault() string {
	if t.Data == "" {
		return defaultData
	}
	return t.Data
}

// remote is the configuration of a running server.
type remote struct{ client *client.Client }

func (r remote) Plan(ctx context.Context, set *config.Set, o config.Options) (*config.Result, error) {
	return r.change(ctx, "plan", set, o)
}

func (r remote) Apply(ctx context.Context, set *config.Set, o config.Options) (*config.Result, error) {
	return r.change(ctx, "apply", set, o)
}

func (r remote) change(ctx context.Context, act string, set *config.Set, o config.Options) (*config.Result, error) {
	var result config.Result
	path := fmt.Sprintf("/api/v1/admin/configuration/%s?prune=%t&allow_drop=%t", act, o.Prune, o.AllowDrop)
	if err := r.client.Do(ctx, http.MethodPost, path, set, &result); err != nil {
		return nil, err
	}
	return &result, nil
}

func (r remote) Export(ctx context.Context) (*config.Set, error) {
	var set config.Set
	if err := r.client.Do(ctx, http.MethodGet, "/api/v1/admin/configuration", nil, &set); err != nil {
		return nil, err
	}
	return &set, nil
}
