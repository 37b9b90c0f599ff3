package docs_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"junctor/internal/db/dbtest"
	"junctor/internal/host"
)

// TestGuideEvents does what the guide says, by curl and by the library that
// JavaScript has for CloudEvents.
func TestGuideEvents(t *testing.T) {
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, err.Error())
		}
	}
	page := read(t, "docs/guide/11-events.md")
	base, tokens := serveFiles(t, "domain: default\nchannels:\n  shop: { type: public, scenario: shop, await: true }\n", map[string]string{"shop": blocks(page, "ts")[0]}, nil)
	env := []string{"S=" + base, "T=" + apiToken(t, base)}
	for _, script := range blocks(page, "sh") {
		name, ok := strings.CutPrefix(strings.SplitN(script, "\n", 2)[0], "# ")
		if !ok {
			continue
		}
		want := "202\n"
		if name == "read" {
			want = "200\n"
		}
		answer := shell(t, script, want, env)
		if name != "read" {
			continue
		}
		var got, shown map[string]any
		for text, into := range map[string]*map[string]any{answer: &got, blocks(page, "json")[0]: &shown} {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		if g, s := shape(got), shape(shown); g != s {
			t.Errorf("the answer is %s, and the guide shows %s", g, s)
		}
	}
	resp, err := http.Post(base+"/api/token/v1/"+tokens["shop"], "application/json", strings.NewReader(`{"number":"4710","total":1}`)) //nolint:noctx // a test's
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	t.Run("cloudevents", func(t *testing.T) {
		got := node(t, blocks(page, "js")[0], env)
		for _, want := range []string{"order.made 4711 99.5\n", "order.sent 4711 99.5\n", "order.made 4712 5\n", "order.made 4710 1\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("it reads %q, and %q is not there", got, want)
			}
		}
	})
}

// shape is a document with everything that differs from day to day left out.
func shape(doc map[string]any) string {
	delete(doc, "next")
	for _, i := range doc["items"].([]any) {
		delete(i.(map[string]any), "cursor")
		delete(i.(map[string]any)["event"].(map[string]any), "time")
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// apiToken makes one by the password of the tests' servers.
func apiToken(t *testing.T, base string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v1/admin/tokens", strings.NewReader(`{"name":"guide"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", "x")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.Token == "" {
		t.Fatal(resp.Status, err)
	}
	return made.Token
}

// node runs a piece of the guide, with the packages of testdata/npm.
func node(t *testing.T, source string, env []string) string {
	t.Helper()
	dir := dbtest.Packages(t, filepath.Join("testdata", "npm"))
	if err := os.WriteFile(filepath.Join(dir, "guide.mjs"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "guide.mjs")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// missing leaves a test out, unless nothing may be left out.
func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip("left out: " + reason)
}

// The reference has every option of events.publish.
func TestEveryOptionOfEventsIsExplained(t *testing.T) {
	_, rest, _ := strings.Cut(host.Declarations(), "interface EventOptions {")
	options, _, _ := strings.Cut(rest, "\n  }")
	count := 0
	for line := range strings.Lines(options) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), "?:"); ok {
			count++
			mentions(t, "scenario-module.md", "option", name)
		}
	}
	if count != 5 {
		t.Errorf("there are %d options", count)
	}
}
