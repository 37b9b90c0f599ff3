package server

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
)

// find returns the folder with initdb and postgres, the newest if several.
func find(progress io.Writer) (string, error) {
	if bin := installed(); bin != "" {
		return bin, nil
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Getuid() != 0 {
		return "", fmt.Errorf("%w: install the package postgresql, or set JUNCTOR_TEST_POSTGRES to the URL of one", ErrMissing)
	}
	fmt.Fprintln(progress, "PostgreSQL is not here; installing Debian's package postgresql ...")
	for _, args := range [][]string{{"update", "-q"}, {"install", "-y", "-q", "--no-install-recommends", "postgresql"}} {
		cmd := exec.Command(apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: apt-get %s: %w: %s", ErrMissing, args[0], err, out)
		}
	}
	if bin := installed(); bin != "" {
		return bin, nil
	}
	return "", fmt.Errorf("%w: apt-get installed it, but there is no initdb in /usr/lib/postgresql", ErrMissing)
}

func installed() string {
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && complete(filepath.Dir(path)) {
			return filepath.Dir(path)
		}
	}
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	sort.Slice(folders, func(i, j int) bool {
		return len(folders[i]) > len(folders[j]) || len(folders[i]) == len(folders[j]) && folders[i] > folders[j]
	})
	for _, folder := range folders {
		if complete(folder) {
			return folder
		}
	}
	return ""
}

func complete(folder string) bool {
	for _, program := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(folder, program)); err != nil {
			return false
		}
	}
	return true
}
