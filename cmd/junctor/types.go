package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"junctor/internal/host"
)

type types struct {
	Dir string `arg:"" help:"The integration's folder." default:"." type:"path"`
}

// Help teaches by examples.
func (types) Help() string {
	return `Writes junctor.d.ts, the declarations of the modules "junctor" and "junctor/test", and a tsconfig.json unless there is one. Run it again after an upgrade.

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
  "include": ["junctor.d.ts", "scenarios/**/*"]
}
`

// Run writes the files.
func (t types) Run(console *console) error {
	if err := os.MkdirAll(t.Dir, 0o755); err != nil {
		return err
	}
	declarations := filepath.Join(t.Dir, "junctor.d.ts")
	if err := os.WriteFile(declarations, []byte(host.Declarations()+"\n"+host.TestDeclarations()), 0o644); err != nil {
		return err
	}
	console.line("Written: %s", declarations)
	project := filepath.Join(t.Dir, "tsconfig.json")
	if _, err := os.Stat(project); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(project, []byte(tsconfig), 0o644); err != nil {
		return err
	}
	console.line("Written: %s", project)
	return nil
}
