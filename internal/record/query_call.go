package record

import (
	"database/sql/driver"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/value"
)

// maxCalled is how many columns an expression may have that is evaluated for
// SQLite.
const maxCalled = 90

// call lets SQLite ask filter.Eval.
func (b *builder) call(src *source, e *filter.Expr) (string, error) {
	places := map[string]int{}
	var columns []column
	err := eachName(e, func(path []string) error {
		key := strings.Join(path, "/")
		if _, ok := places[key]; ok {
			return nil
		}
		c, err := b.resolve(src, path)
		if err != nil {
			return err
		}
		places[key] = len(columns)
		columns = append(columns, c)
		return nil
	})
	if err != nil {
		return "", err
	}
	if len(columns) > maxCalled {
		return "", fault.New(fault.Invalid, "The filter has %d columns in one comparison, at most %d are possible.", len(columns), maxCalled)
	}
	values := make([]value.Value, len(columns))
	scope := filter.Scope{Now: b.now, Column: func(path []string) (value.Value, error) {
		return values[places[strings.Join(path, "/")]], nil
	}}
	handle := b.tx.Call(func(raw []driver.Value) (any, error) {
		for i, c := range columns {
			v, err := c.Read(raw[i])
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
		v, err := filter.Eval(e, scope)
		if err != nil || v.IsNull() { // a number beyond what can be held makes no query fail
			return nil, nil //nolint:nilerr // see above
		}
		if v.IsTrue() {
			return int64(1), nil
		}
		return int64(0), nil
	})
	var sql strings.Builder
	sql.WriteString("junctor_call(" + b.arg(handle, ""))
	for _, c := range columns {
		sql.WriteString(", " + c.sql)
	}
	sql.WriteString(")")
	return sql.String(), nil
}

// columnsIn is how many columns expressions have.
func columnsIn(all []*filter.Expr) int {
	found := map[string]bool{}
	for _, e := range all {
		eachName(e, func(path []string) error { //nolint:errcheck // there is none
			found[strings.Join(path, "/")] = true
			return nil
		})
	}
	return len(found)
}

// eachName calls f with every path in an expression.
func eachName(e *filter.Expr, f func(path []string) error) error {
	if e.Op == filter.Name {
		return f(e.Name)
	}
	for _, arg := range e.Args {
		if err := eachName(arg, f); err != nil {
			return err
		}
	}
	return nil
}
