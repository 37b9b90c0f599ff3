package script

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// plugins lets the bundler read sources that are not on disk.
func (b *build) plugins() []api.Plugin {
	if b.Sources == nil {
		return nil
	}
	return []api.Plugin{{Name: "sources", Setup: func(p api.PluginBuild) {
		p.OnResolve(api.OnResolveOptions{Filter: `^\.\.?/`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			folder := strings.TrimPrefix(filepath.ToSlash(a.ResolveDir), virtualRoot)
			name, ok := b.find(path.Join(".", folder, a.Path))
			if !ok {
				return api.OnResolveResult{Errors: []api.Message{{Text: fmt.Sprintf("Could not resolve %q", a.Path)}}}, nil
			}
			return api.OnResolveResult{Path: virtualRoot + "/" + name, Namespace: "file"}, nil
		})
		p.OnLoad(api.OnLoadOptions{Filter: "^" + virtualRoot + "/", Namespace: "file"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			name := strings.TrimPrefix(filepath.ToSlash(a.Path), virtualRoot+"/")
			text, ok := b.Sources[name]
			if !ok {
				return api.OnLoadResult{Errors: []api.Message{{Text: fmt.Sprintf("there is no source %q", name)}}}, nil
			}
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderDefault, ResolveDir: path.Dir(virtualRoot + "/" + name)}, nil
		})
	}}}
}

// find looks a relative import up as the bundler would on disk.
func (b *build) find(name string) (string, bool) {
	name = strings.TrimPrefix(name, "/")
	candidates := []string{name}
	for _, end := range []string{".ts", ".tsx", ".js", ".mjs", ".json", "/index.ts", "/index.js"} {
		candidates = append(candidates, name+end)
	}
	if stem, ok := strings.CutSuffix(name, ".js"); ok { // TypeScript's way to name a .ts file
		candidates = append(candidates, stem+".ts")
	}
	for _, c := range candidates {
		if _, ok := b.Sources[c]; ok {
			return c, true
		}
	}
	return "", false
}

// sources collects the text of the scenario's own files.
func (b *build) sources(description string, into map[string]string) error {
	var meta metafile
	if err := json.Unmarshal([]byte(description), &meta); err != nil {
		return fmt.Errorf("read the bundler's description: %w", err)
	}
	for name := range meta.Inputs {
		if name == "exports.js" || strings.HasPrefix(name, "node_modules/") || strings.Contains(name, "/node_modules/") || strings.HasPrefix(name, "(disabled):") {
			continue
		}
		if b.Sources != nil {
			into[name] = b.Sources[name]
			continue
		}
		text, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("keep the source %s: %w", name, err)
		}
		into[name] = string(text)
	}
	return nil
}
