package locale

// Digits are the options that say how many digits a number shows.
type Digits struct {
	MinimumInteger     int    `json:"minimumIntegerDigits"`
	MinimumFraction    *int   `json:"minimumFractionDigits,omitempty"`
	MaximumFraction    *int   `json:"maximumFractionDigits,omitempty"`
	MinimumSignificant *int   `json:"minimumSignificantDigits,omitempty"`
	MaximumSignificant *int   `json:"maximumSignificantDigits,omitempty"`
	Mode               string `json:"roundingMode"`
	Priority           string `json:"roundingPriority"`
	TrailingZeros      string `json:"trailingZeroDisplay"`
}

// resolveDigits fills in what is missing: from minimum to maximum fraction digits,
// or for the compact notation two significant ones.
func resolveDigits(r raw, minimum, maximum int, compact bool) (d Digits, err error) {
	var integer *int
	if integer, err = r.whole("minimumIntegerDigits", 1, 21); err != nil {
		return d, err
	}
	d.MinimumInteger = 1
	if integer != nil {
		d.MinimumInteger = *integer
	}
	for _, o := range []struct {
		into      **int
		name      string
		low, high int
	}{{&d.MinimumFraction, "minimumFractionDigits", 0, 100}, {&d.MaximumFraction, "maximumFractionDigits", 0, 100}, {&d.MinimumSignificant, "minimumSignificantDigits", 1, 21}, {&d.MaximumSignificant, "maximumSignificantDigits", 1, 21}} {
		if *o.into, err = r.whole(o.name, o.low, o.high); err != nil {
			return d, err
		}
	}
	err = r.choices([]choiceOf{
		{&d.Mode, "roundingMode", "halfExpand", []string{"ceil", "floor", "expand", "trunc", "halfCeil", "halfFloor", "halfExpand", "halfTrunc", "halfEven"}},
		{&d.Priority, "roundingPriority", "auto", []string{"auto", "morePrecision", "lessPrecision"}},
		{&d.TrailingZeros, "trailingZeroDisplay", "auto", []string{"auto", "stripIfInteger"}},
	})
	if err != nil {
		return d, err
	}
	significant, fraction := d.MinimumSignificant != nil || d.MaximumSignificant != nil, d.MinimumFraction != nil || d.MaximumFraction != nil
	if compact && !significant && !fraction {
		d.MinimumFraction, d.MaximumFraction, d.MinimumSignificant, d.MaximumSignificant, d.Priority = number(0), number(0), number(1), number(2), "morePrecision"
		return d, nil
	}
	if significant || d.Priority != "auto" {
		d.MinimumSignificant, d.MaximumSignificant = or(d.MinimumSignificant, 1), or(d.MaximumSignificant, 21)
		if *d.MinimumSignificant > *d.MaximumSignificant {
			return d, outOfRange("maximumSignificantDigits value is out of range.")
		}
		if d.Priority == "auto" {
			d.MinimumFraction, d.MaximumFraction = nil, nil
			return d, nil
		}
	}
	switch {
	case d.MinimumFraction == nil && d.MaximumFraction == nil:
		d.MinimumFraction, d.MaximumFraction = number(minimum), number(maximum)
	case d.MinimumFraction == nil:
		d.MinimumFraction = number(min(minimum, *d.MaximumFraction))
	case d.MaximumFraction == nil:
		d.MaximumFraction = number(max(maximum, *d.MinimumFraction))
	case *d.MinimumFraction > *d.MaximumFraction:
		return d, outOfRange("maximumFractionDigits value is out of range.")
	}
	return d, nil
}

func number(n int) *int { return &n }

func or(n *int, otherwise int) *int {
	if n != nil {
		return n
	}
	return number(otherwise)
}

// apply rounds a number and writes its digits before and after the point.
func (d *Digits) apply(n decimal) (rounded decimal, integer, fraction string) {
	bySignificant := d.MaximumSignificant != nil
	if bySignificant && d.MaximumFraction != nil { // both: the one that shows more, or less
		more := *d.MaximumSignificant-n.exp > *d.MaximumFraction
		if n.zero() {
			more = *d.MaximumSignificant-1 > *d.MaximumFraction
		}
		bySignificant = more == (d.Priority == "morePrecision")
	}
	minimum := 0
	if bySignificant {
		rounded = n.round(*d.MaximumSignificant-n.exp, d.Mode)
		minimum = *d.MinimumSignificant - rounded.exp
		if rounded.zero() {
			minimum = *d.MinimumSignificant - 1
		}
	} else {
		rounded = n.round(*d.MaximumFraction, d.Mode)
		minimum = *d.MinimumFraction
	}
	integer, fraction = rounded.split(max(minimum, 0))
	for len(integer) < d.MinimumInteger {
		integer = "0" + integer
	}
	if d.TrailingZeros == "stripIfInteger" && rounded.exp >= len(rounded.digits) {
		fraction = ""
	}
	return rounded, integer, fraction
}
