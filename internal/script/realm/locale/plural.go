package locale

import "strings"

// plural returns the cardinal form for a number as written: its digits before and
// after the decimal point.
func plural(tag, integer, fraction string) string {
	i := lastTwo(integer)
	one, few := integer == "1" && fraction == "", false
	switch language, _, _ := strings.Cut(tag, "-"); language {
	case "cs", "sk":
		if fraction != "" {
			return "many"
		}
		few = len(integer) == 1 && integer >= "2" && integer <= "4"
	case "pl", "ru":
		if fraction != "" {
			return "other"
		}
		if language == "ru" {
			one = i%10 == 1 && i != 11
		}
		few = i%10 >= 2 && i%10 <= 4 && (i < 12 || i > 14)
		if !one && !few {
			return "many"
		}
	}
	switch {
	case one:
		return "one"
	case few:
		return "few"
	}
	return "other"
}

// ordinal returns the form of the n-th, which only English tells apart.
func ordinal(tag, integer, fraction string) string {
	if !strings.HasPrefix(tag, "en") || fraction != "" {
		return "other"
	}
	n := lastTwo(integer)
	if n >= 11 && n <= 13 {
		return "other"
	}
	switch n % 10 {
	case 1:
		return "one"
	case 2:
		return "two"
	case 3:
		return "few"
	}
	return "other"
}

// forms lists the plural categories of a locale.
func categories(tag string, ordinals bool) []string {
	switch language, _, _ := strings.Cut(tag, "-"); {
	case ordinals && language == "en":
		return []string{"few", "one", "two", "other"}
	case ordinals:
		return []string{"other"}
	case language == "en" || language == "de":
		return []string{"one", "other"}
	}
	return []string{"few", "many", "one", "other"}
}

func lastTwo(digits string) int {
	n := 0
	for _, d := range digits[max(0, len(digits)-2):] {
		n = n*10 + int(d-'0')
	}
	return n
}
