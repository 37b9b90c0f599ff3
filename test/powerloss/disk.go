// Package powerloss is a file system under SQLite that forgets, like a disk
// whose power fails, everything that was not synced: for every database under a
// watched folder it keeps the image that fsync has promised, and nothing else.
//
// It exists for tests, in which a server runs in the test's own process. It must
// not know what the databases hold.
package powerloss

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// Disk is one watched folder.
type Disk struct {
	dir    string
	shadow string

	mu     sync.Mutex      // held while the shadow changes or is copied
	gone   map[string]bool // removed, which a power failure may still undo
	syncs  int
	err    error       // the first thing that went wrong while keeping the shadow
	broken atomic.Bool // syncs fail
}

// Watch keeps, from now on, what is synced of the SQLite files under dir. The
// image grows in a folder of its own under shadow. All of dir's databases must
// be opened after this call, through the process's default VFS.
func Watch(dir, shadow string) (*Disk, error) {
	dir, err := filepath.EvalSymlinks(dir) // SQLite hands out resolved paths
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	d := &Disk{dir: dir, shadow: shadow, gone: map[string]bool{}}
	return d, install(d)
}

// Image copies what the disk would hold if the power failed now into the folder
// to, which is made.
func (d *Disk) Image(to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return fmt.Errorf("keeping the image of %s: %w", d.dir, d.err)
	}
	if d.syncs == 0 {
		return errors.New("nothing was synced: the databases do not go through this disk")
	}
	return os.CopyFS(to, os.DirFS(d.shadow))
}

// Break makes every sync fail, until Mend.
func (d *Disk) Break() { d.broken.Store(true) }

// Mend ends what Break began.
func (d *Disk) Mend() { d.broken.Store(false) }

// Syncs is how often a file was synced.
func (d *Disk) Syncs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs
}

func (d *Disk) holds(path string) bool {
	return strings.HasPrefix(path, d.dir+string(filepath.Separator))
}

// synced takes a file into the image, whole as it is now, and with the folder the
// removals that only waited for that.
func (d *Disk) synced(path string, folder bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	delete(d.gone, path)
	err := d.keep(path)
	if folder {
		err = errors.Join(err, d.forget())
	}
	if d.err == nil {
		d.err = err
	}
}

// removed notes that a file is gone.
func (d *Disk) removed(path string, folder bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone[path] = true
	if folder {
		d.err = errors.Join(d.err, d.forget())
	}
}

// forget takes the files that are gone out of the image.
func (d *Disk) forget() error {
	for path := range d.gone {
		target, err := d.target(path)
		if err != nil {
			return err
		}
		if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	clear(d.gone)
	return nil
}

func (d *Disk) target(path string) (string, error) {
	relative, err := filepath.Rel(d.dir, path)
	return filepath.Join(d.shadow, relative), err
}

func (d *Disk) keep(path string) error {
	target, err := d.target(path)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path) //nolint:gosec // a database of the test
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, data, 0o600)
}
