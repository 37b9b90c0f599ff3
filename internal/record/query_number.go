package record

import (
	"strings"

	"junctor/internal/filter"
	"junctor/internal/value"
)

// bound is a comparison with a number, in the form in which a column has its own.
type bound struct {
	op       filter.Op
	value    value.Value
	constant bool // it is the same for every number that the column can hold
	holds    bool
}

// bound finds what to compare a numeric column with: the number itself where the
// column can hold it, the next lower one with > or <= in place of >= or <
// otherwise.
func (c column) bound(op filter.Op, v value.Value) bound {
	exact, low, in := c.near(v)
	switch {
	case in && exact:
		return bound{op: op, value: low}
	case op == filter.Eq:
		return bound{constant: true}
	case op == filter.Ne:
		return bound{constant: true, holds: true}
	case !in: // beyond everything: all are less, or all are greater
		above := value.Compare(v, value.Int(0)) > 0
		less := op == filter.Lt || op == filter.Le
		return bound{constant: true, holds: above == less}
	case op == filter.Gt || op == filter.Ge:
		return bound{op: filter.Gt, value: low}
	}
	return bound{op: filter.Le, value: low}
}

// near finds the greatest number in the column's form that is not above v.
func (c column) near(v value.Value) (exact bool, low value.Value, in bool) {
	if c.Type == value.Integer {
		whole, err := value.Floor(v)
		n, ok := whole.Unscaled()
		if err != nil || !ok {
			return false, value.Value{}, false
		}
		return value.Equal(whole, v), value.Int(n), true
	}
	if fit, err := value.Fit(v, c.Precision, c.Scale); err == nil {
		return true, fit, true
	}
	low, err := floorTo(v, c.Scale)
	if err == nil {
		low, err = value.Fit(low, c.Precision, c.Scale)
	}
	return false, low, err == nil
}

// floorTo is the greatest number with so many digits behind the point that is not
// above v.
func floorTo(v value.Value, scale int) (value.Value, error) {
	whole, fraction, _ := strings.Cut(v.String(), ".")
	if len(fraction) > scale {
		fraction = fraction[:scale]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	cut, err := value.FromText(value.Decimal, whole)
	if err != nil || value.Compare(cut, v) <= 0 {
		return cut, err
	}
	return value.Sub(cut, value.Scaled(1, scale))
}
