package main

import "testing"

// What needs no installation: scenarios tried in their folder, and load.
func TestTrials(t *testing.T) { tell(t, "testdata/trials", "") }
