package secret

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestPasswords(t *testing.T) {
	hash := HashPassword("correct horse")
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", hash)
	}
	if HashPassword("correct horse") == hash {
		t.Error("two hashes of one password are the same")
	}
	if !CheckPassword(hash, "correct horse") || NeedsRehash(hash) {
		t.Error("a new hash does not pass")
	}
	for _, wrong := range []string{"", "correct hors", "correct horse ", "Correct horse"} {
		if CheckPassword(hash, wrong) {
			t.Errorf("%q passes", wrong)
		}
	}
}

func TestOlderParametersPassAndWantRehash(t *testing.T) {
	h := phc{memory: 256, passes: 2, lanes: 1, salt: []byte("somesalt")}
	h.sum = h.compute("password", 32)
	if !CheckPassword(h.String(), "password") || CheckPassword(h.String(), "Password") {
		t.Error("a hash with other parameters is not checked with its own")
	}
	if !NeedsRehash(h.String()) {
		t.Error("a weak hash is kept")
	}
	// From the test suite of the argon2 reference implementation: t=2, m=2^8 KiB, p=1.
	const want = "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"
	if got := hex.EncodeToString(h.sum); got != want {
		t.Errorf("sum %s, want %s", got, want)
	}
}

func TestMalformedHashesPassNobody(t *testing.T) {
	good := phc{memory: 64, passes: 1, lanes: 1, salt: []byte("saltsalt"), sum: make([]byte, 32)}.String()
	for _, hash := range []string{
		"", "password", "$", "$$$$$", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=0", 1), strings.Replace(good, "m=64", "m=4294967295", 1), strings.Replace(good, "m=64", "m=-1", 1),
		strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "t=1", "t=99999", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=1,x=2", 1), strings.Replace(good, "p=1", "p=01", 1), good + "$", good[:len(good)-40], good + "=", good + " ",
	} {
		if CheckPassword(hash, "") || CheckPassword(hash, "password") {
			t.Errorf("%q passes", hash)
		}
		if !NeedsRehash(hash) {
			t.Errorf("%q is kept", hash)
		}
	}
}
