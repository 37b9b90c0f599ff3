package server

import (
	"fmt"
	"os/exec"
)

type account struct{}

func unprivileged() (account, error) {
	return account{}, fmt.Errorf("%w: on Windows it is not started for tests; set JUNCTOR_TEST_POSTGRES to the URL of one", ErrMissing)
}

func (account) own(string) error { return nil }

func (account) run(*exec.Cmd, string) {}

func launch(account, string, ...string) (*Server, error) { return nil, ErrMissing }
