package example_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const folder = "../../examples/shop-to-erp"

// The line in the example's README.
func TestSampleOrderRunsOffline(t *testing.T) {
	out := junctor(t, "run", folder, "order", "--input", filepath.Join(folder, "samples", "order.json"), "--mock", filepath.Join(folder, "samples", "erp.yaml"))
	for _, want := range []string{"http.request", "answered 201", `"erp_number": "ERP-000001"`, `"total": 109.9`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestExampleTestsPass(t *testing.T) {
	folders, err := filepath.Glob("../../examples/*/junctor.yaml")
	if err != nil || len(folders) < 3 {
		t.Fatalf("%d examples, %v", len(folders), err)
	}
	for _, file := range folders {
		if out := junctor(t, "test", filepath.Dir(file)); !strings.Contains(out, " tests passed") {
			t.Errorf("junctor test %s says:\n%s", filepath.Dir(file), out)
		}
	}
}

func junctor(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), built.Binary(t), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("junctor %v: %v\n%s%s", args, err, out, stderr.Bytes())
	}
	return string(out)
}
