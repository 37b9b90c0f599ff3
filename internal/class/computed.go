package class

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"junctor/internal/filter"
	"junctor/internal/strict"
	"junctor/internal/value"
)

// expression reads what a column is computed by.
func (p *parser) expression(at string, c *Column, w *wireColumn) {
	for _, m := range []struct {
		name  string
		given bool
	}{{"required", w.Required}, {"default", len(w.Default) > 0}, {"pattern", w.Pattern != nil}, {"min", c.Min != nil}, {"max", c.Max != nil}} {
		if m.given {
			p.add(at+"/"+m.name, "nobody writes a computed column: it has no %s", m.name)
		}
	}
	expr, err := filter.Parse(*w.Computed)
	if err != nil {
		p.add(at+"/computed", "%s", err.Error())
		return
	}
	c.Computed = expr
}

// computed checks the expressions of a class against its columns, and puts them
// in the order in which they are computed.
func (p *parser) computed(c *Class) {
	needs := map[string][]string{} // by column: those that it is computed from and that are computed themselves
	for _, column := range c.Columns {
		if column.Computed == nil {
			continue
		}
		at := strict.Pointer("/columns", column.Code) + "/computed"
		env := filter.Env{Column: func(path []string) (value.Type, error) {
			other, err := c.ofRow(path)
			if err != nil {
				return value.Null, err
			}
			if other.Computed != nil && !slices.Contains(needs[column.Code], other.Code) {
				needs[column.Code] = append(needs[column.Code], other.Code)
			}
			return other.Type, nil
		}}
		got, err := filter.Check(column.Computed, env)
		switch {
		case err != nil:
			p.add(at, "%s", err.Error())
		case got != column.Type && got != value.Null && (got != value.Integer || column.Type != value.Decimal):
			p.add(at, "comes to %s, the column is %s", got, column.Type)
		}
	}
	p.circles(c, needs)
}

// ofRow finds what an expression over one row may name: the class's columns, a
// ref by its id, and the system's but for those that move with the change itself.
func (c *Class) ofRow(path []string) (*Column, error) {
	if len(path) > 1 {
		return nil, fmt.Errorf("%s is another record's; a column is computed from its own row only", strings.Join(path, "/"))
	}
	for _, column := range c.Columns {
		if column.Field() == path[0] && column.Kind != JSON && column.Kind != File {
			return column, nil
		}
	}
	if path[0] == "id" || path[0] == "created_at" || path[0] == "created_by" {
		return c.byCode[path[0]], nil
	}
	return nil, errors.New(missing(c, path[0]))
}

// circles orders the computed columns and finds those that need one another.
func (p *parser) circles(c *Class, needs map[string][]string) {
	const under, done = 1, 2
	state := map[string]int{}
	var visit func(code string, way []string) bool
	visit = func(code string, way []string) bool {
		way = append(way, code)
		switch state[code] {
		case done:
			return true
		case under:
			at := slices.Index(way, code)
			p.add(strict.Pointer("/columns", code)+"/computed", "needs itself: %s", strings.Join(way[at:], " needs "))
			return false
		}
		state[code] = under
		for _, next := range needs[code] {
			if !visit(next, way) {
				state[code] = done
				return false
			}
		}
		state[code] = done
		c.Computed = append(c.Computed, c.byCode[code])
		return true
	}
	for _, column := range c.Columns {
		if column.Computed != nil {
			visit(column.Code, nil)
		}
	}
}

// Compute evaluates the class's computed columns over a row's values, by column
// code, and sets them there. A value that the column cannot hold (a quotient of
// more digits, a text that is too long) is rounded or cut nowhere: it is an
// error that names the column.
func (c *Class) Compute(row map[string]value.Value, now value.Value) error {
	for _, column := range c.Computed {
		v, err := filter.Eval(column.Computed, filter.Scope{Now: now, Column: func(path []string) (value.Value, error) {
			other, err := c.ofRow(path)
			if err != nil {
				return value.Value{}, err
			}
			return row[other.Code], nil
		}})
		if err == nil {
			v, err = column.Fit(v)
		}
		if err == nil {
			err = column.Check(v)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be computed: %w", column.Code, err)
		}
		row[column.Code] = v
	}
	return nil
}
