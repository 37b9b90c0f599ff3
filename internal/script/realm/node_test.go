package realm_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"modernc.org/quickjs"
)

// node runs source in Node in the given zone. source ends in an expression, an
// array of strings, which comes back. Without Node the test is skipped, but not
// in CI.
func node(t *testing.T, zone, source string) []string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Node.js (node) is not installed, and in CI nothing may be skipped")
		}
		t.Skip("Node.js (node) is not installed: no reference to compare with")
	}
	cmd := exec.Command(path, "-e", "const vm = require('vm'), fs = require('fs'); fs.writeFileSync(1, vm.runInThisContext(fs.readFileSync(0, 'utf8')).join('\\n'));")
	cmd.Env = append(os.Environ(), "TZ="+zone)
	cmd.Stdin = strings.NewReader(source)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	return strings.Split(string(out), "\n")
}

// compare runs the same source in Node and in vm and reports the lines that differ.
// differs may name lines whose difference is known: given Node's and ours it says so.
func compare(t *testing.T, vm *quickjs.VM, zone, source string, known func(node, ours string) bool) {
	t.Helper()
	want := node(t, zone, source)
	got := strings.Split(eval(t, vm, "("+"() => { const r = (0, eval)("+quote(source)+"); return r.join('\\n'); })()").(string), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d lines, Node has %d", len(got), len(want))
	}
	bad := 0
	for i := range want {
		if got[i] == want[i] || known != nil && known(want[i], got[i]) {
			continue
		}
		if bad++; bad <= 40 {
			t.Errorf("%s\n     Node: %s", got[i], want[i])
		}
	}
	t.Logf("%s: %d lines compared, %d differ", zone, len(want), bad)
}
