//go:build race

package script

// The race detector makes the engine ten times slower: what ends in time without
// it may be given up with it.
func init() { racing = true }
