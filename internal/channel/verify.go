package channel

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"junctor/internal/connection"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// Scheme is one way for a sender to show who it is. Exactly one member is set;
// secrets may hold references.
type Scheme struct {
	Basic            *Basic `json:"basic,omitempty"`
	Bearer           string `json:"bearer,omitempty"`
	HMAC             *HMAC  `json:"hmac,omitempty"`
	StandardWebhooks string `json:"standard-webhooks,omitempty"` // whsec_..., or whpk_... for v1a
	Stripe           string `json:"stripe,omitempty"`            // whsec_... as it is shown
	GitHub           string `json:"github,omitempty"`
	Shopify          string `json:"shopify,omitempty"`
}

// Basic is a login and password in an Authorization header.
type Basic struct {
	User     string `json:"user" strict:"required"`
	Password string `json:"password" strict:"required"`
}

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
		p.add(pointer+f.Pointer, "%s", f.Detail)
	}
	_ = json.Unmarshal(raw, &given) // what is no object has been reported
	name, secret := s.secret()
	switch {
	case len(p.found) > before:
	case len(given) != 1:
		p.add(pointer, "needs exactly one of basic {user, password}, bearer, hmac {header, secret, ...}, standard-webhooks, stripe, github and shopify; a list of them means any")
	case s.HMAC != nil:
		p.hmac(pointer+"/hmac", s.HMAC)
	case s.Basic != nil && (s.Basic.User == "" || s.Basic.Password == ""):
		p.add(pointer+"/basic", "user and password must not be empty, that would let everybody in")
	case s.Basic != nil:
		p.references(pointer+"/basic/user", s.Basic.User)
		p.references(pointer+"/basic/password", s.Basic.Password)
	case secret == "":
		p.add(pointer, "must not be empty, that would let everybody in")
	default:
		p.references(pointer+"/"+name, secret)
		if s.StandardWebhooks != "" && !connection.HasReference(secret) && len(p.found) == before {
			if _, err := newSignature(s, nil); err != nil {
				p.add(pointer+"/"+name, "%s", err.Error())
			}
		}
	}
	return s
}

// secret is the value of a scheme that is written as one, and its name.
func (s *Scheme) secret() (name, value string) {
	for _, one := range []struct{ name, value string }{
		{"bearer", s.Bearer}, {"standard-webhooks", s.StandardWebhooks}, {"stripe", s.Stripe}, {"github", s.GitHub}, {"shopify", s.Shopify},
	} {
		if one.value != "" {
			return one.name, one.value
		}
	}
	return "", ""
}

// Verifier checks who has sent a request. Credentials and signatures are
// compared in constant time: how long it takes depends on the number of schemes
// and on what was sent, not on how much of it is right. Its zero value lets
// everybody in. Credentials are kept as digests.
type Verifier struct {
	accepted   [][sha256.Size]byte
	signatures []*signature
}

// NewVerifier resolves the values of the schemes, which stay unresolved in the
// configuration. A value that cannot be
// resolved, or is empty, is an error: such a channel must not let anyone in.
func NewVerifier(schemes []Scheme, secrets connection.Secrets) (*Verifier, error) {
	v := &Verifier{}
	for i, s := range schemes {
		if err := v.take(s, secrets); err != nil {
			return nil, fmt.Errorf("verify, scheme %d: %w", i+1, err)
		}
	}
	return v, nil
}

func (v *Verifier) take(s Scheme, secrets connection.Secrets) (err error) {
	var credential string
	switch {
	case s.Basic != nil:
		credential, err = s.Basic.credential(secrets)
	case s.Bearer != "":
		credential, err = resolved(secrets, "bearer", s.Bearer)
		credential = bearerMark + credential
	default:
		var signed *signature
		if signed, err = newSignature(s, secrets); err == nil {
			v.signatures = append(v.signatures, signed)
		}
		return err
	}
	v.accepted = append(v.accepted, sha256.Sum256([]byte(credential)))
	return err
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

// unauthorized is the one answer to whoever may not come in. Why is for the
// log; it holds neither secrets nor what was sent for one.
func unauthorized(why error) error {
	return fault.Wrap(why, fault.Unauthorized, "The channel's credentials are missing or wrong.")
}

// Claims are the signatures of a request that its body has yet to prove. None
// means that nothing is left to prove.
type Claims []claim

// Before judges a request by what is known before its body is read: credentials,
// whether there is a signature at all, and its time, which must not be further
// from now than the scheme's tolerance. The error is a fault.Unauthorized, the
// same for whatever is missing or wrong.
func (v *Verifier) Before(r *http.Request, now time.Time) (Claims, error) {
	if len(v.accepted) == 0 && len(v.signatures) == 0 || v.known(r) {
		return nil, nil
	}
	var claims Claims
	var why []error
	if len(v.accepted) > 0 {
		why = append(why, errors.New("the header Authorization does not have the credentials"))
	}
	for _, s := range v.signatures {
		c, err := s.claim(r, now)
		if err != nil {
			why = append(why, err)
			continue
		}
		claims = append(claims, c)
	}
	if len(claims) == 0 {
		return nil, unauthorized(errors.Join(why...))
	}
	return claims, nil
}

// known reports whether the header Authorization has accepted credentials.
func (v *Verifier) known(r *http.Request) bool {
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
	return match == 1
}

// Check holds the claims against the body, decompressed. One that is right is
// enough. The error is that of Before.
func (all Claims) Check(body []byte) error {
	match := len(all) == 0
	var names []string
	for _, c := range all {
		if c.holds(body) {
			match = true
		}
		names = append(names, c.name)
	}
	if !match {
		return unauthorized(fmt.Errorf("%s: no signature is that of the message", strings.Join(names, ", ")))
	}
	return nil
}
