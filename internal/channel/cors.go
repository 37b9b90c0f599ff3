package channel

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"junctor/internal/content"
	"junctor/internal/unit"
)

// CORS says which pages of other origins may call a channel from a browser.
type CORS struct {
	Origins     []string // scheme://host[:port] each, or "*" alone for any
	Headers     []string // request headers that a page may set, or "*" alone for any
	Credentials bool     // cookies and credentials of the browser may come along
	MaxAge      time.Duration
}

// The defaults of cors.
const DefaultCORSMaxAge = 10 * time.Minute

var defaultCORSHeaders = []string{"Content-Type", "Idempotency-Key"}

// Anyone reports whether pages of every origin may call.
func (c *CORS) Anyone() bool { return slices.Contains(c.Origins, "*") }

// Allows reports whether pages of the origin may call. Origins are compared as
// they are written, as browsers write them.
func (c *CORS) Allows(origin string) bool {
	return c.Anyone() || slices.Contains(c.Origins, origin)
}

// AllowedHeaders is what a preflight is told about headers; asked is the list in
// Access-Control-Request-Headers.
func (c *CORS) AllowedHeaders(asked string) string {
	if slices.Contains(c.Headers, "*") {
		return asked
	}
	return strings.Join(c.Headers, ", ")
}

// Seconds is MaxAge as the header has it.
func (c *CORS) Seconds() string { return strconv.Itoa(int(c.MaxAge / time.Second)) }

type wireCORS struct {
	Origins     []string       `json:"origins" strict:"required"`
	Headers     []string       `json:"headers"`
	Credentials bool           `json:"credentials"`
	MaxAge      *unit.Duration `json:"max_age"`
}

func (p *parser) cors(w *wireCORS) *CORS {
	if w == nil {
		return nil
	}
	c := &CORS{
		Origins: w.Origins, Headers: w.Headers, Credentials: w.Credentials,
		MaxAge: p.span("/cors/max_age", w.MaxAge, DefaultCORSMaxAge, 0, 24*time.Hour),
	}
	if c.Headers == nil {
		c.Headers = defaultCORSHeaders
	}
	if len(c.Origins) == 0 {
		p.add("/cors/origins", `must not be empty: list origins like https://www.example.com, or "*" for any`)
	}
	for i, origin := range c.Origins {
		pointer := "/cors/origins/" + strconv.Itoa(i)
		switch {
		case origin != "*" && !isOrigin(origin):
			p.add(pointer, `%q is not an origin: scheme://host or scheme://host:port in lower case, without a path and without the scheme's own port`, origin)
		case origin == "*" && len(c.Origins) > 1:
			p.add(pointer, `"*" stands alone`)
		case origin == "*" && c.Credentials:
			p.add(pointer, `"*" and credentials exclude each other: list the origins`)
		}
	}
	for i, name := range c.Headers {
		pointer := "/cors/headers/" + strconv.Itoa(i)
		if err := content.CheckHeaderName(name); err != nil {
			p.add(pointer, "%s", err.Error())
		} else if name == "*" && len(c.Headers) > 1 {
			p.add(pointer, `"*" stands alone`)
		}
	}
	return c
}

// isOrigin reports whether a text is an origin as browsers send it.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || text != u.Scheme+"://"+u.Host || text != strings.ToLower(text) {
		return false
	}
	return (u.Scheme != "https" || u.Port() != "443") && (u.Scheme != "http" || u.Port() != "80") && !strings.HasSuffix(u.Host, ":") &&
		!strings.ContainsAny(u.Host, "*,")
}
