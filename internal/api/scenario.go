package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"junctor/internal/catalog"
	"junctor/internal/fault"
	"junctor/internal/scenario"
)

// Scenario is one version of one scenario. Its version is made of its content,
// and so is its ETag.
type Scenario struct {
	Code      string            `json:"code"`
	Version   string            `json:"version"`
	Author    string            `json:"author"`
	ChangedAt time.Time         `json:"changed_at"`
	Warnings  []string          `json:"warnings,omitempty"` // of the compiler; one scenario only, not in lists
	Sources   map[string]string `json:"sources,omitempty"`  // path -> text; one scenario only
}

// scenarioBody is what a write sends: sources, or the version to go back to.
// With sources, a version is the one that the caller has seen and counts as
// If-Match. The rest of a Scenario may be there and is not looked at.
type scenarioBody struct {
	Sources   map[string]string `json:"sources"` // path -> text; scenarios/CODE.ts (or .js) is where it begins
	Version   string            `json:"version"`
	Code      json.RawMessage   `json:"code"`
	Author    json.RawMessage   `json:"author"`
	ChangedAt json.RawMessage   `json:"changed_at"`
	Warnings  json.RawMessage   `json:"warnings"`
}

type versionQuery struct {
	Version string `query:"version" doc:"instead of the present one"`
}

type diffQuery struct {
	From string `query:"from" doc:"version; the one before \"to\" when absent"`
	To   string `query:"to" doc:"version; the latest when absent"`
}

// scenarioNoun serves scenarios: which version each has is a configuration
// object, the versions are package scenario's.
type scenarioNoun struct{ noun }

func (n scenarioNoun) list(c *call, q paging, _ nothing) (page[Scenario], error) {
	return listByKey(q, func(after string, limit int) ([]Scenario, string, error) {
		objects, next, err := n.door.Configuration.List(c.r.Context(), n.kind, after, limit)
		list := make([]Scenario, 0, len(objects))
		for _, o := range objects {
			version, err := contentOf(o)
			if err != nil {
				return nil, "", err
			}
			list = append(list, Scenario{Code: o.Code, Version: version, Author: o.Author, ChangedAt: o.ChangedAt})
		}
		return list, next, err
	})
}

// contentOf is the version that a scenario's object names; "" when there is no
// object.
func contentOf(o catalog.Object) (string, error) {
	var body struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(o.Body, &body); err != nil {
		return "", fmt.Errorf("read the stored scenario %q: %w", o.Code, err)
	}
	return body.Version, nil
}

func (n scenarioNoun) get(c *call, q versionQuery, _ nothing) (Scenario, error) {
	s, err := n.version(c, q.Version)
	if err == nil {
		c.w.Header().Set("ETag", etag(s.Version))
	}
	return s, err
}

// version reads one version, the present one for "".
func (n scenarioNoun) version(c *call, version string) (Scenario, error) {
	if version == "" {
		o, err := n.door.Configuration.Get(c.r.Context(), n.kind, n.codeOf(c))
		if err != nil {
			return Scenario{}, err
		}
		if version, err = contentOf(o); err != nil {
			return Scenario{}, err
		}
	}
	v, err := n.door.Versions.Get(c.r.Context(), n.codeOf(c), version)
	if err != nil {
		return Scenario{}, err
	}
	shown := headOf(v)
	shown.Sources, shown.Warnings = v.Bundle.Sources, v.Bundle.Warnings
	return shown, nil
}

func headOf(v scenario.Version) Scenario {
	return Scenario{Code: v.Code, Version: v.Version, Author: v.Author, ChangedAt: v.CreatedAt}
}

func (n scenarioNoun) versions(c *call, _, _ nothing) (page[Scenario], error) {
	versions, err := n.door.Versions.List(c.r.Context(), n.codeOf(c))
	list := make([]Scenario, len(versions))
	for i, v := range versions {
		list[i] = headOf(v)
	}
	return newPage(list, ""), err
}

func (n scenarioNoun) put(c *call, _ nothing, body scenarioBody) (Scenario, error) {
	present, exists, tag, err := n.tagged(c)
	if err != nil {
		return Scenario{}, err
	}
	wanted, seen := map[string]any{"version": body.Version}, ""
	if body.Sources != nil {
		wanted, seen = map[string]any{"sources": body.Sources}, body.Version
	}
	entry, err := json.Marshal(wanted)
	if err != nil {
		return Scenario{}, err
	}
	o, err := n.write(c, present, exists, tag, seen, entry)
	if err != nil {
		return Scenario{}, n.stale(c, err)
	}
	version, err := contentOf(o)
	if err != nil {
		return Scenario{}, err
	}
	return n.get(c, versionQuery{version}, nothing{})
}

func (n scenarioNoun) delete(c *call, _, _ nothing) (nothing, error) {
	present, exists, tag, err := n.tagged(c)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, n.stale(c, n.remove(c, present, exists, tag))
}

// tagged is find with the name of the content's version.
func (n scenarioNoun) tagged(c *call) (o catalog.Object, exists bool, tag string, err error) {
	if o, exists, err = n.find(c); err == nil {
		tag, err = contentOf(o)
	}
	return o, exists, tag, err
}

// stale adds the present scenario to a fault.Stale.
func (n scenarioNoun) stale(c *call, err error) error {
	var f *fault.Error
	if !fault.Is(err, fault.Stale) || !errors.As(err, &f) {
		return err
	}
	present, getErr := n.version(c, "")
	if getErr != nil {
		return err
	}
	return &staleError{cause: f, etag: etag(present.Version), current: present}
}

// diff answers the sources' difference as a unified diff.
func (n scenarioNoun) diff(w http.ResponseWriter, r *http.Request) error {
	var q diffQuery
	if err := readQuery(r.URL, &q); err != nil {
		return err
	}
	code := r.PathValue("code")
	versions, err := n.door.Versions.List(r.Context(), code)
	if err != nil {
		return err
	}
	if q.To == "" && len(versions) > 0 {
		q.To = versions[0].Version
	}
	if q.From == "" {
		at := slices.IndexFunc(versions, func(v scenario.Version) bool { return v.Version == q.To })
		if at < 0 || at+1 >= len(versions) {
			return fault.New(fault.NotFound, "there is no version of the scenario %q before %q to compare with", code, q.To)
		}
		q.From = versions[at+1].Version
	}
	from, err := n.door.Versions.Get(r.Context(), code, q.From)
	if err != nil {
		return err
	}
	to, err := n.door.Versions.Get(r.Context(), code, q.To)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/x-diff; charset=utf-8")
	fmt.Fprint(w, scenario.Diff(from, to))
	return nil
}
