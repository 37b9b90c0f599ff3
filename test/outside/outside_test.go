package outside_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"junctor/test/outside"
)

// TestMain lets the test binary play the server: one that ends at once, or one
// that answers /readyz as long as it lives.
func TestMain(m *testing.M) {
	switch os.Getenv("OUTSIDE_TEST") {
	case "":
		os.Exit(m.Run())
	case "ends":
		fmt.Fprintln(os.Stderr, "no such database")
		os.Exit(1)
	case "serves":
		listen := os.Args[3]                                                                       // serve --listen ADDRESS ...
		http.ListenAndServe(listen, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) //nolint:errcheck,gosec // it is killed
	case "applies":
		fmt.Printf(`{"channels":[{"code":"shop","path":"/api/token/v1/t"}]}`)
	}
}

func options(t *testing.T, behaviour string) outside.Options {
	t.Helper()
	listen, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return outside.Options{Binary: os.Args[0], Data: t.TempDir(), Listen: listen, Env: []string{"OUTSIDE_TEST=" + behaviour}}
}

func TestStartThatFailsTellsTheLastWords(t *testing.T) {
	_, err := outside.Start(t.Context(), options(t, "ends"))
	if err == nil || !strings.Contains(err.Error(), "no such database") {
		t.Errorf("the error is %v", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := outside.Start(ctx, options(t, "serves")); err == nil {
		t.Error("a start whose context has ended says that the server is ready")
	}
}

func TestKilledServerIsGone(t *testing.T) {
	s, err := outside.Start(t.Context(), options(t, "serves"))
	if err != nil {
		t.Fatal(err)
	}
	if !s.Running() {
		t.Error("a server that answers does not run")
	}
	s.Kill()
	if s.Running() {
		t.Error("a killed server runs")
	}
	if _, err := s.Login(t.Context()); err == nil {
		t.Error("a killed server lets people in")
	}
	if err := s.Stop(); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
}

func TestApplyReadsTheChannels(t *testing.T) {
	channels, err := outside.Apply(t.Context(), "dir", options(t, "applies"))
	if err != nil || channels["shop"].Path != "/api/token/v1/t" {
		t.Errorf("%v, %v", channels, err)
	}
	if _, err := outside.Apply(t.Context(), "dir", options(t, "ends")); err == nil || !strings.Contains(err.Error(), "no such database") {
		t.Errorf("a failed apply says %v", err)
	}
}
