package main

import "testing"

func TestLargeHeapsGrowLess(t *testing.T) {
	for live, want := range map[uint64]int{0: 300, 60 << 20: 300, 170 << 20: 300, 256 << 20: 200, 512 << 20: 100, 8 << 30: 100} {
		if got := growth(live); got != want {
			t.Errorf("of %d MiB in use: %d %%, not %d", live>>20, got, want)
		}
	}
}
