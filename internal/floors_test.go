// Package internal_test holds the house of docs/adr/0001-floors.md: which
// package may import which.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors lists every package of the module, lowest floor first. A package
// imports only from floors below its own. A new package gets its line here.
var floors = [][]string{
	0: {
		"internal/certificate",
		"internal/clock",
		"internal/cursor",
		"internal/db",
		"internal/db/dbtest",
		"internal/db/dbtest/server",
		"internal/db/dbtest/withpg",
		"internal/fault",
		"internal/filter",
		"internal/filter/filtertest",
		"internal/format/accept",
		"internal/format/charset",
		"internal/format/csv",
		"internal/format/multipart",
		"internal/format/xml",
		"internal/id",
		"internal/limit",
		"internal/right",
		"internal/secret",
		"internal/strict",
		"internal/unit",
		"internal/value",
	},
	1: {
		"internal/class",
		"internal/class/classtest",
		"internal/class/param",
		"internal/class/table",
		"internal/connection",
		"internal/connection/connectiontest",
		"internal/connection/http",
		"internal/content",
		"internal/load",
		"internal/run",
		"internal/script",
		"internal/script/realm",
		"internal/script/realm/locale",
		"internal/script/realm/weburl",
		"internal/socket",
	},
	2: {
		"internal/access",
		"internal/catalog",
		"internal/channel",
		"internal/event",
		"internal/function",
		"internal/kv",
		"internal/link",
		"internal/packet",
		"internal/record",
		"internal/scenario",
		"internal/schedule",
		"internal/stored",
		"internal/subscription",
	},
	3: {
		"examples",
		"examples/shop-to-erp",
		"internal/api",
		"internal/client",
		"internal/config",
		"internal/demo",
		"internal/host",
		"internal/ingress",
		"internal/odata",
		"internal/soap",
		"internal/trial",
	},
	4: {
		"internal/hub",
	},
	5: {
		"cmd/junctor",
		"docs",
		"bench",
		"bench/limit/echo",
		"bench/limit/records",
		"bench/limit/store",
		"test/example",
		"test/outside",
		"test/powerloss",
		"test/restart",
		"test/torture",
	},
}

// sideways are the imports within a floor that the house allows, besides those
// between a package and what stands inside its own folder.
var sideways = map[string][]string{
	"bench":                      {"test/outside"},
	"examples":                   {"internal/config"},
	"internal/class/classtest":   {"internal/class/table", "internal/run"}, // whose run's steps it makes
	"internal/class/table":       {"internal/run"},                         // a table with data is changed by a run
	"internal/cursor":            {"internal/fault"},
	"internal/db":                {"internal/clock", "internal/fault", "internal/id", "internal/unit"},
	"internal/db/dbtest":         {"internal/id"},
	"internal/db/dbtest/withpg":  {"internal/db/dbtest/server"},
	"internal/demo":              {"examples/shop-to-erp"},
	"internal/filter":            {"internal/strict", "internal/value"}, // says what name was meant; comes to a value
	"internal/filter/filtertest": {"internal/value"},
	"internal/function":          {"internal/scenario"},
	"internal/packet":            {"internal/record", "internal/stored"}, // its parts are queries of records, and stored ones
	"internal/right":             {"internal/filter", "internal/value"},
	"internal/schedule":          {"internal/scenario"},
	"internal/strict":            {"internal/fault"},
	"internal/subscription":      {"internal/channel", "internal/event"}, // what is subscribed; ordering keys are places as a channel's
	"test/torture":               {"test/outside"},
}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportsGoDownTheFloors(t *testing.T) {
	floor := map[string]int{}
	for n, names := range floors {
		for _, name := range names {
			floor[name] = n
		}
	}
	packages := list(t)
	for _, names := range floors {
		for _, name := range names {
			if !slices.ContainsFunc(packages, func(p goPackage) bool { return p.ImportPath == "junctor/"+name }) {
				t.Errorf("%s stands on a floor and does not exist: take its line out of floors", name)
			}
		}
	}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, "junctor/")
		own, known := floor[name]
		if !known {
			if name != "internal" { // this test's own folder
				t.Errorf("%s stands on no floor: give it a line in floors", name)
			}
			continue
		}
		for _, imported := range ours(p.Imports) {
			if floor[imported] >= own && !nested(name, imported) && !slices.Contains(sideways[name], imported) {
				t.Errorf("%s (floor %d) imports %s (floor %d)", name, own, imported, floor[imported])
			}
		}
		// Tests may use their own floor, and what exists for tests.
		for _, imported := range slices.Concat(ours(p.TestImports), ours(p.XTestImports)) {
			if floor[imported] > own {
				t.Errorf("a test of %s (floor %d) imports %s (floor %d)", name, own, imported, floor[imported])
			}
		}
	}
}

// What exists for tests must not reach the binary.
func TestTheBinaryHoldsNoTestCode(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "junctor/cmd/junctor").Output()
	if err != nil {
		t.Fatal(explain(err))
	}
	for _, path := range strings.Fields(string(out)) {
		for _, part := range []string{"dbtest", "classtest", "connectiontest", "testscript", "filtertest", "pgregory.net/rapid", "goleak", "go-cmp"} {
			if strings.Contains(path, part) {
				t.Errorf("cmd/junctor depends on %s, which is for tests", path)
			}
		}
		if path == "testing" {
			t.Error("cmd/junctor depends on testing")
		}
	}
}

// A name that says nothing is a place where anything may be put.
func TestNoPackageIsNamedForNothing(t *testing.T) {
	for _, p := range list(t) {
		parts := strings.Split(p.ImportPath, "/")
		switch last := parts[len(parts)-1]; last {
		case "util", "utils", "helpers", "common", "misc", "models", "types", "shared", "lib":
			t.Errorf("%s: name the package for what it provides, not %q", p.ImportPath, last)
		}
	}
}

// nested reports whether one of the two stands inside the other's folder.
func nested(a, b string) bool {
	return strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

func ours(imports []string) []string {
	var names []string
	for _, path := range imports {
		if name, ok := strings.CutPrefix(path, "junctor/"); ok {
			names = append(names, name)
		}
	}
	return names
}

func list(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "junctor/...").Output()
	if err != nil {
		t.Fatal(explain(err))
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list shows %d packages only", len(all))
	}
	return all
}

func explain(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "go list: " + string(exit.Stderr)
	}
	return err.Error()
}
