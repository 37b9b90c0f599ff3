package stored

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"junctor/internal/class"
	"junctor/internal/class/param"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/right"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// Use is what is wanted of a stored query's answer.
type Use struct {
	Filter *filter.Expr            // nil: all
	Params map[string]*filter.Expr // values of the filter's parameters
	Order  []filter.Order          // nil: as the query has it
	Select []string                // nil: all columns
	Skip   int
	Top    *int   // nil: all
	Page   int    // rows of one answer; 0: all
	Cursor string // Next of the page before, with everything else as it was
}

// Page is the answer.
type Page struct {
	Rows  []*Row
	Count int    // of what fits the filter, whatever Skip and Top say
	Next  string // the cursor of the page behind it; "" on the last
}

// Row is one row of a stored query.
type Row struct {
	query  *Query
	values []value.Value
	shown  []int
}

// Columns calls f with each column that is shown, and its value.
func (r *Row) Columns(f func(name string, c *class.Column, v value.Value)) {
	for _, i := range r.shown {
		f(r.query.Columns[i].Code, r.query.Columns[i], r.values[i])
	}
}

// AppendJSON writes the row as a JSON object, with textNumbers integers and
// decimals as strings.
func (r *Row) AppendJSON(b []byte, textNumbers bool) []byte {
	b = append(b, '{')
	for n, i := range r.shown {
		if n > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, r.query.Columns[i].Code)
		b = append(b, ':')
		if v := r.values[i]; textNumbers && v.Type().IsNumber() {
			b = append(v.AppendJSON(append(b, '"')), '"')
		} else {
			b = v.AppendJSON(b)
		}
	}
	return append(b, '}')
}

// Read reads the query with the values of its parameters. The caller's rights are
// asked for the query as a whole; now is what the filter takes for the present
// moment. The transaction is one of db.Read: the database itself lets nothing be
// written in it.
//
// Errors: fault.Forbidden; fault.Invalid for a filter, an order or a selection
// that cannot be read, and for a cursor of another use; fault.Gone for a cursor
// whose row is not there any more; fault.Unprocessable when the query has more rows than one
// use may look at; fault.Unavailable for one that cannot be used.
func (q *Query) Read(tx *db.Tx, rights *right.Set, args param.Args, use Use, now time.Time) (*Page, error) {
	switch {
	case !rights.MayQuery(q.Code):
		return nil, fault.New(fault.Forbidden, "This account has no right to use a stored query %q.", q.Code)
	case q.Refused != nil:
		return nil, q.Refused
	case q.Columns == nil:
		return nil, fault.New(fault.Unavailable, "The stored query %q is not there yet.", q.Code)
	case !tx.Reading():
		return nil, fmt.Errorf("the stored query %s is used in a transaction that may write", q.Code)
	}
	shown, err := q.shown(use.Select)
	if err != nil {
		return nil, err
	}
	keep, err := q.keep(use, value.At(now))
	if err != nil {
		return nil, err
	}
	order, err := q.order(use.Order)
	if err != nil {
		return nil, err
	}
	rows, err := q.rows(tx, rights.Account, args, keep)
	if err != nil {
		return nil, err
	}
	if len(order) > 0 {
		slices.SortStableFunc(rows, func(x, y []value.Value) int { return compareRows(order, x, y) })
	}
	page := &Page{Count: len(rows)}
	if rows, page.Next, err = q.page(rows, args, use); err != nil {
		return nil, err
	}
	for _, values := range rows {
		page.Rows = append(page.Rows, &Row{query: q, values: values, shown: shown})
	}
	return page, nil
}

func (q *Query) at(name string) int {
	return slices.IndexFunc(q.Columns, func(c *class.Column) bool { return c.Code == name })
}

