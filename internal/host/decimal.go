package host

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"junctor/internal/script"
)

//go:embed decimal.js
var decimalJS string

// maxDigits bounds a decimal: digits before and after the point together.
const maxDigits = 1000

// decimalPure is the arithmetic of decimals. They cross as text in plain
// notation ("-10.50"), whose number of places is the value's scale.
func decimalPure() map[string]script.Pure {
	return map[string]script.Pure{
		"decimalRead": pure(func(a values) (any, error) { // text -> plain text
			d, err := readDecimal(a.text(0))
			if err != nil {
				return nil, err
			}
			return writeDecimal(d)
		}),
		"decimalCalc": pure(func(a values) (any, error) { // operation, x, y -> text
			x, y, err := readDecimals(a.text(1), a.text(2))
			if err != nil {
				return nil, err
			}
			return calculate(a.text(0), x, y)
		}),
		"decimalCompare": pure(func(a values) (any, error) { // x, y -> -1, 0, 1
			x, y, err := readDecimals(a.text(0), a.text(1))
			if err != nil {
				return nil, err
			}
			return float64(x.Cmp(y)), nil
		}),
		"decimalDivide": pure(func(a values) (any, error) { // x, y, has scale, scale, rounding -> text
			x, y, err := readDecimals(a.text(0), a.text(1))
			if err != nil {
				return nil, err
			}
			if !a.flag(2) {
				return divideExactly(x, y)
			}
			return divide(x, y, a.number(3), a.text(4))
		}),
		"decimalRound": pure(func(a values) (any, error) { // x, scale, rounding -> text
			x, err := readDecimal(a.text(0))
			if err != nil {
				return nil, err
			}
			return round(x, a.number(1), a.text(2))
		}),
		"decimalSum": pure(func(a values) (any, error) { // texts divided by spaces -> text
			sum := &apd.Decimal{}
			for text := range strings.FieldsSeq(a.text(0)) {
				d, err := readDecimal(text)
				if err == nil {
					err = fits(exact().Add(sum, sum, d))
				}
				if err != nil {
					return nil, err
				}
			}
			return writeDecimal(sum)
		}),
	}
}

var decimalForm = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?$`)

func readDecimal(text string) (*apd.Decimal, error) {
	if len(text) > maxDigits+10 {
		return nil, fmt.Errorf("a number with more than %d digits", maxDigits)
	}
	if !decimalForm.MatchString(text) {
		hint := ""
		if strings.Contains(text, ",") {
			hint = "; the decimal mark is a point, and digits are not grouped"
		}
		return nil, fmt.Errorf("%q is not a number like -1234.50%s", text, hint)
	}
	d, _, err := apd.NewFromString(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a number: %w", text, err)
	}
	return d, nil
}

func readDecimals(x, y string) (*apd.Decimal, *apd.Decimal, error) {
	a, err := readDecimal(x)
	if err != nil {
		return nil, nil, err
	}
	b, err := readDecimal(y)
	return a, b, err
}

// writeDecimal writes plain notation; zero has no sign.
func writeDecimal(d *apd.Decimal) (any, error) {
	if d.IsZero() {
		d.Negative, d.Exponent = false, min(d.Exponent, 0)
	}
	before, behind := max(d.NumDigits()+int64(d.Exponent), 1), max(-int64(d.Exponent), 0)
	if before+behind > maxDigits {
		return nil, errDigits
	}
	return d.Text('f'), nil
}

var (
	errDivision = errors.New("division by zero")
	errDigits   = fmt.Errorf("the result has more than %d digits", maxDigits)
)

// exact is a context in which a result that would have to be rounded is an
// error. One is made for each use, since the package keeps no state.
func exact() *apd.Context {
	return &apd.Context{
		Precision: 4 * maxDigits, MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent,
		Traps: apd.DefaultTraps | apd.Inexact,
	}
}

// fits turns the traps of exact into an error for people.
func fits(_ apd.Condition, err error) error {
	if err != nil {
		return errDigits
	}
	return nil
}

func calculate(operation string, x, y *apd.Decimal) (any, error) {
	c, d := exact(), &apd.Decimal{}
	var err error
	switch operation {
	case "plus":
		err = fits(c.Add(d, x, y))
	case "minus":
		err = fits(c.Sub(d, x, y))
	case "times":
		err = fits(c.Mul(d, x, y))
	case "mod":
		if y.IsZero() {
			return nil, errDivision
		}
		err = fits(c.Rem(d, x, y))
	default:
		err = fmt.Errorf("operation %q is not known", operation)
	}
	if err != nil {
		return nil, err
	}
	return writeDecimal(d)
}
