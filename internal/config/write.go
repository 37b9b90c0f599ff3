package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"junctor/internal/fault"
	"junctor/internal/script"
)

// Write puts a set into a folder: junctor.yaml in a stable order, and the
// scenarios' source files. It makes the folder, overwrites files of these names
// and removes none. leftover are the folder's scenarios that the set does not
// have, so that applying the folder would bring them back. Errors:
// fault.Conflict when two scenarios have one file with different text.
func Write(set *Set, dir string) (leftover []string, err error) {
	if found := agreeing(set.Scenarios); len(found) > 0 {
		return nil, fault.New(fault.Conflict, "The scenarios cannot be written into one folder.").WithFields(found...)
	}
	text, err := YAML(set)
	if err != nil {
		return nil, err
	}
	root, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is written by closing a folder
	if err := writeFile(root, File, text); err != nil {
		return nil, err
	}
	for _, name := range sorted(set.Scenarios) {
		if err := writeSources(root, set.Scenarios[name]); err != nil {
			return nil, fmt.Errorf("scenario %q: %w", name, err)
		}
	}
	return leftovers(set, dir)
}

// openFolder returns the folder as a root: the paths in a set come from a
// server, and none leads out of it.
func openFolder(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

func writeSources(root *os.Root, b *script.Bundle) error {
	for _, path := range sorted(b.Sources) {
		if err := writeFile(root, path, []byte(b.Sources[path])); err != nil {
			return err
		}
	}
	return nil
}

// writeFile leaves a file alone that has the text already.
func writeFile(root *os.Root, path string, text []byte) error {
	name := filepath.FromSlash(path)
	if have, err := root.ReadFile(name); err == nil && bytes.Equal(have, text) {
		return nil
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := root.WriteFile(name, text, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func leftovers(set *Set, dir string) (files []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, folder))
	if os.IsNotExist(err) {
		return nil, nil
	}
	written := map[string]bool{}
	for _, b := range set.Scenarios {
		for path := range b.Sources {
			written[path] = true
		}
	}
	for _, e := range entries {
		path := folder + "/" + e.Name()
		if _, ok := scenarioName(e.Name()); ok && !e.IsDir() && !written[path] {
			files = append(files, path)
		}
	}
	return files, err
}

// YAML writes what a set has besides its scenarios as junctor.yaml. Loaded
// again it gives the same bodies.
func YAML(set *Set) ([]byte, error) {
	e := encoder{}
	e.out.WriteString("# Written by \"junctor export\".\n")
	e.line(0, "domain", Domain)
	for _, k := range kinds {
		objects := set.bodies(k)
		switch {
		case !k.written() || len(objects) == 0:
			continue
		case k.mapped():
			e.out.WriteString(k.name + ":\n")
		}
		for _, name := range sorted(objects) {
			key, depth := k.name, 1
			if k.mapped() {
				e.indent(1)
				key, depth = name, 2
			}
			if err := e.section(key, objects[name], depth); err != nil {
				return nil, fmt.Errorf("%s %q: %w", k.name, name, err)
			}
		}
	}
	return e.out.Bytes(), nil
}

// section writes a key and a body below it, an object a line for each member.
func (e *encoder) section(key string, body json.RawMessage, depth int) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("read its body: %w", err)
	}
	e.out.WriteString(scalar(key) + ":")
	if m, ok := v.(map[string]any); ok && len(m) > 0 {
		e.out.WriteByte('\n')
		e.block(m, depth)
	} else {
		e.value(v, depth)
	}
	return nil
}

// order is how people write the members; others follow by name.
var order = []string{
	"type", "label", "comment", "parent", "key", "columns", "when", "if", "before", "url", "cron", "every", "at", "start", "scenario", "await", "timeout", "enabled", "paused",
	"external", "primary_token", "secondary_token", "allow_private", "headers", "auth",
	"verify", "basic", "user", "password", "bearer", "api_key", "header", "query", "value", "window",
	"nonce", "allow", "rate", "rate_per_address", "body_limit", "idempotency", "subject", "ordering_key", "redact", "on_failure",
	"jitter", "overlap", "missed", "input", "retry", "attempts", "first", "factor", "max", "retention", "succeeded", "failed", "capture", "cors", "origins", "credentials", "max_age",
	"roles", "unit", "hours", "classes", "create", "read", "update", "hide", "readonly", "functions", "packets", "queries", "events", "publish", "admin", "rules", "buttons",
	"required", "unique", "default", "length", "pattern", "min", "values", "precision", "scale", "class", "computed",
	"params", "sql", "parts", "function", "connection", "path", "filter", "orderby", "top", "select", "expand", "one", "optional",
	"timezone", "sessions", "policy", "on_conflict", "idle", "age", "allow_private_subscribers", "keep",
}

func inOrder(m map[string]any) []string {
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	names := sorted(m)
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}
