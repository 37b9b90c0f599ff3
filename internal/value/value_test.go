package value_test

import (
	"slices"
	"testing"
	"time"

	"junctor/internal/value"
)

// read is a value in the text form of its type; "null" is null.
func read(t *testing.T, kind value.Type, text string) value.Value {
	t.Helper()
	if text == "null" {
		return value.Value{}
	}
	v, err := value.FromText(kind, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheZeroValueIsNull(t *testing.T) {
	var v value.Value
	if !v.IsNull() || v.Type() != value.Null || v.IsTrue() || v.Int() != 0 || v.Text() != "" || !v.Time().IsZero() || v.String() != "null" {
		t.Errorf("the zero value is %v, %v", v.Type(), v)
	}
	if v != (value.Value{}) || !value.Equal(v, value.Value{}) {
		t.Error("null is not equal to null")
	}
}

func TestAccessors(t *testing.T) {
	moment := time.Date(2026, 11, 22, 13, 45, 0, 123456789, time.FixedZone("", 3600))
	if !value.Bool(true).IsTrue() || value.Bool(false).IsTrue() || value.Bool(false).IsNull() {
		t.Error("booleans")
	}
	if value.Int(-5).Int() != -5 || value.String("é").Text() != "é" {
		t.Error("integers and texts")
	}
	if got := value.At(moment); got.String() != "2026-11-22T12:45:00.123456Z" || got.UnixMicro() != moment.UnixMicro() || !got.Time().Equal(moment.Truncate(time.Microsecond)) {
		t.Errorf("a moment is %v", got)
	}
	if got := value.Day(time.Date(2026, 11, 22, 0, 30, 0, 0, time.FixedZone("", 3600))); got.String() != "2026-11-22" || got.Time().Format(time.RFC3339) != "2026-11-22T00:00:00Z" {
		t.Errorf("a day is %v", got)
	}
	if got := value.Raw(`{"a": 1}`); got.Type() != value.JSON || got.Text() != `{"a": 1}` || !value.Raw("null").IsNull() {
		t.Errorf("JSON is %v", got)
	}
	if n, ok := value.Scaled(1010, 2).Unscaled(); n != 1010 || !ok || value.Scaled(1010, 2).Scale() != 2 {
		t.Error("decimals")
	}
	if _, ok := read(t, value.Decimal, "12345678901234567890").Unscaled(); ok {
		t.Error("twenty digits fit into 64 bits")
	}
}

func TestCompare(t *testing.T) {
	ascending := []value.Value{
		{},
		value.Bool(false), value.Bool(true),
		read(t, value.Decimal, "-12345678901234567890123456789012345678"),
		value.Int(-1 << 63),
		value.Scaled(-1, 38), value.Int(0), value.Scaled(1, 38),
		value.Scaled(1009, 2), value.Scaled(101, 1), value.Int(11),
		value.Int(1<<63 - 1),
		read(t, value.Decimal, "9223372036854775807.5"),
		read(t, value.Decimal, "12345678901234567890123456789012345678"),
		value.String(""), value.String("Z"), value.String("a"), value.String("ab"), value.String("é"), value.String("\uffff"), value.String("\U00010000"),
		read(t, value.Date, "0001-01-01"), read(t, value.Date, "1969-12-31"), read(t, value.Date, "9999-12-31"),
		read(t, value.DateTime, "0001-01-01T00:00:00Z"), read(t, value.DateTime, "2026-11-22T13:00:00+01:00"), read(t, value.DateTime, "2026-11-22T12:00:00.000001Z"),
		read(t, value.JSON, `[1]`), read(t, value.JSON, `{"a":1}`),
	}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i != j {
				want = 1 - 2*min(max(j-i, 0), 1)
			}
			if got := value.Compare(a, b); got != want {
				t.Errorf("compare %v with %v: %d, want %d", a, b, got, want)
			}
		}
	}
	if !slices.IsSortedFunc(ascending, value.Compare) {
		t.Error("the list is not sorted")
	}
	for _, same := range [][2]value.Value{
		{value.Scaled(10, 1), value.Scaled(1000, 3)}, {value.Int(1), value.Scaled(100, 2)}, {value.Int(1 << 62), value.Scaled(1<<62, 0)},
		{read(t, value.Decimal, "12345678901234567890.0"), read(t, value.Decimal, "12345678901234567890.00")},
	} {
		if !value.Equal(same[0], same[1]) {
			t.Errorf("%v and %v are not equal", same[0], same[1])
		}
	}
}
