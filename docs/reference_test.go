package docs_test

import (
	"bufio"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"junctor/internal/fault"
	"junctor/internal/host"
	"junctor/internal/hub"
	"junctor/internal/run"
	"junctor/internal/script"
)

// mentions checks that a page of the reference has each text, and says what it
// is of those that it has not.
func mentions(t *testing.T, page, what string, texts ...string) {
	t.Helper()
	text := read(t, "docs/reference/"+page)
	for _, want := range texts {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not have the %s %s", page, what, want)
		}
	}
}

func quoted(texts ...string) []string {
	for i, text := range texts {
		texts[i] = "`" + text + "`"
	}
	return texts
}

func TestEveryErrorIsExplained(t *testing.T) {
	for _, code := range fault.Codes() {
		mentions(t, "errors.md", "error code", "\n| `"+string(code)+"` | "+strconv.Itoa(fault.Status(code))+" |")
	}
	for _, kind := range []script.Kind{script.CPU, script.Memory, script.Stack, script.Output, script.Calls, script.Stuck, script.Stalled} {
		mentions(t, "errors.md", "limit", "`Limit:"+string(kind)+"`")
		mentions(t, "metrics.md", "end of a script", "`"+string(kind)+"`")
	}
}

func TestEveryStateAndStepIsExplained(t *testing.T) {
	for _, state := range run.States {
		mentions(t, "runs-and-steps.md", "state", "| `"+string(state)+"` |")
	}
	for step := range host.Handlers(nil, nil, nil, time.Now) {
		mentions(t, "runs-and-steps.md", "step", "`"+step+"`")
	}
}

var export = regexp.MustCompile(`(?m)^  export (?:const|function|class|interface|type) (\w+)`)

func TestEveryExportIsExplained(t *testing.T) {
	found := export.FindAllStringSubmatch(host.Declarations(), -1)
	if len(found) < 30 {
		t.Fatalf("the declarations have only %d exports", len(found))
	}
	for _, name := range found {
		mentions(t, "scenario-module.md", "export", "`"+name[1]+"`")
	}
}

var member = regexp.MustCompile(`json:"(\w+)[",]`)

func TestEveryKeyIsExplained(t *testing.T) {
	for _, file := range []string{
		"internal/channel/parse.go", "internal/channel/config.go", "internal/channel/verify.go", "internal/channel/signature.go", "internal/channel/cors.go",
		"internal/connection/http/config.go", "internal/config/settings.go", "internal/function/parse.go", "internal/run/policy.go", "internal/schedule/schedule.go",
		"internal/subscription/subscription.go", "internal/channel/eventing.go", "internal/packet/parse.go", "internal/stored/stored.go", "internal/access/definition.go", "internal/access/role.go", "internal/access/unit.go",
	} {
		keys := member.FindAllStringSubmatch(read(t, file), -1)
		if len(keys) == 0 {
			t.Errorf("%s has no keys any more; they are read elsewhere", file)
		}
		text := read(t, "docs/reference/junctor-yaml.md")
		for _, key := range keys {
			if !regexp.MustCompile("`[^`\n]*\\b" + key[1] + "\\b[^`\n]*`").MatchString(text) {
				t.Errorf("junctor-yaml.md does not have the key %s of %s", key[1], file)
			}
		}
	}
}

// TestServer compares the reference with what a server says of itself.
func TestServer(t *testing.T) {
	base := serve(t)
	t.Run("metrics", func(t *testing.T) {
		names := metricNames(t)
		for line := range strings.Lines(get(t, base+"/metrics")) {
			if name, ok := strings.CutPrefix(line, "# TYPE junctor_"); ok {
				names["junctor_"+strings.Fields(name)[0]] = true
			}
		}
		mentions(t, "metrics.md", "metric", quoted(slices.Sorted(maps.Keys(names))...)...)
	})
	t.Run("calls", func(t *testing.T) {
		there := calls(t, get(t, base+"/openapi.json"))
		for _, call := range slices.Sorted(maps.Keys(there)) {
			mentions(t, "admin-api.md", "call", "\n| `"+call+"` |")
		}
		for _, found := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\|").FindAllStringSubmatch(read(t, "docs/reference/admin-api.md"), -1) {
			if !there[found[1]] {
				t.Errorf("admin-api.md has a call that the server does not have: %s", found[1])
			}
		}
	})
}

