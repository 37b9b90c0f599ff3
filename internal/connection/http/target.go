package http

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// parseBase reads a connection's URL. Its errors do not repeat the text, which
// may have come from a secret.
func parseBase(text string) (*url.URL, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return nil, errors.New("contains a space, control character or backslash")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL like https://erp.example.com/api")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("must begin with https:// or http://")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("has no host: write it like https://erp.example.com/api")
	case u.User != nil:
		return nil, errors.New("contains credentials: put them into auth.basic")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return nil, errors.New("has a fragment (#...), which is never sent")
	case escapes(u.EscapedPath()):
		return nil, errors.New("has . or .. in its path: write the path it stands for")
	}
	return u, checkHost(u)
}

// checkHost refuses a port that is none, and an address in disguise.
func checkHost(u *url.URL) error {
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("has a port that is not between 1 and 65535")
		}
	}
	if oddAddress(u.Hostname()) {
		return errors.New("has a host that looks like an address in decimal, octal or hexadecimal: write four numbers with dots, 192.0.2.1")
	}
	return nil
}

// number is the last label of a host that other software would read as part of
// an IPv4 address.
var number = regexp.MustCompile(`^(0[xX][0-9a-fA-F]*|[0-9]+)$`)

// whole is how a URL begins that names a host.
var whole = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// oddAddress reports a host that some resolvers take for an IPv4 address
// although it is not written as one: 2130706433, 0x7f.1, 0177.0.0.1.
func oddAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	return number.MatchString(labels[len(labels)-1])
}

// target joins the path and query of a request to the base. The result has the
// base's scheme, host and port, and its path is the base's or lies below it.
func target(base *url.URL, path string, query url.Values) (*url.URL, error) {
	path, inline, _ := strings.Cut(path, "?")
	escapedPath, err := escape(path, "/")
	if err != nil {
		return nil, fmt.Errorf("path %q %w", path, err)
	}
	escapedQuery, err := escape(inline, "/?")
	if err != nil {
		return nil, fmt.Errorf("query %q %w", inline, err)
	}
	switch {
	case whole.MatchString(path):
		return nil, fmt.Errorf("path %q is a whole URL: only a path below the connection's URL can be requested", path)
	case strings.HasPrefix(path, "//"):
		return nil, fmt.Errorf("path %q begins with two slashes, which would name another host", path)
	case escapes(escapedPath):
		return nil, fmt.Errorf("path %q has a . or .. segment, which would leave the connection's URL", path)
	}
	u := *base
	joined := base.EscapedPath()
	if escapedPath != "" {
		joined = strings.TrimSuffix(joined, "/") + "/" + strings.TrimPrefix(escapedPath, "/")
	}
	if u.Path, err = url.PathUnescape(joined); err != nil {
		return nil, fmt.Errorf("path %q is not escaped correctly", path)
	}
	u.RawPath = joined
	parts := make([]string, 0, 3)
	for _, part := range []string{base.RawQuery, escapedQuery, query.Encode()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	u.RawQuery = strings.Join(parts, "&")
	return &u, nil
}

// unescaped are the characters besides letters and digits that may stand in a
// path or query as they are (RFC 3986 pchar).
const unescaped = "-._~!$&'()*+,;=:@"

// escape percent-encodes what may not stand in a URL, keeps what is already
// encoded, and refuses what is dangerous or ambiguous.
func escape(text, also string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c < ' ' || c == 0x7f:
			return "", errors.New("contains a control character")
		case c == '\\':
			return "", errors.New(`contains a backslash: write / or %5C`)
		case c == '#':
			return "", errors.New("contains a #: write %23")
		case c == '%':
			if i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2]) {
				return "", errors.New("contains a % that encodes nothing: write %25")
			}
			b.WriteByte(c)
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z',
			strings.IndexByte(unescaped, c) >= 0, strings.IndexByte(also, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String(), nil
}

// escapes reports a dot segment, also one hidden by encoding it once or more,
// since some servers decode before they resolve.
func escapes(path string) bool {
	for range 4 {
		for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
			if segment, _, _ = strings.Cut(segment, ";"); segment == "." || segment == ".." {
				return true
			}
		}
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			return false
		}
		path = decoded
	}
	return true // encoded again and again: nobody means that well
}

// origin is scheme, host and port, the port always written.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
