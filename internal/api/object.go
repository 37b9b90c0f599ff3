package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"junctor/internal/catalog"
	"junctor/internal/fault"
	"junctor/internal/schedule"
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

// dropQuery is what writes of classes may say.
type dropQuery struct {
	AllowDrop bool `query:"allow_drop" doc:"also when the class loses data"`
}

func (n noun) putClass(c *call, _ dropQuery, body map[string]json.RawMessage) (object, error) {
	return n.put(c, nothing{}, body)
}

func (n noun) deleteClass(c *call, _ dropQuery, _ nothing) (nothing, error) {
	return n.delete(c, nothing{}, nothing{})
}

// allowDrop reads the checked query.
func (n noun) allowDrop(c *call) bool {
	allow, err := strconv.ParseBool(c.r.URL.Query().Get("allow_drop"))
	return err == nil && allow
}

func (n noun) codeOf(c *call) string {
	if n.code != "" {
		return n.code
	}
	return c.path("code")
}

// listObjects is the list of a kind's objects, with the filters of Q.
func listObjects[Q listQuery](n noun) endpoint {
	return do(func(c *call, q Q, _ nothing) (page[object], error) { return n.list(c, q) })
}

func (n noun) list(c *call, q listQuery) (page[object], error) {
	code := func(o object) string {
		var text string
		json.Unmarshal(o["code"], &text) //nolint:errcheck // show has written it
		return text
	}
	return listChosen(q, code, func(after string, limit int) ([]object, string, error) {
		found, next, err := n.door.Configuration.List(c.r.Context(), n.kind, after, limit)
		if err != nil {
			return nil, "", err
		}
		items := make([]object, len(found))
		for i, o := range found {
			if items[i], err = n.show(c.r.Context(), o); err != nil {
				return nil, "", err
			}
		}
		return items, next, nil
	})
}

// find is the object as it is. The one that there always is, is empty with
// version 0 until it is first written.
func (n noun) find(c *call) (o catalog.Object, exists bool, err error) {
	o, err = n.door.Configuration.Get(c.r.Context(), n.kind, n.codeOf(c))
	if fault.Is(err, fault.NotFound) {
		return catalog.Object{Kind: n.kind, Code: n.codeOf(c), Body: json.RawMessage("{}")}, false, nil
	}
	return o, err == nil, err
}

func (n noun) get(c *call, _, _ nothing) (object, error) {
	o, exists, err := n.find(c)
	if err != nil {
		return nil, err
	}
	if !exists && n.code == "" {
		return nil, fault.New(fault.NotFound, "there is no %q among the %s", n.codeOf(c), n.kind)
	}
	c.w.Header().Set("ETag", etag(version(o)))
	return n.show(c.r.Context(), o)
}

func (n noun) put(c *call, _ nothing, body map[string]json.RawMessage) (object, error) {
	present, exists, err := n.find(c)
	if err != nil {
		return nil, err
	}
	entry, seen, err := n.entry(c, present, exists, body)
	if err != nil {
		return nil, err
	}
	o, err := n.write(c, present, exists, version(present), seen, entry)
	if err != nil {
		return nil, n.stale(c, err)
	}
	c.w.Header().Set("ETag", etag(version(o)))
	return n.show(c.r.Context(), o)
}

// write puts an entry on the request's condition. tag is how the present
// version is called, seen the one that the body carries, if it does.
func (n noun) write(c *call, present catalog.Object, exists bool, tag, seen string, entry json.RawMessage) (catalog.Object, error) {
	match, err := n.match(c, present, exists, tag, seen)
	if err != nil {
		return catalog.Object{}, err
	}
	o, err := n.door.Configuration.Put(c.r.Context(), n.kind, n.codeOf(c), entry, Edit{Author: c.caller.Author(), IfMatch: match, AllowDrop: n.allowDrop(c)})
	if err == nil && !exists && n.code == "" {
		c.created(c.r.URL.Path)
	}
	return o, err
}

func (n noun) delete(c *call, _, _ nothing) (nothing, error) {
	present, exists, err := n.find(c)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, n.stale(c, n.remove(c, present, exists, version(present)))
}

// remove deletes on the request's condition.
func (n noun) remove(c *call, present catalog.Object, exists bool, tag string) error {
	match, err := n.match(c, present, exists, tag, "")
	if err != nil {
		return err
	}
	return n.door.Configuration.Delete(c.r.Context(), n.kind, n.codeOf(c), Edit{Author: c.caller.Author(), IfMatch: match, AllowDrop: n.allowDrop(c)})
}

func version(o catalog.Object) string { return strconv.FormatInt(o.Version, 10) }

// show adds what is read only to the entry.
func (n noun) show(ctx context.Context, o catalog.Object) (object, error) {
	shown := object{}
	if err := json.Unmarshal(o.Body, &shown); err != nil {
		return nil, fmt.Errorf("read the stored %s %q: %w", o.Kind, o.Code, err)
	}
	facts := map[string]any{"code": o.Code, "version": o.Version}
	if o.Version > 0 {
		facts["author"], facts["origin"], facts["changed_at"] = o.Author, o.Origin, o.ChangedAt.UTC().Format(time.RFC3339Nano)
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
	if n.kind == "schedules" {
		status, err := n.door.Schedules.Status(ctx, o.Code)
		if err != nil && !fault.Is(err, fault.NotFound) { // deleted meanwhile
			return nil, err
		}
		maps.Copy(facts, scheduleFacts(status))
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
func (n noun) entry(c *call, present catalog.Object, exists bool, body map[string]json.RawMessage) (entry json.RawMessage, seen string, err error) {
	fixed := []string{"code"}
	if n.kind == "channels" {
		fixed = append(fixed, "token", "path", "websocket_path")
	}
	facts := object{}
	if exists {
		if facts, err = n.show(c.r.Context(), present); err != nil {
			return nil, "", err
		}
	} else if facts["code"], err = json.Marshal(n.codeOf(c)); err != nil {
		return nil, "", err
	}
	var wrong []fault.Field
	for _, name := range fixed {
		if value, given := body[name]; given && !bytes.Equal(bytes.TrimSpace(value), facts[name]) {
			wrong = append(wrong, fault.Field{Pointer: "/" + name, Detail: "is given by Junctor and cannot be changed; leave it out"})
		}
	}
	if wrong != nil {
		return nil, "", fault.New(fault.Unprocessable, "the body has %s", mistakes(len(wrong))).WithFields(wrong...)
	}
	seen = string(bytes.Trim(body["version"], ` "`))
	if n.kind == "schedules" { // what has moved on since it was shown
		fixed = append(fixed, slices.Collect(maps.Keys(scheduleFacts(schedule.Status{})))...)
	}
	for _, name := range append(fixed, "version", "author", "origin", "changed_at") {
		delete(body, name)
	}
	entry, err = json.Marshal(body)
	return entry, seen, err
}

// stale adds the present object to a fault.Stale.
func (n noun) stale(c *call, err error) error {
	var f *fault.Error
	if !fault.Is(err, fault.Stale) || !errors.As(err, &f) {
		return err
	}
	o, exists, findErr := n.find(c)
	if findErr != nil || !exists {
		return err
	}
	shown, showErr := n.show(c.r.Context(), o)
	if showErr != nil {
		return err
	}
	return &staleError{cause: f, etag: etag(version(o)), current: shown}
}
