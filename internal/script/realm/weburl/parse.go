package weburl

import (
	"errors"
	"strconv"
	"strings"
)

var (
	errRelative = errors.New("the URL is relative and there is no base to resolve it against")
	errPort     = errors.New("the port is not a number up to 65535")
	errUser     = errors.New("there is no host after the credentials")
)

// Parse reads a URL; a relative one is resolved against base, which may be nil.
// The text should be valid UTF-8.
func Parse(text string, base *URL) (*URL, error) {
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	text = strip(text)
	scheme, rest, absolute := cutScheme(text)
	rest, fragment, hasFragment := strings.Cut(rest, "#")
	rest, query, hasQuery := strings.Cut(rest, "?")
	u := &URL{Scheme: scheme, Port: -1}
	var err error
	switch {
	case !absolute && base == nil:
		return nil, errRelative
	case !absolute && base.Opaque:
		if rest != "" || hasQuery || !hasFragment {
			return nil, errRelative
		}
		*u = *base
	case !absolute && base.Scheme != "file", absolute && base != nil && special(scheme) && scheme != "file" && base.Scheme == scheme && !strings.HasPrefix(rest, "//"):
		err = u.relative(rest, hasQuery, base)
	case scheme == "file" || !absolute:
		err = u.file(rest, hasQuery, base)
	case special(scheme):
		err = u.authority(strings.TrimLeft(rest, `/\`))
	case strings.HasPrefix(rest, "//"):
		err = u.authority(rest[2:])
	case strings.HasPrefix(rest, "/"):
		u.path(rest)
	default:
		u.Opaque, u.OpaquePath = true, controlSet.encode(rest)
	}
	if err != nil {
		return nil, err
	}
	if hasQuery {
		u.setQuery(query)
	}
	u.HasFragment, u.Fragment = hasFragment, fragmentSet.encode(fragment)
	return u, nil
}

// strip removes tabs and line ends, which the standard allows anywhere.
func strip(text string) string {
	return strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(text)
}

// cutScheme splits SCHEME:rest; without a scheme all of the text is the rest.
func cutScheme(text string) (scheme, rest string, ok bool) {
	before, after, found := strings.Cut(text, ":")
	if !found || !isScheme(before) {
		return "", text, false
	}
	return strings.ToLower(before), after, true
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		alpha := s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z'
		later := s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.' // not as the first
		if !alpha && (i == 0 || !later) {
			return false
		}
	}
	return s != ""
}

// slashes are the characters that part a path.
func (u *URL) slashes() string {
	if special(u.Scheme) {
		return `/\`
	}
	return "/"
}

// startsSlash says whether text begins with n slashes.
func (u *URL) startsSlash(text string, n int) bool {
	return len(text) >= n && strings.Trim(text[:n], u.slashes()) == ""
}

// relative resolves what has no scheme, or repeats the one of base.
func (u *URL) relative(rest string, hasQuery bool, base *URL) error {
	u.Scheme = base.Scheme
	if u.startsSlash(rest, 2) {
		if special(u.Scheme) {
			return u.authority(strings.TrimLeft(rest, `/\`))
		}
		return u.authority(rest[2:])
	}
	u.copyHost(base)
	u.under(rest, hasQuery, base)
	return nil
}

func (u *URL) copyHost(base *URL) {
	u.Username, u.Password, u.Host, u.HasHost, u.Port = base.Username, base.Password, base.Host, base.HasHost, base.Port
}

// under takes the path, and without one the query, from base.
func (u *URL) under(rest string, hasQuery bool, base *URL) {
	switch {
	case u.startsSlash(rest, 1):
		u.path(rest)
	case rest != "":
		u.Path = append([]string{}, base.Path...)
		u.shorten()
		u.segments(rest)
	default:
		u.Path = append([]string{}, base.Path...)
		if !hasQuery {
			u.HasQuery, u.Query = base.HasQuery, base.Query
		}
	}
}

// file reads what follows file:, with its drive letters of Windows.
func (u *URL) file(rest string, hasQuery bool, base *URL) error {
	u.Scheme, u.HasHost = "file", true
	if base != nil && base.Scheme != "file" {
		base = nil
	}
	switch {
	case u.startsSlash(rest, 2):
		host, path := u.cutAuthority(rest[2:])
		if isDrive(host) {
			u.path("/" + rest[2:])
			return nil
		}
		if host != "" {
			parsed, err := parseHost(host, true)
			if err != nil {
				return err
			}
			if parsed != "localhost" {
				u.Host = parsed
			}
		}
		u.path(path)
	case u.startsSlash(rest, 1):
		if base != nil {
			u.Host = base.Host
			if !startsDrive(rest[1:]) && len(base.Path) > 0 && isDrive(base.Path[0]) && base.Path[0][1] == ':' {
				u.Path = []string{base.Path[0]}
			}
		}
		u.segments(rest[1:])
	case base == nil:
		u.path(rest)
	case startsDrive(rest):
		u.Host = base.Host
		u.segments(rest)
	default:
		u.Host = base.Host
		u.under(rest, hasQuery, base)
	}
	return nil
}

func isDrive(s string) bool {
	return len(s) == 2 && s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z' && (s[1] == ':' || s[1] == '|')
}

func startsDrive(s string) bool {
	return len(s) >= 2 && isDrive(s[:2]) && (len(s) == 2 || strings.IndexByte(`/\`, s[2]) >= 0)
}

func (u *URL) cutAuthority(text string) (authority, path string) {
	if i := strings.IndexAny(text, u.slashes()); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

// authority reads [user[:password]@]host[:port] and the path after it.
func (u *URL) authority(text string) error {
	text, path := u.cutAuthority(text)
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		user, password, _ := strings.Cut(text[:at], ":")
		u.Username, u.Password = userinfoSet.encode(user), userinfoSet.encode(password)
		if text = text[at+1:]; text == "" {
			return errUser
		}
	}
	host, port, hasPort := cutPort(text)
	if host == "" && (hasPort || special(u.Scheme)) {
		return errHost
	}
	parsed, err := parseHost(host, special(u.Scheme))
	if err != nil {
		return err
	}
	u.Host, u.HasHost = parsed, true
	if strings.Trim(port, "0123456789") != "" {
		return errPort
	}
	if err := u.setPort(port); err != nil {
		return err
	}
	u.path(path)
	return nil
}

// cutPort splits host:port at the first colon outside of brackets.
func cutPort(text string) (host, port string, found bool) {
	inside := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '[':
			inside = true
		case ']':
			inside = false
		case ':':
			if !inside {
				return text[:i], text[i+1:], true
			}
		}
	}
	return text, "", false
}

// setPort takes digits; none at all mean no port.
func (u *URL) setPort(digits string) error {
	u.Port = -1
	if digits == "" {
		return nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > 65535 {
		return errPort
	}
	if n != ports[u.Scheme] || !special(u.Scheme) {
		u.Port = n
	}
	return nil
}

func (u *URL) setQuery(text string) {
	from := querySet
	if special(u.Scheme) {
		from = specialQuerySet
	}
	u.HasQuery, u.Query = true, from.encode(text)
}
