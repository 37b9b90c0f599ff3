//go:build !race

package hub_test

const racing = false
