package docs_test

import (
	"strings"
	"testing"
)

// TestGuideWebsockets does what the guide says, and shows what it shows.
func TestGuideWebsockets(t *testing.T) {
	page := read(t, "docs/guide/19-websockets.md")
	ts := blocks(page, "ts")
	base, tokens := serveFiles(t, "domain: default\n"+blocks(page, "yaml")[0], map[string]string{"agent": ts[0], "call": ts[1]}, nil)
	env := []string{"S=" + base, "AGENTS=/ws/token/v1/" + tokens["agents"], "CALLS=/api/token/v1/" + tokens["calls"]}
	if got, want := node(t, blocks(page, "js")[0], env), blocks(page, "text")[0]; strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("it says\n%s\nand the guide\n%s", got, want)
	}
}
