package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/unit"
)

// eventsQuery chooses events to follow.
type eventsQuery struct {
	After  string        `query:"after" doc:"a cursor that this log has given; absent, or oldest: from the oldest event; latest: from now on"`
	Types  []string      `query:"types" doc:"patterns, separated by commas: * is one part of a type, ** at the end one or more"`
	Filter string        `query:"filter" doc:"over id, source, type, subject, time and data/..."`
	Limit  int           `query:"limit" range:"1,1000" doc:"how many at most; 100 when absent"`
	Wait   unit.Duration `query:"wait" doc:"how long to wait for an event when there is none, such as 30s; up to 1m"`
}

// oldest and latest stand for cursors: before all that the log has, and behind it.
const oldest, latest = "oldest", "latest"

// placedEvent is an event with its place in the log.
type placedEvent struct {
	Event  *event.Item `json:"event"`
	Cursor string      `json:"cursor"`
}

// eventPage always says where to go on.
type eventPage struct {
	Items []placedEvent `json:"items"`
	Next  string        `json:"next"`
}

// mayRead says of which types a caller may hear; nil: of all. Of records it
// hears only where it may see each record of the class and each column: there is
// no part of an event. Others follow a class by its delta (OData), which shows
// what they may see.
func (c *call) mayRead() func(kind string) bool {
	rights := c.caller.Rights
	if rights.Everything {
		return nil
	}
	return func(kind string) bool {
		if !rights.MayRead(kind) {
			return false
		}
		parts := strings.Split(kind, ".")
		if parts[0] != "record" || len(parts) < 2 {
			return true
		}
		class := rights.Class(parts[1])
		return class.Read.All && len(class.Hidden) == 0
	}
}

// mayPublish reports whether a caller may publish events of the type.
func (c *call) mayPublish(kind string) bool { return c.caller.Rights.MayPublish(kind) }

// readEvents reads the log from a cursor, and waits for an event when there is
// none.
func (d *door) readEvents(c *call, q eventsQuery, _ nothing) (eventPage, error) {
	query, err := d.eventQuery(c, q)
	if err != nil {
		return eventPage{}, err
	}
	if q.Wait > 0 {
		place := d.waiting.Place(1, "account "+c.caller.Account.Login)
		defer place.Leave()
		if !place.Grow(1) {
			return eventPage{}, fault.New(fault.TooMany, "too many calls of this account wait for events at the same time; wait with one for all types").WithRetryAfter(time.Second)
		}
	}
	page, err := d.Events.Await(c.r.Context(), query, time.Duration(q.Wait))
	if err != nil {
		return eventPage{}, gone(err)
	}
	if q.Wait > 0 { // the credential may have ended meanwhile, and its rights may be others
		if c.caller, err = d.authenticate(c); err != nil {
			return eventPage{}, err
		}
		if may := c.mayRead(); may != nil {
			page.Items = slices.DeleteFunc(page.Items, func(i event.Item) bool { return !may(i.Type) })
		}
	}
	answer := eventPage{Items: make([]placedEvent, len(page.Items)), Next: d.Events.Cursor(page.Next)}
	for i := range page.Items {
		answer.Items[i] = placedEvent{&page.Items[i], d.Events.Cursor(page.Items[i].Seq)}
	}
	return answer, nil
}

func (d *door) eventQuery(c *call, q eventsQuery) (event.Query, error) {
	query := event.Query{After: event.Oldest, Allow: c.mayRead(), Limit: q.Limit, Turn: d.turn(c)}
	var err error
	if query.Types, query.Filter, err = chosen(q.Types, q.Filter); err != nil {
		return query, err
	}
	if q.Wait > unit.Duration(event.MaxWait) {
		return query, fault.New(fault.Invalid, "the query has a mistake").
			WithFields(fault.Field{Pointer: "/query/wait", Detail: "is at most " + unit.FormatDuration(event.MaxWait) + "; ask again then"})
	}
	switch q.After {
	case "", oldest:
	case latest:
		query.After, err = d.Events.End(c.r.Context())
	default:
		query.After, err = d.Events.Position(q.After)
	}
	return query, err
}

// turn is that of the caller.
func (d *door) turn(c *call) event.Turn {
	if d.Turn == nil {
		return nil
	}
	return func(ctx context.Context) (leave func(), err error) { return d.Turn(ctx, c.caller.Account.Login) }
}

// goneError is a fault.Gone that shows where to begin again.
type goneError struct{ *event.TooOld }

