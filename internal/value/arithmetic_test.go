package value_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"junctor/internal/value"
)

type operation func(a, b value.Value) (value.Value, error)

var operations = map[string]operation{
	"add": value.Add, "sub": value.Sub, "mul": value.Mul, "div": value.Div, "divby": value.DivBy, "mod": value.Mod,
}

func TestArithmetic(t *testing.T) {
	for _, tt := range []struct{ a, operation, b, want string }{
		{"1", "add", "2", "3"},
		{"1", "add", "2.50", "3.50"},
		{"1.5", "add", "2.50", "4.00"},
		{"9223372036854775807", "add", "1", "!beyond 64 bits"},
		{"-9223372036854775808", "add", "-1", "!beyond 64 bits"},
		{"9223372036854775807", "add", "1.0", "9223372036854775808.0"},
		{"99999999999999999999999999999999999999", "add", "1", "!38 digits"},
		{"12345678901234567890", "add", "0.1", "12345678901234567890.1"},
		{"1", "sub", "2.50", "-1.50"},
		{"-9223372036854775808", "sub", "1", "!beyond 64 bits"},
		{"-9223372036854775807", "sub", "1", "-9223372036854775808"},
		{"12345678901234567890", "sub", "12345678901234567889", "1"},
		{"1.10", "mul", "1.10", "1.2100"},
		{"-1.5", "mul", "2", "-3.0"},
		{"9223372036854775807", "mul", "2", "!beyond 64 bits"},
		{"9223372036854775807", "mul", "2.0", "18446744073709551614.0"},
		{"-4611686018427387904", "mul", "2", "-9223372036854775808"},
		{"1e-20", "mul", "1e-20", "!38 digits"},
		{"7", "div", "2", "3"},
		{"-7", "div", "2", "-3"},
		{"7", "div", "0", "!division by zero"},
		{"-9223372036854775808", "div", "-1", "!beyond 64 bits"},
		{"7.00", "div", "2", "3.500000"},
		{"2", "div", "3.0", "0.666667"},
		{"-2", "div", "3.0", "-0.666667"},
		{"1.00000000", "div", "3", "0.33333333"},
		{"0.0000005", "div", "1", "0.0000005"},
		{"0.000001", "div", "2", "0.000001"},
		{"-0.000001", "div", "2", "-0.000001"},
		{"0.000001", "div", "2.1", "0.000000"},
		{"7.0", "div", "0.0", "!division by zero"},
		{"7.0", "div", "0", "!division by zero"},
		{"12345678901234567890123456", "div", "2.0", "6172839450617283945061728.000000"},
		{"7", "divby", "2", "3.500000"},
		{"7", "divby", "0", "!division by zero"},
		{"9223372036854775807", "divby", "1", "9223372036854775807.000000"},
		{"-9223372036854775808", "divby", "-1", "9223372036854775808.000000"},
		{"7", "mod", "3", "1"},
		{"-7", "mod", "3", "-1"},
		{"7", "mod", "-3", "1"},
		{"-9223372036854775808", "mod", "-1", "0"},
		{"7.5", "mod", "2", "1.5"},
		{"-7.5", "mod", "0.20", "-0.10"},
		{"7", "mod", "0", "!division by zero"},
		{"7", "mod", "0.00", "!division by zero"},
		{"12345678901234567890", "mod", "7", "1"},
		{"null", "add", "1", "null"},
		{"1", "mul", "null", "null"},
		{"null", "div", "0", "null"},
		{"true", "add", "1", "!boolean cannot be calculated with"},
		{"null", "add", "true", "!boolean cannot be calculated with"},
	} {
		got, err := operations[tt.operation](literal(t, tt.a), literal(t, tt.b))
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s %s: %v, %v; want an error with %q", tt.a, tt.operation, tt.b, got, err, want)
			}
		} else if err != nil || got.String() != want {
			t.Errorf("%s %s %s: %v, %v; want %s", tt.a, tt.operation, tt.b, got, err, want)
		}
	}
}

// literal is the value of a literal: null, a boolean, an integer or a decimal.
func literal(t *testing.T, text string) value.Value {
	t.Helper()
	switch {
	case text == "true":
		return value.Bool(true)
	case strings.ContainsAny(text, ".e") || len(text) > 20:
		return read(t, value.Decimal, text)
	}
	if v, err := value.FromText(value.Integer, text); err == nil {
		return v
	}
	return read(t, value.Decimal, text)
}

