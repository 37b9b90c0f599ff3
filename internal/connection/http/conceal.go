package http

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// shortestConcealed is the length in bytes of the shortest credential that is
// looked for in answers.
const shortestConcealed = 8

var blank = []byte("***")

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
		if len(value) < shortestConcealed {
			continue
		}
		for _, spelling := range spellings(value) {
			if !slices.ContainsFunc(c.secret, func(have []byte) bool { return string(have) == spelling }) {
				c.secret = append(c.secret, []byte(spelling))
			}
		}
	}
	// The longest first: one value may contain another.
	slices.SortStableFunc(c.secret, func(a, b []byte) int { return len(b) - len(a) })
}

// spellings are the ways in which a server may repeat a value: as it is, in a
// JSON text with and without HTML's characters escaped, in a URL, in base64.
func spellings(value string) []string {
	escaped, _ := json.Marshal(value) //nolint:errcheck // strings always marshal
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	enc.Encode(value) //nolint:errcheck // as above
	return []string{
		value, inner(escaped), inner(bytes.TrimSpace(plain.Bytes())),
		url.QueryEscape(value), url.PathEscape(value), base64.StdEncoding.EncodeToString([]byte(value)),
	}
}

func (c *Conn) concealed(text []byte) []byte {
	for _, value := range c.secret {
		if bytes.Contains(text, value) {
			text = bytes.ReplaceAll(text, value, blank)
		}
	}
	return c.tokens.conceal(text)
}

func (c *Conn) concealedHeader(h http.Header) http.Header {
	for _, values := range h {
		for i, v := range values {
			values[i] = string(c.concealed([]byte(v)))
		}
	}
	return h
}

// inner is a JSON text without its quotes.
func inner(text []byte) string { return string(text[1 : len(text)-1]) }
