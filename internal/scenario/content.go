package scenario

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/rogpeppe/go-internal/diff"

	"junctor/internal/fault"
	"junctor/internal/script"
	"junctor/internal/unit"
)

// largest is what one version may take in the database.
const largest = 4 << 20

// content is a bundle as it is stored. Bundle and map are text, which packs
// better than base64.
type content struct {
	Sources  map[string]string `json:"sources"`
	Code     string            `json:"code"`
	Hash     string            `json:"hash"` // the bundle's own
	Map      string            `json:"map"`
	Warnings []string          `json:"warnings,omitempty"`
}

// Hash names the whole content of a bundle, SHA-256 in hex: what is executed,
// where its lines come from, and the sources that people read. A changed
// comment is another version, so that what is shown is what was applied.
func Hash(b *script.Bundle) string {
	h := sha256.New()
	part := func(text []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write(text)
	}
	part(b.Code)
	part(b.Map)
	for _, name := range slices.Sorted(maps.Keys(b.Sources)) {
		part([]byte(name))
		part([]byte(b.Sources[name]))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func pack(b *script.Bundle) ([]byte, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	err := json.NewEncoder(z).Encode(content{Sources: b.Sources, Code: string(b.Code), Map: string(b.Map), Hash: b.Hash, Warnings: b.Warnings})
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if packed.Len() > largest {
		return nil, fault.New(fault.TooLarge, "It takes %s compressed, at most %s are possible: use smaller libraries.",
			unit.FormatSize(int64(packed.Len())), unit.FormatSize(largest))
	}
	return packed.Bytes(), nil
}

func unpack(packed []byte) (*script.Bundle, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	var c content
	if err := json.NewDecoder(z).Decode(&c); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return &script.Bundle{Code: []byte(c.Code), Map: []byte(c.Map), Sources: c.Sources, Hash: c.Hash, Warnings: c.Warnings}, nil
}

// Diff is a unified diff of the sources of two versions, file by file in the
// order of their names; "" when they are the same.
func Diff(old, new Version) string {
	names := map[string]bool{}
	for name := range sources(old) {
		names[name] = true
	}
	for name := range sources(new) {
		names[name] = true
	}
	var all bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, had := sources(old)[name]
		after, has := sources(new)[name]
		oldName, newName := "a/"+name, "b/"+name
		if !had {
			oldName = "/dev/null"
		}
		if !has {
			newName = "/dev/null"
		}
		all.Write(diff.Diff(oldName, []byte(before), newName, []byte(after)))
	}
	return all.String()
}

func sources(v Version) map[string]string {
	if v.Bundle == nil {
		return nil
	}
	return v.Bundle.Sources
}
