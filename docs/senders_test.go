package docs_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"junctor/internal/config"
	"junctor/internal/hub"
)

// TestGuideSenders does what the guide says: it applies the configuration, sets
// the secrets and lets the shell sign messages.
func TestGuideSenders(t *testing.T) {
	commandsAreThere(t, "sh", "curl", "openssl", "od")
	page := read(t, "docs/guide/8-senders.md")
	secrets := map[string]string{
		"webhooks": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "stripe": "whsec_test_secret", "github": "It's a Secret to Everybody",
		"shopify": "hush", "slack": "8f742231b10e8888abcd99yyyzzz85a5",
	}
	scenarios := blocks(page, "ts")
	base, tokens := serveFiles(t, blocks(page, "yaml")[0], map[string]string{"received": scenarios[0], "slack": scenarios[1]}, secrets)
	tried := map[string]bool{}
	for _, script := range blocks(page, "sh") {
		name, ok := strings.CutPrefix(strings.SplitN(script, "\n", 2)[0], "# ")
		if !ok {
			continue
		}
		if name == "standard-webhooks" {
			name = "webhooks"
		}
		t.Run(name, func(t *testing.T) {
			env := []string{"CHANNEL=" + base + "/api/token/v1/" + tokens[name], "SECRET=" + secrets[name]}
			answer := shell(t, script, "200\n401\n", env)
			if shown := blocks(page, "json")[0]; strings.TrimSpace(answer) != strings.TrimSpace(shown) {
				t.Errorf("the refusal is %s, and the guide shows %s", answer, shown)
			}
			if name == "slack" { // only the good message, since what is answered last stays in the file
				answer := shell(t, strings.Replace(script, `in "$BODY" "$BODY "`, `in "$BODY"`, 1), "200\n", env)
				if !regexp.MustCompile(`^\{"challenge":"\w{52}"\}$`).MatchString(answer) {
					t.Errorf("the challenge is answered %s", answer)
				}
			}
			tried[name] = true
		})
	}
	if len(tried) != len(secrets) {
		t.Errorf("tried were only %v", tried)
	}
}

// commandsAreThere leaves a test out when one is missing, unless nothing may be
// left out.
func commandsAreThere(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, err.Error())
		}
	}
}

// shell runs a piece of the guide that prints want, and returns what it leaves in
// answer.json.
func shell(t *testing.T, script, want string, env []string) (answer string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	cmd.Dir, cmd.Env = t.TempDir(), append(os.Environ(), env...)
	var out, mistakes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &mistakes
	if err := cmd.Run(); err != nil || out.String() != want {
		t.Fatalf("%v\n%s%s", err, out.String(), mistakes.String())
	}
	text, err := os.ReadFile(filepath.Join(cmd.Dir, "answer.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// serveFiles starts a server with a configuration, its scenarios and secrets, and
// returns its address and the channels' tokens.
func serveFiles(t *testing.T, yaml string, scenarios, secrets map[string]string) (base string, tokens map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"junctor.yaml": yaml}
	for name, text := range scenarios {
		files["scenarios/"+name+".ts"] = text
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	h, err := hub.Open(ctx, hub.Options{Data: t.TempDir(), Listen: "127.0.0.1:0", AdminPassword: "x"})
	if err != nil {
		t.Fatal(err)
	}
	set, problems := config.Load(ctx, dir)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	result, err := h.Config().Apply(ctx, set, config.Options{Author: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range secrets {
		if err := h.Access().SetSecret(ctx, name, value, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Reload(ctx); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.Serve(ctx, func(a hub.Addresses) { ready <- a.Listen }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	tokens = map[string]string{}
	for _, c := range result.Channels {
		tokens[c.Code] = c.Token
	}
	select {
	case address := <-ready:
		return "http://" + address, tokens
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return "", nil
}
