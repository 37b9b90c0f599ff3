package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"junctor/internal/access"
	"junctor/internal/fault"
	"junctor/internal/limit"
	"junctor/internal/strict"
)

// call is one request on its way through its route.
type call struct {
	door    *door
	route   *route
	w       http.ResponseWriter
	r       *http.Request
	caller  access.Caller
	address string
	place   *limit.Place

	status   int    // of the answer, instead of the route's
	answered bool   // the function has written the answer itself
	dryRun   bool   // nothing was changed
	subject  string // what the audit log names, when the path does not
	detail   string // for the audit log
}

// fits refuses an answer that was only read and finds no room to wait in for its
// caller to take it.
func (c *call) fits(size int) error {
	if size > small && !c.place.Grow(int64(size)) && (c.r.Method == http.MethodGet || c.r.Method == http.MethodHead) {
		return errNoRoom
	}
	return nil
}

func (c *call) path(name string) string { return c.r.PathValue(name) }

// created turns the answer into 201 with the place of the new thing.
func (c *call) created(location string) {
	c.status = http.StatusCreated
	c.w.Header().Set("Location", location)
}

// object is what the audit log says was acted upon: NOUN/CODE.
func (c *call) object() string {
	if c.subject != "" {
		return c.subject
	}
	noun, _, _ := strings.Cut(c.route.action, ".")
	if names := c.route.parameters(); len(names) > 0 {
		return noun + "/" + c.path(names[len(names)-1]) // the innermost: a channel's connection, not the channel
	}
	return noun
}

// readBody reads the JSON body into the value that into points to. Everything
// that is wrong with it is in one error.
func (c *call) readBody(into any) error {
	body, err := c.readAll()
	if err != nil || len(body) == 0 && c.route.bodyless {
		return err
	}
	if err := jsonMedia(c.r.Header); err != nil {
		return err
	}
	fields := strict.Decode(body, into)
	switch {
	case len(fields) == 0:
		return nil
	case !utf8.Valid(body) || !json.Valid(body):
		return fault.New(fault.Invalid, "the body is not a JSON document").WithFields(fields...)
	}
	return fault.New(fault.Unprocessable, "the body has %s", mistakes(len(fields))).WithFields(fields...)
}

// readAll reads the body as it is.
func (c *call) readAll() ([]byte, error) {
	limit := c.route.limit
	if limit == 0 {
		limit = bodyLimit
	}
	body, err := c.receive(limit)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, errNoRoom):
		return nil, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fault.New(fault.Timeout, "the body did not arrive within %s", c.door.patience(limit))
	case errors.As(err, &tooLarge):
		return nil, fault.New(fault.TooLarge, "the body is larger than the %d bytes that are taken here", limit)
	case err != nil:
		return nil, fault.Wrap(err, fault.Invalid, "the body ended early")
	}
	return body, nil
}

// receive reads the body within its limits of size and time. The limit of time
// stays where it was not kept: the rest is not waited for either.
func (c *call) receive(limit int64) ([]byte, error) {
	connection := http.NewResponseController(c.w)
	// Only a test's connection has no deadlines.
	timed := connection.SetReadDeadline(time.Now().Add(c.door.patience(limit))) == nil
	from := io.Reader(http.MaxBytesReader(c.w, c.r.Body, limit))
	if c.r.ContentLength < 0 || c.r.ContentLength > small {
		from = c.place.Of(from, errNoRoom)
	}
	body, err := io.ReadAll(from)
	if timed && err == nil {
		err = connection.SetReadDeadline(time.Time{})
	}
	return body, err
}

// patience is how long a body of up to so many bytes may take.
func patience(limit int64) time.Duration {
	return 30*time.Second + time.Duration(limit>>20)*2*time.Second
}

func mistakes(n int) string {
	if n == 1 {
		return "a mistake"
	}
	return "mistakes"
}

// uncompressed refuses a body that says it is compressed.
func uncompressed(h http.Header) error {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fault.New(fault.Unsupported, "bodies are taken uncompressed here; Content-Encoding is %q", encoding)
	}
	return nil
}

// jsonMedia refuses a body that says it is something else than JSON.
func jsonMedia(h http.Header) error {
	if err := uncompressed(h); err != nil {
		return err
	}
	kind := h.Get("Content-Type")
	if kind == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(kind)
	if err != nil || (media != "application/json" && !strings.HasSuffix(media, "+json")) {
		return fault.New(fault.Unsupported, "send the body as application/json; Content-Type is %q", kind)
	}
	return nil
}

// accepts reports whether an Accept header lets the media type through.
func accepts(accept []string, media string) bool {
	if len(accept) == 0 {
		return true
	}
	group, _, _ := strings.Cut(media, "/")
	best, allowed := -1, false // the most specific range decides
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		specific := -1
		switch name {
		case media:
			specific = 2
		case group + "/*":
			specific = 1
		case "*/*":
			specific = 0
		}
		if specific > best {
			best, allowed = specific, strings.Trim(params["q"], "0.") != "" || params["q"] == ""
		}
	}
	return allowed
}
