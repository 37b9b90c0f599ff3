package odata_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/db/dbtest"
)

// clients are independent implementations of the protocol, by other authors each,
// that do what an application does, as they come.
var clients = []struct{ script, needs string }{
	{"odata-client.cjs", "@odata/client@2.21.10"},
	{"o.cjs", "odata@2.0.1"},
}

func TestClients(t *testing.T) {
	var needs []string
	for _, c := range clients {
		needs = append(needs, c.needs)
	}
	modules := dbtest.Packages(t, needs...)
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
