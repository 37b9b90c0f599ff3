package host

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/cockroachdb/apd/v3"
)

// away says for a way to round, by the name that scenarios use, whether a
// quotient is rounded away from zero: half compares the rest with one half
// (-1, 0, 1), odd is the last digit kept, negative the sign. It is asked only
// when there is a rest.
func away(rounding string, half int, odd, negative bool) (bool, error) {
	switch rounding {
	case "half-up":
		return half >= 0, nil
	case "half-even":
		return half > 0 || half == 0 && odd, nil
	case "half-down":
		return half > 0, nil
	case "up":
		return true, nil
	case "down":
		return false, nil
	case "ceiling":
		return !negative, nil
	case "floor":
		return negative, nil
	}
	return false, fmt.Errorf("rounding %q is not known: use half-up, half-even, half-down, up, down, ceiling or floor", rounding)
}

// divide gives x/y with this number of places; a negative scale rounds before
// the point. It works on whole numbers and rounds the true quotient once.
func divide(x, y *apd.Decimal, scale int, rounding string) (any, error) {
	if y.IsZero() {
		return nil, errDivision
	}
	if scale < -maxDigits || scale > maxDigits {
		return nil, fmt.Errorf("the scale must be a whole number from -%d to %d", maxDigits, maxDigits)
	}
	numerator, denominator := x.Coeff.MathBigInt(), y.Coeff.MathBigInt()
	shift := int64(x.Exponent) - int64(y.Exponent) + int64(scale)
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(shift, -shift)), nil)
	if shift >= 0 {
		numerator.Mul(numerator, power)
	} else {
		denominator.Mul(denominator, power)
	}
	negative := x.Negative != y.Negative
	whole, rest := new(big.Int).QuoRem(numerator, denominator, new(big.Int))
	half := rest.Lsh(rest, 1).Cmp(denominator)
	up, err := away(rounding, half, whole.Bit(0) == 1, negative)
	if err != nil {
		return nil, err
	}
	if up && rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	result := apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(whole), int32(-scale))
	result.Negative = negative
	return writeDecimal(result)
}

// round is divide by one.
func round(x *apd.Decimal, scale int, rounding string) (any, error) {
	return divide(x, apd.New(1, 0), scale, rounding)
}

// divideExactly gives a quotient that ends, without trailing zeros behind the
// larger scale of the two.
func divideExactly(x, y *apd.Decimal) (any, error) {
	if y.IsZero() {
		return nil, errDivision
	}
	quotient, reduced := &apd.Decimal{}, &apd.Decimal{}
	if _, err := exact().Quo(quotient, x, y); err != nil {
		return nil, errors.New("the quotient has no end: give a scale, as in div(3, 2)")
	}
	reduced.Reduce(quotient)
	places := min(x.Exponent, y.Exponent, 0)
	return round(reduced, int(-min(places, reduced.Exponent)), "down")
}
