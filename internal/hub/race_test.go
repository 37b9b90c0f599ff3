//go:build race

package hub_test

// racing: the race detector makes the script engine ten times as slow, and its
// limits another thing to be exceeded first.
const racing = true