func (q *Query) shown(names []string) (places []int, err error) {
	if names == nil {
		for i := range q.Columns {
			places = append(places, i)
		}
		return places, nil
	}
	for _, name := range names {
		if _, err := q.TypeOf([]string{name}); err != nil {
			return nil, fault.New(fault.Invalid, "%s", sentence(err))
		}
		if i := q.at(name); !slices.Contains(places, i) {
			places = append(places, i)
		}
	}
	return places, nil
}

// keep is what decides whether a row is taken.
func (q *Query) keep(use Use, now value.Value) (func([]value.Value) (bool, error), error) {
	if use.Filter == nil {
		return func([]value.Value) (bool, error) { return true, nil }, nil
	}
	e, err := filter.Bind(use.Filter, use.Params)
	if err == nil {
		err = filter.Bounded(e)
	}
	if err == nil {
		err = filter.Condition(e, filter.Env{Column: q.TypeOf})
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "The filter cannot be used: %s", strict.Stop(err.Error()))
	}
	var row []value.Value
	scope := filter.Scope{Now: now, Column: func(path []string) (value.Value, error) { return row[q.at(path[0])], nil }}
	return func(values []value.Value) (bool, error) {
		row = values
		taken, err := filter.Match(e, scope)
		return taken && err == nil, nil // a number beyond what can be held is null
	}, nil
}

type key struct {
	at   int
	desc bool
}

func (q *Query) order(by []filter.Order) (keys []key, err error) {
	for _, o := range by {
		if o.Expr.Op != filter.Name {
			return nil, fault.New(fault.Invalid, "Rows are ordered by columns, like received desc,number; %.200s is none.", o.Expr)
		}
		if _, err := q.TypeOf(o.Expr.Name); err != nil {
			return nil, fault.New(fault.Invalid, "%s", sentence(err))
		}
		keys = append(keys, key{q.at(o.Expr.Name[0]), o.Desc})
	}
	return keys, nil
}

