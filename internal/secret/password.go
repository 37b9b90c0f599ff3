package secret

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Parameters of new hashes: 19 MiB, 2 passes and one lane, among those that
// OWASP recommends as equally strong the one whose burst of logins takes least
// memory and no more than a core each.
const (
	memoryKiB = 19 << 10
	passes    = 2
	lanes     = 1
	saltSize  = 16
	hashSize  = 32
)

// Bounds of what CheckPassword computes: a hash from elsewhere must not be able
// to eat the machine.
const (
	maxMemoryKiB = 1 << 20
	maxPasses    = 64
)

// HashPassword returns an argon2id hash in PHC form with a salt of its own:
// $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH. It takes tens of milliseconds and
// 19 MiB; whoever checks passwords for strangers bounds how many at once.
func HashPassword(password string) string {
	salt := make([]byte, saltSize)
	rand.Read(salt) //nolint:errcheck // never fails since Go 1.24
	h := phc{memory: memoryKiB, passes: passes, lanes: lanes, salt: salt}
	h.sum = h.compute(password, hashSize)
	return h.String()
}

// CheckPassword reports whether the password belongs to the hash, in a time
// that does not depend on how much of it is right. A text that is no argon2id
// hash belongs to no password; a login with an unknown name should be checked
// against a hash all the same (HashPassword of something random), so that it
// takes as long.
func CheckPassword(hash, password string) bool {
	h, ok := parsePHC(hash)
	if !ok {
		return false
	}
	return subtle.ConstantTimeCompare(h.sum, h.compute(password, uint32(len(h.sum)))) == 1
}

// NeedsRehash reports whether the hash was made with other parameters than
// HashPassword uses now. After a successful check, hash again and store.
func NeedsRehash(hash string) bool {
	h, ok := parsePHC(hash)
	return !ok || h.memory != memoryKiB || h.passes != passes || h.lanes != lanes || len(h.salt) != saltSize || len(h.sum) != hashSize
}

type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
}

func (h phc) compute(password string, size uint32) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, size)
}

var encoding = base64.RawStdEncoding.Strict()

func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		encoding.EncodeToString(h.salt), encoding.EncodeToString(h.sum))
}

func parsePHC(text string) (phc, bool) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, false
	}
	var h phc
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return phc{}, false
	}
	var errs [2]error
	h.salt, errs[0] = encoding.DecodeString(parts[4])
	h.sum, errs[1] = encoding.DecodeString(parts[5])
	sane := h.memory >= 8 && h.memory <= maxMemoryKiB && h.passes >= 1 && h.passes <= maxPasses && h.lanes >= 1 &&
		len(h.salt) >= 8 && len(h.salt) <= 64 && len(h.sum) >= 16 && len(h.sum) <= 64
	// The text must be the one way to write it: Sscanf takes more than that.
	return h, sane && errs[0] == nil && errs[1] == nil && h.String() == text
}
