package odata

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
)

// item is one request of a batch, in either format.
type item struct {
	id      string // "" for none, in multipart only
	group   string // of an atomicity group or change set, "" for none
	method  string
	url     string
	header  http.Header
	body    []byte
	depends []string // ids and groups that have to go well before
	when    *condition
	answer  *answer
	err     error // of reading it: it is not tried
}

// failed reports whether the answer is no success.
func (i *item) failed() bool { return i.answer != nil && i.answer.status >= http.StatusBadRequest }

// batch answers several requests. Each is by itself, but for those of a group,
// which are all done or none. After a failure nothing more is tried, unless the
// caller prefers to go on; every request has an answer all the same.
func (q *request) batch() (*answer, error) {
	if q.inner {
		return nil, fault.New(fault.Invalid, "A batch has no batch in it.")
	}
	var items []*item
	var err error
	multipart := strings.HasPrefix(mediaType(q.header), "multipart/")
	if multipart {
		items, err = readMultipart(q.header.Get("Content-Type"), q.body)
	} else {
		if err := q.wantsJSON(); err != nil {
			return nil, err
		}
		items, err = readBatch(q.body)
	}
	if err != nil {
		return nil, err
	}
	b := &running{request: q, known: map[string]*item{}}
	b.all(items)
	if multipart {
		return b.multipart(items), nil
	}
	return b.json(items)
}

// running is a batch that is being answered.
type running struct {
	*request
	known map[string]*item // by id, those that are answered
}

func (b *running) all(items []*item) {
	stopped, full, size := false, false, 0
	for len(items) > 0 {
		n := 1
		if group := items[0].group; group != "" {
			for n < len(items) && items[n].group == group {
				n++
			}
		}
		part := items[:n]
		items = items[n:]
		switch {
		case stopped || b.ctx.Err() != nil:
			skip(part, "was not tried: a request before it has failed; Prefer: odata.continue-on-error goes on")
		case size > answerLimit || full:
			skip(part, "was not tried: the answers of those before it fill the batch; send it again by itself")
		case part[0].group != "":
			b.together(part)
		default:
			b.alone(part[0])
		}
		for _, i := range part {
			b.remember(i)
			size += len(i.answer.body)
			full = !b.place.Grow(int64(len(i.answer.body))) || full
			if i.failed() && !b.prefer.continueOnError && i.when == nil {
				stopped = true
			}
		}
	}
}

func (b *running) remember(i *item) {
	for _, name := range []string{i.id, i.group} {
		if name == "" {
			continue
		}
		if have := b.known[name]; have == nil || !have.failed() {
			b.known[name] = i
		}
	}
}

// skip answers requests that are not tried, with 424 Failed Dependency.
func skip(items []*item, why string) {
	for _, i := range items {
		if i.answer != nil {
			continue
		}
		i.answer = &answer{status: http.StatusFailedDependency, header: http.Header{}}
		i.answer.header.Set("Content-Type", "application/json;odata.metadata=minimal")
		i.answer.put(oneError{Code: "failed-dependency", Message: "This request " + why + "."})
	}
}

// alone answers a request that is in no group.
func (b *running) alone(i *item) {
	a, err := b.try(i, nil)
	if err == nil && i.answer == nil {
		i.answer = a
	}
	if err != nil {
		i.answer = b.failure(err)
	}
}

// failure is the answer to an error, which is noted too.
func (b *running) failure(err error) *answer {
	var known *itemFailure
	if errors.As(err, &known) {
		cause := record.Overtaken(known.cause)
		known.request.note(cause) // here, where no transaction is open: the audit log has one of its own
		return known.request.refuse(cause)
	}
	return refusal(record.Overtaken(err), b.version)
}

// itemFailure is an error with the request that it belongs to.
type itemFailure struct {
	request *request
	cause   error
}

func (e *itemFailure) Error() string { return e.cause.Error() }
func (e *itemFailure) Unwrap() error { return e.cause }

