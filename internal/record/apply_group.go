package record

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"junctor/internal/class"
	"junctor/internal/cursor"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/value"
)

// What is sorted in memory is bounded in number and in bytes of text.
const (
	maxGroups     = 10_000
	maxGroupBytes = 32 << 20
)

// Group is one group of records with what was calculated over it.
type Group struct {
	names  [][]string // paths of the columns, and the names of the aggregates
	values []value.Value
}

// Each calls f with the path or name of each value.
func (g *Group) Each(f func(path []string, v value.Value)) {
	for i, n := range g.names {
		f(n, g.values[i])
	}
}

// AppendJSON writes the group as an object, the columns of a ref as an object in
// it.
func (g *Group) AppendJSON(b []byte, f Form) []byte {
	all := make([]int, len(g.names))
	for i := range all {
		all[i] = i
	}
	return g.appendJSON(b, f, all, 0)
}

func (g *Group) appendJSON(b []byte, f Form, places []int, depth int) []byte {
	b = append(b, '{')
	var done []string
	for _, i := range places {
		step := g.names[i][depth]
		if slices.Contains(done, step) {
			continue
		}
		if done = append(done, step); len(done) > 1 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, step), ':')
		if len(g.names[i]) > depth+1 {
			inner := slices.DeleteFunc(slices.Clone(places), func(j int) bool { return g.names[j][depth] != step })
			b = g.appendJSON(b, f, inner, depth+1)
			continue
		}
		if v := g.values[i]; f.TextNumbers && v.Type().IsNumber() {
			b = append(v.AppendJSON(append(b, '"')), '"')
		} else {
			b = v.AppendJSON(b)
		}
	}
	return append(b, '}')
}

// group answers a query with Apply.
func (s *Store) group(tx *db.Tx, m *class.Model, a Actor, c *class.Class, q Query) (*Page, error) {
	if q.Select != nil || q.Expand != nil || q.Track {
		return nil, fault.New(fault.Invalid, "Groups have the columns that $apply names: leave out $select, $expand and the tracking of changes.")
	}
	b := s.build(tx, m, a, c, asCaller)
	if q.Apply.Filter != nil {
		q.Filter = allOf(q.Filter, q.Apply.Filter)
	}
	where, err := b.conditions(q)
	if err != nil {
		return nil, err
	}
	groups, err := b.groups(q.Apply, where)
	if err != nil {
		return nil, err
	}
	if err := sortGroups(groups, q); err != nil {
		return nil, err
	}
	page := &Page{Count: int64(len(groups))}
	return page, cutGroups(page, groups, q)
}

func allOf(a, b *filter.Expr) *filter.Expr {
	if a == nil {
		return b
	}
	return &filter.Expr{Op: filter.And, Args: []*filter.Expr{a, b}}
}

