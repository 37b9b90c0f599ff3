package secret

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestLoadKeyCreatesTheFileOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "master.key")
	first, err := loadKey(path, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := loadKey(path, "")
	if err != nil || first != second {
		t.Errorf("the second start has another key: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	other, err := loadKey(filepath.Join(t.TempDir(), "k"), "")
	if err != nil || other == first {
		t.Errorf("two installations have one key: %v", err)
	}
}

func TestLoadKeyFromManyStartsAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	keys := make([]Key, 16)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() {
			var err error
			if keys[i], err = loadKey(path, ""); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, key := range keys {
		if key != keys[0] {
			t.Fatal("two starts have different keys")
		}
	}
}

func TestLoadKeyFromTheEnvironment(t *testing.T) {
	raw := []byte("0123456789abcdef0123456789ABCDE?")
	want, err := NewKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "master.key")
	for _, text := range []string{
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), base64.StdEncoding.EncodeToString(raw),
		base64.RawURLEncoding.EncodeToString(raw), " " + base64.StdEncoding.EncodeToString(raw) + "\n",
	} {
		t.Setenv(EnvKey, text)
		if got, err := LoadKey(path); err != nil || got != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file was made although the environment has the key: %v", err)
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(make([]byte, KeySize))
	for name, tt := range map[string]struct {
		text, env, want string
		mode            os.FileMode
	}{
		"an empty file":         {"", "", "not 32 bytes", 0o600},
		"a short key":           {good[:20], "", "not 32 bytes", 0o600},
		"a long key":            {good + good, "", "not 32 bytes", 0o600},
		"not base64":            {strings.Repeat("!", 44), "", "not 32 bytes", 0o600},
		"a bad environment key": {good, "hush-hush", EnvKey, 0o600},
		"a readable file":       {good, "", "chmod 600", 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "master.key")
			if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := loadKey(path, tt.env)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "hush-hush") || strings.Contains(err.Error(), good) {
				t.Errorf("tells the key: %v", err)
			}
		})
	}
	if _, err := loadKey(filepath.Join(t.TempDir(), "file", "\x00"), ""); err == nil {
		t.Error("a name with NUL is taken")
	}
}
