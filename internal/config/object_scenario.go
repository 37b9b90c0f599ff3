package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"junctor/internal/fault"
	"junctor/internal/scenario"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// readScenario turns what the API is given into a bundle and the object's body.
func (s *Service) readScenario(ctx context.Context, name string, body json.RawMessage) (json.RawMessage, *built, error) {
	var w struct {
		Sources map[string]string `json:"sources"`
		Version string            `json:"version"`
	}
	found := strict.Decode(body, &w)
	if len(found) == 0 && (w.Version == "") == (w.Sources == nil) {
		found = []fault.Field{{Detail: "needs either sources or the version to go back to"}}
	}
	if len(found) > 0 {
		return nil, nil, refused(found)
	}
	var bundle *script.Bundle
	var program *script.Program
	if w.Version == "" {
		var err error
		if bundle, program, err = bundled(ctx, name, w.Sources); err != nil {
			return nil, nil, err
		}
	} else {
		v, err := s.versions.Get(ctx, name, w.Version)
		if err != nil {
			return nil, nil, err
		}
		bundle = v.Bundle
		var diagnostics []script.Diagnostic
		if program, diagnostics = script.Compile(bundle); len(diagnostics) > 0 { // an older release took it
			return nil, nil, refused([]fault.Field{{Pointer: "/version", Detail: diagnosed(diagnostics[0])}})
		}
	}
	params, found, err := s.exported(ctx, name, bundle, program)
	if err != nil || len(found) > 0 {
		return nil, nil, errors.Join(err, problems(found))
	}
	return versionOf(bundle), &built{bundle, params}, nil
}

// bundled builds a scenario from texts instead of a folder.
func bundled(ctx context.Context, name string, sources map[string]string) (*script.Bundle, *script.Program, error) {
	entry := folder + "/" + name + ".ts"
	if _, ok := sources[entry]; !ok {
		entry = folder + "/" + name + ".js"
	}
	if _, ok := sources[entry]; !ok {
		return nil, nil, refused([]fault.Field{{Pointer: "/sources", Detail: fmt.Sprintf("has no %s/%s.ts or .js", folder, name)}})
	}
	bundle, diagnostics := script.Build(ctx, script.BuildOptions{Entry: entry, Sources: sources})
	var program *script.Program
	if len(diagnostics) == 0 {
		program, diagnostics = script.Compile(bundle)
	}
	var found []fault.Field
	for _, d := range diagnostics {
		pointer := "/sources"
		if _, ok := sources[d.File]; ok {
			pointer = strict.Pointer(pointer, d.File)
		}
		found = append(found, fault.Field{Pointer: pointer, Detail: diagnosed(d)})
	}
	if program != nil && !runnable(program) {
		found = append(found, fault.Field{Pointer: strict.Pointer("/sources", entry), Detail: noDefault(name)})
	}
	return bundle, program, problems(found)
}

// Sources reads the files of a scenario's version; of the present one when
// version is empty. Errors: fault.NotFound.
func (s *Service) Sources(ctx context.Context, name, version string) (scenario.Version, error) {
	if version == "" {
		o, err := s.objects.Get(ctx, Scenarios, name)
		if err != nil {
			return scenario.Version{}, err
		}
		if version, err = versionIn(o.Body); err != nil {
			return scenario.Version{}, err
		}
	}
	return s.versions.Get(ctx, name, version)
}
