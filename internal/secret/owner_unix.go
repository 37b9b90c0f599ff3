//go:build unix

package secret

import (
	"os"
	"syscall"
)

// sameOwner gives a file the owner and group of another.
func sameOwner(file *os.File, path string) error {
	old, err := os.Stat(path)
	if err != nil {
		return err
	}
	own, err := file.Stat()
	if err != nil {
		return err
	}
	was, is := old.Sys().(*syscall.Stat_t), own.Sys().(*syscall.Stat_t)
	if was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	return file.Chown(int(was.Uid), int(was.Gid))
}
