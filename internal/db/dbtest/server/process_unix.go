//go:build unix

package server

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is whom the server runs as: PostgreSQL refuses to run as root.
type account struct{ credential *syscall.Credential }

func unprivileged() (account, error) {
	if os.Getuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.ParseUint(u.Uid, 10, 32)
		gid, errG := strconv.ParseUint(u.Gid, 10, 32)
		if errU == nil && errG == nil {
			return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}
	return account{}, fmt.Errorf("%w: root may not run it, and there is no user postgres or nobody", ErrMissing)
}

func (a account) own(dir string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(dir, int(a.credential.Uid), int(a.credential.Gid))
}

// run makes cmd run as the account, in a session of its own: an interrupt from
// the terminal is for the tests.
func (a account) run(cmd *exec.Cmd, dir string) {
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential, Setsid: true}
}

// The keeper starts the server, ends it when its standard input is closed, which
// the death of the tests' process does too, and removes the directory. Nothing
// of the data is kept, so the server is ended at once: a fast shutdown was seen
// to hang when it came during a crash recovery.
const keeper = `
dir=$1; shift
exec 3<&0
"$@" 3<&- </dev/null &
pid=$!
{ cat <&3 >/dev/null; kill -QUIT $pid; sleep 10; kill -KILL $pid; } 2>/dev/null &
killer=$!
exec 3<&-
wait $pid
kill $killer 2>/dev/null
cd /
rm -rf "$dir"
`

func launch(who account, dir string, command ...string) (*Server, error) {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", keeper, "sh", dir}, command...)...)
	who.run(cmd, dir)
	cmd.Stdout, cmd.Stderr = log, log
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{alive: alive, ended: make(chan error, 1)}
	go func() { s.ended <- cmd.Wait() }()
	return s, nil
}
