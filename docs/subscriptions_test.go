package docs_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"junctor/internal/db/dbtest"
)

// TestGuideSubscriptions does what the guide says: it subscribes by curl and
// receives with the library that JavaScript has for Standard Webhooks.
func TestGuideSubscriptions(t *testing.T) {
	commandsAreThere(t, "sh", "curl")
	page := read(t, "docs/guide/18-subscriptions.md")
	dir := dbtest.Packages(t, filepath.Join("..", "internal", "hub", "testdata", "webhooks"))
	base, tokens := serveFiles(t, blocks(page, "yaml")[0], map[string]string{"order": blocks(page, "ts")[0]}, nil)
	port := freePort(t)
	scripts := map[string]string{}
	for _, script := range blocks(page, "sh") {
		if name, ok := strings.CutPrefix(strings.SplitN(script, "\n", 2)[0], "# "); ok {
			scripts[name] = strings.ReplaceAll(script, "9000", port)
		}
	}
	var made, shown map[string]any
	answer := shell(t, scripts["subscribe"], "201\n", []string{"S=" + base, "T=" + tokens["crm"]})
	for text, into := range map[string]*map[string]any{answer: &made, blocks(page, "json")[0]: &shown} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if len(made) != len(shown) || fmt.Sprint(made["types"], made["filter"]) != fmt.Sprint(shown["types"], shown["filter"]) {
		t.Errorf("the answer is %s, and the guide shows %v", answer, shown)
	}

	if err := os.WriteFile(filepath.Join(dir, "receiver.mjs"), []byte(strings.ReplaceAll(blocks(page, "js")[0], "9000", port)+"console.log('ready')\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	receiver := exec.CommandContext(t.Context(), "node", "receiver.mjs")
	receiver.Dir, receiver.Env = dir, append(os.Environ(), "SECRET="+made["secret"].(string))
	out, err := receiver.StdoutPipe()
	if err == nil {
		err = receiver.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		receiver.Process.Kill() //nolint:errcheck // it may have ended by itself
		receiver.Wait()         //nolint:errcheck // it was killed
	})
	lines := bufio.NewScanner(out)
	lines.Scan()
	for _, order := range []string{`{"number":"4710","total":5}`, `{"number":"4711","total":99.5}`} {
		resp, err := http.Post(base+"/api/token/v1/"+tokens["shop"], "application/json", strings.NewReader(order)) //nolint:noctx // a test's
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	lines.Scan()
	if !strings.HasPrefix(lines.Text(), "msg_") || !strings.HasSuffix(lines.Text(), " order.made 4711 { number: '4711', total: 99.5 }") {
		t.Errorf("received %q", lines.Text())
	}
	env := []string{"S=" + base, "T=" + apiToken(t, base)}
	message := strings.Fields(lines.Text())[0]
	if answer := shell(t, strings.ReplaceAll(scripts["message"], "MESSAGE", message), "200\n", env); strings.Count(answer, `"webhook_id":"`+message+`"`) != 1 || !strings.Contains(answer, `"subject":"4711"`) {
		t.Errorf("under %s there is %s", message, answer)
	}
	shell(t, scripts["runs"], "200\n", env)
	if answer := shell(t, strings.ReplaceAll(scripts["retry"], ":CODE", ":"+made["id"].(string)), "200\n", env); !strings.Contains(answer, `"count":0,"done":0,"dry_run":true`) {
		t.Errorf("retried %s", answer)
	}
	if answer := shell(t, strings.ReplaceAll(scripts["count"], "/CODE/", "/"+made["id"].(string)+"/"), "200\n", env); !strings.Contains(answer, `"complete":true,"dry_run":true`) {
		t.Errorf("counted %s", answer)
	}
	code := "/" + made["id"].(string) + "/"
	if answer := shell(t, strings.ReplaceAll(scripts["replays"], "/CODE/", code), "200\n", env); !strings.Contains(answer, `{"items":[]}`) {
		t.Errorf("replays: %s", answer)
	}
	shell(t, strings.ReplaceAll(scripts["end"], "/CODE/", code), "204\n", env)
}

// freePort is one that nobody listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
