package ingress

import (
	"net/http"

	"junctor/internal/channel"
	"junctor/internal/fault"
)

// cors answers for a channel that browsers may call from other origins (the
// Fetch standard, 3.2). It sets what every answer to such a caller needs, and
// reports whether the request was a preflight, which is answered then.
func cors(w http.ResponseWriter, r *http.Request, c *channel.CORS) (answered bool, err error) {
	if c == nil {
		return false, nil
	}
	h := w.Header()
	if !c.Anyone() {
		h.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false, nil
	}
	asked := r.Header.Get("Access-Control-Request-Method")
	preflight := r.Method == http.MethodOptions && asked != ""
	if !c.Allows(origin) {
		if preflight {
			return false, fault.New(fault.Forbidden, "The origin %q may not call this channel from a browser; its cors setting lists those that may.", origin)
		}
		return false, nil // the browser keeps the answer from the page
	}
	if c.Anyone() {
		origin = "*"
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if !preflight {
		h.Set("Access-Control-Expose-Headers", "Junctor-Run, Junctor-Duplicate")
		return false, nil
	}
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", asked) // every method is taken
	if headers := c.AllowedHeaders(r.Header.Get("Access-Control-Request-Headers")); headers != "" {
		h.Set("Access-Control-Allow-Headers", headers)
	}
	h.Set("Access-Control-Max-Age", c.Seconds())
	w.WriteHeader(http.StatusNoContent)
	return true, nil
}
