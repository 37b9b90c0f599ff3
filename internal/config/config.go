// Package config is configuration as code: it reads a folder of junctor.yaml and
// scenarios, finds every mistake in it with its place, brings a server there in
// one transaction, and writes a server's configuration back as such a folder.
// The admin API changes the same objects through it, and the hot path reads the
// Snapshot it makes.
//
// It knows all kinds of configuration objects and what they may refer to. It
// must not know how messages are received, nor how runs are executed.
package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"junctor/internal/script"
)

// Domain is the one domain of this release.
const Domain = "default"

// Set is a whole configuration: what a folder holds, what a client sends to be
// applied, and what an export gives. References to secrets are as written.
type Set struct {
	Domain    string                                `json:"domain,omitempty"` // Domain when empty
	Settings  json.RawMessage                       `json:"settings,omitempty"`
	Objects   map[string]map[string]json.RawMessage `json:"objects,omitempty"` // kind -> code -> body
	Scenarios map[string]*script.Bundle             `json:"scenarios,omitempty"`
}

// bodies are the objects of a kind by their codes.
func (set *Set) bodies(k *kind) map[string]json.RawMessage {
	switch {
	case k.mapped():
		return set.Objects[k.name]
	case !k.written():
		all := make(map[string]json.RawMessage, len(set.Scenarios))
		for name, bundle := range set.Scenarios {
			all[name] = versionOf(bundle)
		}
		return all
	case len(set.Settings) > 0:
		return map[string]json.RawMessage{k.only: set.Settings}
	}
	return nil
}

// code is what an object may be called: it stands in URLs, file names and logs.
var code = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

const badCode = "is not usable as a code"

// checkCode returns what is wrong with a code, "" when nothing is.
func checkCode(name string) string {
	if code.MatchString(name) {
		return ""
	}
	return badCode + ": write up to 64 letters, digits, dots, dashes and underscores, a letter or digit first"
}

// Canonical writes a JSON text so that equal values are equal texts: members
// sorted, no space, numbers in their shortest form.
func Canonical(body json.RawMessage) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if dec.More() {
		return nil, fmt.Errorf("read JSON: more than one value")
	}
	return marshal(v)
}

// marshal writes a value of JSON types canonically.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shortest(v)); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

var integer = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// shortest puts every number into one form. Integers keep all their digits.
func shortest(v any) any {
	switch v := v.(type) {
	case json.Number:
		if integer.MatchString(string(v)) {
			return v
		}
		if f, err := v.Float64(); err == nil {
			if f == 0 {
				return 0 // not -0
			}
			return f
		}
	case []any:
		for i := range v {
			v[i] = shortest(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = shortest(v[name])
		}
	}
	return v
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
