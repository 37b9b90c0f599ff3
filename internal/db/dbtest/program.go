package dbtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Program leaves a test out when a program cannot be run. With CI=true, when
// nothing may be left out, it is installed from Debian's packages, one test
// program of a machine after the other.
func Program(t *testing.T, packages []string, program string, args ...string) {
	t.Helper()
	works := func() ([]byte, error) { return exec.CommandContext(t.Context(), program, args...).CombinedOutput() }
	out, err := works()
	if err == nil {
		return
	}
	ci := os.Getenv("CI") == "true"
	if _, missing := exec.LookPath("apt-get"); ci && missing == nil && os.Getuid() == 0 {
		install := exec.CommandContext(t.Context(), "flock", "/tmp/junctor-test-apt.lock", "sh", "-c",
			"apt-get update -q && apt-get install -y -q --no-install-recommends "+strings.Join(packages, " "))
		install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("install %s: %v\n%s", strings.Join(packages, " "), err, out)
		}
		out, err = works()
	}
	switch {
	case err != nil && ci:
		t.Fatalf("%s does not work here: %v\n%s", program, err, out)
	case err != nil:
		t.Skipf("left out: %s does not work here, which needs Debian's %s: %v", program, strings.Join(packages, " and "), err)
	}
}
