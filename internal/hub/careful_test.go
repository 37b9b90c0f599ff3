package hub_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"junctor/internal/config"
	"junctor/internal/hub"
)

func TestALostMasterKeyIsNotReplaced(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	open := func() (*hub.Hub, error) { return hub.Open(ctx, hub.Options{Data: dir}) }
	h, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Access().SetSecret(ctx, "erp", "s3cret", "test"); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "master.key")); err != nil {
		t.Fatal(err)
	}
	if h, err = open(); err == nil {
		h.Close() //nolint:errcheck // it should not be open at all
		t.Fatal("a new key was made while a secret waits for the old one")
	}
	if !strings.Contains(err.Error(), "master.key") {
		t.Errorf("the error does not name the file: %v", err)
	}
}

func TestUnknownNamesOfTheModuleAreRefused(t *testing.T) {
	s := serve(t, map[string]string{"junctor.yaml": "domain: default\n"})
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "scenarios"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"junctor.yaml":   "channels:\n  a: { type: public, scenario: a }\n",
		"scenarios/a.ts": "import { htp } from \"junctor\";\nexport default async function () { await htp.get(\"x\"); }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, problems := config.Load(context.Background(), dir)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	_, err := s.hub.Config().Apply(context.Background(), set, config.Options{Author: "test"})
	if err == nil || !strings.Contains(err.Error(), "htp") || !strings.Contains(err.Error(), "scenarios/a.ts:2") {
		t.Errorf("got %v", err)
	}
}
