package value

import (
	"errors"
	"fmt"
	"math/big"
)

// The arithmetic is that of OData 4.01 URL conventions, 5.1.1.2. Null with
// anything is null. Two Integers give an Integer, all other numbers a Decimal
// whose scale depends on the scales of the operands only, so that a database
// that knows its columns can be told to come to the same digits.

// ErrZero is the error of a division by zero.
var ErrZero = errors.New("division by zero")

// ErrRange is the error of whole numbers whose result is beyond 64 bits.
var ErrRange = errors.New("the result is beyond 64 bits")

// QuotientScale is the least scale of a quotient that is no Integer.
const QuotientScale = 6

// Add is a + b, with the greater of the two scales.
func Add(a, b Value) (Value, error) {
	if done, err := operands(a, b); done {
		return Value{}, err
	}
	if x, y, ok := aligned(a, b); ok {
		if sum := x + y; (sum > x) == (y > 0) {
			return like(a, b, sum), nil
		}
	}
	x, y := alignedBig(a, b)
	return likeBig(a, b, x.Add(x, y))
}

// Sub is a - b, with the greater of the two scales.
func Sub(a, b Value) (Value, error) {
	if done, err := operands(a, b); done {
		return Value{}, err
	}
	if x, y, ok := aligned(a, b); ok {
		if difference := x - y; (difference < x) == (y > 0) {
			return like(a, b, difference), nil
		}
	}
	x, y := alignedBig(a, b)
	return likeBig(a, b, x.Sub(x, y))
}

// Mul is a * b, with the sum of the two scales.
func Mul(a, b Value) (Value, error) {
	if done, err := operands(a, b); done {
		return Value{}, err
	}
	scale, integers := int(a.scale)+int(b.scale), a.kind == Integer && b.kind == Integer
	if a.s == "" && b.s == "" && scale <= MaxDigits {
		if n, ok := multiply(a.n, b.n); ok {
			if integers {
				return Int(n), nil
			}
			return Scaled(n, scale), nil
		}
	}
	product := a.big()
	if product.Mul(product, b.big()); integers {
		return integer(product)
	}
	return fromBig(product, scale)
}

// Div is a / b. Of two Integers it is how many whole times b fits into a, cut
// towards zero; otherwise what DivBy gives.
func Div(a, b Value) (Value, error) {
	if done, err := operands(a, b); done {
		return Value{}, err
	}
	if a.kind != Integer || b.kind != Integer {
		return DivBy(a, b)
	}
	if b.n == 0 {
		return Value{}, ErrZero
	}
	if b.n == -1 {
		return Neg(a)
	}
	return Int(a.n / b.n), nil
}

// DivBy is a / b as a Decimal with the greatest of both scales and
// QuotientScale, rounded half away from zero.
func DivBy(a, b Value) (Value, error) {
	if done, err := operands(a, b); done {
		return Value{}, err
	}
	scale := max(int(a.scale), int(b.scale), QuotientScale)
	power := scale - int(a.scale) + int(b.scale)
	if a.s == "" && b.s == "" {
		if b.n == 0 {
			return Value{}, ErrZero
		}
		if x, ok := shift(a.n, power); ok {
			q, rest := x/b.n, x%b.n
			if magnitude(rest) >= magnitude(b.n)-magnitude(rest) { // half or more
				q += sign(x) * sign(b.n)
			}
			return Scaled(q, scale), nil
		}
	}
	x := a.big()
	return fromBig(quotient(x.Mul(x, pow10(power)), b.big()), scale)
}

// quotient is x / y, rounded half away from zero; y is not zero.
func quotient(x, y *big.Int) *big.Int {
	var rest, double big.Int
	up := big.NewInt(int64(x.Sign() * y.Sign()))
	x.QuoRem(x, y, &rest)
	if double.Lsh(&rest, 1).CmpAbs(y) >= 0 {
		x.Add(x, up)
	}
	return x
}

// Mod is what a leaves when b has been taken from it whole times, with the sign
// of a and the greater of the two scales.
func Mod(a, b Value) (Value, error) {
	if done, err := operands(a, b); done {
		return Value{}, err
	}
	if b.s == "" && b.n == 0 {
		return Value{}, ErrZero
	}
	if x, y, ok := aligned(a, b); ok {
		if y == -1 { // the least number divided by -1 would be beyond 64 bits
			return like(a, b, 0), nil
		}
		return like(a, b, x%y), nil
	}
	x, y := alignedBig(a, b)
	return likeBig(a, b, x.Rem(x, y))
}

// Neg is -a.
func Neg(a Value) (Value, error) { return Sub(Value{kind: a.kind, scale: a.scale}, a) }

// Round is the nearest whole number, half away from zero: a Decimal of scale 0,
// or the Integer as it is.
func Round(a Value) (Value, error) {
	return whole(a, quotient)
}

// Floor is the greatest whole number that is not above a.
func Floor(a Value) (Value, error) {
	return whole(a, func(x, unit *big.Int) *big.Int { return x.Div(x, unit) })
}

// Ceiling is the least whole number that is not below a.
func Ceiling(a Value) (Value, error) {
	return whole(a, func(x, unit *big.Int) *big.Int { return x.Neg(x.Div(x.Neg(x), unit)) })
}

func whole(a Value, divide func(x, unit *big.Int) *big.Int) (Value, error) {
	switch a.kind {
	case Null, Integer:
		return a, nil
	case Decimal:
		return fromBig(divide(a.big(), pow10(int(a.scale))), 0)
	}
	_, err := operands(a, a)
	return Value{}, err
}

// operands says when there is nothing to calculate: the result is null, or an
// error.
func operands(a, b Value) (done bool, err error) {
	if a.kind.IsNumber() && b.kind.IsNumber() {
		return false, nil
	}
	for _, o := range [...]Value{a, b} {
		if o.kind != Null && !o.kind.IsNumber() {
			return true, fmt.Errorf("%s cannot be calculated with", o.kind)
		}
	}
	return true, nil
}

// like is n as the result of two numbers that were aligned.
func like(a, b Value, n int64) Value {
	if a.kind == Integer && b.kind == Integer {
		return Int(n)
	}
	return Value{kind: Decimal, scale: max(a.scale, b.scale), n: n}
}

func likeBig(a, b Value, n *big.Int) (Value, error) {
	if a.kind == Integer && b.kind == Integer {
		return integer(n)
	}
	return fromBig(n, int(max(a.scale, b.scale)))
}

func integer(n *big.Int) (Value, error) {
	if !n.IsInt64() {
		return Value{}, ErrRange
	}
	return Int(n.Int64()), nil
}

func sign(n int64) int64 {
	if n < 0 {
		return -1
	}
	return 1
}
