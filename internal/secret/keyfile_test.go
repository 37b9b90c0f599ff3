package secret

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestLoadKeysCreatesTheFileOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "master.key")
	first, err := loadKeys(path, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := loadKeys(path, "")
	if err != nil || first[0] != second[0] {
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
	other, err := loadKeys(filepath.Join(t.TempDir(), "k"), "")
	if err != nil || other[0] == first[0] {
		t.Errorf("two installations have one key: %v", err)
	}
}

func TestLoadKeysFromManyStartsAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	keys := make([]Keys, 16)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() {
			var err error
			if keys[i], err = loadKeys(path, ""); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, key := range keys {
		if key[0] != keys[0][0] {
			t.Fatal("two starts have different keys")
		}
	}
}

func TestLoadKeysFromTheEnvironment(t *testing.T) {
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
		if got, err := LoadKeys(path); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file was made although the environment has the key: %v", err)
	}
}

func TestLoadKeysRefuses(t *testing.T) {
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
			_, err := loadKeys(path, tt.env)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "hush-hush") || strings.Contains(err.Error(), good) {
				t.Errorf("tells the key: %v", err)
			}
		})
	}
	if _, err := loadKeys(filepath.Join(t.TempDir(), "file", "\x00"), ""); err == nil {
		t.Error("a name with NUL is taken")
	}
}

func TestSeveralKeys(t *testing.T) {
	a, b := RandomKey(), RandomKey()
	path := filepath.Join(t.TempDir(), "master.key")
	for name, text := range map[string]string{
		"lines":  a.encoded() + "\n" + b.encoded() + "\n",
		"commas": a.encoded() + ", " + b.encoded(),
		"blank":  "\r\n" + a.encoded() + "\r\n\r\n" + b.encoded(),
	} {
		keys, err := loadKeys(path, text)
		if err != nil || len(keys) != 2 || keys[0] != a || keys[1] != b {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
	}
	keys, sealed := Keys{a, b}, b.Seal([]byte("x"), nil)
	if plain, err := keys.Open(sealed, nil); err != nil || string(plain) != "x" {
		t.Errorf("the second key opens %q, %v", plain, err)
	}
	if _, err := (Keys{b}).Open(keys.Seal([]byte("x"), nil), nil); err == nil {
		t.Error("not the first key seals")
	}
	if _, err := loadKeys(path, a.encoded()+",oops"); err == nil || !strings.Contains(err.Error(), "key 2") || strings.Contains(err.Error(), a.encoded()) {
		t.Errorf("a bad second key: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v %x %s", keys, keys, keys, keys, keys); strings.Contains(text, hex.EncodeToString(a.raw[:4])) {
		t.Errorf("printed as %s", text)
	}
}

func TestReplaceKeys(t *testing.T) {
	dir := t.TempDir()
	path, next := filepath.Join(dir, "master.key"), filepath.Join(dir, ".master-key-next")
	if err := ReplaceKeys(path, Keys{RandomKey()}); err == nil {
		t.Error("a file that is not there is replaced")
	}
	if _, err := loadKeys(path, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(next, []byte(strings.Repeat("what a crash left ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	want := Keys{RandomKey(), RandomKey()}
	if err := ReplaceKeys(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := loadKeys(path, ""); err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%d keys, %v", len(got), err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
