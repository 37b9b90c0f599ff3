package channel

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/connection"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// Scheme is one way for a sender to show who it is. Exactly one member is set;
// values may hold references.
type Scheme struct {
	Basic  *Basic `json:"basic,omitempty"`
	Bearer string `json:"bearer,omitempty"`
}

// Basic is a login and password in an Authorization header.
type Basic struct {
	User     string `json:"user" strict:"required"`
	Password string `json:"password" strict:"required"`
}

// laterSchemes are the names that belong to a coming release.
var laterSchemes = []string{"hmac", "standard-webhooks", "stripe", "github", "shopify"}

// schemes reads `verify`: one scheme, or a list of which any will do.
func (p *parser) schemes(raw json.RawMessage) []Scheme {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if raw[0] != '[' {
		return []Scheme{p.scheme("/verify", raw)}
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil { // cannot happen: the body has been read
		p.add("/verify", "%s", err.Error())
	}
	if len(list) == 0 {
		p.add("/verify", "an empty list would let nobody in; leave verify out to let the token alone do")
	}
	all := make([]Scheme, len(list))
	for i, item := range list {
		all[i] = p.scheme("/verify/"+strconv.Itoa(i), item)
	}
	return all
}

func (p *parser) scheme(pointer string, raw json.RawMessage) Scheme {
	var s Scheme
	given := map[string]json.RawMessage{}
	before := len(p.found)
	for _, f := range strict.Decode(raw, &s) {
		if slices.Contains(laterSchemes, strings.TrimPrefix(f.Pointer, "/")) {
			f.Detail = notAvailable + "; basic and bearer are"
		}
		p.add(pointer+f.Pointer, "%s", f.Detail)
	}
	_ = json.Unmarshal(raw, &given) // what is no object has been reported
	switch {
	case len(p.found) > before:
	case len(given) != 1:
		p.add(pointer, "needs exactly one of basic {user, password} and bearer; a list of them means any")
	case s.Basic == nil && s.Bearer == "":
		p.add(pointer, "must not be empty, that would let everybody in")
	case s.Basic == nil:
		p.references(pointer+"/bearer", s.Bearer)
	case s.Basic.User == "" || s.Basic.Password == "":
		p.add(pointer+"/basic", "user and password must not be empty, that would let everybody in")
	default:
		p.references(pointer+"/basic/user", s.Basic.User)
		p.references(pointer+"/basic/password", s.Basic.Password)
	}
	return s
}

// Verifier checks the credentials of a request in constant time: how long it
// takes depends on the number of schemes and on what was sent, not on how much
// of it is right. Its zero value lets everybody in. Values are kept as digests.
type Verifier struct{ accepted [][sha256.Size]byte }

// NewVerifier resolves the values of the schemes, which stay unresolved in the
// configuration. A value that cannot be
// resolved, or is empty, is an error: such a channel must not let anyone in.
func NewVerifier(schemes []Scheme, secrets connection.Secrets) (*Verifier, error) {
	v := &Verifier{}
	for i, s := range schemes {
		var credential string
		var err error
		if s.Basic != nil {
			credential, err = s.Basic.credential(secrets)
		} else {
			credential, err = resolved(secrets, "bearer", s.Bearer)
			credential = bearerMark + credential
		}
		if err != nil {
			return nil, fmt.Errorf("verify, scheme %d: %w", i+1, err)
		}
		v.accepted = append(v.accepted, sha256.Sum256([]byte(credential)))
	}
	return v, nil
}

// Marks keep a bearer token from passing as a login and the other way round.
const bearerMark, basicMark = "bearer\x00", "basic\x00"

func (b *Basic) credential(secrets connection.Secrets) (string, error) {
	user, err := resolved(secrets, "user", b.User)
	if err != nil {
		return "", err
	}
	password, err := resolved(secrets, "password", b.Password)
	return basicMark + user + "\x00" + password, err
}

func resolved(secrets connection.Secrets, what, text string) (string, error) {
	value, err := connection.NewExpander(secrets).Expand(text)
	if err == nil && value == "" {
		err = fmt.Errorf("%s: %s is empty", what, text)
	}
	return value, err
}

// Check returns nil when the request may come in and a fault.Unauthorized, the
// same for missing and wrong credentials, when it may not.
func (v *Verifier) Check(r *http.Request) error {
	if len(v.accepted) == 0 {
		return nil
	}
	sent := ""
	if user, password, ok := r.BasicAuth(); ok {
		sent = basicMark + user + "\x00" + password
	} else if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		sent = bearerMark + strings.TrimSpace(token)
	}
	digest, match := sha256.Sum256([]byte(sent)), 0
	for _, a := range v.accepted {
		match |= subtle.ConstantTimeCompare(digest[:], a[:])
	}
	if match == 0 {
		return fault.New(fault.Unauthorized, "The channel's credentials are missing or wrong.")
	}
	return nil
}
