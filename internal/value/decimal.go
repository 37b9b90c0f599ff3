package value

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// MaxDigits is how many digits a Decimal has at most, and how many of them
// behind its point.
const MaxDigits = 38

// ErrDigits is the error of a number that would need more than MaxDigits.
var ErrDigits = fmt.Errorf("a number has at most %d digits, and as many of them behind its point", MaxDigits)

var powers = [19]int64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
}

func pow10(n int) *big.Int {
	if n < len(powers) {
		return big.NewInt(powers[n])
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// shift is n times ten to the given power, when that fits into 64 bits.
func shift(n int64, power int) (int64, bool) {
	if power >= len(powers) {
		return 0, n == 0
	}
	return multiply(n, powers[power])
}

func multiply(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if hi != 0 || lo > 1<<63-1 { // the one product -1<<63 goes the long way
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// big is a number without its point, the caller's to change.
func (v Value) big() *big.Int {
	if v.s == "" {
		return big.NewInt(v.n)
	}
	b, _ := new(big.Int).SetString(v.s, 10)
	return b
}

// limit is the first whole number that has too many digits.
var limit = pow10(MaxDigits)

func fromBig(b *big.Int, scale int) (Value, error) {
	if scale > MaxDigits || b.CmpAbs(limit) >= 0 {
		return Value{}, ErrDigits
	}
	if b.IsInt64() {
		return Scaled(b.Int64(), scale), nil
	}
	return Value{kind: Decimal, scale: uint8(scale), s: b.String()}, nil
}

// Fit makes a number the value of a column decimal(precision, scale): a Decimal
// of exactly that scale. A number that has more digits behind the point than the
// scale (zeros at the end do not count), or more before it than is left of the
// precision, is an error; nothing is rounded.
func Fit(v Value, precision, scale int) (Value, error) {
	if v.kind == Null {
		return v, nil
	}
	if !v.kind.IsNumber() {
		return Value{}, fmt.Errorf("is %s, a number is expected", v.kind)
	}
	b := v.big()
	if more := scale - int(v.scale); more >= 0 {
		b.Mul(b, pow10(more))
	} else {
		var rest big.Int
		if b.QuoRem(b, pow10(-more), &rest); rest.Sign() != 0 {
			return Value{}, fmt.Errorf("%s has more than %s behind the point", v, digits(scale))
		}
	}
	if b.CmpAbs(pow10(precision)) >= 0 {
		return Value{}, fmt.Errorf("%s has more than %s before the point", v, digits(precision-scale))
	}
	return fromBig(b, scale)
}

func digits(n int) string {
	if n == 1 {
		return "1 digit"
	}
	return strconv.Itoa(n) + " digits"
}

var errNumber = errors.New("a number is expected, like -1234.50, without separators of thousands")

// number reads what OData's ABNF calls decimalValue: digits, with a sign, a
// fraction and an exponent where they are wanted. The scale is the number of
// digits behind the point, after the exponent has moved it.
func number(text string) (Value, error) {
	whole, exponent, err := splitExponent(text)
	if err != nil {
		return Value{}, err
	}
	negative := strings.HasPrefix(whole, "-")
	if negative || strings.HasPrefix(whole, "+") {
		whole = whole[1:]
	}
	before, behind, point := strings.Cut(whole, ".")
	if !allDigits(before) || point && !allDigits(behind) {
		return Value{}, errNumber
	}
	scale := len(behind) - exponent
	if len(before)+len(behind) < len(powers) && scale >= 0 && scale <= MaxDigits {
		var n int64
		for _, part := range [...]string{before, behind} {
			for i := range len(part) {
				n = n*10 + int64(part[i]-'0')
			}
		}
		if negative {
			n = -n
		}
		return Scaled(n, scale), nil
	}
	return long(strings.TrimLeft(before+behind, "0"), scale, negative)
}

// long is number for what does not surely fit into 64 bits.
func long(coefficient string, scale int, negative bool) (Value, error) {
	if coefficient == "" {
		return Scaled(0, min(max(scale, 0), MaxDigits)), nil
	}
	if len(coefficient) > MaxDigits || len(coefficient)-scale > MaxDigits {
		return Value{}, ErrDigits
	}
	b, _ := new(big.Int).SetString(coefficient, 10)
	if scale < 0 {
		b.Mul(b, pow10(-scale))
		scale = 0
	}
	if negative {
		b.Neg(b)
	}
	return fromBig(b, scale)
}

func splitExponent(text string) (whole string, exponent int, err error) {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return text, 0, nil
	}
	whole, tail := text[:i], text[i+1:]
	plain := strings.TrimPrefix(strings.TrimPrefix(tail, "+"), "-")
	if !allDigits(plain) || len(tail)-len(plain) > 1 {
		return "", 0, errNumber
	}
	if exponent, err = strconv.Atoi(tail); err != nil || exponent > 999 || exponent < -999 {
		return "", 0, ErrDigits
	}
	return whole, exponent, nil
}

func allDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// appendDecimal writes plain notation with all digits of the scale: -10.10.
func (v Value) appendDecimal(b []byte) []byte {
	var space [24]byte
	coefficient := []byte(v.s)
	if v.s == "" {
		coefficient = strconv.AppendInt(space[:0], v.n, 10)
	}
	if coefficient[0] == '-' {
		b, coefficient = append(b, '-'), coefficient[1:]
	}
	scale, point := int(v.scale), len(coefficient)-int(v.scale)
	if point <= 0 {
		b = append(b, '0', '.')
		for range -point {
			b = append(b, '0')
		}
		return append(b, coefficient...)
	}
	b = append(b, coefficient[:point]...)
	if scale > 0 {
		b = append(append(b, '.'), coefficient[point:]...)
	}
	return b
}
