package api

import (
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