// groups reads all groups.
func (b *builder) groups(a *Grouping, where string) ([]*Group, error) {
	var by []string
	var names [][]string
	var cells []class.Cell
	for _, path := range a.By {
		c, err := b.resolve(b.root, path)
		if err != nil {
			return nil, err
		}
		if c.Type == value.JSON {
			return nil, fault.New(fault.Invalid, "The column %s is JSON, which cannot be grouped by.", strings.Join(path, "/"))
		}
		by, names, cells = append(by, c.sql), append(names, path), append(cells, class.Cell{Column: c.Column})
	}
	r := reading{sql: slices.Clone(by), at: map[string]int{}}
	for i := range cells {
		r.targets = append(r.targets, &cells[i])
	}
	var sums []*sum
	for _, g := range a.Aggregates {
		one, err := b.aggregate(g, &r)
		if err != nil {
			return nil, err
		}
		names, sums = append(names, []string{g.As}), append(sums, one)
	}
	sql := "SELECT " + strings.Join(r.sql, ", ") + " FROM " + b.from() + where
	if len(by) > 0 {
		sql += " GROUP BY " + strings.Join(by, ", ")
	}
	rows, err := b.tx.Query(sql+" LIMIT "+strconv.Itoa(maxGroups+1), b.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var groups []*Group
	size := 0
	for rows.Next() {
		if len(groups) == maxGroups || size > maxGroupBytes {
			return nil, fault.New(fault.Invalid, "There are more than %d groups, or they have more than %d bytes of text: filter, or group by fewer columns.", maxGroups, maxGroupBytes)
		}
		if err := rows.Scan(r.targets...); err != nil {
			return nil, err
		}
		g := &Group{names: names, values: make([]value.Value, 0, len(names))}
		for i := range cells {
			g.values = append(g.values, cells[i].Value)
		}
		for i, one := range sums {
			v, err := one.value()
			if err != nil {
				return nil, fault.New(fault.Unprocessable, "The aggregate %s: %v.", a.Aggregates[i].As, err)
			}
			g.values = append(g.values, v)
		}
		groups = append(groups, g)
		size += value.Weight(g.values)
	}
	return groups, rows.Err()
}

// reading is what a statement selects, and where it goes: each expression once.
type reading struct {
	sql     []string
	targets []any
	at      map[string]int
}

// read adds an expression, unless it is there, and is where its value goes.
func read[T any](r *reading, sql string, target *T) *T {
	if i, ok := r.at[sql]; ok {
		return r.targets[i].(*T) //nolint:forcetypeassert // one expression has one kind of target
	}
	r.at[sql] = len(r.sql)
	r.sql, r.targets = append(r.sql, sql), append(r.targets, target)
	return target
}

// sum is an aggregate with what is read for it.
type sum struct {
	method string
	column *class.Column
	limbs  []*any // of a sum, the highest first: int64 on SQLite, text on PostgreSQL
	below  *any   // of a sum of long decimals on SQLite: how many of them are negative
	count  *int64
	cell   *class.Cell // of min and max
}

// limb is the base in which SQLite adds numbers up, piece by piece, so that no
// sum of up to nine thousand million numbers leaves 64 bits.
const (
	limb       = 1_000_000_000
	limbDigits = 9
)

// aggregate plans one.
func (b *builder) aggregate(g Aggregate, r *reading) (*sum, error) {
	one := &sum{method: g.Method}
	count := func(sql string) { one.count = read(r, sql, new(int64)) }
	if g.Path == nil {
		count("count(*)")
		return one, nil
	}
	c, err := b.resolve(b.root, g.Path)
	if err != nil {
		return nil, err
	}
	one.column = c.Column
	number := c.Type.IsNumber()
	switch ordered := c.Type != value.JSON && c.Type != value.Boolean; {
	case g.Method == Count:
		count("count(" + c.sql + ")")
	case g.Method == CountDistinct && c.Type != value.JSON:
		count("count(DISTINCT " + c.sql + ")")
	case (g.Method == Min || g.Method == Max) && ordered:
		one.cell = read(r, g.Method+"("+c.sql+")", &class.Cell{Column: c.Column})
	case (g.Method == Sum || g.Method == Average) && number:
		for _, sql := range b.summed(c) {
			one.limbs = append(one.limbs, read(r, sql, new(any)))
		}
		if !b.postgres && c.Long() {
			one.below = read(r, "sum("+c.sql+" < '1')", new(any))
		}
		count("count(" + c.sql + ")")
	default:
		return nil, fault.New(fault.Invalid, "There is no %s of %s, which is %s.", g.Method, strings.Join(g.Path, "/"), c.Type)
	}
	return one, nil
}

// summed are the sums that together are exact.
func (b *builder) summed(c column) []string {
	switch {
	case b.postgres:
		return []string{"CAST(sum(" + c.sql + ") AS text)"}
	case !c.Long():
		return []string{fmt.Sprintf("sum(%s / %d)", c.sql, limb), fmt.Sprintf("sum(%s %% %d)", c.sql, limb)}
	}
	var all []string // the digits behind the first, which is the sign: see ordered and total
	for end := c.Precision + 1; end > 1; end -= limbDigits {
		start := max(2, end-limbDigits+1)
		all = append(all, fmt.Sprintf("sum(CAST(substr(%s, %d, %d) AS INTEGER))", c.sql, start, end-start+1))
	}
	slices.Reverse(all)
	return all
}

// value is the result for the row that was read last. The sum and the average of
// nothing are null.
func (s *sum) value() (value.Value, error) {
	switch s.method {
	case Count, CountDistinct:
		return value.Int(*s.count), nil
	case Min, Max:
		return s.cell.Value, nil
	}
	if *s.count == 0 {
		return value.Value{}, nil
	}
	total, err := s.total()
	if err != nil || s.method == Sum {
		return total, err
	}
	return value.DivBy(total, value.Int(*s.count))
}

// total is a Decimal of the column's scale, also for whole numbers, whose sum may
// need more than 64 bits.
func (s *sum) total() (value.Value, error) {
	var text string
	if t, ok := (*s.limbs[0]).(string); ok {
		text = t
	} else {
		total := new(big.Int)
		for _, l := range s.limbs {
			n, _ := (*l).(int64)
			total.Add(total.Mul(total, big.NewInt(limb)), big.NewInt(n))
		}
		if s.below != nil { // each of them stands there as itself and 10^p-1
			n, _ := (*s.below).(int64)
			most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.column.Precision)), nil)
			total.Sub(total, most.Mul(most.Sub(most, big.NewInt(1)), big.NewInt(n)))
		}
		text = total.String()
		if s.column.Scale > 0 {
			text += "e-" + strconv.Itoa(s.column.Scale)
		}
	}
	v, err := value.FromText(value.Decimal, text)
	if err != nil {
		return value.Value{}, err
	}
	return value.Fit(v, value.MaxDigits, s.column.Scale)
}

