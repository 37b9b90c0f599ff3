package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"junctor/internal/connection/http"
	"junctor/internal/run"
)

// The declarations of "junctor/test" pass the strictest checks, with a test
// that uses all of them and the tests of the examples.
func TestTestDeclarationsPassTheCompiler(t *testing.T) {
	compiler := installTypeScript(t)
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "types", "testing.ts"))
	if err != nil {
		t.Fatal(err)
	}
	project := strings.Replace(strictest, `"files": ["junctor.d.ts", "globals.d.ts", "example.ts", "links.ts", "mistakes.ts", "globals.ts", "schedules.ts"]`,
		`"include": ["*.ts", "examples/*/scenarios/**/*.test.ts"]`, 1)
	for name, content := range map[string]string{
		"junctor.d.ts": Declarations(), "testing.d.ts": TestDeclarations(), "tests.ts": string(text), "tsconfig.json": project,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join("..", "..", "examples"))); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "node", compiler, "--project", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// An answer without a connection is what the same answer with one would be.
func TestAnswered(t *testing.T) {
	call := func(args string) *run.Call { return &run.Call{Name: "http.request", Args: []byte(args)} }
	for name, test := range map[string]struct {
		args   string
		status int
		want   string // the result, or the error after "!"
	}{
		"good":     {`{"connection":"erp","method":"GET","path":"/a"}`, 200, `{"status":200,"headers":{"x":"1"},"text":"no"}`},
		"refused":  {`{"connection":"erp","method":"PUT","path":"/a?secret=1"}`, 422, `!HttpError: connection "erp" answered 422 Unprocessable Entity to PUT /a`},
		"external": {`{"method":"GET","path":"/a"}`, 503, `!HttpError: channel.external answered 503 Service Unavailable to GET /a`},
		"shown":    {`{"connection":"erp","method":"GET","path":"/a","throw":false}`, 404, `{"status":404,"headers":{"x":"1"},"text":"no"}`},
		"nonsense": {`[]`, 200, `!TypeError: http.request: json: cannot unmarshal array into Go value of type host.httpArgs`},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Answered(call(test.args), &http.Response{Status: test.status, Header: map[string][]string{"X": {"1"}}, Body: []byte("no")})
			got := string(result)
			if err != nil {
				got = "!" + err.Error()
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
