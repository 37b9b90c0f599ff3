package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// fileFlags gives flags the values of the file that --config (or
// JUNCTOR_CONFIG) names: a YAML mapping of their names, with - or _. What no
// command knows is an error, so that a slip of the pen is seen.
type fileFlags struct {
	values map[string]any
	read   bool
}

// Validate is for kong; the file is not known yet.
func (*fileFlags) Validate(*kong.Application) error { return nil }

// Resolve is asked for every flag that the command line has not set.
func (f *fileFlags) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "config" || flag.Name == "help" {
		return nil, nil
	}
	if !f.read {
		f.read = true
		if err := f.load(ctx); err != nil {
			return nil, err
		}
	}
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil // the environment goes before the file
		}
	}
	value, ok := f.values[flag.Name]
	if !ok {
		return nil, nil
	}
	if list, ok := value.([]any); ok {
		parts := make([]string, len(list))
		for i, item := range list {
			parts[i] = fmt.Sprint(item)
		}
		return strings.Join(parts, ","), nil
	}
	return fmt.Sprint(value), nil
}

func (f *fileFlags) load(ctx *kong.Context) error {
	i := slices.IndexFunc(ctx.Model.Flags, func(flag *kong.Flag) bool { return flag.Name == "config" })
	path, _ := ctx.FlagValue(ctx.Model.Flags[i]).(string)
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read --config: %w", err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, false))
	}
	known := map[string]bool{}
	collect(ctx.Model.Node, known)
	f.values = map[string]any{}
	var unknown []error
	for name, value := range values {
		flag := strings.ReplaceAll(name, "_", "-")
		if !known[flag] {
			unknown = append(unknown, fmt.Errorf("%s: there is no flag %q; `junctor COMMAND --help` lists them", path, name))
		}
		f.values[flag] = value
	}
	return errors.Join(unknown...)
}

// collect finds the names of all commands' flags.
func collect(node *kong.Node, known map[string]bool) {
	for _, flag := range node.Flags {
		known[flag.Name] = flag.Name != "help" && flag.Name != "config"
	}
	for _, child := range node.Children {
		collect(child, known)
	}
}
