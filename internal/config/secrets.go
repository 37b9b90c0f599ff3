package config

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/channel"
	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// secretPlaces are where credentials stand in the bodies of a kind; channel.Secrets
// tells how they are written.
func secretPlaces(kind string) []string {
	switch kind {
	case Connections:
		return http.SecretMembers()
	case Channels:
		return channel.SecretMembers()
	}
	return nil
}

// secretAt is a member of a body that holds a secret, or should.
type secretAt struct {
	in       map[string]any // what it is a member of
	member   string
	path     []string // from the body: verify, 0, bearer
	required bool
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
	return value == nil && (given || s.required)
}

func (s secretAt) place() string { return strings.Join(s.path, ".") }

// generated is the name under which a secret that is written out here is kept.
func (s secretAt) generated(kind, code string) string {
	return kind + "." + code + "." + s.place()
}

// secretsIn finds the places of a body's secrets, those included where one is
// left out.
func secretsIn(kind string, body any) (all []secretAt) {
	for _, pattern := range secretPlaces(kind) {
		pattern, required := strings.CutSuffix(pattern, "!")
		is := func(text string) bool { return kind != Connections || http.IsSecret(pattern, text) }
		beside := func(text string) bool { return slices.ContainsFunc(connection.Beside(text), connection.IsWord) }
		if kind == Connections {
			beside = func(text string) bool { return http.TellsBeside(pattern, text) }
		}
		collectSecrets(body, strings.Split(pattern, "."), secretAt{required: required, is: is, beside: beside}, &all)
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
		if _, given := m[name]; given || at.required {
			*all = append(*all, next)
		}
	}
}

// mixedSecrets refuses secrets that are written out beside references.
func mixedSecrets(kind string, body json.RawMessage) (found []fault.Field) {
	v, err := decoded(body)
	if err != nil {
		return nil // whoever parses it says why
	}
	for _, s := range secretsIn(kind, v) {
		if s.mixed() {
			found = append(found, fault.Field{Pointer: s.pointer(), Detail: "has a secret, or part of one, beside a reference: " +
				"a secret is either written out or a reference; put what is secret into a secret of its own and refer to that: ${secret:NAME}"})
		}
	}
	return found
}

// isGenerated reports whether a name is one that a secret of some object gets.
func isGenerated(name string) bool {
	for _, kind := range []string{Connections, Channels} {
		rest, ok := strings.CutPrefix(name, kind+".")
		if !ok {
			continue
		}
		for _, pattern := range secretPlaces(kind) {
			pattern = regexp.QuoteMeta(strings.TrimSuffix(pattern, "!"))
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
	v, err := decoded(body)
	if err != nil {
		return body // whoever parses it says why
	}
	filled := false
	for _, s := range secretsIn(kind, v) {
		if s.leftOut() {
			s.in[s.member] = "${secret:" + s.generated(kind, code) + "}"
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
