package host

import "testing"

func TestDecimal(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`decimal("10.10")`, `"10.10"`},
		{`decimal("10.10").plus("1").times(3).div(2, 3).round(2, "half-up").toString()`, `"16.65"`},
		{`decimal(0.1).plus(0.2).eq("0.3")`, `true`},
		{`decimal(" -007.50 ")`, `"-7.50"`},
		{`decimal(12345678901234567890n).times("1000000000.5")`, `"12345678907407407340617283945.0"`},
		{`decimal("1e3")`, `"1000"`},
		{`decimal("1.5E-3")`, `"0.0015"`},
		{`decimal("-0.00")`, `"0.00"`},
		{`decimal("1").minus("1.00")`, `"0.00"`},
		{`decimal(1).div(8)`, `"0.125"`},
		{`decimal("10.00").div(4)`, `"2.50"`},
		{`decimal(100).div(10)`, `"10"`},
		{`decimal(2).div(3, 4)`, `"0.6667"`},
		{`decimal(-2).div(3, 4, "up")`, `"-0.6667"`},
		{`decimal(-2).div(3, 4, "down")`, `"-0.6666"`},
		{`decimal(1).div(3, 0, "up")`, `"1"`},
		{`decimal("1").div("2", 0)`, `"1"`},
		{`decimal("1").div("2", 0, "half-even")`, `"0"`},
		{`decimal("1").div("2", 0, "half-down")`, `"0"`},
		// Just above a tie: an intermediate rounding would make it one.
		{`decimal("0.5000000000000000000000000000000001").div(1, 0, "half-even")`, `"1"`},
		{`decimal("50000000000000000000000000000000001").div("100000000000000000000000000000000000", 0, "half-down")`, `"1"`},
		{`decimal(1234).div(1, -2)`, `"1200"`},
		{`decimal("7.5").mod(2)`, `"1.5"`},
		{`decimal(-7).mod(3)`, `"-1"`},
		{`["half-up","half-even","half-down","up","down","ceiling","floor"].map((m) => decimal("2.5").round(0, m).toString() + "/" + decimal("-2.5").round(0, m).toString())`, `["3/-3","2/-2","2/-2","3/-3","2/-2","3/-2","2/-3"]`},
		{`decimal("2.345").round(2)`, `"2.35"`},
		{`decimal("1.005").toFixed(2)`, `"1.01"`},
		{`decimal("5").round(2)`, `"5.00"`},
		{`decimal("1250").round(-2, "half-even")`, `"1200"`},
		{`decimal("1.50").scale`, `2`},
		{`decimal("1.10").cmp("1.1")`, `0`},
		{`[decimal(1).lt(2), decimal(1).lte("1.0"), decimal(1).gt(2), decimal(2).gte(2), decimal("0.00").isZero(), decimal("0.01").isZero(), decimal(-1).isNegative()]`, `[true,true,false,true,true,false,true]`},
		{`[decimal(-3).abs(), decimal(3).neg(), decimal(0).neg()]`, `["3","-3","0"]`},
		{`decimal("10.10").toNumber()`, `10.1`},
		{`decimal.sum(["0.1", 0.2, 3n, decimal("4.00")])`, `"7.30"`},
		{`decimal.sum([])`, `"0"`},
		{`[decimal.min(3, "2.5", 7), decimal.max(3, "2.5", 7)]`, `["2.5","7"]`},
		{`[decimal.isValid("1.5"), decimal.isValid("1,5"), decimal.isValid(null), decimal.isValid(NaN)]`, `[true,false,false,false]`},
		{"`${decimal('1.0')}`", `"1.0"`},
		{`decimal(decimal(1)) instanceof decimal`, `true`},
		{`Object.isFrozen(decimal(1)) && Object.isFrozen(Object.getPrototypeOf(decimal(1))) && Object.isFrozen(decimal(1).plus)`, `true`},
	})
}

func TestDecimalErrors(t *testing.T) {
	newScenarios(t).check(t, []example{
		{`decimal("1,5")`, `!DecimalError: decimal: "1,5" is not a number like -1234.50; the decimal mark is a point`},
		{`decimal("")`, `!DecimalError: decimal: "" is not a number`},
		{`decimal("abc")`, `!DecimalError: decimal: "abc"`},
		{`decimal("1.")`, `!DecimalError`}, {`decimal(".5")`, `!DecimalError`}, {`decimal("0x10")`, `!DecimalError`}, {`decimal("Infinity")`, `!DecimalError`}, {`decimal("NaN")`, `!DecimalError`},
		{`decimal("1 000")`, `!DecimalError`}, {`decimal.sum(["1 000"])`, `!RangeError: decimal.sum: "1 000"`},
		{`decimal(NaN)`, `!RangeError: decimal: NaN is not a number`}, {`decimal(1/0)`, `!RangeError`},
		{`decimal(null)`, `!TypeError: decimal: a decimal, text, number or bigint is expected, not null`}, {`decimal({})`, `!TypeError`}, {`decimal()`, `!TypeError`},
		{`decimal(1).plus("x")`, `!DecimalError: plus: "x" is not a number`}, {`decimal(1).plus()`, `!TypeError: plus`},
		{`decimal(1).div(0)`, `!DecimalError: div: division by zero`}, {`decimal(1).div("0.00", 2)`, `!DecimalError: div: division by zero`}, {`decimal(1).mod(0)`, `!DecimalError: mod: division by zero`},
		{`decimal(1).div(3)`, `!DecimalError: div: the quotient has no end: give a scale`},
		{`decimal(1).round(1.5)`, `!RangeError: round: the scale must be a whole number`}, {`decimal(1).round(1e9)`, `!DecimalError: round: the scale must be`},
		{`decimal(1).round(2, "bankers")`, `!DecimalError: round: rounding "bankers" is not known: use half-up`},
		{`decimal("1e2000")`, `!DecimalError: decimal: the result has more than 1000 digits`}, {`decimal("1e-2000")`, `!DecimalError`}, {`decimal("1e99999")`, `!DecimalError`},
		{`decimal("9".repeat(600)).times("9".repeat(600))`, `!DecimalError: times: the result has more than 1000 digits`},
		{`decimal("9".repeat(5000))`, `!DecimalError: decimal: a number with more than 1000 digits`},
		{`decimal(1) + decimal(2)`, `!TypeError: decimals have no operators`}, {`decimal(1) < decimal(2)`, `!TypeError: decimals have no operators`},
		{`decimal.min()`, `!RangeError: decimal.min: there is no value`},
	})
}