func (e goneError) extended(http.Header) any {
	return struct {
		fault.Problem
		Oldest string `json:"oldest"`
	}{fault.ProblemOf(e.TooOld), e.Oldest}
}

func gone(err error) error {
	var old *event.TooOld
	if errors.As(err, &old) {
		return goneError{old}
	}
	return err
}

// Limits of what is published in one call.
const (
	publishLimit = 8 << 20 // bytes of the body
	batchLimit   = 1000    // events
)

// publishEvents takes CloudEvents in any of their forms.
func (d *door) publishEvents(c *call) (any, error) {
	if err := readQuery(c.r.URL, new(nothing)); err != nil {
		return nil, err
	}
	body, err := c.readAll()
	if err != nil {
		return nil, err
	}
	if err := uncompressed(c.r.Header); err != nil {
		return nil, err
	}
	events, err := event.FromHTTP(c.r.Header, body)
	if err != nil {
		return nil, err
	}
	if err := c.checkEvents(events); err != nil {
		return nil, err
	}
	return nothing{}, d.Events.Publish(c.r.Context(), events...)
}

// checkEvents refuses all when one of them may not be published.
func (c *call) checkEvents(events []*event.Event) error {
	if len(events) > batchLimit {
		return fault.New(fault.TooLarge, "the batch has %d events; at most %d are taken at once", len(events), batchLimit)
	}
	batch := strings.HasPrefix(strings.ToLower(strings.TrimSpace(c.r.Header.Get("Content-Type"))), event.Batch)
	for i, e := range events {
		at := ""
		if batch {
			at = "/" + strconv.Itoa(i)
		}
		switch {
		case event.Reserved(e.Type):
			return fault.New(fault.Unprocessable, "events of this type are Junctor's own").
				WithFields(fault.Field{Pointer: at + "/type", Detail: fmt.Sprintf("%q begins with a word that is kept for what Junctor itself tells; choose another", e.Type)})
		case !c.mayPublish(e.Type):
			return fault.New(fault.Forbidden, "the account %q may not publish events of the type %q", c.caller.Account.Login, e.Type)
		}
	}
	return nil
}

// selectQuery chooses events for people.
type selectQuery struct {
	paging
	Types   []string  `query:"types" doc:"patterns, separated by commas: * is one part of a type, ** at the end one or more"`
	Subject string    `query:"subject" doc:"exactly"`
	Source  string    `query:"source" doc:"exactly"`
	Since   time.Time `query:"since" doc:"came into the log at or after"`
	Until   time.Time `query:"until" doc:"came into the log before"`
	Filter  string    `query:"filter" doc:"over id, source, type, subject, time and data/..."`
}

// listEvents is the log for people, newest first.
func (d *door) listEvents(c *call, q selectQuery, _ nothing) (page[*event.Item], error) {
	s := event.Selection{Subject: q.Subject, Source: q.Source, Since: q.Since, Until: q.Until, Limit: q.limit(), Turn: d.turn(c)}
	var err error
	if s.Types, s.Filter, err = chosen(q.Types, q.Filter); err != nil {
		return page[*event.Item]{}, err
	}
	if q.After != "" {
		if s.Before, err = d.Events.Position(q.After); err != nil {
			return page[*event.Item]{}, err
		}
	}
	items, next, err := d.Events.List(c.r.Context(), s)
	list := make([]*event.Item, len(items))
	for i := range items {
		list[i] = &items[i]
	}
	after := ""
	if next != 0 {
		after = d.Events.Cursor(next)
	}
	return newPage(list, after), err
}

type sourceQuery struct {
	Source string `query:"source" doc:"where ids of several sources are the same"`
}

func (d *door) showEvent(c *call, q sourceQuery, _ nothing) (*event.Item, error) {
	i, err := d.Events.Get(c.r.Context(), c.path("id"), q.Source)
	return &i, err
}

// chosen reads the parameters types and filter.
func chosen(types []string, filter string) (event.Patterns, *event.Filter, error) {
	var found []fault.Field
	p, err := event.ParsePatterns(types)
	if err != nil {
		found = append(found, fault.Field{Pointer: "/query/types", Detail: err.Error()})
	}
	f, err := event.ParseFilter(filter)
	if err != nil {
		found = append(found, fault.Field{Pointer: "/query/filter", Detail: err.Error()})
	}
	if found != nil {
		return nil, nil, fault.New(fault.Invalid, "the query has %s", mistakes(len(found))).WithFields(found...)
	}
	return p, f, nil
}
