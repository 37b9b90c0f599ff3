package run

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// turns is a small file in which each executing run's id stands while its
// program computes. It survives the process, not the machine: a run found in
// it at the next start is suspected of having killed the process, one that
// merely waited for an answer is not, and an outage accuses nobody.
type turns struct {
	mu    sync.Mutex
	file  *os.File
	free  []int
	slots int
}

// slotSize holds an id and its end.
const slotSize = 48

// openTurns reads whom processes that are gone were executing when they died,
// and begins anew. Several nodes may share a directory: each has a file of its
// own, named after its process. Without a directory nothing is kept.
func openTurns(dir string) (*turns, []string, error) {
	if dir == "" {
		return &turns{}, nil, nil
	}
	left, err := filepath.Glob(filepath.Join(dir, turnsName+"*"))
	if err != nil {
		return nil, nil, fmt.Errorf("look for what was executing: %w", err)
	}
	var suspects []string
	for _, path := range left {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), turnsName))
		if err != nil || (pid != os.Getpid() && lives(pid)) {
			continue
		}
		found, err := readTurns(path)
		if err != nil {
			return nil, nil, err
		}
		suspects = append(suspects, found...)
	}
	path := filepath.Join(dir, turnsName+strconv.Itoa(os.Getpid()))
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("note which runs are executing: %w", err)
	}
	return &turns{file: file}, suspects, nil
}

const turnsName = "turns-"

// readTurns takes the ids out of a file, and the file away.
func readTurns(path string) (ids []string, err error) {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // another node that starts now was faster
	}
	if err != nil {
		return nil, fmt.Errorf("read which runs were executing: %w", err)
	}
	for slot := range slices.Chunk(old, slotSize) {
		if id, _, ok := bytes.Cut(slot, []byte{'\n'}); ok && len(id) > 0 {
			ids = append(ids, string(id))
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("forget which runs were executing: %w", err)
	}
	return ids, nil
}

// lives reports whether there is a process with this number. One that has
// taken over a dead one's number hides its suspects, which does no harm.
func lives(pid int) bool {
	p, err := os.FindProcess(pid) // on Windows an error when there is none
	if err != nil {
		return false
	}
	defer p.Release() //nolint:errcheck // nothing is held
	if runtime.GOOS == "windows" {
		return true
	}
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// mark notes that a run's program begins or stops to compute, if there is a run
// when the process dies. A run that may have killed processes before computes
// alone.
func (t *turns) mark(x *Execution, on bool) {
	alone := x.row.crashes == maxCrashes-1
	if on {
		if alone {
			x.e.solo.Lock()
		} else {
			x.e.solo.RLock()
		}
	}
	if t.file != nil && (on && x.onDisk() || !on && x.slot >= 0) {
		t.write(x, on)
	}
	if !on {
		if alone {
			x.e.solo.Unlock()
		} else {
			x.e.solo.RUnlock()
		}
	}
}

// write is not synced: it has to survive the process only, and a failure to
// write costs a suspicion, not a run.
func (t *turns) write(x *Execution, on bool) {
	var text [slotSize]byte
	if on {
		x.slot = t.take()
		copy(text[:slotSize-1], x.row.id+"\n")
	} else {
		text[0] = '\n'
	}
	t.file.WriteAt(text[:], int64(x.slot)*slotSize) //nolint:errcheck // see above
	if !on {
		t.mu.Lock()
		t.free = append(t.free, x.slot)
		t.mu.Unlock()
		x.slot = -1
	}
}

func (t *turns) take() (slot int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		slot, t.free = t.free[n-1], t.free[:n-1]
		return slot
	}
	t.slots++
	return t.slots - 1
}

func (t *turns) close() {
	if t != nil && t.file != nil {
		name := t.file.Name()
		t.file.Close()  //nolint:errcheck // nothing was promised
		os.Remove(name) //nolint:errcheck // a file that stays accuses nobody: no run stands in it
	}
}
