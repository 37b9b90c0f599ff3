package api

import (
	"net/http"
	"reflect"

	"junctor/internal/right"
)

// route is a line of the table: everything the door knows about a call.
type route struct {
	method   string
	pattern  string // of http.ServeMux
	right    permission
	rightNow func() permission // instead of right, where a setting decides
	summary  string
	endpoint

	status      int    // of the answer when it went well; 200 when 0
	limit       int64  // of the body in bytes; bodyLimit when 0
	bodyless    bool   // the body may be left out
	conditional bool   // takes If-Match and If-None-Match
	action      string // what the audit log calls it; "" when it changes nothing or the noun's package writes the log itself
}

// bodyLimit holds for everything but whole configurations.
const bodyLimit = 1 << 20

// permission is what a route asks of its caller: an area of the admin API, or
// one of those below.
type permission string

const (
	open     permission = ""         // nothing
	signedIn permission = "signedIn" // to be somebody
	admin    permission = "admin"    // every right
)

// allows reports whether a caller with the rights may do what asks for the
// permission.
func (p permission) allows(rights *right.Set) bool {
	return p == open || p == signedIn || rights.Everything || (p != admin && rights.MayManage(string(p)))
}

// endpoint is what a route does, and the types it speaks.
type endpoint struct {
	query  reflect.Type // struct with `query` tags
	input  reflect.Type // of the body; nil for none
	output reflect.Type // of the answer; nil for none, or for what is not JSON
	media  string       // of an answer that is not JSON
	takes  []string     // media types of a body that the function reads by itself
	serve  func(*call) (any, error)
}

// nothing stands for a query, a body or an answer that there is not.
type nothing struct{}

// do makes an endpoint of a function over typed query, body and answer. The
// function's call is for the rest: path, caller, headers.
func do[Q, I, O any](f func(*call, Q, I) (O, error)) endpoint {
	return endpoint{
		query: reflect.TypeFor[Q](), input: unlessNothing[I](), output: unlessNothing[O](),
		serve: func(c *call) (any, error) {
			var query Q
			if err := readQuery(c.r.URL, &query); err != nil {
				return nil, err
			}
			var input I
			if unlessNothing[I]() != nil {
				if err := c.readBody(&input); err != nil {
					return nil, err
				}
			}
			return f(c, query, input)
		},
	}
}

// write makes an endpoint of a function that answers by itself, in a form
// that is not JSON, and reads the query of type Q by itself where there is one.
func write[Q any](media string, f func(http.ResponseWriter, *http.Request) error) endpoint {
	return endpoint{
		query: reflect.TypeFor[Q](), media: media,
		serve: func(c *call) (any, error) {
			if err := readQuery(c.r.URL, new(Q)); err != nil {
				return nil, err
			}
			c.answered = true
			return nil, f(c.w, c.r)
		},
	}
}

// takes makes an endpoint of a function that reads the body by itself, in one of
// the media types, and answers nothing.
func takes(f func(*call) (any, error), media ...string) endpoint {
	return endpoint{query: reflect.TypeFor[nothing](), takes: media, serve: f}
}

// shown makes the document describe the answer as a T.
func shown[T any](e endpoint) endpoint {
	e.output = reflect.TypeFor[T]()
	return e
}

func unlessNothing[T any]() reflect.Type {
	if t := reflect.TypeFor[T](); t != reflect.TypeFor[nothing]() {
		return t
	}
	return nil
}

// required is the permission that a caller needs now.
func (r *route) required() permission {
	if r.rightNow != nil {
		return r.rightNow()
	}
	return r.right
}
