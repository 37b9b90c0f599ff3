package access

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"junctor/internal/fault"
	"junctor/internal/secret"
)

// rotation is a store over a key file, opened as a start of the process does.
func (f *fixture) opened(t *testing.T, path string) *Store {
	t.Helper()
	keys, err := secret.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return New(f.db, keys, f.clock)
}

func readable(t *testing.T, f *fixture, s *Store) {
	t.Helper()
	for _, name := range []string{"a", "b", "c"} {
		if value, err := s.Secret(f.ctx, name); value != "value of "+name || err != nil {
			t.Errorf("the secret %s is %q, %v", name, value, err)
		}
	}
}

// However a rotation ends, everything can be read, and the next one finishes it.
func TestRotationBrokenOffAtEveryStep(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		path := filepath.Join(t.TempDir(), "master.key")
		crash := errors.New("the process ends here")
		for _, name := range []string{"a", "b", "c"} {
			if err := f.opened(t, path).SetSecret(f.ctx, name, "value of "+name, "eve"); err != nil {
				t.Fatal(err)
			}
		}
		steps := []string{"checked", "both keys written", "within the transaction", "sealed", "done"}
		sealedBefore := map[string]int{"checked": 3, "both keys written": 3, "within the transaction": 3, "sealed": 0, "done": 3}
		for _, last := range steps {
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			reached := false
			_, err = f.opened(t, path).rotateKey(f.ctx, path, "terminal", func(step string) error {
				if step == last {
					reached = true
					return crash
				}
				return nil
			})
			if !reached || !errors.Is(err, crash) {
				t.Fatalf("%s: reached %v, %v", last, reached, err)
			}
			readable(t, f, f.opened(t, path))
			r, err := f.opened(t, path).RotateKey(f.ctx, path, "terminal")
			if err != nil || r.Sealed != sealedBefore[last] {
				t.Errorf("after a crash at %q the next rotation sealed %d, %v", last, r.Sealed, err)
			}
			if wantFinished := last != "checked" && last != "done"; r.Finished != wantFinished {
				t.Errorf("after a crash at %q: finished an earlier one: %v", last, r.Finished)
			}
			after, err := os.ReadFile(path)
			if err != nil || strings.Count(string(after), "\n") != 1 || string(after) == string(before) {
				t.Errorf("after %q the file has the old key or more than one, %v", last, err)
			}
			readable(t, f, f.opened(t, path))
		}
	})
}

func TestRotationWithTheKeysOfTheEnvironment(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		old, fresh := secret.RandomKey(), secret.RandomKey()
		for _, name := range []string{"a", "b", "c"} {
			if err := New(f.db, secret.Keys{old}, f.clock).SetSecret(f.ctx, name, "value of "+name, "eve"); err != nil {
				t.Fatal(err)
			}
		}
		for _, sealed := range []int{3, 0} {
			r, err := New(f.db, secret.Keys{fresh, old}, f.clock).RotateKey(f.ctx, "", "terminal")
			if err != nil || r != (Rotation{Sealed: sealed, Spare: 1}) {
				t.Errorf("rotated %+v, %v", r, err)
			}
		}
		readable(t, f, New(f.db, secret.Keys{fresh}, f.clock))
		entries, _, err := f.ListAudit(f.ctx, AuditFilter{Action: "secret.rotate-key"}, "", 0)
		if err != nil || len(entries) != 2 || entries[0].Author != "terminal" {
			t.Errorf("audit %+v, %v", entries, err)
		}
	})
}

func TestRotationWithoutTheKey(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		path := filepath.Join(t.TempDir(), "master.key")
		s := f.opened(t, path)
		if err := f.SetSecret(f.ctx, "lost", "value", "eve"); err != nil { // with the fixture's own key
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.RotateKey(f.ctx, path, "terminal")
		wantCode(t, err, fault.Internal)
		if err == nil || !strings.Contains(err.Error(), `"lost"`) {
			t.Errorf("the error says %v", err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("the key file was changed, %v", err)
		}
	})
}
