package secret

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func testKey(t *testing.T, fill byte) Key {
	t.Helper()
	key, err := NewKey(bytes.Repeat([]byte{fill}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSealAndOpen(t *testing.T) {
	key := testKey(t, 1)
	for _, plain := range []string{"", "x", strings.Repeat("long ", 10000), "\x00\xff"} {
		sealed := key.Seal([]byte(plain), []byte("secrets/erp"))
		if plain != "" && len(plain) > 3 && bytes.Contains(sealed, []byte(plain)) {
			t.Error("the plain text is in the sealed one")
		}
		got, err := key.Open(sealed, []byte("secrets/erp"))
		if err != nil || string(got) != plain {
			t.Errorf("opened %q, %v", got, err)
		}
	}
	if a, b := key.Seal([]byte("x"), nil), key.Seal([]byte("x"), nil); bytes.Equal(a, b) {
		t.Error("sealing twice gives the same")
	}
}

func TestOpenRefuses(t *testing.T) {
	key := testKey(t, 1)
	sealed := key.Seal([]byte("value"), []byte("secrets/a"))
	open := func(k Key, sealed []byte, context string) error {
		_, err := k.Open(sealed, []byte(context))
		return err
	}
	errs := map[string]error{
		"another key":     open(testKey(t, 2), sealed, "secrets/a"),
		"another context": open(key, sealed, "secrets/b"),
		"nothing":         open(key, nil, "secrets/a"),
		"a newer format":  open(key, append([]byte{9}, sealed[1:]...), "secrets/a"),
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		errs[fmt.Sprintf("byte %d changed", i)] = open(key, changed, "secrets/a")
		errs[fmt.Sprintf("cut at %d", i)] = open(key, sealed[:i], "secrets/a")
	}
	for name, err := range errs {
		if !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyIsNotPrinted(t *testing.T) {
	key := testKey(t, 'K')
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("starting", "key", key)
	holder := struct{ Key Key }{key}
	for _, text := range []string{key.String(), fmt.Sprintf("%v %+v %#v %x %s %q %d", key, key, key, key, key, key, key), fmt.Sprintf("%v %+v %#v", holder, holder, &holder), log.String()} {
		for _, spelling := range []string{"KKKK", "4b4b", "75 75", "0x4b, 0x4b"} {
			if strings.Contains(text, spelling) {
				t.Errorf("tells the key: %s", text)
			}
		}
	}
}

func TestNewKeyRefusesOtherLengths(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := NewKey(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are taken", n)
		}
	}
}
