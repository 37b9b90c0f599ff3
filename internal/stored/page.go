package stored

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"junctor/internal/class/param"
	"junctor/internal/cursor"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/value"
)

// place is where a page of a stored query begins. The rows of a query have
// no key: its cursor names the row that the page before has ended with by a sum
// of its values, and by how many were before it, which tells it from equal ones.
// So rows that come and go elsewhere move nothing.
type place struct {
	Sum  string `json:"q"` // of the query and how it is used
	At   int    `json:"n"` // so many rows are before it
	Row  string `json:"v"` // the sum of the last of them
	Rest int    `json:"r"` // how many are still wanted; -1 for all
}

// page cuts from the rows what is wanted. next is "" on the last page.
func (q *Query) page(rows [][]value.Value, args param.Args, use Use) (part [][]value.Value, next string, err error) {
	at := place{Sum: q.sum(args, use), At: max(use.Skip, 0), Rest: -1}
	if use.Top != nil {
		at.Rest = max(*use.Top, 0)
	}
	if use.Cursor != "" {
		if at, err = at.behind(rows, use.Cursor); err != nil {
			return nil, "", err
		}
	}
	rows = rows[min(at.At, len(rows)):]
	if at.Rest >= 0 {
		rows = rows[:min(at.Rest, len(rows))]
	}
	if use.Page <= 0 || len(rows) <= use.Page {
		return rows, "", nil
	}
	rows = rows[:use.Page]
	at.At, at.Row = at.At+use.Page, rowSum(rows[use.Page-1])
	if at.Rest >= 0 {
		at.Rest -= use.Page
	}
	return rows, cursor.Encode(at), nil
}

// behind is the place that a cursor names, among the rows as they are now.
func (at place) behind(rows [][]value.Value, from string) (found place, err error) {
	if err := cursor.Decode(from, &found); err != nil {
		return found, err
	}
	if found.Sum != at.Sum || found.At < 1 || found.Rest < -1 {
		return found, fault.New(fault.Invalid, "The cursor belongs to another query: leave everything as it was on the first page, or begin again without it.")
	}
	last := min(found.At, len(rows)) - 1
	for away := range len(rows) {
		for _, i := range []int{last - away, last + away} {
			if i >= 0 && i < len(rows) && rowSum(rows[i]) == found.Row {
				found.At = i + 1
				return found, nil
			}
		}
	}
	return found, fault.New(fault.Gone, "The row that the page before has ended with is not there any more: begin again without the cursor.")
}

func rowSum(row []value.Value) string {
	var b []byte
	for _, v := range row {
		b = append(v.AppendJSON(b), ',')
	}
	h := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(h[:9])
}

// sum tells one use of a query from another, as far as pages depend on it.
func (q *Query) sum(args param.Args, use Use) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", q.Code, q.SQL)
	for _, p := range q.Params {
		fmt.Fprintf(h, "%s\n", args.JSON(p))
	}
	if use.Filter != nil {
		if bound, err := filter.Bind(use.Filter, use.Params); err == nil {
			fmt.Fprintf(h, "%s", bound)
		}
	}
	for _, o := range use.Order {
		fmt.Fprintf(h, "\n%s %v", o.Expr, o.Desc)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}
