package soap

import (
	"time"

	"junctor/internal/fault"
)

var sessionType = complexType{name: "SessionInfo", comment: "A session that has begun.", elements: []element{
	{name: "token", kind: xsString, comment: "for the header Session, or as HTTP's Bearer"}, {name: "expiresAt", kind: xsDateTime, comment: "at the latest"},
}}

var credentials = []element{{name: "login", kind: xsString}, {name: "password", kind: xsString}}

// sessionOperations begin and end a session; the first needs no credentials.
var sessionOperations = []*operation{
	{
		name: loginName, comment: "Begins a session. It needs no other credentials.",
		in: func() []element { return credentials }, out: []element{{name: "session", kind: "tns:" + sessionType.name}}, serve: (*call).login,
	},
	{
		name: "logout", comment: "Ends the session of the caller.",
		in: func() []element { return nil }, serve: (*call).logout,
	},
}

func (c *call) login() ([]byte, error) {
	in := c.read(credentials)
	login, password := in.text("login"), in.text("password")
	if login == "" && len(in.found) == 0 {
		in.wrong("login", "must not be empty")
	}
	if err := in.refused(); err != nil {
		return nil, err
	}
	c.challenge = false // HTTP's client has nothing to do with it
	s, err := c.Access.Login(c.r.Context(), login, password, c.Address(c.r))
	if err != nil {
		return nil, err
	}
	var w writer
	w.open("session")
	w.text("token", s.Token)
	w.text("expiresAt", s.ExpiresAt.UTC().Format(time.RFC3339Nano))
	w.close("session")
	return w.Bytes(), nil
}

func (c *call) logout() ([]byte, error) {
	if err := c.read(nil).refused(); err != nil {
		return nil, err
	}
	err := c.Access.Logout(c.r.Context(), c.caller)
	if fault.Is(err, fault.NotFound) {
		err = nil // it has ended meanwhile
	}
	return nil, err
}
