package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"unicode"
)

// EnvKey is the environment variable whose key replaces the file's.
const EnvKey = "JUNCTOR_MASTER_KEY"

// LoadKeys returns the master keys: those of JUNCTOR_MASTER_KEY when it is set,
// else those of the file, which is made with one random key and mode 0600 when
// it does not exist. A key is 32 bytes in base64 or hexadecimal; several stand
// on lines of their own or are separated by commas, and the first one seals. Its
// errors say what to do and never contain a key.
func LoadKeys(path string) (Keys, error) { return loadKeys(path, os.Getenv(EnvKey)) }

func loadKeys(path, env string) (Keys, error) {
	if env != "" {
		keys, err := decodeKeys([]byte(env))
		if err != nil {
			return nil, fmt.Errorf("read the master key of %s: %w", EnvKey, err)
		}
		return keys, nil
	}
	keys, err := readKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return nil, fmt.Errorf("create the master key file %s: %w", path, err)
		}
		keys, err = readKeys(path) // another process may have been first
	}
	if err != nil {
		return nil, fmt.Errorf("read the master key file %s: %w", path, err)
	}
	return keys, nil
}

// ReplaceKeys makes these the keys of the file. When it returns nil they are on
// disk; however the process ends, the file has either the old keys or the new.
func ReplaceKeys(path string, keys Keys) error {
	err := replaceKeys(path, keys)
	if err != nil {
		return fmt.Errorf("write the master key file %s: %w", path, err)
	}
	return nil
}

func replaceKeys(path string, keys Keys) error {
	path, err := filepath.EvalSymlinks(path) // the name may lead to where the key really lies
	if err != nil {
		return err
	}
	next := filepath.Join(filepath.Dir(path), ".master-key-next") // one name: what a crash leaves is written over
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := sameOwner(file, path); err != nil { // another's could not be read by the server any more
		return errors.Join(fmt.Errorf("keep its owner and group: %w; give the command as its owner or as root", err), file.Close(), os.Remove(next))
	}
	for _, key := range keys {
		_, writeErr := file.WriteString(key.encoded() + "\n")
		err = errors.Join(err, writeErr)
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func readKeys(path string) (Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // Windows has no such bits
		return nil, fmt.Errorf("others may read it (mode %04o): run chmod 600 on it", info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decodeKeys(text)
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
	_, err = temporary.WriteString(RandomKey().encoded() + "\n")
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

func decodeKeys(text []byte) (Keys, error) {
	words := bytes.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(words) == 0 {
		words = [][]byte{nil}
	}
	var keys Keys
	for i, word := range words {
		key, err := decodeKey(word)
		if err != nil && len(words) > 1 {
			err = fmt.Errorf("key %d: %w", i+1, err)
		}
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func decodeKey(text []byte) (Key, error) {
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
