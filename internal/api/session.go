package api

import (
	"time"

	"junctor/internal/access"
	"junctor/internal/fault"
)

type credentials struct {
	Login    string `json:"login" strict:"required"`
	Password string `json:"password" strict:"required"`
}

type begunSession struct {
	Token     string    `json:"token"` // in no later answer
	ExpiresAt time.Time `json:"expires_at"`
}

// beginSession takes login and password from the body or from Basic.
func (d *door) beginSession(c *call, _ nothing, body *credentials) (begunSession, error) {
	if body == nil {
		login, password, ok := c.r.BasicAuth()
		if !ok {
			return begunSession{}, fault.New(fault.Unauthorized, `send {"login": "...", "password": "..."} or Basic credentials`)
		}
		body = &credentials{Login: login, Password: password}
	}
	session, err := d.Access.Login(c.r.Context(), body.Login, body.Password, c.address)
	if err != nil {
		return begunSession{}, err
	}
	return begunSession{session.Token, session.ExpiresAt}, nil
}

// showSession says who the caller is, whatever the credential.
func (d *door) showSession(c *call, _, _ nothing) (access.Caller, error) {
	return c.caller, nil
}

func (d *door) endOwnSession(c *call, _, _ nothing) (nothing, error) {
	if c.caller.Via != access.BySession {
		return nothing{}, fault.New(fault.Conflict, "this call was not made with a session's token; there is no session to end")
	}
	return nothing{}, d.Access.EndSession(c.r.Context(), c.caller.Credential, c.caller.Author())
}

func (d *door) listSessions(c *call, q paging, _ nothing) (page[access.Session], error) {
	return listByKey(q, func(after string, limit int) ([]access.Session, string, error) {
		return d.Access.ListSessions(c.r.Context(), after, limit)
	})
}

func (d *door) endSession(c *call, _, _ nothing) (nothing, error) {
	return nothing{}, d.Access.EndSession(c.r.Context(), c.path("id"), c.caller.Author())
}
