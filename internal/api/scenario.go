package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"junctor/internal/fault"
)

type scenarioSource struct {
	Sources map[string]string `json:"sources" strict:"required"` // path -> TypeScript; CODE.ts (or .js) is where it begins
	Version string            `json:"version"`                   // what the caller has seen; counts as If-Match
}

type versionQuery struct {
	Version string `query:"version" doc:"instead of the newest"`
}

type diffQuery struct {
	From string `query:"from" doc:"version; the one before \"to\" when absent"`
	To   string `query:"to" doc:"version; the newest when absent"`
}

func (d *door) listScenarios(c *call, q paging, _ nothing) (page[Scenario], error) {
	return listByKey(q, func(after string, limit int) ([]Scenario, string, error) {
		return d.Scenarios.List(c.r.Context(), after, limit)
	})
}

func (d *door) showScenario(c *call, q versionQuery, _ nothing) (Scenario, error) {
	s, err := d.Scenarios.Get(c.r.Context(), c.path("code"), q.Version)
	if err == nil {
		c.w.Header().Set("ETag", etag(s.Version))
	}
	return s, err
}

func (d *door) scenarioVersions(c *call, _, _ nothing) (page[Scenario], error) {
	versions, err := d.Scenarios.Versions(c.r.Context(), c.path("code"))
	return newPage(versions, ""), err
}

// diffScenario answers the sources' difference as a unified diff.
func (d *door) diffScenario(w http.ResponseWriter, r *http.Request) error {
	var q diffQuery
	if err := readQuery(r.URL, &q); err != nil {
		return err
	}
	code := r.PathValue("code")
	if q.To == "" || q.From == "" {
		if err := d.completeDiff(r, code, &q); err != nil {
			return err
		}
	}
	diff, err := d.Scenarios.Diff(r.Context(), code, q.From, q.To)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/x-diff; charset=utf-8")
	fmt.Fprint(w, diff)
	return nil
}

// completeDiff fills in the newest version and the one before.
func (d *door) completeDiff(r *http.Request, code string, q *diffQuery) error {
	versions, err := d.Scenarios.Versions(r.Context(), code)
	if err != nil {
		return err
	}
	if q.To == "" && len(versions) > 0 {
		q.To = versions[0].Version
	}
	if q.From != "" {
		return nil
	}
	at := slices.IndexFunc(versions, func(s Scenario) bool { return s.Version == q.To })
	if at < 0 || at+1 >= len(versions) {
		return fault.New(fault.NotFound, "there is no version of %q before %q to compare with", code, q.To)
	}
	q.From = versions[at+1].Version
	return nil
}

func (d *door) putScenario(c *call, _ nothing, body scenarioSource) (Scenario, error) {
	match, err := d.scenarioMatch(c, body.Version)
	if err != nil {
		return Scenario{}, err
	}
	s, created, err := d.Scenarios.Put(c.r.Context(), c.path("code"), body.Sources, match, c.caller.Author())
	if err != nil {
		return Scenario{}, d.staleScenario(c, err)
	}
	if created {
		c.created(c.r.URL.Path)
	}
	c.detail = s.Version
	c.w.Header().Set("ETag", etag(s.Version))
	return s, nil
}

func (d *door) deleteScenario(c *call, _, _ nothing) (nothing, error) {
	match, err := d.scenarioMatch(c, "")
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, d.staleScenario(c, d.Scenarios.Delete(c.r.Context(), c.path("code"), match, c.caller.Author()))
}

// scenarioMatch turns the request's condition into that of Scenarios.
func (d *door) scenarioMatch(c *call, seen string) (string, error) {
	cond, err := c.condition()
	if err != nil {
		return "", err
	}
	if seen != "" && cond.none() {
		cond.versions = []string{seen}
	}
	switch {
	case cond.none():
		return "", nil
	case cond.mustNot:
		return "-", nil
	}
	present, err := d.Scenarios.Get(c.r.Context(), c.path("code"), "")
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.Stale, "the scenario %q does not exist (any more); without If-Match the write would create it", c.path("code"))
	}
	if err != nil {
		return "", err
	}
	if cond.mustExist || slices.Contains(cond.versions, present.Version) {
		return present.Version, nil
	}
	return "", d.staleScenario(c, fault.New(fault.Stale, "the scenario %q has version %s now, and the write is meant for another", present.Code, present.Version))
}

// staleScenario adds the present version to a fault.Stale.
func (d *door) staleScenario(c *call, err error) error {
	var f *fault.Error
	if !fault.Is(err, fault.Stale) || !errors.As(err, &f) {
		return err
	}
	present, getErr := d.Scenarios.Get(c.r.Context(), c.path("code"), "")
	if getErr != nil {
		return err
	}
	return &staleError{cause: f, etag: etag(present.Version), current: present}
}
