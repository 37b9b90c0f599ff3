package api

import (
	"net/http"
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
		if err := ownSite(c.r); err != nil {
			return begunSession{}, err
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
	return nothing{}, d.Access.Logout(c.r.Context(), c.caller)
}

type sessionQuery struct {
	paging
	Login string `query:"login" doc:"whose, exactly"`
}

func (d *door) listSessions(c *call, q sessionQuery, _ nothing) (page[access.Session], error) {
	return listByKey(q.paging, func(after string, limit int) ([]access.Session, string, error) {
		return d.Access.ListSessions(c.r.Context(), access.SessionFilter{Login: q.Login}, after, limit)
	})
}

func (d *door) showOneSession(c *call, _, _ nothing) (access.Session, error) {
	return d.Access.Session(c.r.Context(), c.path("id"))
}

func (d *door) endSession(c *call, _, _ nothing) (nothing, error) {
	return nothing{}, d.Access.EndSession(c.r.Context(), c.path("id"), c.caller.Author())
}

// heldProblem says who has the place that the caller wants.
type heldProblem struct {
	fault.Problem
	Holder access.Holder `json:"holder"`
}

// heldError is an access.HeldError as it is answered.
type heldError struct {
	error
	holder access.Holder
}

func (e *heldError) Unwrap() error { return e.error }

func (e *heldError) extended(http.Header) any {
	return heldProblem{fault.ProblemOf(e.error), e.holder}
}
