// Package scenario keeps scenarios: immutable versions by content, pinned by
// runs, and the programs made of them.
//
// It must not know what starts a scenario, nor what its host calls do.
package scenario
