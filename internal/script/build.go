package script

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// ModuleName is the module that scenarios import Junctor's functions from. It
// is not bundled: Config.Module provides it at run time.
const ModuleName = "junctor"

// BuildOptions says what to build. Dir is a folder on disk, with node_modules
// in it or above it; Sources are texts by slash-separated path, for a scenario
// that never was on disk, and take the place of Dir. Entry is a path in either.
type BuildOptions struct {
	Dir     string
	Entry   string
	Sources map[string]string
}

// virtualRoot stands for the folder of sources that are not on disk.
const virtualRoot = "/scenario"

// Build bundles the entry and all that it imports. The bundle is nil when
// there are diagnostics, and then they hold every mistake found. The same
// sources give the same bundle in any folder.
func Build(ctx context.Context, o BuildOptions) (*Bundle, []Diagnostic) {
	b, err := newBuild(o)
	if err != nil {
		return nil, []Diagnostic{{File: o.Entry, Message: err.Error()}}
	}
	exports, diagnostics := b.exports(ctx)
	if diagnostics != nil {
		return nil, diagnostics
	}
	return b.bundle(ctx, exports)
}

// build is one run of the bundler.
type build struct {
	BuildOptions
	root string // absolute
}

func newBuild(o BuildOptions) (*build, error) {
	b := &build{BuildOptions: o, root: virtualRoot}
	b.Entry = path.Clean(filepath.ToSlash(o.Entry))
	if o.Sources != nil {
		if _, ok := o.Sources[b.Entry]; !ok {
			return nil, fmt.Errorf("there is no source %q", o.Entry)
		}
		return b, nil
	}
	root, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the folder %q: %w", o.Dir, err)
	}
	// Links are followed by the bundler; relative paths are right only from the real folder.
	if b.root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, fmt.Errorf("open the folder %q: %w", o.Dir, err)
	}
	if _, err := os.Stat(filepath.Join(b.root, filepath.FromSlash(b.Entry))); err != nil {
		return nil, fmt.Errorf("open the scenario: %w", err)
	}
	return b, nil
}

// exports asks the bundler for the names that the entry exports; nil for an
// entry in CommonJS form, whose exports are known only when it runs.
func (b *build) exports(ctx context.Context) ([]string, []Diagnostic) {
	options := b.options()
	options.EntryPoints = []string{"./" + b.Entry}
	options.Format = api.FormatESModule
	options.Sourcemap = api.SourceMapNone
	result, err := run(ctx, options)
	if err != nil {
		return nil, []Diagnostic{{File: b.Entry, Message: err.Error()}}
	}
	if len(result.Errors) > 0 {
		return nil, b.diagnostics(result.Errors)
	}
	var meta metafile
	if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil {
		return nil, []Diagnostic{{File: b.Entry, Message: "read the bundler's description: " + err.Error()}}
	}
	if in, ok := meta.Inputs[b.Entry]; ok && in.Format != "esm" {
		return nil, nil
	}
	for _, out := range meta.Outputs {
		if out.EntryPoint != "" {
			sort.Strings(out.Exports)
			return out.Exports, nil
		}
	}
	return nil, nil
}

// metafile is the part of the bundler's description that is used here.
type metafile struct {
	Inputs map[string]struct {
		Format string `json:"format"`
	} `json:"inputs"`
	Outputs map[string]struct {
		EntryPoint string   `json:"entryPoint"`
		Exports    []string `json:"exports"`
	} `json:"outputs"`
}

// bundle builds the code. The entry is a stub that assigns the exports as
// plain properties: the bundler's own way defines a getter for each, which
// costs every run more than the rest of a small scenario.
func (b *build) bundle(ctx context.Context, exports []string) (*Bundle, []Diagnostic) {
	options := b.options()
	options.Stdin = &api.StdinOptions{
		Contents: stub(b.Entry, exports), ResolveDir: b.root, Sourcefile: "exports.js", Loader: api.LoaderJS,
	}
	result, err := run(ctx, options)
	if err != nil {
		return nil, []Diagnostic{{File: b.Entry, Message: err.Error()}}
	}
	if len(result.Errors) > 0 {
		return nil, b.diagnostics(result.Errors)
	}
	out := &Bundle{Sources: map[string]string{}}
	for _, file := range result.OutputFiles {
		if strings.HasSuffix(file.Path, ".map") {
			out.Map = file.Contents
		} else {
			out.Code = append(exportsLine(exports), file.Contents...)
		}
	}
	for _, d := range b.diagnostics(result.Warnings) {
		out.Warnings = append(out.Warnings, d.String())
	}
	if err := b.sources(result.Metafile, out.Sources); err != nil {
		return nil, []Diagnostic{{File: b.Entry, Message: err.Error()}}
	}
	sum := sha256.Sum256(out.Code)
	out.Hash = hex.EncodeToString(sum[:])
	return out, nil
}

// stub is the JavaScript that hands the entry's exports over.
func stub(entry string, exports []string) string {
	from, _ := json.Marshal("./" + entry)
	if exports == nil {
		return fmt.Sprintf("module.exports = require(%s);", from)
	}
	var names, members []string
	for i, name := range exports {
		quoted, _ := json.Marshal(name)
		names = append(names, fmt.Sprintf("%s as $%d", quoted, i))
		members = append(members, fmt.Sprintf("%s: $%d", quoted, i))
	}
	return fmt.Sprintf("import { %s } from %s;\nmodule.exports = { %s };",
		strings.Join(names, ", "), from, strings.Join(members, ", "))
}

// options are what both steps have in common. Nothing outside the folder and
// its packages may change the result, so no tsconfig.json is read.
func (b *build) options() api.BuildOptions {
	return api.BuildOptions{
		AbsWorkingDir:  b.root,
		Outfile:        filepath.Join(b.root, "bundle.js"),
		Bundle:         true,
		Write:          false,
		Metafile:       true,
		LogLevel:       api.LogLevelSilent,
		LogLimit:       -1,
		Format:         api.FormatCommonJS,
		Platform:       api.PlatformBrowser,
		MainFields:     []string{"browser", "module", "main"},
		Conditions:     []string{"module"},
		Target:         api.ES2023,
		Supported:      map[string]bool{"dynamic-import": false},
		External:       []string{ModuleName},
		Define:         map[string]string{"process.env.NODE_ENV": `"production"`},
		TsconfigRaw:    `{"compilerOptions":{"target":"ES2023","useDefineForClassFields":true}}`,
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentExclude,
		LegalComments:  api.LegalCommentsNone,
		TreeShaking:    api.TreeShakingTrue,
		Charset:        api.CharsetUTF8,
		Plugins:        b.plugins(),
	}
}

// run is api.Build that ends with ctx.
func run(ctx context.Context, options api.BuildOptions) (api.BuildResult, error) {
	building, failed := api.Context(options)
	if failed != nil {
		return api.BuildResult{Errors: failed.Errors}, nil
	}
	defer building.Dispose()
	stop := context.AfterFunc(ctx, building.Cancel)
	defer stop()
	result := building.Rebuild()
	if err := ctx.Err(); err != nil {
		return result, fmt.Errorf("build the scenario: %w", err)
	}
	return result, nil
}
