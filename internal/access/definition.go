package access

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"junctor/internal/connection"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// The kinds of configuration objects that say who may come in and what they
// may do.
const (
	Applications = "applications"
	Accounts     = "accounts" // people
	Roles        = "roles"
	Units        = "units"
)

// Kinds lists them, each after those that it may refer to.
func Kinds() []string { return []string{Units, Roles, Applications, Accounts} }

// Policy says how many sessions there may be at once.
type Policy string

// The policies.
const (
	Exclusive      Policy = "exclusive"       // one, on the whole service
	PerApplication Policy = "per-application" // one of each application
	Unlimited      Policy = "unlimited"
)

// OnConflict says what happens to a second comer.
type OnConflict string

// The two answers.
const (
	Reject  OnConflict = "reject"  // it is refused
	Replace OnConflict = "replace" // it takes over, and the first one's session ends
)

// Sharing is how applications share the service.
type Sharing struct {
	Policy     Policy
	OnConflict OnConflict
}

// Definition is what the configuration says of an application or a person.
type Definition struct {
	Login    string
	Kind     Kind
	Label    string
	Comment  string
	Password string // as written, references in it unresolved
	Roles    []string
	Allow    []netip.Prefix // from where; none: from everywhere
	Hours    []Hours        // when; none: always
	Enabled  bool
	Sessions Sharing // of an application; an empty member is the domain's
	Unit     string  // "" for none
}

type wireAccount struct {
	Label    string   `json:"label"`
	Comment  string   `json:"comment"`
	Password *string  `json:"password"`
	Roles    []string `json:"roles"`
	Allow    []string `json:"allow"`
	Hours    []string `json:"hours"`
	Enabled  *bool    `json:"enabled"`
	Unit     string   `json:"unit"`
}

type wireApplication struct {
	wireAccount
	Sessions wireSharing `json:"sessions"`
}

type wireSharing struct {
	Policy     string `json:"policy"`
	OnConflict string `json:"on_conflict"`
}

// ParseApplication reads an application's body as it stands under its login in
// junctor.yaml, as JSON, and finds everything that is wrong with pointers into
// the body. Whether its roles and unit exist is for Objects.Check.
func ParseApplication(login string, body json.RawMessage) (Definition, []fault.Field) {
	return parseDefinition(Application, login, body)
}

// ParseAccount is ParseApplication for a person.
func ParseAccount(login string, body json.RawMessage) (Definition, []fault.Field) {
	return parseDefinition(Person, login, body)
}

// SecretMembers are the members of an application or person that hold a secret,
// in the form that package config reads: "!" for one that is required.
func SecretMembers() []string { return []string{"password!"} }

func parseDefinition(kind Kind, login string, body json.RawMessage) (Definition, []fault.Field) {
	d, password, found := define(kind, login, body)
	has := func(pointer string) bool {
		return slices.ContainsFunc(found, func(f fault.Field) bool { return f.Pointer == pointer || f.Pointer == "" })
	}
	add := func(detail string) { found = append(found, fault.Field{Pointer: "/password", Detail: detail}) }
	switch {
	case has("/password"):
	case password == nil:
		add("is required")
	case *password == "":
		add("must not be empty")
	case len(*password) > maxPassword:
		add(fmt.Sprintf("has at most %d bytes", maxPassword))
	default:
		if err := connection.CheckText(*password); err != nil {
			add(err.Error())
		}
		d.Password = *password
	}
	if !validLogin(login) {
		found = append(found, fault.Field{Detail: fmt.Sprintf("%q cannot be a login: use 1 to 100 letters, digits and signs, without spaces and colons", login)})
	}
	return d, found
}

// define reads all but the password, which the stored form has not.
func define(kind Kind, login string, body json.RawMessage) (Definition, *string, []fault.Field) {
	var w wireApplication
	var p parser
	if kind == Application {
		p.found = strict.Decode(body, &w)
	} else {
		p.found = strict.Decode(body, &w.wireAccount)
	}
	d := Definition{
		Login: login, Kind: kind, Label: w.Label, Comment: w.Comment, Roles: w.Roles, Enabled: true, Unit: w.Unit,
		Sessions: Sharing{
			Policy:     oneOf(&p, "/sessions/policy", w.Sessions.Policy, Exclusive, PerApplication, Unlimited),
			OnConflict: oneOf(&p, "/sessions/on_conflict", w.Sessions.OnConflict, Reject, Replace),
		},
	}
	if w.Enabled != nil {
		d.Enabled = *w.Enabled
	}
	for i, text := range w.Allow {
		network, err := parseNetwork(text)
		if err != nil {
			p.add(fmt.Sprintf("/allow/%d", i), "%q is no address like 10.1.2.3 and no network like 10.0.0.0/8 or fd00::/8", text)
			continue
		}
		d.Allow = append(d.Allow, network)
	}
	for i, text := range w.Hours {
		h, err := ParseHours(text)
		if err != nil {
			p.add(fmt.Sprintf("/hours/%d", i), "%s", err.Error())
			continue
		}
		d.Hours = append(d.Hours, h)
	}
	return d, w.Password, p.found
}

// parser collects what is wrong with one body.
type parser struct{ found []fault.Field }

func (p *parser) add(pointer, format string, args ...any) {
	p.found = append(p.found, fault.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// oneOf checks a word against the possible ones; an empty one stays empty.
func oneOf[T ~string](p *parser, pointer, word string, possible ...T) T {
	names := make([]string, len(possible))
	for i, v := range possible {
		if names[i] = string(v); names[i] == word {
			return v
		}
	}
	if word != "" {
		p.add(pointer, "%s", strict.Unknown(word, names))
	}
	return ""
}

// parseNetwork reads an address or a network; an IPv4 address inside IPv6 is
// the IPv4 address.
func parseNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no address", text)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	n, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if n.Addr().Is4In6() && n.Bits() >= 96 {
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
	}
	return n.Masked(), nil
}
