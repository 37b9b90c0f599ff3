package weburl

import "strings"

// Set changes one part of the URL as an assignment in JavaScript does: protocol,
// username, password, host, hostname, port, pathname, search or hash. What cannot
// be changed, or not to that, stays as it is.
func (u *URL) Set(part, value string) {
	switch part {
	case "username":
		if !u.bare() {
			u.Username = userinfoSet.encode(value)
		}
		return
	case "password":
		if !u.bare() {
			u.Password = userinfoSet.encode(value)
		}
		return
	}
	value = strip(value)
	switch part {
	case "protocol":
		u.setProtocol(value)
	case "host":
		u.setHost(value, true)
	case "hostname":
		u.setHost(value, false)
	case "port":
		u.setPortText(value)
	case "pathname":
		u.setPathname(value)
	case "search":
		u.HasQuery, u.Query = false, ""
		if value != "" {
			u.setQuery(strings.TrimPrefix(value, "?"))
		}
	case "hash":
		u.HasFragment, u.Fragment = value != "", fragmentSet.encode(strings.TrimPrefix(value, "#"))
	}
}

// bare URLs can have neither credentials nor a port.
func (u *URL) bare() bool { return u.Host == "" || u.Scheme == "file" }

func (u *URL) setProtocol(value string) {
	scheme, _, _ := strings.Cut(value, ":")
	scheme = strings.ToLower(scheme)
	switch {
	case !isScheme(scheme), special(scheme) != special(u.Scheme):
		return
	case scheme == "file" && (u.Username != "" || u.Password != "" || u.Port >= 0):
		return
	case u.Scheme == "file" && u.Host == "":
		return
	}
	u.Scheme = scheme
	if special(scheme) && u.Port == ports[scheme] {
		u.Port = -1
	}
}

func (u *URL) setHost(value string, withPort bool) {
	if u.Opaque {
		return
	}
	if i := strings.IndexAny(value, u.slashes()+"?#"); i >= 0 {
		value = value[:i]
	}
	host, port, hasPort := value, "", false
	if u.Scheme != "file" {
		host, port, hasPort = cutPort(value)
	}
	if hasPort && (!withPort || host == "") || host == "" && (special(u.Scheme) && u.Scheme != "file" || u.Username != "" || u.Password != "" || u.Port >= 0) {
		return
	}
	parsed := ""
	if host != "" {
		var err error
		if parsed, err = parseHost(host, special(u.Scheme)); err != nil {
			return
		}
	}
	if u.Scheme == "file" && parsed == "localhost" {
		parsed = ""
	}
	u.Host, u.HasHost = parsed, true
	if hasPort {
		u.setLeadingPort(port)
	}
}

func (u *URL) setPortText(value string) {
	if u.bare() {
		return
	}
	if value == "" {
		u.Port = -1
		return
	}
	u.setLeadingPort(value)
}

// setLeadingPort takes the digits that a text begins with, if there are any.
func (u *URL) setLeadingPort(value string) {
	digits := value[:len(value)-len(strings.TrimLeft(value, "0123456789"))]
	if digits == "" {
		return
	}
	before := u.Port
	if u.setPort(digits) != nil {
		u.Port = before
	}
}

func (u *URL) setPathname(value string) {
	if u.Opaque {
		return
	}
	u.Path = nil
	u.path(value)
	if len(u.Path) == 0 && !u.HasHost {
		u.Path = []string{""}
	}
}
