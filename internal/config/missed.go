package config

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// Runs are asked which of them may miss what is removed; *run.Engine is it.
type Runs interface {
	Unfinished(ctx context.Context) ([]run.Unfinished, error)
	Called(ctx context.Context, u run.Unfinished, call string, fits func(arguments []byte) bool) (int64, error)
}

// missed tells of the connections that are removed although runs that have not
// ended have used them, or execute a scenario that names them. What is changed
// is changed: what goes wrong here is a warning too.
func (s *Service) missed(ctx context.Context, p *plan) (all []string) {
	for _, c := range p.changed {
		if c.Kind != Connections || c.Action != Delete || s.parts.Runs == nil {
			continue
		}
		found, err := s.needing(ctx, c.Code)
		if err != nil {
			found = []string{fmt.Sprintf("it cannot be said which runs still need it: %v", err)}
		}
		for _, text := range found {
			all = append(all, fmt.Sprintf("%s %q is removed, and %s", c.Kind, c.Code, text))
		}
	}
	return all
}

func (s *Service) needing(ctx context.Context, connection string) (all []string, err error) {
	unfinished, err := s.parts.Runs().Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range unfinished {
		code, is := strings.CutPrefix(u.Program, scenario.ProgramName(""))
		if !is {
			continue
		}
		version, err := s.versions.Get(ctx, code, u.Version)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		n := u.Runs
		if version.Bundle == nil || !names(version.Bundle.Code, connection) {
			if n, err = s.parts.Runs().Called(ctx, u, "http.request", calls(connection)); err != nil {
				return nil, err
			}
		}
		if n > 0 {
			all = append(all, fmt.Sprintf("unfinished runs of the scenario %q (%d of %s) may still need it: a call of it fails them. Apply it again, or wait for their end first", code, n, u.Version))
		}
	}
	return all, nil
}

// names reports whether code has the text as a literal.
func names(code []byte, text string) bool {
	for _, quote := range []string{`"`, `'`, "`"} {
		if bytes.Contains(code, []byte(quote+text+quote)) {
			return true
		}
	}
	return false
}

// calls reports whether arguments of http.request are for the connection.
func calls(connection string) func([]byte) bool {
	return func(arguments []byte) bool {
		var a struct{ Connection *string }
		return json.Unmarshal(arguments, &a) == nil && a.Connection != nil && *a.Connection == connection
	}
}
