package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// EnvKey is the environment variable whose key replaces the file's.
const EnvKey = "JUNCTOR_MASTER_KEY"

// LoadKey returns the master key: that of JUNCTOR_MASTER_KEY when it is set,
// else that of the file, which is made with a random key and mode 0600 when it
// does not exist. Both hold 32 bytes in base64 or hexadecimal. Its errors say
// what to do and never contain a key.
func LoadKey(path string) (Key, error) { return loadKey(path, os.Getenv(EnvKey)) }

func loadKey(path, env string) (Key, error) {
	if env != "" {
		key, err := decodeKey([]byte(env))
		if err != nil {
			return Key{}, fmt.Errorf("read the master key of %s: %w", EnvKey, err)
		}
		return key, nil
	}
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return Key{}, fmt.Errorf("create the master key file %s: %w", path, err)
		}
		key, err = readKey(path) // another process may have been first
	}
	if err != nil {
		return Key{}, fmt.Errorf("read the master key file %s: %w", path, err)
	}
	return key, nil
}

func readKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // Windows has no such bits
		return Key{}, fmt.Errorf("others may read it (mode %04o): run chmod 600 on it", info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, err
	}
	return decodeKey(text)
}

// createKey writes a new key so that the file is never seen half written, and
// never replaces one that is there.
func createKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // createInPlace may have moved it
	raw := make([]byte, KeySize)
	rand.Read(raw) //nolint:errcheck // never fails since Go 1.24
	_, err = temporary.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	// A link fails when the name is taken, where a rename would replace it.
	if err := os.Link(temporary.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		if err := createInPlace(path, temporary.Name()); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// createInPlace is for file systems without hard links.
func createInPlace(path, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// syncDir makes the new name durable: a key that is lost after something was
// sealed with it cannot be made again.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // directories cannot be synced there
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func decodeKey(text []byte) (Key, error) {
	text = bytes.TrimSpace(text)
	if raw, err := hex.DecodeString(string(text)); err == nil && len(raw) == KeySize {
		return NewKey(raw)
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if raw, err := encoding.DecodeString(string(text)); err == nil && len(raw) == KeySize {
			return NewKey(raw)
		}
	}
	return Key{}, fmt.Errorf("it is not %d bytes in base64 or hexadecimal; make one with: openssl rand -base64 %d", KeySize, KeySize)
}