// try makes one request. When what it depends on has failed, the item has its
// answer already.
func (b *running) try(i *item, tx *db.Tx) (*answer, error) {
	if i.err != nil {
		return nil, i.err
	}
	if i.when != nil {
		if !i.when.holds(b.known) {
			skip([]*item{i}, "was not tried: its condition does not hold")
			return nil, nil
		}
	} else {
		for _, name := range i.depends {
			if d := b.known[name]; d == nil || d.failed() {
				skip([]*item{i}, "was not tried: the request "+name+", on which it depends, has failed")
				return nil, nil
			}
		}
	}
	one, err := b.derive(i, tx)
	if err != nil {
		return nil, err
	}
	a, err := one.run()
	if err != nil {
		return nil, &itemFailure{one, err}
	}
	return a, nil
}

// derive makes the request of an item, with references to earlier ones replaced.
func (b *running) derive(i *item, tx *db.Tx) (*request, error) {
	one := &request{
		door: b.door, http: b.http, ctx: b.ctx, method: i.method, header: i.header, body: b.resolveBody(i.body), base: b.base,
		caller: b.caller, actor: b.actor, model: b.model, queries: b.queries, tx: tx, inner: true,
	}
	if one.header.Get(headerMaxVersion) == "" {
		one.header.Set(headerMaxVersion, b.version)
	}
	address, query, _ := strings.Cut(i.url, "?")
	if j := strings.IndexByte(query, '#'); j >= 0 {
		query = query[:j]
	}
	var err error
	if one.path, err = b.resolvePath(strings.ReplaceAll(address, " ", "%20")); err != nil {
		return nil, err
	}
	one.query = query
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if id, ok := strings.CutPrefix(one.header.Get(name), "$"); ok {
			if d := b.known[id]; d != nil && d.answer.header.Get("Etag") != "" {
				one.header.Set(name, d.answer.header.Get("Etag"))
			}
		}
	}
	if err := one.prepare(); err != nil {
		return nil, &itemFailure{one, err}
	}
	if limit := one.bodyLimit(); int64(len(one.body)) > limit {
		return nil, fault.New(fault.TooLarge, "The body is larger than the %d bytes that are taken here.", limit)
	}
	return one, nil
}

// resolvePath makes an address of a batch one below Base: relative to the
// service, or with a path or a host before it. $1 is the record of request 1.
func (b *running) resolvePath(address string) (string, error) {
	if i := strings.Index(address, "://"); i > 0 {
		rest := address[i+3:]
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			return "/", nil
		}
		address = rest[slash:]
	}
	if rest, ok := strings.CutPrefix(address, Base); ok && (rest == "" || rest[0] == '/' || rest[0] == '?') {
		address = rest
	}
	address = strings.TrimPrefix(address, "/")
	if reference, ok := strings.CutPrefix(address, "$"); ok {
		name, rest, more := strings.Cut(reference, "/")
		switch d := b.known[name]; {
		case d == nil && (name == "metadata" || name == "batch" || name == "entity"):
		case d == nil:
			return "", fault.New(fault.Invalid, "$%.100s is no request before this one.", name)
		case d.answer.entity == "":
			return "", fault.New(fault.Invalid, "The request %.100s has answered no record that $%.100s could stand for.", name, name)
		case more:
			address = d.answer.entity + "/" + rest
		default:
			address = d.answer.entity
		}
	}
	return "/" + address, nil
}

// bound are the members of a body that may name the record of another request.
var bound = regexp.MustCompile(`("(?:[^"\\]|\\.)*@(?:odata\.)?(?:bind|id)"\s*:\s*")\$([^"\\/]{1,200})"`)

// resolveBody replaces references where a body names records.
func (b *running) resolveBody(body []byte) []byte {
	if !strings.Contains(string(body), `"$`) {
		return body
	}
	return bound.ReplaceAllFunc(body, func(found []byte) []byte {
		parts := bound.FindSubmatch(found)
		d := b.known[string(parts[2])]
		if d == nil || d.answer.entity == "" {
			return found
		}
		return append(append(append([]byte{}, parts[1]...), jsonInside(d.answer.entity)...), '"')
	})
}

// jsonInside is a text as it stands between the quotes of JSON.
func jsonInside(text string) []byte {
	b := appendText(nil, text)
	return b[1 : len(b)-1]
}
