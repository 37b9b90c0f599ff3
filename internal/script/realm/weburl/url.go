// Package weburl reads and writes URLs as the URL standard of the web (WHATWG)
// has them, which is what URL means in JavaScript. It differs from net/url in
// nearly everything that can be wrong with a URL: the web repairs it.
//
// It knows nothing of scripts, requests or which addresses may be called.
package weburl

import (
	"strconv"
	"strings"
)

// URL is a parsed URL. Its text parts are percent-encoded where they must be.
type URL struct {
	Scheme             string // without the colon
	Username, Password string
	Host               string // meaningful if HasHost; may be empty (file:///x)
	HasHost            bool
	Port               int      // -1: none, or the scheme's own
	Path               []string // segments, unless Opaque
	Opaque             bool     // the path is OpaquePath, as in mailto:x@y.z
	OpaquePath         string
	Query, Fragment    string // meaningful if there is one; it may be empty
	HasQuery           bool
	HasFragment        bool
}

// ports are the schemes that the standard calls special and their ports; file has none.
var ports = map[string]int{"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "file": -1}

func special(scheme string) bool {
	_, ok := ports[scheme]
	return ok
}

// String writes the URL in full.
func (u *URL) String() string {
	s := u.Protocol()
	if u.HasHost {
		s += "//"
		if u.Username != "" || u.Password != "" {
			s += u.Username
			if u.Password != "" {
				s += ":" + u.Password
			}
			s += "@"
		}
		s += u.HostPort()
	} else if !u.Opaque && len(u.Path) > 1 && u.Path[0] == "" {
		s += "/." // or //x would be read as a host
	}
	s += u.Pathname()
	if u.HasQuery {
		s += "?" + u.Query
	}
	if u.HasFragment {
		s += "#" + u.Fragment
	}
	return s
}

// Protocol is the scheme with its colon.
func (u *URL) Protocol() string { return u.Scheme + ":" }

// HostPort is the host, and the port after a colon if it is not the scheme's own.
func (u *URL) HostPort() string {
	if u.Port < 0 {
		return u.Host
	}
	return u.Host + ":" + u.PortText()
}

// PortText is the port in decimal, or nothing.
func (u *URL) PortText() string {
	if u.Port < 0 {
		return ""
	}
	return strconv.Itoa(u.Port)
}

// Pathname is the whole path.
func (u *URL) Pathname() string {
	if u.Opaque {
		return u.OpaquePath
	}
	if len(u.Path) == 0 {
		return ""
	}
	return "/" + strings.Join(u.Path, "/")
}

// Search is the query with its question mark, unless it is empty.
func (u *URL) Search() string {
	if u.Query == "" {
		return ""
	}
	return "?" + u.Query
}

// Hash is the fragment with its number sign, unless it is empty.
func (u *URL) Hash() string {
	if u.Fragment == "" {
		return ""
	}
	return "#" + u.Fragment
}

// Origin is scheme, host and port of a URL that has an origin, else "null".
func (u *URL) Origin() string {
	if u.Scheme == "blob" {
		if inner, err := Parse(u.Pathname(), nil); err == nil && (inner.Scheme == "http" || inner.Scheme == "https") {
			return inner.Origin()
		}
		return "null"
	}
	if !special(u.Scheme) || u.Scheme == "file" {
		return "null"
	}
	return u.Protocol() + "//" + u.HostPort()
}
