package db

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"junctor/internal/fault"
)

// errHeld is lockFile's answer when another process has the lock.
var errHeld = errors.New("held by another process")

// lockDirectory makes the data directory if need be and takes its lock, which
// lasts until the file is closed or the process ends, however it ends. The
// file holds the process id, for the error message of a second process.
func lockDirectory(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unusable(dir, err)
	}
	path := filepath.Join(dir, "junctor.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unusable(dir, err)
	}
	if err := lockFile(f); err != nil {
		defer f.Close()
		if errors.Is(err, errHeld) {
			return nil, fault.New(fault.Conflict, "The data directory %s is in use by another process%s. Stop that one first, or name another directory.", dir, owner(path))
		}
		return nil, fault.Wrap(err, fault.Conflict, "The data directory %s cannot be locked; it has to be on a file system with file locks.", dir)
	}
	if err := writeOwner(f); err != nil {
		f.Close()
		return nil, unusable(dir, err)
	}
	return f, nil
}

func unusable(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fault.Wrap(err, fault.Forbidden, "The data directory %s is not writable for this user. Give the user the right to write there, or name another directory.", dir)
	}
	return fault.Wrap(err, fault.Conflict, "The data directory %s cannot be used.", dir)
}

func writeOwner(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func owner(path string) string {
	text, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return " (pid " + pid + ")"
	}
	return ""
}

// unlock leaves the file there: removing it could take it from under a process
// that has just opened it.
func unlock(f *os.File) error {
	return errors.Join(f.Truncate(0), f.Close())
}
