package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"junctor/internal/catalog"
	"junctor/internal/fault"
)

// object is a configuration object as the door shows it: its entry of
// junctor.yaml as JSON, and beside it what is read only.
type object map[string]json.RawMessage

// links are where a channel is reached. They are given by Junctor and never
// changed by a write.
func links(token string) map[string]string {
	return map[string]string{
		"token": token, "path": "/api/token/v1/" + token, "websocket_path": "/ws/token/v1/" + token,
	}
}

// noun serves the objects of one kind that package catalog keeps.
type noun struct {
	door *door
	kind string
	code string // of the only object there can be; "" when the path names it
}

func (n noun) codeOf(c *call) string {
	if n.code != "" {
		return n.code
	}
	return c.path("code")
}

// objectQuery filters by what people look for.
type objectQuery struct {
	paging
	Type     string `query:"type" doc:"such as public, http"`
	Scenario string `query:"scenario" doc:"code"`
}

func (n noun) list(c *call, q objectQuery, _ nothing) (page[object], error) {
	return listByKey(q.paging, func(after string, limit int) ([]object, string, error) {
		var items []object
		for {
			found, next, err := n.door.Configuration.List(c.r.Context(), n.kind, after, limit)
			if err != nil {
				return nil, "", err
			}
			for i, o := range found {
				shown, err := n.show(c.r.Context(), o)
				if err != nil {
					return nil, "", err
				}
				if !shown.is("type", q.Type) || !shown.is("scenario", q.Scenario) {
					continue
				}
				if items = append(items, shown); len(items) == limit {
					if i+1 < len(found) || next != "" {
						next = o.Code
					}
					return items, next, nil
				}
			}
			if next == "" {
				return items, "", nil
			}
			after = next
		}
	})
}

// is reports whether a member has the value; an empty one says nothing.
func (o object) is(member, value string) bool {
	var have string
	return value == "" || (json.Unmarshal(o[member], &have) == nil && have == value)
}

// present is the object as it is. The one that there always is, is empty with
// version 0 until it is first written.
func (n noun) present(c *call) (catalog.Object, error) {
	o, err := n.door.Configuration.Get(c.r.Context(), n.kind, n.codeOf(c))
	if n.code != "" && fault.Is(err, fault.NotFound) {
		return catalog.Object{Kind: n.kind, Code: n.code, Body: json.RawMessage("{}")}, nil
	}
	return o, err
}

func (n noun) get(c *call, _, _ nothing) (object, error) {
	o, err := n.present(c)
	if err != nil {
		return nil, err
	}
	c.w.Header().Set("ETag", etag(version(o)))
	return n.show(c.r.Context(), o)
}

func (n noun) put(c *call, _ nothing, body map[string]json.RawMessage) (object, error) {
	entry, seen, err := n.entry(c, body)
	if err != nil {
		return nil, err
	}
	match, err := n.match(c, seen)
	if err != nil {
		return nil, err
	}
	o, created, err := n.door.Configuration.Put(c.r.Context(), n.kind, n.codeOf(c), entry, match, c.caller.Author())
	if err != nil {
		return nil, n.stale(c, err)
	}
	if created && n.code == "" {
		c.created(c.r.URL.Path)
	}
	c.w.Header().Set("ETag", etag(version(o)))
	return n.show(c.r.Context(), o)
}

func (n noun) delete(c *call, _, _ nothing) (nothing, error) {
	match, err := n.match(c, "")
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, n.stale(c, n.door.Configuration.Delete(c.r.Context(), n.kind, n.codeOf(c), match, c.caller.Author()))
}

func version(o catalog.Object) string { return strconv.FormatInt(o.Version, 10) }

// show adds what is read only to the entry.
func (n noun) show(ctx context.Context, o catalog.Object) (object, error) {
	shown := object{}
	if err := json.Unmarshal(o.Body, &shown); err != nil {
		return nil, fmt.Errorf("read the stored %s %q: %w", o.Kind, o.Code, err)
	}
	facts := map[string]any{
		"code": o.Code, "version": o.Version, "author": o.Author, "origin": o.Origin,
		"changed_at": o.ChangedAt.UTC().Format(time.RFC3339Nano),
	}
	if n.kind == "channels" {
		token, err := n.door.ChannelToken(ctx, o.Code)
		if err != nil {
			return nil, err
		}
		for name, value := range links(token) {
			facts[name] = value
		}
	}
	for name, value := range facts {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		shown[name] = raw
	}
	return shown, nil
}

// entry takes what is read only out of a body, so that what was got can be
// changed and put. Where the caller has changed that part, it is told so; a
// version in the body is returned as what the caller has seen.
func (n noun) entry(c *call, body map[string]json.RawMessage) (entry json.RawMessage, seen string, err error) {
	fixed := []string{"code"}
	if n.kind == "channels" {
		fixed = append(fixed, "token", "path", "websocket_path")
	}
	given := func(name string) bool { _, ok := body[name]; return ok }
	var present object
	if slices.ContainsFunc(fixed[1:], given) {
		o, err := n.door.Configuration.Get(c.r.Context(), n.kind, n.codeOf(c))
		if err == nil {
			present, err = n.show(c.r.Context(), o)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, "", err
		}
	}
	code, err := json.Marshal(n.codeOf(c))
	if err != nil {
		return nil, "", err
	}
	var wrong []fault.Field
	for _, name := range fixed {
		want := present[name]
		if name == "code" {
			want = code
		}
		if given(name) && !bytes.Equal(bytes.TrimSpace(body[name]), want) {
			wrong = append(wrong, fault.Field{Pointer: "/" + name, Detail: "is given by Junctor and cannot be changed; leave it out"})
		}
	}
	if wrong != nil {
		return nil, "", fault.New(fault.Unprocessable, "the body has %s", mistakes(len(wrong))).WithFields(wrong...)
	}
	seen = string(bytes.Trim(body["version"], ` "`))
	for _, name := range append(fixed, "version", "author", "origin", "changed_at") {
		delete(body, name)
	}
	entry, err = json.Marshal(body)
	return entry, seen, err
}

// match turns the request's condition into the one of the configuration. A
// version that the body carries counts as If-Match.
func (n noun) match(c *call, seen string) (int64, error) {
	cond, err := c.condition()
	if err != nil {
		return 0, err
	}
	if seen != "" && cond.none() {
		cond.versions = []string{seen}
	}
	switch {
	case cond.none():
		return Always, nil
	case cond.mustNot:
		return MustNotExist, nil
	}
	present, err := n.present(c)
	if fault.Is(err, fault.NotFound) {
		return 0, fault.New(fault.Stale, "%s %q does not exist (any more); without If-Match the write would create it", n.kind, n.codeOf(c))
	}
	if err != nil {
		return 0, err
	}
	if cond.mustExist || slices.Contains(cond.versions, version(present)) {
		if present.Version == 0 {
			return MustNotExist, nil
		}
		return present.Version, nil
	}
	return 0, n.stale(c, fault.New(fault.Stale, "%s %q has version %d now, and the write is meant for another", n.kind, n.codeOf(c), present.Version))
}

// stale adds the present object to a fault.Stale.
func (n noun) stale(c *call, err error) error {
	var f *fault.Error
	if !fault.Is(err, fault.Stale) || !errors.As(err, &f) {
		return err
	}
	o, getErr := n.door.Configuration.Get(c.r.Context(), n.kind, n.codeOf(c))
	if getErr != nil {
		return err
	}
	shown, showErr := n.show(c.r.Context(), o)
	if showErr != nil {
		return err
	}
	return &staleError{cause: f, etag: etag(version(o)), current: shown}
}
