package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"junctor/internal/catalog"
	"junctor/internal/fault"
)

// staleError is a fault.Stale that shows the present object, so that the
// caller can merge and try again.
type staleError struct {
	cause   *fault.Error
	etag    string
	current any
}

func (e *staleError) Error() string { return e.cause.Error() }
func (e *staleError) Unwrap() error { return e.cause }

// extended is the problem with the member "current".
func (e *staleError) extended(h http.Header) any {
	h.Set("ETag", e.etag)
	return struct {
		fault.Problem
		Current any `json:"current"`
	}{fault.ProblemOf(e.cause), e.current}
}

// etag is a strong entity tag of a version.
func etag(version string) string { return `"` + version + `"` }

// tags splits If-Match or If-None-Match. A weak tag is kept as it is and so
// matches no version, as RFC 9110 wants it for writes.
func tags(header []string) []string {
	var list []string
	for part := range strings.SplitSeq(strings.Join(header, ","), ",") {
		if tag := strings.TrimSpace(part); tag != "" {
			list = append(list, tag)
		}
	}
	return list
}

// condition is what a write asks of the present version.
type condition struct {
	mustExist bool     // If-Match: *
	mustNot   bool     // If-None-Match: *
	versions  []string // If-Match: one of these
}

func (c *call) condition() (condition, error) {
	var cond condition
	for _, tag := range tags(c.r.Header.Values("If-None-Match")) {
		if tag != "*" {
			return cond, fault.New(fault.Invalid, "If-None-Match of a write can only be *, for \"it must not exist\"")
		}
		cond.mustNot = true
	}
	for _, tag := range tags(c.r.Header.Values("If-Match")) {
		if tag == "*" {
			cond.mustExist = true
			continue
		}
		cond.versions = append(cond.versions, strings.Trim(tag, `"`))
	}
	if cond.mustNot && (cond.mustExist || cond.versions != nil) {
		return cond, fault.New(fault.Invalid, "If-Match and If-None-Match contradict each other")
	}
	return cond, nil
}

// object reports whether a call is about one thing of a noun.
func (r *route) object() bool {
	return strings.HasPrefix(r.pattern, adm) && strings.HasSuffix(r.pattern, "}")
}

// digest is the version of what has none of its own: that of what is shown of it.
func digest(shown []byte) string {
	sum := sha256.Sum256(shown)
	return hex.EncodeToString(sum[:8])
}

// unchanged is the condition of a write of what has no version of its own. It is
// looked at before the write, not together with it.
func (c *call) unchanged() error {
	if c.route.conditional || !c.route.object() || c.r.Method != http.MethodPut && c.r.Method != http.MethodDelete {
		return nil
	}
	cond, err := c.condition()
	i := slices.IndexFunc(c.door.routes, func(r route) bool { return r.method == get && r.pattern == c.route.pattern })
	if err != nil || i < 0 || !cond.mustExist && !cond.mustNot && cond.versions == nil {
		return err
	}
	look := *c
	look.route, look.r = &c.door.routes[i], c.r.Clone(c.r.Context())
	look.r.URL.RawQuery = ""
	present, err := look.route.serve(&look)
	switch {
	case fault.Is(err, fault.NotFound) && cond.mustNot:
		return nil
	case fault.Is(err, fault.NotFound):
		return fault.New(fault.Stale, "there is nothing at this address (any more)")
	case err != nil:
		return err
	}
	shown, err := json.Marshal(present)
	tag := digest(shown)
	if err != nil || cond.mustExist || slices.Contains(cond.versions, tag) {
		return err
	}
	return &staleError{cause: fault.New(fault.Stale, "what is at this address has changed, or the write is meant for nothing"), etag: etag(tag), current: present}
}

// match turns the request's condition into the configuration's. tag is how the
// present version is called; one that the body carries counts as If-Match.
func (n noun) match(c *call, present catalog.Object, exists bool, tag, seen string) (*int64, error) {
	cond, err := c.condition()
	if err != nil {
		return nil, err
	}
	if cond.mustNot {
		return new(int64), nil
	}
	if seen != "" && cond.versions == nil && !cond.mustExist {
		cond.versions = []string{seen}
	}
	switch {
	case cond.versions == nil && !cond.mustExist:
		return nil, nil
	case !exists && cond.mustExist:
		return nil, fault.New(fault.Stale, "%s %q does not exist (any more); without If-Match the write would create it", n.kind, n.codeOf(c))
	case !cond.mustExist && !slices.Contains(cond.versions, tag):
		return nil, fault.New(fault.Stale, "%s %q has version %q now, and the write is meant for another", n.kind, n.codeOf(c), tag)
	}
	return &present.Version, nil
}