// serve starts a server on an empty directory and returns its address.
func serve(t *testing.T) (base string) {
	t.Helper()
	dir := t.TempDir()
	ctx := t.Context() // ends before the clean-up begins
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- hub.Serve(ctx, hub.Options{Data: dir, Listen: "127.0.0.1:0", AdminPassword: "x"},
			func(a hub.Addresses) { ready <- a.Listen })
	}()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case address := <-ready:
		return "http://" + address
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return ""
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", url, resp.StatusCode, err)
	}
	return string(text)
}

// calls reads METHOD PATH from an OpenAPI document.
func calls(t *testing.T, openapi string) map[string]bool {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(openapi), &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for path, methods := range doc.Paths {
		for method := range methods {
			if method != "parameters" {
				all[strings.ToUpper(method)+" "+path] = true
			}
		}
	}
	if len(all) < 30 {
		t.Fatalf("the document has only %d calls", len(all))
	}
	return all
}

// metricNames finds names in the source: a metric with labels is not shown
// before something has been counted.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	literal := regexp.MustCompile(`Name: "(junctor_\w+)",`)
	err := fs.WalkDir(os.DirFS(".."), "internal", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, found := range literal.FindAllStringSubmatch(read(t, path), -1) {
			names[found[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestEveryCommandIsExplained(t *testing.T) {
	c := commandLine{structs: map[string]*ast.StructType{}}
	files, err := filepath.Glob("../cmd/junctor/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok {
				if fields, ok := s.Type.(*ast.StructType); ok {
					c.structs[s.Name.Name] = fields
				}
			}
			return true
		})
	}
	c.walk("cli", "")
	if len(c.commands) < 15 || len(c.flags) < 20 {
		t.Fatalf("only %d commands and %d flags were found", len(c.commands), len(c.flags))
	}
	text := read(t, "docs/reference/cli.md")
	for _, command := range c.commands {
		top, sub, nested := strings.Cut(command, " ")
		row := rowOf(text, "[`junctor "+top)
		if row == "" || nested && !strings.Contains(row, "`"+sub+"`") && !strings.Contains(row, " "+sub+"`") {
			t.Errorf("cli.md does not have the command junctor %s in its table", command)
		}
		if !strings.Contains(text, "\njunctor "+command) && !strings.Contains(text, "junctor "+command+" ") {
			t.Errorf("cli.md has no example of junctor %s", command)
		}
	}
	for flag := range c.flags {
		if !regexp.MustCompile("`[^`\n]*--" + flag + "\\b").MatchString(text) {
			t.Errorf("cli.md does not have the flag --%s", flag)
		}
	}
}

// rowOf is the line of a table that contains a text.
func rowOf(text, part string) string {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "|") && strings.Contains(lines.Text(), part) {
			return lines.Text()
		}
	}
	return ""
}

// commandLine is the commands and flags that the program's structs declare.
type commandLine struct {
	structs  map[string]*ast.StructType
	commands []string
	flags    map[string]bool
}

func (c *commandLine) walk(name, command string) {
	if c.flags == nil {
		c.flags = map[string]bool{}
	}
	if c.structs[name] == nil {
		return
	}
	leaf := command != ""
	for _, field := range c.structs[name].Fields.List {
		tag := tagOf(field)
		inner, _ := field.Type.(*ast.Ident)
		_, isCommand := tag.Lookup("cmd")
		_, isArgument := tag.Lookup("arg")
		switch {
		case isCommand:
			leaf = false
			c.walk(inner.Name, strings.TrimSpace(command+" "+dashed(field.Names[0].Name)))
		case len(field.Names) == 0 && inner != nil:
			c.walk(inner.Name, "")
		case !isArgument && tag.Get("help") != "":
			flag := tag.Get("name")
			if flag == "" {
				flag = dashed(field.Names[0].Name)
			}
			c.flags[flag] = true
		}
	}
	if leaf {
		c.commands = append(c.commands, command)
	}
}

func tagOf(field *ast.Field) reflect.StructTag {
	if field.Tag == nil {
		return ""
	}
	text, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return ""
	}
	return reflect.StructTag(text)
}

var hump = regexp.MustCompile(`([a-z])([A-Z])`)

// dashed is a field's name as a flag or command: OlderThan is older-than.
func dashed(name string) string {
	return strings.ToLower(hump.ReplaceAllString(name, "$1-$2"))
}
