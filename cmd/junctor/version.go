package main

import (
	"runtime"
	"runtime/debug"
)

type version struct {
	JSON bool `name:"json" help:"Write JSON, for a machine."`
}

// Run says which release this is.
func (v version) Run(console *console) error {
	if v.JSON {
		return console.json(map[string]string{"release": release(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	console.line("junctor %s (%s, %s/%s)", release(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// release is the module's version, or the commit for what was built from a
// working copy.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(len(s.Value), 12)]
		}
	}
	return "devel"
}
