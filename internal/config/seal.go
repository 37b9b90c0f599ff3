package config

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/catalog"
	"junctor/internal/db"
	"junctor/internal/fault"
)

// literal is a secret that was written out in a body, which has a reference in
// its place now.
type literal struct {
	name  string // under which it is kept sealed
	value string
	place string // as people write it: verify.bearer
	fresh bool   // not yet kept, or with another value
}

// settled is a body as it is stored: what was left out is as it was before, and
// what was written out is a reference.
type settled struct {
	body     json.RawMessage
	literals []literal
}

// fresh reports whether a secret changes, which the body does not show.
func (s settled) fresh() bool {
	return slices.ContainsFunc(s.literals, func(l literal) bool { return l.fresh })
}

// settle brings a checked body in canonical form into the form in which it is
// stored. before is the stored one, nil when there is none. What is left out and
// was never there is in found.
func (s *Service) settle(tx *db.Tx, k *kind, code string, body, before json.RawMessage) (out settled, found []fault.Field, err error) {
	v, err := decoded(body)
	if err != nil {
		return out, nil, fmt.Errorf("read the body of %s %q: %w", k.name, code, err)
	}
	var old any
	if before != nil {
		if old, err = decoded(before); err != nil {
			return out, nil, fmt.Errorf("read the body of %s %q: %w", k.name, code, err)
		}
	}
	places := k.secretsIn(v)
	for _, at := range places {
		if !at.leftOut() {
			continue
		}
		if at.in[at.member], err = s.kept(tx, at, k, code, old); err != nil {
			return out, nil, err
		}
		if at.in[at.member] == nil && at.optional {
			delete(at.in, at.member)
		} else if at.in[at.member] == nil {
			found = append(found, fault.Field{Pointer: at.pointer(), Detail: "is required: left out it stays as it is, and there is none yet"})
		}
	}
	taken := references(v, nil)
	for _, at := range places {
		if value := at.written(); value != "" {
			l := literal{name: free(at.generated(k.name, code), taken), value: value, place: at.place()}
			present, err := s.access.SecretIn(tx, l.name)
			l.fresh = err != nil || subtle.ConstantTimeCompare([]byte(present), []byte(value)) != 1
			if err := s.access.CheckSecret(l.name, value); err != nil {
				return out, nil, err
			}
			at.in[at.member] = "${secret:" + l.name + "}"
			out.literals = append(out.literals, l)
		}
	}
	out.body, err = marshal(v)
	return out, found, err
}

// kept is what a secret that is left out stays as; nil when there is none.
func (s *Service) kept(tx *db.Tx, at secretAt, k *kind, code string, before any) (any, error) {
	for _, was := range k.secretsIn(before) {
		if text, ok := was.in[was.member].(string); ok && text != "" && slices.Equal(was.path, at.path) {
			return text, nil
		}
	}
	name := at.generated(k.name, code)
	switch _, err := s.access.SecretIn(tx, name); {
	case err == nil:
		return "${secret:" + name + "}", nil
	case fault.Is(err, fault.NotFound):
		return nil, nil
	default:
		return nil, err
	}
}

// free is a name that the body does not refer to by hand: its value is another
// secret's, such as of an element that was further back in the list before.
func free(name string, taken []string) string {
	candidate := name
	for n := 2; slices.Contains(taken, "secret:"+candidate); n++ {
		candidate = fmt.Sprintf("%s-%d", name, n)
	}
	return candidate
}

// seal keeps what was written out.
func (s *Service) seal(tx *db.Tx, literals []literal, author string) error {
	for _, l := range literals {
		if !l.fresh {
			continue
		}
		if err := s.access.PutSecret(tx, l.name, l.value, author); err != nil {
			return err
		}
	}
	return nil
}

// sweep drops the generated secrets, whoever's they were, that objects which were
// changed or deleted referred to and nothing refers to any more. before are these
// objects as they were.
func (s *Service) sweep(tx *db.Tx, before []catalog.Object, author string) error {
	names := map[string]bool{}
	for _, o := range before {
		for _, ref := range referencesOf(o) {
			if name, ok := strings.CutPrefix(ref, "secret:"); ok && isGenerated(name) {
				names[name] = true
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	now, err := s.objects.All(tx)
	if err != nil {
		return err
	}
	for _, o := range now {
		for _, ref := range referencesOf(o) {
			delete(names, strings.TrimPrefix(ref, "secret:"))
		}
	}
	for _, name := range sorted(names) {
		if err := s.access.DropSecret(tx, name, author); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

func referencesOf(o catalog.Object) []string {
	if !bytes.Contains(o.Body, []byte("${secret:")) {
		return nil
	}
	v, err := decoded(o.Body)
	if err != nil {
		return nil
	}
	return references(v, nil)
}

// notes tell whoever wrote secrets out where these are now.
func notes(kind, code string, literals []literal) (all []string) {
	for _, l := range literals {
		all = append(all, fmt.Sprintf("%s %q: the secret written out in %s is kept sealed as ${secret:%s}; the files can refer to it so.", kind, code, l.place, l.name))
	}
	return all
}
