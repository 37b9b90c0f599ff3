package strict

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// Unknown is the sentence for a name that does not exist: with the nearest of
// the known ones, or all of them when they are few.
func Unknown(name string, known []string) string {
	const few = 12
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("%q is not known here, did you mean %q?", name, near)
	}
	if len(known) == 0 {
		return fmt.Sprintf("%q is not known here, nothing is expected", name)
	}
	if len(known) > few {
		return fmt.Sprintf("%q is not known here", name)
	}
	return fmt.Sprintf("%q is not known here, possible: %s", name, strings.Join(known, ", "))
}

// None is the whole sentence about a thing that does not exist, such as a class,
// with the same help.
func None(thing, name string, known []string) string {
	quoted := fmt.Sprintf("%q", name)
	if len(known) == 0 {
		return "There is no " + thing + " " + quoted + "."
	}
	return Stop("There is no " + thing + " " + quoted + strings.TrimPrefix(Unknown(name, known), quoted+" is not known here"))
}

// Stop ends a sentence that has no end yet with a full stop.
func Stop(sentence string) string {
	if strings.HasSuffix(sentence, "?") || strings.HasSuffix(sentence, ".") {
		return sentence
	}
	return sentence + "."
}

// Nearest is the candidate that name was probably meant to be: the same but
// for case, dashes and underscores, or with a third of its letters wrong at
// most. "" when there is none; the first of equals.
func Nearest(name string, candidates []string) string {
	const longest = 64 // nobody mistypes a name that long, and distance is quadratic
	if len(name) > longest {
		return ""
	}
	best, least := "", len(name)/3+1
	for _, c := range candidates {
		if len(c) > longest {
			continue
		}
		if n := distance(plain(name), plain(c)); n < least || n == 0 && best == "" {
			best, least = c, n
		}
	}
	return best
}

func plain(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			n := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				n = min(n, rows[i-2][j-2]+1)
			}
			rows[i][j] = n
		}
	}
	return rows[len(s)][len(t)]
}

func isNull(raw []byte) bool { return bytes.Equal(raw, []byte("null")) }

func nillable(k reflect.Kind) bool {
	return k == reflect.Map || k == reflect.Slice || k == reflect.Interface
}

// kind is the JSON type of a valid text, in words.
func kind(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// wanted is what JSON a Go type takes, in words.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32:
		return "a whole number"
	case reflect.Int64:
		if reflect.PointerTo(t).Implements(unmarshaler) { // a measure, written as text
			return "a value"
		}
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0 up"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "a text in base64"
		}
		return "a list"
	}
	if reflect.PointerTo(t).Implements(textUnmarshaler) {
		return "a text"
	}
	return "an object"
}
