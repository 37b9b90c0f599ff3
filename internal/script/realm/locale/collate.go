package locale

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// collator compares by one set of options. A collate.Collator serves one goroutine
// at a time, hence the pools.
type collator struct {
	main  sync.Pool
	cases *sync.Pool // with sensitivity case: what tells capitals from small letters
}

// Compare orders two texts by resolved options: -1, 0 or 1.
func (s *Set) Compare(resolved, a, b string) (int, error) {
	c, err := cached(s, "collator", resolved, func() (*collator, error) { return newCollator(resolved) })
	if err != nil {
		return 0, err
	}
	order := compare(&c.main, a, b)
	if order == 0 && c.cases != nil {
		order = compare(c.cases, bareLetters(a), bareLetters(b))
	}
	return order, nil
}

func compare(pool *sync.Pool, a, b string) int {
	c := pool.Get().(*collate.Collator)
	defer pool.Put(c)
	return c.CompareString(a, b)
}

func newCollator(resolved string) (*collator, error) {
	var o CollatorOptions
	if err := json.Unmarshal([]byte(resolved), &o); err != nil {
		return nil, fmt.Errorf("the options of a collator: %w", err)
	}
	tag, err := language.Parse(o.Locale)
	if err != nil {
		return nil, fmt.Errorf("the locale of a collator: %w", err)
	}
	if o.Usage == "search" { // finds c in č, which sort as two letters
		tag = language.Und
	}
	var options []collate.Option
	if o.Sensitivity != "variant" {
		options = append(options, collate.IgnoreCase)
	}
	if o.Sensitivity == "base" || o.Sensitivity == "case" {
		options = append(options, collate.IgnoreDiacritics)
	}
	if o.Numeric {
		options = append(options, collate.Numeric)
	}
	c := &collator{main: sync.Pool{New: func() any { return collate.New(tag, options...) }}}
	if o.Sensitivity == "case" {
		c.cases = &sync.Pool{New: func() any { return collate.New(tag) }}
	}
	return c, nil
}

// strokes are the letters whose mark Unicode does not take apart.
var strokes = map[rune]rune{'ł': 'l', 'Ł': 'L', 'đ': 'd', 'Đ': 'D', 'ø': 'o', 'Ø': 'O'}

// bareLetters drops the marks.
func bareLetters(s string) string {
	return strings.Map(func(r rune) rune {
		if plain, ok := strokes[r]; ok {
			return plain
		}
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}
