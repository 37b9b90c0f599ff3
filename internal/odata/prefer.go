package odata

import (
	"net/http"
	"strconv"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/record"
)

// preferences are what the header Prefer (RFC 7240) asks for. What is not known
// or cannot be read is left out, as the header wants it.
type preferences struct {
	pageSize        int
	minimal         bool // return=minimal
	representation  bool // return=representation
	upsert          bool
	continueOnError bool
	track           bool
}

func readPreferences(h http.Header) preferences {
	var p preferences
	values := h["Prefer"]
	if values == nil {
		return p
	}
	given := map[string]bool{}
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		part, _, _ = strings.Cut(part, ";")
		name, value, valued := strings.Cut(strings.TrimSpace(part), "=")
		name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "odata.")
		value = strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`))
		if name == "" || given[name] { // the first counts
			continue
		}
		given[name] = true
		on := !valued || value == "true"
		switch name {
		case "maxpagesize":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				p.pageSize = min(n, record.MaxPage)
			}
		case "return":
			p.minimal, p.representation = value == "minimal", value == "representation"
		case "upsert":
			p.upsert = on
		case "continue-on-error":
			p.continueOnError = on
		case "track-changes":
			p.track = on
		}
	}
	return p
}

// applied notes a preference that was followed.
func (a *answer) applied(preference string) {
	a.header.Add("Preference-Applied", preference)
}

// etag is the tag of a record's version. It is weak: the same version may be
// answered in several forms.
func etag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

// match reads If-Match of a write. A tag of any form that is not one of ours
// matches no version.
func (q *request) match() (m record.Match, mustNot bool, err error) {
	m = matchOf(q.header.Values("If-Match"))
	for _, tag := range tags(q.header.Values("If-None-Match")) {
		if tag != "*" {
			return m, false, fault.New(fault.Invalid, "If-None-Match of a write can only be *, for \"it must not exist\".")
		}
		mustNot = true
	}
	if mustNot && m.Given {
		return m, false, fault.New(fault.Invalid, "If-Match and If-None-Match contradict each other.")
	}
	return m, mustNot, nil
}

// matchOf reads the tags that a record may have.
func matchOf(header []string) (m record.Match) {
	for _, tag := range tags(header) {
		m.Given = true
		if tag == "*" {
			m.Any = true
			continue
		}
		tag = strings.TrimPrefix(tag, "W/")
		if v, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64); err == nil && v > 0 {
			m.Versions = append(m.Versions, v)
		}
	}
	return m
}

// tags splits If-Match or If-None-Match.
func tags(header []string) []string {
	var list []string
	for part := range strings.SplitSeq(strings.Join(header, ","), ",") {
		if tag := strings.TrimSpace(part); tag != "" {
			list = append(list, tag)
		}
	}
	return list
}

// unmodified reports whether If-None-Match of a read names the tag.
func (q *request) unmodified(tag string) bool {
	for _, t := range tags(q.header.Values("If-None-Match")) {
		if t == "*" || strings.TrimPrefix(t, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
