package odata_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clients are independent implementations of the protocol, by other authors each,
// that do what an application does, as they come.
var clients = []struct{ script, needs string }{
	{"odata-client.cjs", "@odata/client@2.21.10"},
	{"o.cjs", "odata@2.0.1"},
}

func TestClients(t *testing.T) {
	modules := npm(t)
	for _, c := range clients {
		t.Run(c.script, func(t *testing.T) {
			each(t, func(s *site) {
				script, err := os.ReadFile(filepath.Join("testdata", "clients", c.script))
				if err != nil {
					s.Fatal(err)
				}
				path := filepath.Join(s.TempDir(), c.script)
				if err := os.WriteFile(path, script, 0o600); err != nil {
					s.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
				defer cancel()
				run := exec.CommandContext(ctx, "node", path, s.base)
				run.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(modules, "node_modules"))
				if out, err := run.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "errors\n") {
					s.Errorf("%s: %v\n%s", c.needs, err, out)
				}
			})
		})
	}
}

// npm installs the clients once for this machine. Without Node or a registry the
// test is left out, with CI=true it fails.
func npm(t *testing.T) (dir string) {
	t.Helper()
	leaveOut := func(reason string) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			leaveOut("no OData client is tried: " + tool + " is not installed")
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	name := []string{}
	var packages []string
	for _, c := range clients {
		packages = append(packages, c.needs)
		name = append(name, strings.NewReplacer("@", "-", "/", "-").Replace(c.needs))
	}
	dir = filepath.Join(cache, "junctor-test", strings.TrimPrefix(strings.Join(name, "_"), "-"))
	if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := append([]string{"install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts"}, packages...)
	if out, err := exec.CommandContext(ctx, "npm", args...).CombinedOutput(); err != nil {
		leaveOut("no OData client is tried: npm cannot install " + strings.Join(packages, " ") + ": " + strings.TrimSpace(string(out)))
	}
	if err := os.WriteFile(filepath.Join(dir, "done"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
