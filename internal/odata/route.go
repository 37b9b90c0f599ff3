package odata

import (
	"net/http"
	"slices"
	"strings"

	"junctor/internal/db"
	"junctor/internal/fault"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

// route is a line of the table: everything the door knows about a call.
type route struct {
	method  string
	pattern string // {class}, {query}, {key}, {property} and {button} stand for one segment each
	summary string
	options string // the system query options that it takes, without their $

	read  func(*request, *db.Tx) (*answer, error) // within a snapshot; of these one is set
	write func(*request, *db.Tx) (*answer, error) // within the transaction of a group commit
	whole func(*request) (*answer, error)         // makes its own transactions, or needs none

	many bool // it may look at any number of records

	limit int64 // of the body in bytes; bodyLimit when 0
}

const (
	shape = "select expand format"
	rows  = "filter orderby top skip count select skiptoken format" // of a stored query
	lists = "filter orderby top skip count select expand apply skiptoken deltatoken format"
)

// table is every call the door knows. A segment may be followed by navigation
// properties wherever a {key} stands; they lead to another record.
func routes() []route {
	return []route{
		{method: get, pattern: "/", summary: "The service document: what may be read", options: "format", whole: (*request).serviceDocument},
		{method: get, pattern: "/$metadata", summary: "The classes for the caller's rights, as CSDL in XML or JSON", options: "format", whole: (*request).metadata},
		{method: get, pattern: "/$entity", summary: "One record by its $id", options: shape + " id", read: (*request).getEntity},

		{method: get, pattern: "/{class}", summary: "List records, or follow their changes", options: lists, read: (*request).list, many: true},
		{method: post, pattern: "/{class}", summary: "Create a record", options: shape, write: (*request).create},
		{method: post, pattern: "/{class}/$query", summary: "List records with the options in the body", read: (*request).listByBody, many: true},
		{method: get, pattern: "/{class}/$count", summary: "How many records there are", options: "filter", read: (*request).count, many: true},

		{method: post, pattern: "/{class}/{button}", summary: "Press a button for the records that the body names", write: (*request).pressMany},
		{method: post, pattern: "/{class}/{key}/{button}", summary: "Press a button for a record", write: (*request).press},

		{method: get, pattern: "/{query}", summary: "The rows of a stored query", options: rows, read: (*request).storedRows, many: true},
		{method: get, pattern: "/{query}/$count", summary: "How many rows of a stored query there are", options: "filter", read: (*request).storedCount, many: true},

		{method: get, pattern: "/{class}/{key}", summary: "Read a record", options: shape, read: (*request).get},
		{method: patch, pattern: "/{class}/{key}", summary: "Change the columns that are given; with Prefer: upsert also create", options: shape, write: (*request).patch},
		{method: put, pattern: "/{class}/{key}", summary: "Create or replace a record", options: shape, write: (*request).put},
		{method: remove, pattern: "/{class}/{key}", summary: "Delete a record", write: (*request).remove},
		{method: get, pattern: "/{class}/{key}/$ref", summary: "The address of a record", options: "format", read: (*request).getRef},
		{method: put, pattern: "/{class}/{key}/$ref", summary: "Let a ref lead to another record", write: (*request).putRef},
		{method: remove, pattern: "/{class}/{key}/$ref", summary: "Clear a ref", write: (*request).removeRef},

		{method: get, pattern: "/{class}/{key}/{property}", summary: "Read one column, or a file", options: "format", read: (*request).getProperty},
		{method: put, pattern: "/{class}/{key}/{property}", summary: "Set one column, or store a file", limit: fileLimit, whole: (*request).putProperty},
		{method: remove, pattern: "/{class}/{key}/{property}", summary: "Clear one column, or remove a file", write: (*request).removeProperty},
		{method: get, pattern: "/{class}/{key}/{property}/$value", summary: "The bare value of one column, or a file", options: "format", read: (*request).getValue},
		{method: put, pattern: "/{class}/{key}/{property}/$value", summary: "Set one column to a bare value, or store a file", limit: fileLimit, whole: (*request).putProperty},
		{method: remove, pattern: "/{class}/{key}/{property}/$value", summary: "Clear one column, or remove a file", write: (*request).removeProperty},
	}
}

// batch stands apart, since it leads to all others.
var batch = route{method: post, pattern: "/$batch", summary: "Several requests in one, in JSON or multipart", limit: batchLimit}

// Route is a call of the door, for tests and documents.
type Route struct{ Method, Pattern, Summary string }

// Routes are all calls, patterns below Base.
func Routes() []Route {
	all := []Route{{batch.method, batch.pattern, batch.summary}}
	for _, r := range routes() {
		all = append(all, Route{r.method, r.pattern, r.summary})
	}
	return all
}

func (r *route) takesBody() bool { return r.method != get && r.method != remove }

func (r *route) bodyLimit() int64 {
	if r.limit == 0 {
		return bodyLimit
	}
	return r.limit
}

// find is the route of a pattern and method. HEAD is GET without its body.
func (d *door) find(pattern, method string) (*route, error) {
	if method == http.MethodHead {
		method = get
	}
	if pattern == batch.pattern && method == batch.method {
		return &batch, nil
	}
	var allowed []string
	for i := range d.routes {
		switch r := &d.routes[i]; {
		case r.pattern != pattern:
		case r.method == method:
			return r, nil
		default:
			allowed = append(allowed, r.method)
		}
	}
	if pattern == batch.pattern {
		allowed = append(allowed, batch.method)
	}
	if allowed == nil {
		return nil, fault.New(fault.NotFound, "There is nothing at this address; %s/ lists what there is.", Base)
	}
	if slices.Contains(allowed, get) {
		allowed = append(allowed, http.MethodHead)
	}
	return nil, &methodError{allow: strings.Join(allowed, ", "), said: fault.New(fault.MethodNot, "This address does not take %.20q; it takes %s.", method, strings.Join(allowed, ", "))}
}

// methodError is a fault.MethodNot that says what would be right.
type methodError struct {
	allow string
	said  *fault.Error
}

func (e *methodError) Error() string { return e.said.Error() }
func (e *methodError) Unwrap() error { return e.said }
