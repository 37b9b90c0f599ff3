package config

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/script"
	"junctor/internal/strict"
)

// parameters reads what scenarios export as params. Errors: fault.Unprocessable
// with the mistakes in all of them.
func (s *Service) parameters(ctx context.Context, bundles map[string]*script.Bundle, programs map[string]*script.Program) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	var c checker
	for _, name := range sorted(programs) {
		params, found, err := s.exported(ctx, name, bundles[name], programs[name])
		if err != nil {
			return nil, err
		}
		all[name] = params
		for _, f := range found {
			c.add(strict.Pointer("/"+Scenarios, name), "%s", f.Detail)
		}
	}
	return all, problems(c.found)
}

// exported is the params of one scenario, nil when it has none, and what is wrong
// with them, with the place in the source.
func (s *Service) exported(ctx context.Context, name string, b *script.Bundle, p *script.Program) (params json.RawMessage, found []fault.Field, err error) {
	if s.parts.Params == nil {
		return nil, nil, nil
	}
	params, err = s.parts.Params(ctx, p)
	if err != nil {
		return nil, []fault.Field{{Detail: fmt.Sprintf("its params cannot be read: %v", err)}}, ctx.Err()
	}
	if params == nil {
		return nil, nil, nil
	}
	_, found = function.NewSchema(params)
	for i, f := range found {
		found[i] = fault.Field{Detail: placeOfParams(name, b) + sentence("/params"+f.Pointer, f.Detail)}
	}
	return params, found, nil
}

var exportOfParams = regexp.MustCompile(`(?m)^\s*export\s+(?:const|let|var)\s+params\b`)

// placeOfParams is where a scenario's source begins with them: FILE:LINE:COLUMN
// and a colon, without the numbers when they are exported in another way.
func placeOfParams(name string, b *script.Bundle) string {
	for _, extension := range []string{".ts", ".js"} {
		file := folder + "/" + name + extension
		text, ok := b.Sources[file]
		if !ok {
			continue
		}
		at := exportOfParams.FindStringIndex(text)
		if at == nil {
			return file + ": "
		}
		before := text[:at[1]-len("params")]
		line := strings.LastIndexByte(before, '\n') + 1
		return fmt.Sprintf("%s:%d:%d: ", file, 1+strings.Count(before, "\n"), 1+len(before)-line)
	}
	return ""
}