// compareRows puts nulls first, in a descending order last.
func compareRows(keys []key, x, y []value.Value) int {
	for _, k := range keys {
		a, b := x[k.at], y[k.at]
		c := 0
		switch {
		case a.IsNull() && b.IsNull():
		case a.IsNull():
			c = -1
		case b.IsNull():
			c = 1
		default:
			c = value.Compare(a, b)
		}
		if k.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func sentence(err error) string { return strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + "." }

// rows executes the query.
func (q *Query) rows(tx *db.Tx, account right.Account, args param.Args, keep func([]value.Value) (bool, error)) ([][]value.Value, error) {
	postgres := tx.Postgres()
	var arguments []any
	places := map[string]string{}
	text := q.sql(func(name string) string {
		if place, ok := places[name]; ok {
			return place
		}
		arg, cast := q.argument(name, account, args, postgres)
		arguments = append(arguments, arg)
		places[name] = "$" + strconv.Itoa(len(arguments)) + cast
		if p := q.Param(name); p != nil && p.Type == value.Decimal && !postgres {
			places[name] = "CAST(" + places[name] + " AS NUMERIC)" // or it would be above every number
		}
		return places[name]
	})
	columns := make([]string, len(q.Columns))
	for i, c := range q.Columns {
		columns[i] = "q." + db.Quote(c.Code) + castOf(c, postgres)
	}
	rows, err := tx.Query("SELECT "+strings.Join(columns, ", ")+" FROM ("+text+"\n) AS q LIMIT "+strconv.Itoa(maxRows+1), arguments...)
	if err != nil {
		return nil, q.failed(err)
	}
	defer rows.Close()
	var all [][]value.Value
	size := 0
	for n := 0; rows.Next(); n++ {
		if n == maxRows {
			return nil, fault.New(fault.Unprocessable, "The stored query %q has more than %d rows: give it parameters that make it answer less.", q.Code, maxRows)
		}
		values := make([]value.Value, len(q.Columns))
		cells := make([]any, len(q.Columns))
		for i, c := range q.Columns {
			cells[i] = &cell{column: c, into: &values[i]}
		}
		if err := rows.Scan(cells...); err != nil {
			return nil, err
		}
		if taken, err := keep(values); err != nil {
			return nil, err
		} else if taken {
			all = append(all, values)
			size += value.Weight(values)
		}
		if size > maxBytes {
			return nil, fault.New(fault.Unprocessable, "The rows of the stored query %q have more than %d bytes of text: give it parameters or a filter that make it answer less.", q.Code, maxBytes)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, q.failed(err)
	}
	return all, nil
}

// What one use may look at.
const (
	maxRows  = 100_000
	maxBytes = 32 << 20 // of text in the rows that are taken
)

// failed is a query that the database has given up, by what it calculates or by
// how long that takes.
func (q *Query) failed(err error) error {
	return fault.Wrap(err, fault.Unavailable, "The stored query %q failed in the database; the server's log says why.", q.Code)
}

// argument is the value of a parameter, and the cast behind its place.
func (q *Query) argument(name string, of right.Account, args param.Args, postgres bool) (any, string) {
	account := map[string]string{"account_id": of.ID, "account_login": of.Login, "account_unit": of.Unit}
	cast := ""
	if text, ok := account[name]; ok {
		if postgres {
			cast = "::text"
		}
		if text == "" {
			return nil, cast
		}
		return text, cast
	}
	p, v := q.Param(name), value.Value{}
	if values := args[name]; len(values) > 0 {
		v = values[0]
	}
	switch {
	case v.IsNull():
		return nil, p.Cast(postgres)
	case !postgres && (p.Type == value.DateTime || p.Type == value.Decimal):
		// as the API views show them
		if p.Type == value.DateTime {
			return v.Time().UTC().Format("2006-01-02T15:04:05.000000Z"), ""
		}
		return v.String(), ""
	}
	return p.Arg(postgres, v), p.Cast(postgres)
}

// castOf is what makes PostgreSQL give a column of a type that can be read.
func castOf(c *class.Column, postgres bool) string {
	if !postgres {
		return ""
	}
	if c.Type == value.Decimal {
		return "::text" // also of a float, which need not be a number
	}
	return c.Cast(true)
}

// cell takes a value of whatever type the database has made of it. What
// cannot be read as the column's type is null.
type cell struct {
	column *class.Column
	into   *value.Value
}

// Scan implements sql.Scanner.
func (c *cell) Scan(src any) error {
	var v value.Value
	var err error
	switch src := src.(type) {
	case nil:
	case int64:
		v, err = c.integer(src)
	case float64:
		v, err = c.text(strconv.FormatFloat(src, 'f', -1, 64))
	case []byte:
		v, err = c.text(string(src))
	case string:
		v, err = c.text(src)
	case bool, time.Time:
		v, err = c.column.Read(src)
	}
	if err != nil {
		v = value.Value{}
	}
	*c.into = v
	return nil
}

func (c *cell) integer(n int64) (value.Value, error) {
	switch c.column.Type {
	case value.Boolean:
		return value.Bool(n != 0), nil
	case value.DateTime:
		return value.Micro(n), nil
	case value.Decimal:
		return c.scaled(value.Scaled(n, 0))
	}
	return c.text(strconv.FormatInt(n, 10))
}

func (c *cell) text(text string) (value.Value, error) {
	if c.column.Type == value.Text {
		return value.String(strings.ToValidUTF8(text, "\uFFFD")), nil
	}
	v, err := value.FromText(c.column.Type, text)
	if err == nil && c.column.Type == value.Decimal {
		return c.scaled(v)
	}
	return v, err
}

// scaled is a number with the column's scale, where that is known and enough.
func (c *cell) scaled(v value.Value) (value.Value, error) {
	if c.column.Precision == 0 {
		return v, nil
	}
	if fit, err := value.Fit(v, value.MaxDigits, c.column.Scale); err == nil {
		return fit, nil
	}
	return v, nil
}
