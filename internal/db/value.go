package db

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"time"
)

// Micros is how a time is stored: microseconds since 1970, UTC.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time is a stored time, in UTC.
func Time(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// normalise turns arguments into the five kinds of value that both databases
// store: nil, int64, float64, string, []byte.
func normalise(args []any) ([]any, error) {
	plain := make([]any, len(args))
	for i, arg := range args {
		v, err := value(arg)
		if err != nil {
			return nil, fmt.Errorf("argument $%d: %w", i+1, err)
		}
		plain[i] = v
	}
	return plain, nil
}

func value(arg any) (any, error) {
	switch v := arg.(type) {
	case nil, int64, float64, string:
		return v, nil
	case int:
		return int64(v), nil
	case []byte:
		return raw(v), nil
	case Blob:
		return raw(v), nil
	case json.RawMessage:
		if v == nil {
			return nil, nil
		}
		return string(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case time.Time:
		return nil, fmt.Errorf("a time.Time is not stored as such: give db.Micros of it")
	case driver.Valuer:
		inner, err := v.Value()
		if err != nil {
			return nil, err
		}
		return value(inner)
	}
	return based(reflect.ValueOf(arg))
}

// based unpacks pointers and types that are based on a plain one.
func based(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return value(v.Elem().Interface())
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return value(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := v.Uint(); u <= math.MaxInt64 {
			return int64(u), nil
		}
		return nil, fmt.Errorf("%d is over the largest BIGINT", v.Uint())
	case reflect.Float32:
		return v.Float(), nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return raw(v.Bytes()), nil
		}
	}
	return nil, fmt.Errorf("a %s cannot be stored", v.Type())
}

// raw keeps nil apart from empty: a nil slice is NULL.
func raw(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// targets replaces the destinations that only one of the drivers understands.
func targets(dest []any) []any {
	var own []any
	for i, d := range dest {
		var t any
		switch d := d.(type) {
		case *bool:
			t = (*flag)(d)
		case *json.RawMessage:
			t = (*[]byte)(d)
		case *Blob:
			t = (*[]byte)(d)
		default:
			continue
		}
		if own == nil {
			own = append([]any(nil), dest...)
		}
		own[i] = t
	}
	if own == nil {
		return dest
	}
	return own
}

// flag reads a truth value from a BIGINT, or from what a comparison returns.
type flag bool

// Scan implements sql.Scanner.
func (f *flag) Scan(src any) error {
	switch v := src.(type) {
	case int64:
		*f = v != 0
	case bool:
		*f = flag(v)
	default:
		return fmt.Errorf("%v (%T) is not a truth value", src, src)
	}
	return nil
}
