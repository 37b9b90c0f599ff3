package realm

import (
	"fmt"
	"time"
)

// Native is a pure function in Go that JavaScript may call: strings, float64, bool
// and nil in and out. An error is thrown as a TypeError with its text.
type Native = func(args []any) (any, error)

// Natives returns the functions that the parts need, by the name under which they
// are in env.native. zone is the domain's. They keep nothing between calls that a
// script could notice, and are safe for use by many VMs at once.
func Natives(zone *time.Location) map[string]Native {
	intl := newIntl(zone)
	return map[string]Native{
		"intlResolve": intl.resolve,
		"intlFormat":  intl.format,
		"intlCompare": intl.compare,
		"intlLocales": intl.locales,
		"localeCase":  localeCase,

		"parseDate":  text1(func(s string) (any, error) { return parseDate(s), nil }),
		"encodeUTF8": text1(encodeUTF8),
		"charset":    text1(charset),
		"decode":     decodeText,
		"incomplete": incompleteTail,
		"atob":       text1(atob),
		"btoa":       text1(btoa),
		"parseURL":   parseURL,
		"setURL":     setURL,
		"parseForm":  text1(parseForm),
		"writeForm":  text1(writeForm),
	}
}

// text1 makes a Native of a function of one string.
func text1(f func(string) (any, error)) Native {
	return func(args []any) (any, error) {
		s, err := texts(args, 1)
		if err != nil {
			return nil, err
		}
		return f(s[0])
	}
}

// texts takes the first n arguments, which must be strings.
func texts(args []any, n int) ([]string, error) {
	if len(args) < n {
		return nil, fmt.Errorf("realm: a native was called with %d arguments instead of %d", len(args), n)
	}
	s := make([]string, n)
	for i := range s {
		v, ok := args[i].(string)
		if !ok {
			return nil, fmt.Errorf("realm: argument %d of a native is %T instead of a string", i+1, args[i])
		}
		s[i] = v
	}
	return s, nil
}