// sortGroups orders groups by columns and aggregates; what is not named orders by
// the columns they are grouped by.
func sortGroups(groups []*Group, q Query) error {
	type by struct {
		place int
		desc  bool
	}
	var order []by
	names := slices.Clone(q.Apply.By)
	for _, g := range q.Apply.Aggregates {
		names = append(names, []string{g.As})
	}
	for _, o := range q.Order {
		place := slices.IndexFunc(names, func(n []string) bool { return o.Expr.Op == filter.Name && slices.Equal(n, o.Expr.Name) })
		if place < 0 {
			return fault.New(fault.Invalid, "Groups are ordered by the columns and aggregates of $apply; %.200s is none of them.", o.Expr)
		}
		order = append(order, by{place, o.Desc})
	}
	for i := range q.Apply.By {
		order = append(order, by{i, false})
	}
	slices.SortStableFunc(groups, func(a, b *Group) int {
		for _, o := range order {
			n := value.Compare(a.values[o.place], b.values[o.place])
			if n != 0 && o.desc {
				return -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	return nil
}

// cutGroups takes the page out of all groups.
func cutGroups(page *Page, groups []*Group, q Query) error {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %v %v", q.sum(nil), q.Apply.By, q.Apply.Aggregates))
	sum := base64.RawURLEncoding.EncodeToString(h[:9])
	from, err := offset(q, sum)
	if err != nil {
		return err
	}
	end := len(groups)
	if q.Top != nil {
		end = min(end, q.Skip+max(*q.Top, 0))
	}
	size := q.Page
	if size <= 0 {
		size = DefaultPage
	}
	from = min(from, end)
	to := min(end, from+min(size, MaxPage))
	page.Groups = groups[from:to]
	if to < end {
		page.Next = cursor.Encode(cursorForm{Sum: sum, Rest: -1, Start: strconv.Itoa(to)})
	}
	return nil
}
