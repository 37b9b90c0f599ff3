package host

import "junctor/internal/script"

// values are what the JavaScript half of a helper hands to its Go half. That
// half has checked them: one that is missing or of another type is the zero
// value here. Bytes cross as base64, which the engine makes natively.
type values []any

func (a values) text(i int) string {
	if i < len(a) {
		if s, ok := a[i].(string); ok {
			return s
		}
	}
	return ""
}

func (a values) flag(i int) bool {
	if i < len(a) {
		if b, ok := a[i].(bool); ok {
			return b
		}
	}
	return false
}

func (a values) number(i int) int {
	if i < len(a) {
		switch n := a[i].(type) {
		case int:
			return n
		case float64:
			return int(n)
		}
	}
	return 0
}

// pure makes a helper of a function with readable arguments.
func pure(f func(a values) (any, error)) script.Pure {
	return func(args []any) (any, error) { return f(args) }
}
