package locale

import (
	"fmt"
	"strconv"
	"strings"
)

// decimal is a number without an exponent's limit: 0.digits times ten to the exp.
// Digits have no zeros in front; none at all are zero.
type decimal struct {
	negative      bool
	nan, infinite bool
	digits        string
	exp           int
}

// maxDigits bounds what one number may cost.
const maxDigits = 10000

// parseDecimal reads a number as JavaScript writes it.
func parseDecimal(text string) (decimal, error) {
	d := decimal{}
	if len(text) > maxDigits {
		return d, outOfRange("a number of %d characters is too long to format", len(text))
	}
	rest, negative := strings.CutPrefix(text, "-")
	d.negative = negative
	switch rest {
	case "NaN":
		return decimal{nan: true}, nil
	case "Infinity":
		d.infinite = true
		return d, nil
	}
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(rest), "e")
	exp := 0
	if hasExponent {
		var err error
		if exp, err = strconv.Atoi(exponent); err != nil || exp > 10000 || exp < -10000 {
			return d, fmt.Errorf("%q is not a number", text)
		}
	}
	integer, fraction, _ := strings.Cut(mantissa, ".")
	if integer+fraction == "" || strings.Trim(integer+fraction, "0123456789") != "" {
		return d, fmt.Errorf("%q is not a number", text)
	}
	d.digits, d.exp = integer+fraction, len(integer)+exp
	return d.trim(), nil
}

// trim drops zeros at both ends.
func (d decimal) trim() decimal {
	short := strings.TrimLeft(d.digits, "0")
	d.exp -= len(d.digits) - len(short)
	d.digits = strings.TrimRight(short, "0")
	if d.digits == "" {
		d.exp = 0
	}
	return d
}

// zero says whether there is nothing but a sign.
func (d decimal) zero() bool { return d.digits == "" && !d.nan && !d.infinite }

// round keeps places digits after the decimal point (which may be negative) by
// mode, one of Intl's rounding modes.
func (d decimal) round(places int, mode string) decimal {
	keep := d.exp + places
	if keep >= len(d.digits) || d.nan || d.infinite {
		return d
	}
	head, tail := "", strings.Repeat("0", max(0, -keep))+d.digits
	if keep > 0 {
		head, tail = d.digits[:keep], d.digits[keep:]
	}
	if d.up(head, tail, mode) {
		head = increment(head)
		if len(head) > max(keep, 0) {
			d.exp++
			if keep < 0 { // as in 0.001 to no places, rounded up
				d.exp = 1 - places
			}
		}
	}
	d.digits = head
	return d.trim()
}

// up says whether cutting tail off leaves head one greater.
func (d decimal) up(head, tail, mode string) bool {
	if strings.Trim(tail, "0") == "" {
		return false
	}
	half := strings.Compare(strings.TrimRight(tail, "0"), "5") // of the last place kept
	switch mode {
	case "ceil":
		return !d.negative
	case "floor":
		return d.negative
	case "expand":
		return true
	case "trunc":
		return false
	}
	if half != 0 {
		return half > 0
	}
	switch mode {
	case "halfCeil":
		return !d.negative
	case "halfFloor":
		return d.negative
	case "halfTrunc":
		return false
	case "halfEven":
		return head != "" && (head[len(head)-1]-'0')%2 == 1
	}
	return true
}

func increment(digits string) string {
	b := []byte(digits)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}

// split writes the digits before the point and at least minimum after it.
func (d decimal) split(minimum int) (integer, fraction string) {
	digits := d.digits
	if d.exp < 0 {
		digits = strings.Repeat("0", -d.exp) + digits
	}
	at := max(d.exp, 0)
	if at > len(digits) {
		digits += strings.Repeat("0", at-len(digits))
	}
	integer, fraction = digits[:at], digits[at:]
	if integer == "" {
		integer = "0"
	}
	if len(fraction) < minimum {
		fraction += strings.Repeat("0", minimum-len(fraction))
	}
	return integer, fraction
}
