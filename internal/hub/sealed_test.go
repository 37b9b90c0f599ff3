package hub_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"junctor/internal/access"
	"junctor/internal/fault"
	"junctor/internal/hub"
)

// A secret that is written out in the files is used sealed, and another one in
// its place is used at once, although the object's body is the same.
func TestAnotherSecretWrittenOutIsUsedAtOnce(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer second-of-erp" {
			fmt.Fprint(w, "second")
		} else if r.Header.Get("Authorization") == "Bearer first-of-erp" {
			fmt.Fprint(w, "first")
		}
	}))
	defer echo.Close()
	files := func(which string) map[string]string {
		return map[string]string{
			"junctor.yaml": fmt.Sprintf(`connections:
  erp: { type: http, url: %q, allow_private: true, auth: { bearer: %s-of-erp } }
channels:
  shop: { type: public, scenario: ask, await: true, verify: { bearer: %s-of-shop } }
`, echo.URL, which, which),
			"scenarios/ask.ts": `import { http } from "junctor";
export default async () => ({ text: (await http.get("erp", "/")).text() });`,
		}
	}
	s := serve(t, files("first"))
	for _, which := range []string{"first", "second"} {
		s.apply(files(which))
		if resp, body := s.send("POST", "shop", "", "", "Authorization", "Bearer "+which+"-of-shop"); resp.StatusCode != 200 || body != which {
			t.Errorf("%s: %d %q", which, resp.StatusCode, body)
		}
	}
	if resp, _ := s.send("POST", "shop", "", "", "Authorization", "Bearer first-of-shop"); resp.StatusCode != 401 {
		t.Errorf("the former secret: %d", resp.StatusCode)
	}
}

// A key is not taken from under a node that works with it, unless the nodes may
// know the new one already.
func TestNoRotationWhileANodeLives(t *testing.T) {
	where := database(t)
	s := serveOn(t, where, map[string]string{"junctor.yaml": "channels: {}\n"})
	if err := s.hub.Access().SetSecret(t.Context(), "erp", "value", "test"); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(s.data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "master.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	rotate := func() (access.Rotation, error) {
		t.Helper()
		h, err := hub.Open(t.Context(), hub.Options{Data: other, Database: where})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close() //nolint:errcheck // it has only looked
		return h.RotateKey(t.Context(), "test")
	}
	if _, err := rotate(); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "stop every node") {
		t.Errorf("while a node lives: %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(other, "master.key")); err != nil || string(after) != string(key) {
		t.Errorf("the key was changed, %v", err)
	}
	t.Setenv("JUNCTOR_MASTER_KEY", strings.Repeat("ab", 32)+","+strings.TrimSpace(string(key)))
	if r, err := rotate(); err != nil || r != (access.Rotation{Sealed: 2, Spare: 1}) {
		t.Errorf("with the keys of the environment: %+v, %v", r, err)
	}
}

// A wrong master key is refused before anything is sealed with it.
func TestAnotherMasterKeyIsRefused(t *testing.T) {
	dir, out := t.TempDir(), &logBook{t: t}
	open := func() (*hub.Hub, error) {
		return hub.Open(t.Context(), hub.Options{Data: dir, Log: slog.New(slog.NewTextHandler(out, nil))})
	}
	with := func(name string) { // the keys at hand set a secret
		t.Helper()
		h, err := open()
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close() //nolint:errcheck // nothing is left to write
		if err := h.Access().SetSecret(t.Context(), name, "value", "test"); err != nil {
			t.Fatal(err)
		}
	}
	with("first")
	first, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	second := strings.Repeat("ab", 32)
	t.Setenv("JUNCTOR_MASTER_KEY", second)
	if _, err := open(); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "master key of JUNCTOR_MASTER_KEY is not the one") {
		t.Errorf("another key in the environment: %v", err)
	}
	t.Setenv("JUNCTOR_MASTER_KEY", second+","+string(first))
	with("second")
	t.Setenv("JUNCTOR_MASTER_KEY", second)
	with("third")
	if text := out.text.String(); !strings.Contains(text, "sealed with another master key") || !strings.Contains(text, "[first]") {
		t.Errorf("the log: %s", text)
	}
	t.Setenv("JUNCTOR_MASTER_KEY", "")
	if err := os.WriteFile(filepath.Join(dir, "master.key"), []byte(strings.Repeat("cd", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "master.key is not the one that the 3 secrets") {
		t.Errorf("another key in the file: %v", err)
	}
}

// The nodes of a database have one master key, also while there is no secret of
// anybody's: what one seals the others open.
func TestANodeWithAnotherMasterKeyIsRefused(t *testing.T) {
	url := database(t)
	one := serveOn(t, url, map[string]string{"junctor.yaml": ""})
	open := func() error {
		h, err := hub.Open(t.Context(), hub.Options{Data: t.TempDir(), Database: url, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			h.Close() //nolint:errcheck // nothing is left to write
		}
		return err
	}
	if err := open(); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "that of the other nodes") {
		t.Errorf("a node without a key: %v", err)
	}
	t.Setenv("JUNCTOR_MASTER_KEY", strings.Repeat("ab", 32))
	if err := open(); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "is not the one") {
		t.Errorf("a node with a key of its own: %v", err)
	}
	key, err := os.ReadFile(filepath.Join(one.data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("JUNCTOR_MASTER_KEY", strings.TrimSpace(string(key)))
	if err := open(); err != nil {
		t.Errorf("a node with the same key: %v", err)
	}
}
