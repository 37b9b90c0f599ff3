package script

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAttacks executes code that has crashed JavaScript engines: deep
// structures, prototypes in circles, buffers that shrink while they are read,
// memory used up in odd places. However a run ends, the process goes on, and so
// do other runs.
func TestAttacks(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	file, err := os.Open(filepath.Join("testdata", "attacks.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c := quick
	c.TurnCPU, c.StuckAfter, c.MemoryLimit, c.Size = 100*time.Millisecond, 200*time.Millisecond, 64<<20, 16
	p, err := NewPool(c) // not closed: not all of its machines come back
	if err != nil {
		t.Fatal(err)
	}
	program := compile(t, `export default async function (code: string) { const value = await (0, eval)(code); return typeof value; }`)
	ends := map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, code, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			continue
		}
		_, turn := start(t, p, program, code)
		end := "well"
		if turn.Err != nil {
			end = string(turn.Err.Kind)
		}
		ends[end]++
		if !turn.Done {
			t.Errorf("%s: the run did not end", name)
		}
		if end == string(Thrown) && strings.Contains(turn.Err.Message, "panicked") {
			t.Errorf("%s: %s", name, turn.Err.Message)
		}
	}
	if got := answer(t, p, compileOnce(t)); got != "ok" {
		t.Errorf("afterwards a run answers %q", got)
	}
	t.Log(ends)
}
