package record

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"junctor/internal/cursor"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/value"
)

// position is where a page begins. Its cursor names the record that the page
// before has ended with by the values that the order looks at, so that records
// which come and go move nothing. It also carries a sum of the query, so that it
// is not used with another one. What it says is the caller's own: a cursor that
// somebody made up shows nothing that a filter would not.
type position struct {
	sum    string
	values []value.Value // of the order's columns; nil at the beginning
	rest   int           // how many are still wanted; -1 for all
	start  string        // the log's position when the first page was read; "" without Track
	track  string        // the sum of a delta
}

// cursorForm is what is inside of a cursor.
type cursorForm struct {
	Sum    string            `json:"q"`
	Values []json.RawMessage `json:"v,omitempty"`
	Rest   int               `json:"r"`
	Start  string            `json:"s,omitempty"`
}

// position reads the query's cursor, or begins.
func (s *Store) position(b *builder, q Query, order []sortKey) (*position, error) {
	at := &position{sum: q.sum(order), track: q.deltaSum(b.actor), rest: -1}
	if q.Cursor == "" {
		if q.Top != nil {
			at.rest = max(*q.Top, 0)
		}
		if !q.Track {
			return at, nil
		}
		var err error
		at.start, err = s.beginTracking(b.tx)
		return at, err
	}
	var form cursorForm
	if err := cursor.Decode(q.Cursor, &form); err != nil {
		return nil, err
	}
	if form.Sum != at.sum || len(form.Values) != len(order) || form.Rest < -1 {
		return nil, fault.New(fault.Invalid, "The cursor belongs to another query: leave everything as it was on the first page, or begin again without it.")
	}
	at.rest, at.start = form.Rest, form.Start
	for i, raw := range form.Values {
		v, err := order[i].FromJSON(raw)
		if err != nil || v.IsNull() && !order[i].null {
			return nil, cursor.Damaged()
		}
		at.values = append(at.values, v)
	}
	return at, nil
}

func (at *position) next() string {
	form := cursorForm{Sum: at.sum, Rest: at.rest, Start: at.start}
	for _, v := range at.values {
		form.Values = append(form.Values, v.AppendJSON(nil))
	}
	return cursor.Encode(form)
}

// sum tells one query from another, as far as pages depend on it.
func (q Query) sum(order []sortKey) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", q.Class)
	if q.Filter != nil {
		if bound, err := filter.Bind(q.Filter, q.Params); err == nil && filter.Bounded(bound) == nil {
			fmt.Fprintf(h, "%s", bound)
		}
	}
	for _, o := range order {
		fmt.Fprintf(h, "\n%s %v", o.sql, o.desc)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

// validText reports whether PostgreSQL takes a text.
func validText(text string) bool { return strings.ToValidUTF8(text, "") == text }
