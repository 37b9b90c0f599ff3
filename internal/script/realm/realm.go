// Package realm is the standard world a scenario sees beyond plain ECMAScript:
// Date and Intl over the domain's zone and the run's clock, text encodings, URL,
// structuredClone, console, crypto.
//
// A part is JavaScript that runs once in each VM, before the world is frozen; it
// keeps no state that changes afterwards, so one run cannot leave anything for the
// next. What needs tables or is long (locales, charsets, the URL parser) is a pure
// Go function, a native, so that a VM stays small and quick to make.
//
// The package knows nothing of runs, modules, limits or the pool: what it needs of
// a run (its clock and its randomness) comes in as functions.
package realm

import (
	"embed"
	"sort"
	"strings"
)

// Part is one piece of the world. Source is a JavaScript function expression,
// (function (g, env) {...}), to be called once per VM with the global object and
//
//	env = {
//	  now(),           // the run's clock, milliseconds since 1970 UTC
//	  random(),        // the run's seeded generator, [0, 1)
//	  console(level, text), // where console writes; may be missing
//	  zone: {transitions, offsets, name},  // of Zone, and the location's name
//	  native: {NAME: function},            // of Natives
//	}
//
// The functions are called on each use and never at set-up; zone may be frozen.
type Part struct{ Name, Source string }

//go:embed *.js
var files embed.FS

// Parts returns the pieces in the order in which they must run.
func Parts() []Part {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("realm: embedded files: " + err.Error()) // cannot happen: they are part of the binary
	}
	var parts []Part
	for _, e := range entries {
		source, err := files.ReadFile(e.Name())
		if err != nil {
			panic("realm: embedded files: " + err.Error())
		}
		parts = append(parts, Part{Name: strings.TrimSuffix(e.Name(), ".js"), Source: string(source)})
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].Name < parts[j].Name })
	return parts
}
