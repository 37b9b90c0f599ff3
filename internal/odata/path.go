package odata

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"junctor/internal/class"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/stored"
	"junctor/internal/value"
)

// target is what an address names.
type target struct {
	class    *class.Class
	at       record.Address
	keyed    bool
	via      []string     // refs to be followed from there
	end      *class.Class // where they lead
	property string
	button   string
	query    *stored.Query // in the place of a class
	inner    string        // what stands behind the parenthesis of a query
}

// named is a pattern with the name of what is meant.
func (t *target) named(pattern string) string {
	switch {
	case t.class != nil:
		return strings.Replace(pattern, "{class}", t.class.Code, 1)
	case t.query != nil:
		return strings.Replace(pattern, "{query}", t.query.Code, 1)
	}
	return pattern
}

const (
	maxPath = 4096 // bytes of an address
	maxVia  = 5
)

// readPath takes an address apart and returns the pattern of its route.
func (q *request) readPath() (pattern string, err error) {
	segments, err := splitPath(q.path)
	if err != nil {
		return "", err
	}
	if len(segments) == 0 {
		return "/", nil
	}
	if strings.HasPrefix(segments[0], "$") {
		return "/" + strings.Join(segments, "/"), nil
	}
	t := &q.target
	*t = target{}
	if pattern, is := q.queryPath(segments); is {
		return pattern, nil
	}
	code, key, keyed, err := splitKey(segments[0])
	if err != nil {
		return "", err
	}
	t.keyed = keyed
	if t.class, err = q.class(code); err != nil {
		return "", err
	}
	t.end = t.class
	rest := segments[1:]
	if !keyed && len(rest) == 1 {
		if name, is := q.button(t.class, rest[0]); is && (q.method == post || q.presses(t.class, name)) { // with another method: 405, which says POST
			t.button = name
			return "/{class}/{button}", nil
		}
	}
	if !keyed && len(rest) > 0 && !strings.HasPrefix(rest[0], "$") {
		t.at, t.keyed, rest = record.Address{ID: rest[0]}, true, rest[1:]
	} else {
		t.at = key
	}
	if !t.keyed {
		return "/{class}" + joined(rest), nil
	}
	for len(rest) > 0 {
		next := q.leads(t.end, rest[0])
		if next == nil {
			break
		}
		if len(t.via) == maxVia {
			return "", fault.New(fault.Invalid, "An address goes over %d refs at most.", maxVia)
		}
		t.via, t.end, rest = append(t.via, rest[0]), next, rest[1:]
	}
	if len(rest) == 0 || strings.HasPrefix(rest[0], "$") {
		return "/{class}/{key}" + joined(rest), nil
	}
	if len(rest) == 1 {
		name, _ := q.button(t.end, rest[0])
		_, err := q.column(t.end, rest[0])
		pressed := q.presses(t.end, name)
		if q.method == post && (err != nil || pressed) || err != nil && pressed { // with another method: 405, which says POST
			t.button = name
			return "/{class}/{key}/{button}", nil
		}
	}
	t.property = rest[0]
	return "/{class}/{key}/{property}" + joined(rest[1:]), nil
}

func joined(segments []string) string {
	if len(segments) == 0 {
		return ""
	}
	return "/" + strings.Join(segments, "/")
}

// splitPath decodes the segments of an address, each by itself: a slash that is
// written %2F divides nothing. A slash at the end counts for nothing.
func splitPath(path string) ([]string, error) {
	if len(path) > maxPath {
		return nil, fault.New(fault.Invalid, "The address is longer than %d bytes.", maxPath)
	}
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	if path == "" {
		return nil, nil
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		if err != nil || !utf8.ValidString(decoded) || strings.Contains(decoded, "\x00") || decoded == "" {
			return nil, fault.New(fault.NotFound, "There is nothing at this address: a part of it is empty, or not written as addresses are.")
		}
		segments[i] = decoded
	}
	return segments, nil
}

// splitKey reads orders, orders('rec_1') and orders(number='4711').
func splitKey(segment string) (class string, at record.Address, keyed bool, err error) {
	class, rest, keyed := strings.Cut(segment, "(")
	if !keyed {
		return class, at, false, nil
	}
	inner, closed := strings.CutSuffix(rest, ")")
	if closed && inner == "" {
		return class, at, false, nil
	}
	at, ok := record.ParseAddress(inner)
	if !ok || !closed {
		return "", at, false, fault.New(fault.Invalid, "The key in %.200q cannot be read: it is written %.50s('id') or %.50s(column='value').", segment, class, class)
	}
	if len(at.Key) == 1 && at.Key[0].Column == "id" && at.Key[0].Value.Type() == value.Text {
		at = record.Address{ID: at.Key[0].Value.Text()}
	}
	if at.ID == "" && at.Key == nil { // no record: it must not stand for the one that a body names
		return "", at, false, fault.New(fault.NotFound, "There is no record %s('').", class)
	}
	return class, at, true, nil
}

// where follows the refs of the address to the record that it names; nothing is
// true when one of them leads nowhere.
func (q *request) where(tx *db.Tx) (at record.Address, nothing bool, err error) {
	return q.follow(tx, q.target.via)
}

func (q *request) follow(tx *db.Tx, via []string) (at record.Address, nothing bool, err error) {
	t := &q.target
	at = t.at
	c := t.class
	for _, ref := range via {
		r, err := q.door.Records.Get(tx, q.model, q.actor, c.Code, at, []string{"id"}, []record.Expand{{Ref: ref, Select: []string{"id"}}})
		if err != nil {
			return at, false, err
		}
		var to *record.Record
		r.Expanded(func(_ string, found *record.Record) { to = found })
		if to == nil {
			return at, true, nil
		}
		at, c = record.Address{ID: to.ID()}, q.model.Class(to.Class())
	}
	return at, false, nil
}

// there is where for what needs the record to be there.
func (q *request) there(tx *db.Tx) (record.Address, error) {
	at, nothing, err := q.where(tx)
	if err == nil && nothing {
		err = fault.New(fault.NotFound, "The ref %s leads to no record.", strings.Join(q.target.via, "/"))
	}
	return at, err
}

// entityPath is the canonical address of a record, below Base.
func entityPath(class, id string) string {
	return class + "('" + strings.ReplaceAll(url.PathEscape(strings.ReplaceAll(id, "'", "''")), "%27", "'") + "')"
}
