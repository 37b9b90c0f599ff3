package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Packages makes a folder of the test's own that sees packages of npm, which are
// installed once for this machine: those of a folder with a package-lock.json, or
// those that are named with their versions. Without Node or the registry the test
// is left out, with CI=true it fails.
func Packages(t *testing.T, of ...string) (dir string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			leftOut(t, err.Error())
		}
	}
	files, args, key := map[string][]byte{}, append([]string{"install"}, of...), strings.Join(of, " ")
	lock, err := os.ReadFile(filepath.Join(of[0], "package-lock.json"))
	if err == nil {
		files["package-lock.json"], args, key = lock, []string{"ci"}, string(lock)
		if files["package.json"], err = os.ReadFile(filepath.Join(of[0], "package.json")); err != nil {
			t.Fatal(err)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256([]byte(key))
	installed := filepath.Join(cache, "junctor-test", "npm-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(installed); err != nil {
		install(t, installed, files, args)
	}
	dir = t.TempDir()
	if err := os.Symlink(filepath.Join(installed, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// install makes the folder at once, when everything is in it.
func install(t *testing.T, into string, files map[string][]byte, args []string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(into), 0o755); err != nil {
		t.Fatal(err)
	}
	made, err := os.MkdirTemp(filepath.Dir(into), "new-") //nolint:usetesting // on the disk on which it stays
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(made) //nolint:errcheck // another name then
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(made, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", append(args, "--prefix", made, "--ignore-scripts", "--no-audit", "--no-fund")...)
	if out, err := npm.CombinedOutput(); err != nil {
		leftOut(t, "npm "+strings.Join(args, " ")+" needs the registry: "+err.Error()+"\n"+string(out))
	}
	if err := os.Rename(made, into); err != nil && !errors.Is(err, fs.ErrExist) { // somebody else was faster
		t.Fatal(err)
	}
}

// leftOut leaves a test out, unless nothing may be left out.
func leftOut(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip("left out: " + reason)
}
