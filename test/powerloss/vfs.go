package powerloss

import (
	"errors"
	"slices"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite "modernc.org/sqlite/lib"
)

// table is what SQLite's callbacks find their way by. SQLite's list of file
// systems belongs to the process, so this does too.
var table = struct {
	sync.Mutex
	disks    []*Disk
	vfs      uintptr                     // ours, made on first use
	original *sqlite.Tsqlite3_vfs        // the system's
	files    map[uintptr]*openFile       // by sqlite3_file
	methods  map[uintptr]*wrappedMethods // by the original methods
}{files: map[uintptr]*openFile{}, methods: map[uintptr]*wrappedMethods{}}

type openFile struct {
	disk    *Disk
	path    string
	methods *wrappedMethods
	fresh   bool // a journal or WAL not synced yet: its first sync is one of the folder too
}

// wrappedMethods is the system's table of file methods with Sync and Close ours.
type wrappedMethods struct {
	ours        uintptr
	sync, close uintptr // the originals
}

// install makes our file system the process's default one and adds a disk.
func install(d *Disk) error {
	table.Lock()
	defer table.Unlock()
	table.disks = append(table.disks, d)
	if table.vfs != 0 {
		return nil
	}
	tls := libc.NewTLS()
	defer tls.Close()
	found := sqlite.Xsqlite3_vfs_find(tls, 0)
	if found == 0 {
		return errors.New("SQLite has no default file system")
	}
	table.original = (*sqlite.Tsqlite3_vfs)(at(found))
	name, err := libc.CString("powerloss")
	if err != nil {
		return err
	}
	ours := *table.original
	ours.FzName, ours.FpNext = name, 0
	ours.FxOpen, ours.FxDelete = pointer(open), pointer(remove)
	table.vfs = place(tls, ours)
	if rc := sqlite.Xsqlite3_vfs_register(tls, table.vfs, 1); rc != sqlite.SQLITE_OK {
		return errors.New("SQLite refused the file system")
	}
	return nil
}

// open is xOpen: the system's, and our methods for the files of a watched disk.
func open(tls *libc.TLS, _, name, file uintptr, flags int32, outFlags uintptr) int32 {
	table.Lock()
	original := table.original
	table.Unlock()
	rc := call[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](original.FxOpen)(
		tls, uintptr(unsafe.Pointer(original)), name, file, flags, outFlags)
	const kept = sqlite.SQLITE_OPEN_MAIN_DB | sqlite.SQLITE_OPEN_MAIN_JOURNAL | sqlite.SQLITE_OPEN_WAL
	if rc != sqlite.SQLITE_OK || name == 0 || flags&kept == 0 {
		return rc
	}
	path := libc.GoString(name)
	table.Lock()
	defer table.Unlock()
	for _, d := range table.disks {
		if d.holds(path) {
			f := (*sqlite.Tsqlite3_file)(at(file))
			m := wrap(tls, f.FpMethods)
			table.files[file] = &openFile{d, path, m, flags&sqlite.SQLITE_OPEN_MAIN_DB == 0}
			f.FpMethods = m.ours
			break
		}
	}
	return rc
}

// wrap returns our table for one of the system's; there are a few, one for each
// way of locking. The caller holds the table's lock.
func wrap(tls *libc.TLS, methods uintptr) *wrappedMethods {
	if m := table.methods[methods]; m != nil {
		return m
	}
	ours := *(*sqlite.Tsqlite3_io_methods)(at(methods))
	m := &wrappedMethods{sync: ours.FxSync, close: ours.FxClose}
	ours.FxSync, ours.FxClose = pointer(syncFile), pointer(closeFile)
	m.ours = place(tls, ours)
	table.methods[methods] = m
	return m
}

// syncFile is xSync.
func syncFile(tls *libc.TLS, file uintptr, flags int32) int32 {
	table.Lock()
	f := table.files[file]
	folder := f.fresh
	f.fresh = false
	table.Unlock()
	if f.disk.broken.Load() {
		return sqlite.SQLITE_IOERR_FSYNC
	}
	rc := call[func(*libc.TLS, uintptr, int32) int32](f.methods.sync)(tls, file, flags)
	if rc == sqlite.SQLITE_OK {
		f.disk.synced(f.path, folder)
	}
	return rc
}

// closeFile is xClose.
func closeFile(tls *libc.TLS, file uintptr) int32 {
	table.Lock()
	f := table.files[file]
	delete(table.files, file)
	table.Unlock()
	return call[func(*libc.TLS, uintptr) int32](f.methods.close)(tls, file)
}

// remove is xDelete. A removal lasts only once its folder was synced.
func remove(tls *libc.TLS, _, name uintptr, folder int32) int32 {
	table.Lock()
	original, disks := table.original, slices.Clone(table.disks)
	table.Unlock()
	rc := call[func(*libc.TLS, uintptr, uintptr, int32) int32](original.FxDelete)(tls, uintptr(unsafe.Pointer(original)), name, folder)
	if rc == sqlite.SQLITE_OK {
		path := libc.GoString(name)
		for _, d := range disks {
			if d.holds(path) {
				d.removed(path, folder != 0)
			}
		}
	}
	return rc
}

// pointer is a Go function as SQLite's translated C code keeps it, and call is
// the way back. F must be a function without variables of its surroundings.
func pointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

// at is memory of SQLite's own, which the garbage collector does not move.
func at(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// place puts a value for good into memory where SQLite may point to.
func place[T any](tls *libc.TLS, value T) uintptr {
	p := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(value)))
	if p == 0 {
		panic("powerloss: no memory for a table of a few hundred bytes")
	}
	*(*T)(at(p)) = value
	return p
}
