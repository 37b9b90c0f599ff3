package http

import (
	"net/http"
	"net/url"
	"strings"
)

// shortestConcealed is the length in bytes of the shortest credential that is
// looked for in answers.
const shortestConcealed = 8

// noting conceals what references to secrets stand for, wherever they stand.
func (c *Conn) noting(secrets Secrets) Secrets {
	if secrets == nil {
		return nil
	}
	return func(ref string) (string, error) {
		value, err := secrets(ref)
		if err == nil && strings.HasPrefix(ref, "secret:") {
			c.Conceal(value)
		}
		return value, err
	}
}

// Conceal keeps credentials out of errors and answers. It is called before the
// connection is used.
func (c *Conn) Conceal(values ...string) {
	for _, value := range values {
		c.hide.Also(value, url.QueryEscape(value))
		c.secret.add(value)
	}
}

// credentials are what no answer and no error may tell.
func (c *Conn) credentials() []*spellings { return append(c.tokens.told(), &c.secret) }

func (c *Conn) concealed(text []byte) []byte { return blanked(text, c.credentials()...) }

func (c *Conn) concealedHeader(h http.Header) http.Header {
	credentials := c.credentials()
	for _, values := range h {
		for i, v := range values {
			values[i] = string(blanked([]byte(v), credentials...))
		}
	}
	return h
}

// hidden is a text of an error without the connection's credentials, those too
// that are too short to be looked for in answers.
func (c *Conn) hidden(text string) string { return c.hide.Hide(string(c.concealed([]byte(text)))) }
