package host

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// roundRat is rounding by definition: whole and rest of the exact quotient.
func roundRat(r *big.Rat, scale int, rounding string) string {
	power := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil))
	if scale < 0 {
		power.Inv(power)
	}
	scaled := new(big.Rat).Mul(new(big.Rat).Abs(r), power)
	whole, rest := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	half := new(big.Int).Lsh(rest, 1).Cmp(scaled.Denom()) // against one half
	negative := r.Sign() < 0
	up := false
	switch rounding {
	case "half-up":
		up = half >= 0
	case "half-down":
		up = half > 0
	case "half-even":
		up = half > 0 || half == 0 && whole.Bit(0) == 1
	case "up":
		up = rest.Sign() > 0
	case "ceiling":
		up = rest.Sign() > 0 && !negative
	case "floor":
		up = rest.Sign() > 0 && negative
	}
	if up {
		whole.Add(whole, big.NewInt(1))
	}
	if negative {
		whole.Neg(whole)
	}
	result := new(big.Rat).Quo(new(big.Rat).SetInt(whole), power)
	return result.FloatString(max(scale, 0))
}

var (
	anyDecimal  = rapid.StringMatching(`-?[0-9]{1,25}(\.[0-9]{1,12})?`)
	anyScale    = rapid.IntRange(-6, 20)
	anyRounding = rapid.SampledFrom([]string{"half-up", "half-even", "half-down", "up", "down", "ceiling", "floor"})
)

func rat(t *rapid.T, text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	return r
}

func TestDivisionIsRoundedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := anyDecimal.Draw(t, "x"), anyDecimal.Draw(t, "y")
		scale, rounding := anyScale.Draw(t, "scale"), anyRounding.Draw(t, "rounding")
		a, b, err := readDecimals(x, y)
		if err != nil {
			t.Fatal(err)
		}
		got, err := divide(a, b, scale, rounding)
		if b.IsZero() {
			if err == nil {
				t.Fatalf("%s / %s = %v", x, y, got)
			}
			return
		}
		want := roundRat(new(big.Rat).Quo(rat(t, x), rat(t, y)), scale, rounding)
		if err != nil || got != want {
			t.Fatalf("%s / %s to %d %s: %v, %v; want %s", x, y, scale, rounding, got, err, want)
		}
	})
}

// Ties are rare among random numbers: these have nothing else.
func TestTiesAreRoundedAsTheModeSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, scale := rapid.Int64Range(-1e12, 1e12).Draw(t, "whole"), rapid.IntRange(0, 6).Draw(t, "scale")
		rounding := anyRounding.Draw(t, "rounding")
		text := new(big.Rat).Quo(new(big.Rat).SetInt64(whole*10+5), new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale+1)), nil))).FloatString(scale + 1)
		d, err := readDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := round(d, scale, rounding); err != nil || got != roundRat(rat(t, text), scale, rounding) {
			t.Fatalf("%s to %d %s: %v, %v", text, scale, rounding, got, err)
		}
	})
}

func TestArithmeticIsExact(t *testing.T) {
	operations := map[string]func(z, x, y *big.Rat) *big.Rat{"plus": (*big.Rat).Add, "minus": (*big.Rat).Sub, "times": (*big.Rat).Mul}
	rapid.Check(t, func(t *rapid.T) {
		x, y := anyDecimal.Draw(t, "x"), anyDecimal.Draw(t, "y")
		a, b, err := readDecimals(x, y)
		if err != nil {
			t.Fatal(err)
		}
		for name, operation := range operations {
			got, err := calculate(name, a, b)
			if err != nil {
				t.Fatal(err)
			}
			if want := operation(new(big.Rat), rat(t, x), rat(t, y)); rat(t, fmt.Sprint(got)).Cmp(want) != 0 {
				t.Fatalf("%s %s %s = %v, want %s", x, name, y, got, want)
			}
		}
		if got, err := divideExactly(a, b); err == nil && rat(t, fmt.Sprint(got)).Cmp(new(big.Rat).Quo(rat(t, x), rat(t, y))) != 0 {
			t.Fatalf("%s / %s = %v is not exact", x, y, got)
		}
	})
}
