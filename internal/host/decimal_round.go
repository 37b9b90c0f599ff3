package host

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/apd/v3"
)

// rounder finds a way to round by the name that scenarios use.
func rounder(name string) (apd.Rounder, error) {
	switch name {
	case "half-up":
		return apd.RoundHalfUp, nil
	case "half-even":
		return apd.RoundHalfEven, nil
	case "half-down":
		return apd.RoundHalfDown, nil
	case "up":
		return apd.RoundUp, nil
	case "down":
		return apd.RoundDown, nil
	case "ceiling":
		return apd.RoundCeiling, nil
	case "floor":
		return apd.RoundFloor, nil
	}
	return "", fmt.Errorf("rounding %q is not known: use half-up, half-even, half-down, up, down, ceiling or floor", name)
}

func checkScale(scale int) error {
	if scale < -maxDigits || scale > maxDigits {
		return fmt.Errorf("the scale must be a whole number from -%d to %d", maxDigits, maxDigits)
	}
	return nil
}

// round gives x with this number of places; a negative scale rounds before the
// point.
func round(x *apd.Decimal, scale int, rounding string) (any, error) {
	mode, err := rounder(rounding)
	if err == nil {
		err = checkScale(scale)
	}
	if err != nil {
		return nil, err
	}
	c, d := exact(), &apd.Decimal{}
	c.Traps, c.Rounding = apd.DefaultTraps, mode
	if err := fits(c.Quantize(d, x, int32(-scale))); err != nil {
		return nil, err
	}
	return writeDecimal(d)
}

// divide rounds the true quotient once: it is cut far behind the scale, and a
// remainder leaves a mark there that keeps it from looking like a tie.
func divide(x, y *apd.Decimal, scale int, rounding string) (any, error) {
	if y.IsZero() {
		return nil, errDivision
	}
	if err := checkScale(scale); err != nil {
		return nil, err
	}
	// x/y = (x * 10^n) / y * 10^-n, with n so large that the whole part of the
	// division has at least two digits behind the scale.
	shift := int32(max(scale, 0)) + 2
	numerator, quotient, remainder := &apd.Decimal{}, &apd.Decimal{}, &apd.Decimal{}
	numerator.Set(x)
	numerator.Exponent += shift
	c := exact()
	if err := fits(c.QuoInteger(quotient, numerator, y)); err != nil {
		return nil, err
	}
	if err := fits(c.Rem(remainder, numerator, y)); err != nil {
		return nil, err
	}
	quotient.Exponent -= shift
	if !remainder.IsZero() {
		mark := apd.New(1, -shift-1)
		mark.Negative = x.Negative != y.Negative
		if err := fits(c.Add(quotient, quotient, mark)); err != nil {
			return nil, err
		}
	}
	return round(quotient, scale, rounding)
}

// divideExactly gives a quotient that ends, without trailing zeros behind the
// larger scale of the two.
func divideExactly(x, y *apd.Decimal) (any, error) {
	if y.IsZero() {
		return nil, errDivision
	}
	d := &apd.Decimal{}
	if _, err := exact().Quo(d, x, y); err != nil {
		return nil, errors.New("the quotient has no end: give a scale, as in div(3, 2)")
	}
	places := min(x.Exponent, y.Exponent, 0)
	reduced := &apd.Decimal{}
	reduced.Reduce(d)
	if reduced.Exponent > places {
		if err := fits(exact().Quantize(reduced, reduced, places)); err != nil {
			return nil, err
		}
	}
	return writeDecimal(reduced)
}
