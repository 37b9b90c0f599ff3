package api

import (
	"net/http"
	"strings"

	"junctor/internal/access"
	"junctor/internal/fault"
)

// authenticate says who is calling, and refuses who may not. An open route
// looks at no credential.
func (d *door) authenticate(c *call) (access.Caller, error) {
	if c.route.required() == open {
		return access.Caller{}, nil
	}
	caller, err := Caller(d.Access, c.r, c.address)
	if err != nil {
		return access.Caller{}, err
	}
	if needs := c.route.required(); !needs.allows(caller.Rights) {
		d.Access.NoteRefusal(c.r.Context(), access.Entry{
			Author: caller.Author(), Address: c.address, Action: "call.refuse", Object: c.route.method + " " + c.route.pattern,
		})
		if needs == admin {
			return access.Caller{}, fault.New(fault.Forbidden, "the account %q may not do this: it takes every right", caller.Account.Login)
		}
		return access.Caller{}, fault.New(fault.Forbidden, "the account %q may not do this: none of its roles has %q in admin", caller.Account.Login, needs)
	}
	return caller, nil
}

// ownSite refuses what a page of another site makes a browser send, which puts to
// it the login and password that it has kept. Without a page nothing is refused,
// nor is what only reads: the page cannot see it.
func ownSite(r *http.Request) error {
	var sites http.CrossOriginProtection
	if sites.Check(r) != nil {
		return fault.New(fault.Forbidden, "a page of another site has sent this, with a login and password that the browser had kept; programs in pages send a token as Bearer")
	}
	return nil
}

// Caller finds who makes a request, by its Authorization header, for this door
// and the others. address is the client's. The caller's rights say what he may
// do; errors are access.Store.Authenticate's.
func Caller(a *access.Store, r *http.Request, address string) (access.Caller, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return access.Caller{}, fault.New(fault.Unauthorized,
			"send Authorization: Bearer TOKEN with a session's token or an API token, or Basic with login and password")
	}
	if login, password, ok := r.BasicAuth(); ok {
		if err := ownSite(r); err != nil {
			return access.Caller{}, err
		}
		return a.AuthenticatePassword(r.Context(), login, password, address)
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return access.Caller{}, fault.New(fault.Unauthorized, "the Authorization header is neither Bearer TOKEN nor Basic")
	}
	return a.Authenticate(r.Context(), strings.TrimSpace(token), address)
}
