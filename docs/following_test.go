package docs_test

import (
	"strings"
	"testing"
)

// TestGuideFollowing does what the guide says, and shows what it shows.
func TestGuideFollowing(t *testing.T) {
	page := read(t, "docs/guide/21-following.md")
	base, tokens := serveFiles(t, "domain: default\n"+blocks(page, "yaml")[0], map[string]string{"order": blocks(page, "ts")[0]}, nil)
	env := []string{"S=" + base, "CRM=/ws/token/v1/" + tokens["crm"], "SHOP=/api/token/v1/" + tokens["shop"]}
	if got, want := node(t, blocks(page, "js")[0], env), blocks(page, "text")[0]; strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("it says\n%s\nand the guide\n%s", got, want)
	}
}
