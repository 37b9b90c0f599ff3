package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"junctor/internal/class"
	"junctor/internal/config"
	"junctor/internal/host"
)

type types struct {
	Dir string `arg:"" help:"The integration's folder." default:"." type:"path"`
}

// Help teaches by examples.
func (types) Help() string {
	return `Writes junctor.d.ts, the declarations of the modules "junctor" and "junctor/test", globals.d.ts, those of what scenarios find without importing it (console, URL, setTimeout), and a tsconfig.json unless there is one. With classes in junctor.yaml it writes classes.d.ts too, by which records("orders") knows its columns. Run it again after an upgrade, and when the classes change.

A tsconfig.json of your own includes both; where its lib has "dom", leave globals.d.ts out.

Example:
  junctor types ./shop`
}

// tsconfig is what an editor needs to know: the language that scenarios are
// written in, without a browser's or Node's names.
const tsconfig = `{
  "compilerOptions": {
    "target": "ES2023",
    "lib": ["ES2023"],
    "module": "ESNext",
    "moduleResolution": "bundler",
    "strict": true,
    "noEmit": true,
    "skipLibCheck": true,
    "types": []
  },
  "include": ["junctor.d.ts", "globals.d.ts", "classes.d.ts", "scenarios/**/*"]
}
`

// Run writes the files.
func (t types) Run(ctx context.Context, console *console) error {
	if err := os.MkdirAll(t.Dir, 0o755); err != nil {
		return err
	}
	if err := t.write(console, "junctor.d.ts", host.Declarations()+"\n"+host.TestDeclarations()); err != nil {
		return err
	}
	if err := t.write(console, "globals.d.ts", host.Globals()); err != nil {
		return err
	}
	if err := t.classes(ctx, console); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(t.Dir, "tsconfig.json")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.write(console, "tsconfig.json", tsconfig)
}

// classes writes the declarations of the folder's classes. Its scenarios may have
// mistakes: that they cannot be right without declarations is what these are for.
func (t types) classes(ctx context.Context, console *console) error {
	set, problems := config.Load(ctx, t.Dir)
	bodies := set.Objects[config.Classes]
	path := filepath.Join(t.Dir, "classes.d.ts")
	if len(bodies) == 0 {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) { // those of classes that are gone
			return err
		}
		return nil
	}
	model, found := class.NewModel(bodies)
	if len(found) > 0 {
		for _, p := range problems {
			fmt.Fprintln(console.err, p)
		}
		return fmt.Errorf("the classes of %s are not valid; nothing was declared of them", t.Dir)
	}
	return t.write(console, "classes.d.ts", host.ClassDeclarations(model))
}

func (t types) write(console *console, name, content string) error {
	path := filepath.Join(t.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		return err
	}
	console.line("Written: %s", path)
	return nil
}
