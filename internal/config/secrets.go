package config

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/connection"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// secretAt is a member of a body that holds a secret, or should.
type secretAt struct {
	in       map[string]any // what it is a member of
	member   string
	path     []string // from the body: verify, 0, bearer
	required bool
	optional bool                   // stays as it is when it is left out, and need not be there
	is       func(text string) bool // a secret, and not a file's name, say
	beside   func(text string) bool // a secret, or part of one, beside a reference
}

// written is the secret that is written out here, "" when there is none: a
// reference, nothing, or what the parser refuses.
func (s secretAt) written() string {
	text, ok := s.in[s.member].(string)
	if !ok || connection.HasReference(text) || connection.CheckText(text) != nil || !s.is(text) {
		return ""
	}
	return connection.Literal(text)
}

// mixed reports whether a secret is written out beside a reference: it could be
// kept neither sealed, for a secret's value has no references, nor in clear.
func (s secretAt) mixed() bool {
	text, ok := s.in[s.member].(string)
	return ok && connection.HasReference(text) && connection.CheckText(text) == nil && s.beside(text)
}

func (s secretAt) pointer() (pointer string) {
	for _, step := range s.path {
		pointer = strict.Pointer(pointer, step)
	}
	return pointer
}

// leftOut reports whether the secret is to stay as it is: it has to be there and
// is not, or its name is written with nothing behind it.
func (s secretAt) leftOut() bool {
	value, given := s.in[s.member]
	return value == nil && (given || s.required || s.optional)
}

func (s secretAt) place() string { return strings.Join(s.path, ".") }

// generated is the name under which a secret that is written out here is kept.
func (s secretAt) generated(kind, code string) string {
	return kind + "." + code + "." + s.place()
}

// secretsIn finds the places of a body's secrets, those included where one is
// left out.
func (k *kind) secretsIn(body any) (all []secretAt) {
	for _, pattern := range k.secrets {
		pattern, required := strings.CutSuffix(pattern, "!")
		pattern, optional := strings.CutSuffix(pattern, "?")
		at := secretAt{
			required: required, optional: optional,
			is:     func(text string) bool { return k.isSecret == nil || k.isSecret(pattern, text) },
			beside: func(text string) bool { return k.tellsBeside(pattern, text) },
		}
		collectSecrets(body, strings.Split(pattern, "."), at, &all)
	}
	return all
}

func collectSecrets(v any, pattern []string, at secretAt, all *[]secretAt) {
	if list, ok := v.([]any); ok && pattern[0] == "*" {
		for i, item := range list {
			in := at
			in.path = append(slices.Clone(at.path), strconv.Itoa(i))
			collectSecrets(item, pattern[1:], in, all)
		}
		return
	}
	if pattern[0] == "*" {
		pattern = pattern[1:]
	}
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	names := []string{pattern[0]}
	if len(at.path) == 1 && at.path[0] == "headers" {
		names = slices.DeleteFunc(sorted(m), func(name string) bool { return !strings.EqualFold(name, pattern[0]) })
	}
	for _, name := range names {
		next := at
		next.path = append(slices.Clone(at.path), name)
		if len(pattern) > 1 {
			collectSecrets(m[name], pattern[1:], next, all)
			continue
		}
		next.in, next.member = m, name
		if _, given := m[name]; given || at.required || at.optional {
			*all = append(*all, next)
		}
	}
}

// mixedSecrets refuses secrets that are written out beside references.
func (k *kind) mixedSecrets(body json.RawMessage) (found []fault.Field) {
	v, err := decoded(body)
	if err != nil {
		return nil // whoever parses it says why
	}
	for _, s := range k.secretsIn(v) {
		if s.mixed() {
			found = append(found, fault.Field{Pointer: s.pointer(), Detail: "has a secret, or part of one, beside a reference: " +
				"a secret is either written out or a reference; put what is secret into a secret of its own and refer to that: ${secret:NAME}"})
		}
	}
	return found
}

// isGenerated reports whether a name is one that a secret of some object gets.
func isGenerated(name string) bool {
	for _, k := range kinds {
		rest, ok := strings.CutPrefix(name, k.name+".")
		if !ok {
			continue
		}
		for _, pattern := range k.secrets {
			pattern = regexp.QuoteMeta(strings.TrimRight(pattern, "!?"))
			pattern = strings.ReplaceAll(pattern, `\.\*\.`, `\.([0-9]+\.)?`)
			if regexp.MustCompile(`^[A-Za-z0-9_.-]+\.(?i:` + pattern + `)(-[0-9]+)?$`).MatchString(rest) {
				return true
			}
		}
	}
	return false
}

// Whole is a body with a reference in the place of each secret that is left out,
// so that it can be checked and read by itself.
func Whole(kind, code string, body json.RawMessage) json.RawMessage {
	if k := kindOf(kind); k != nil {
		return k.whole(code, body)
	}
	return body
}

func (k *kind) whole(code string, body json.RawMessage) json.RawMessage {
	if len(k.secrets) == 0 {
		return body
	}
	v, err := decoded(body)
	if err != nil {
		return body // whoever parses it says why
	}
	filled := false
	for _, s := range k.secretsIn(v) {
		if s.leftOut() && !s.optional {
			s.in[s.member] = "${secret:" + s.generated(k.name, code) + "}"
			filled = true
		}
	}
	if !filled {
		return body
	}
	whole, err := marshal(v)
	if err != nil {
		return body
	}
	return whole
}

func decoded(body json.RawMessage) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}
