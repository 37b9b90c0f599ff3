package hub_test

import (
	"os"
	"path/filepath"
	"testing"

	"junctor/internal/db/dbtest"
)

// The SDKs of CloudEvents send and receive every content mode.

func serveCloudEvents(t *testing.T) *site {
	t.Helper()
	s := serve(t, map[string]string{"junctor.yaml": eventing})
	t.Setenv("SUBSCRIBE", s.base+"/api/token/v1/"+s.token["crm"]+"/subscribe")
	return s
}

func TestCloudEventsByNode(t *testing.T) {
	dir := forNode(t, "cloudevents")
	serveCloudEvents(t).client(dir, "node", "client.mjs")
}

// The SDK is a module of its own, so that it moves none of the program's.
func TestCloudEventsByGo(t *testing.T) {
	module := filepath.Join("testdata", "cloudevents", "go")
	dbtest.Program(t, []string{"golang"}, "go", "-C", module, "mod", "download")
	program := filepath.Join(t.TempDir(), "client")
	dbtest.Program(t, []string{"golang"}, "go", "-C", module, "build", "-o", program, ".")
	if _, err := os.Stat(program); err != nil {
		t.Fatal(err)
	}
	serveCloudEvents(t).client(t.TempDir(), program)
}