func TestRounding(t *testing.T) {
	for _, tt := range []struct{ text, round, floor, ceiling string }{
		{"2.5", "3", "2", "3"},
		{"-2.5", "-3", "-3", "-2"},
		{"2.49", "2", "2", "3"},
		{"-2.49", "-2", "-3", "-2"},
		{"0.00", "0", "0", "0"},
		{"7", "7", "7", "7"},
		{"99999999999999999999.5", "100000000000000000000", "99999999999999999999", "100000000000000000000"},
		{"null", "null", "null", "null"},
	} {
		for name, f := range map[string]func(value.Value) (value.Value, error){tt.round: value.Round, tt.floor: value.Floor, tt.ceiling: value.Ceiling} {
			if got, err := f(literal(t, tt.text)); err != nil || got.String() != name {
				t.Errorf("%s became %v, %v; want %s", tt.text, got, err, name)
			}
		}
	}
	if _, err := value.Round(value.String("x")); err == nil {
		t.Error("a text was rounded")
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		text             string
		precision, scale int
		want             string
	}{
		{"12.3", 12, 2, "12.30"},
		{"12.300", 12, 2, "12.30"},
		{"12", 12, 2, "12.00"},
		{"12.345", 12, 2, "!12.345 has more than 2 digits behind the point"},
		{"12.1", 12, 0, "!12.1 has more than 0 digits behind the point"},
		{"-999.9", 4, 1, "-999.9"},
		{"1000.0", 4, 1, "!1000.0 has more than 3 digits before the point"},
		{"12", 2, 1, "!12 has more than 1 digit before the point"},
		{"0.1", 1, 1, "0.1"},
		{"12345678901234567890", 38, 18, "12345678901234567890.000000000000000000"},
		{"null", 4, 1, "null"},
		{"true", 4, 1, "!is boolean, a number is expected"},
	} {
		got, err := value.Fit(literal(t, tt.text), tt.precision, tt.scale)
		if want, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s into decimal(%d,%d): %v, %v; want an error with %q", tt.text, tt.precision, tt.scale, got, err, want)
			}
		} else if err != nil || got.String() != want {
			t.Errorf("%s into decimal(%d,%d): %v, %v; want %s", tt.text, tt.precision, tt.scale, got, err, want)
		}
	}
}

// numbers are those where 64 bits end, and all others.
func numbers() *rapid.Generator[value.Value] {
	return rapid.Custom(func(t *rapid.T) value.Value {
		if rapid.Bool().Draw(t, "whole") {
			return value.Int(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-20, 20), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64})).Draw(t, "n"))
		}
		scale := rapid.IntRange(0, value.MaxDigits).Draw(t, "scale")
		if rapid.Bool().Draw(t, "short") {
			return value.Scaled(rapid.Int64().Draw(t, "unscaled"), scale)
		}
		coefficient := rapid.StringMatching(`-?[0-9]{1,38}`).Draw(t, "coefficient")
		v, err := value.FromText(value.Decimal, coefficient+"e-"+value.Int(int64(scale)).String())
		if err != nil {
			t.Fatal(err)
		}
		return v
	})
}

func rational(t *rapid.T, v value.Value) *big.Rat {
	r, ok := new(big.Rat).SetString(v.String())
	if !ok {
		t.Fatalf("%v is no number", v)
	}
	return r
}

// TestArithmeticIsExact compares with fractions of whole numbers of any length.
func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers().Draw(t, "a"), numbers().Draw(t, "b")
		x, y := rational(t, a), rational(t, b)
		if got, want := value.Compare(a, b), x.Cmp(y); got != want {
			t.Fatalf("compare %v with %v: %d", a, b, got)
		}
		exact := func(name string, scale int, want *big.Rat) {
			t.Helper()
			got, err := operations[name](a, b)
			switch {
			case errors.Is(err, value.ErrDigits) || errors.Is(err, value.ErrRange):
				if scale <= value.MaxDigits && new(big.Rat).Abs(want).Cmp(new(big.Rat).SetInt64(1000)) < 0 && scale < 30 {
					t.Fatalf("%v %s %v: %v", a, name, b, err)
				}
			case err != nil:
				t.Fatalf("%v %s %v: %v", a, name, b, err)
			case rational(t, got).Cmp(want) != 0 || got.Scale() != scale:
				t.Fatalf("%v %s %v is %v, want %s at scale %d", a, name, b, got, want.FloatString(80), scale)
			}
		}
		greater := max(a.Scale(), b.Scale())
		exact("add", greater, new(big.Rat).Add(x, y))
		exact("sub", greater, new(big.Rat).Sub(x, y))
		exact("mul", a.Scale()+b.Scale(), new(big.Rat).Mul(x, y))
		if y.Sign() != 0 {
			quotient := new(big.Rat).Quo(x, y)
			scale := max(greater, value.QuotientScale)
			rounded, _ := new(big.Rat).SetString(quotient.FloatString(scale)) // rounds half away from zero
			exact("divby", scale, rounded)
			times := new(big.Int).Quo(quotient.Num(), quotient.Denom())
			exact("mod", greater, new(big.Rat).Sub(x, new(big.Rat).Mul(y, new(big.Rat).SetInt(times))))
			if a.Type() == value.Integer && b.Type() == value.Integer {
				exact("div", 0, new(big.Rat).SetInt(times))
			}
		}
	})
}

func TestFitIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := numbers().Draw(t, "v")
		precision := rapid.IntRange(1, value.MaxDigits).Draw(t, "precision")
		scale := rapid.IntRange(0, precision).Draw(t, "scale")
		got, err := value.Fit(v, precision, scale)
		if err == nil && (!value.Equal(got, v) || got.Scale() != scale || got.Type() != value.Decimal) {
			t.Fatalf("%v into decimal(%d,%d) is %v", v, precision, scale, got)
		}
		x := rational(t, v)
		unscaled := new(big.Rat).Mul(x, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		fits := unscaled.IsInt() && unscaled.Num().CmpAbs(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)) < 0
		if fits != (err == nil) {
			t.Fatalf("%v into decimal(%d,%d): %v, %v", v, precision, scale, got, err)
		}
	})
}
