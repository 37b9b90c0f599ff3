//go:build race

package script

// racing: the race detector makes the engine ten times as slow; what ends in time
// without it may be given up with it.
const racing = true
