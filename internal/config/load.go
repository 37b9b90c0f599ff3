package config

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"junctor/internal/script"
	"junctor/internal/strict"
)

// File is the name of the configuration in its folder.
const File = "junctor.yaml"

// Load reads the folder: junctor.yaml, and every scenarios/NAME.ts or .js that
// exports a default as the scenario NAME. It bundles the scenarios, so npm
// packages are looked for in the folder's node_modules.
//
// The problems are all that could be found at once, in the order of files and
// places: one syntax error of YAML hides the rest of junctor.yaml, nothing else
// hides anything. The set is complete when there is none.
func Load(ctx context.Context, dir string) (*Set, []Problem) {
	set := &Set{Domain: Domain, Objects: map[string]map[string]json.RawMessage{}, Scenarios: map[string]*script.Bundle{}}
	known, problems := loadScenarios(ctx, dir, set)
	text, err := readBounded(filepath.Join(dir, File))
	if err != nil {
		return set, tidy(append(problems, Problem{File: File, Message: unreadable(dir, err)}))
	}
	doc := parseYAML(File, text)
	doc.fill(set)
	if doc.root != nil {
		for _, f := range checkObjects(set, known) {
			doc.report(f)
		}
	}
	return set, tidy(append(problems, doc.problems...))
}

// readBounded reads a file, and one byte more than is allowed at most: what is
// wrong with a larger one is said by whoever parses it.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return make([]byte, maxFile+1), nil
	}
	return os.ReadFile(path)
}

func unreadable(dir string, err error) string {
	if _, dirErr := os.Stat(dir); errors.Is(dirErr, fs.ErrNotExist) {
		return "there is no folder " + dir
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "is missing: an integration's folder has a " + File + " and a folder scenarios"
	}
	return "cannot be read: " + err.Error()
}

// fill puts the document's top-level members into the set.
func (d *document) fill(set *Set) {
	top, ok := d.root.(map[string]any)
	if !ok {
		if d.root != nil {
			d.add(d.places[""].value, "this is no map; write keys like channels: below each other")
			d.root = nil
		}
		return
	}
	for _, name := range sorted(top) {
		pointer := strict.Pointer("", name)
		switch k := kindOf(name); {
		case name == "domain":
			if set.Domain, ok = top[name].(string); !ok {
				d.add(d.places[pointer].value, "domain: must be a text")
			}
		case k == nil || !k.written():
			d.add(d.places[pointer].key, "%s", sentence(pointer, unknownKind(name)))
		case k.mapped():
			d.objects(set, name, top[name])
		case top[name] != nil:
			set.Settings = d.body(top[name])
		}
	}
}

func (d *document) objects(set *Set, kind string, value any) {
	entries, ok := value.(map[string]any)
	if !ok {
		if value != nil {
			d.add(d.places["/"+kind].value, "%s: must be a map with a code for each of the %s", kind, kind)
		}
		return
	}
	set.Objects[kind] = map[string]json.RawMessage{}
	for name, body := range entries {
		set.Objects[kind][name] = d.body(body)
	}
}

// body is a value in canonical JSON; nil for no value at all.
func (d *document) body(v any) json.RawMessage {
	text, err := marshal(v)
	if err != nil { // cannot happen: the value came from a document
		d.add(nil, "%s", err.Error())
	}
	return text
}
