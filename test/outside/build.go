// Package outside drives the built junctor binary from outside: it builds it,
// configures it, starts it, kills it and asks its admin API. The benchmark, the
// torture and the tests of the binary share it. It must not import anything of
// Junctor: what it knows is what a user knows.
package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// Build compiles a command of this module ("./cmd/junctor") into dir and
// returns the binary's path.
func Build(ctx context.Context, dir, command string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	binary := filepath.Join(dir, filepath.Base(command))
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, command)
	cmd.Dir = string(bytes.TrimSpace(root))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", command, err, out)
	}
	return binary, nil
}

// Once is the binary of the server, built once for all tests of a package.
type Once struct {
	once      sync.Once
	dir, path string
	err       error
}

// Binary returns its path, or fails the test.
func (o *Once) Binary(t interface {
	Helper()
	Fatal(...any)
}) string {
	t.Helper()
	o.once.Do(func() {
		if o.dir, o.err = os.MkdirTemp("", "junctor-test-"); o.err == nil {
			o.path, o.err = Build(context.Background(), o.dir, "./cmd/junctor")
		}
	})
	if o.err != nil {
		t.Fatal(o.err)
	}
	return o.path
}

// Main is a package's TestMain: it runs the tests, removes the binary and ends
// the process.
func (o *Once) Main(run func() int) {
	code := run()
	os.RemoveAll(o.dir) //nolint:errcheck // what is left is in the place for temporary things
	os.Exit(code)
}

// Channel is one line of what apply says about channels.
type Channel struct {
	Code string `json:"code"`
	Path string `json:"path"` // /api/token/v1/TOKEN

	WebsocketPath string `json:"websocket_path"` // /ws/token/v1/TOKEN
}

// Apply brings the integration in dir to the installation that the server's
// options name, which must not be running, and returns its channels by code.
func Apply(ctx context.Context, dir string, o Options) (map[string]Channel, error) {
	args := append([]string{"apply", dir, "--json"}, o.storage()...)
	cmd := exec.CommandContext(ctx, o.Binary, args...)
	cmd.Env = o.environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("junctor %v: %w\n%s", args, err, stderr.Bytes())
	}
	var result struct{ Channels []Channel }
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		return nil, fmt.Errorf("reading what apply printed: %w\n%s", err, stdout.Bytes())
	}
	channels := map[string]Channel{}
	for _, c := range result.Channels {
		channels[c.Code] = c
	}
	return channels, nil
}

// FreeAddress is a loopback address on which nothing listens at the moment.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// environment is this process's own, so that ${env:NAME} reaches the
// configuration, with the server's additions.
func (o Options) environment() []string {
	return append(os.Environ(), append([]string{"JUNCTOR_ADMIN_PASSWORD=" + Password}, o.Env...)...)
}
