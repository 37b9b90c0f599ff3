// Package locale formats numbers, dates, lists and relative times, compares text
// and knows plural forms, as Intl of JavaScript does, for seven locales: cs, de, en,
// en-GB, pl, ru and sk. Everything else falls back to en.
//
// It is pure: the same arguments give the same text on every machine. It knows
// nothing of JavaScript's objects; options come in as JSON and go out resolved.
package locale

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
)

//go:generate node gen.mjs

//go:embed data/*.json
var files embed.FS

// Default is the locale of a script that names none.
const Default = "en-US"

// Set is the tables of all locales. It is safe for use by many goroutines.
type Set struct {
	zone    *time.Location           // for dates without a time zone
	tables  map[string]func() *table // read when first wanted
	mu      sync.Mutex
	formats map[string]any // by kind and resolved options: a cache, cleared when full
	zones   map[string]*time.Location
}

// Part is a piece of a formatted text, with the type that formatToParts names.
type Part struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// RangeError is an option with a value that does not exist.
type RangeError struct{ Message string }

func (e *RangeError) Error() string { return e.Message }

func outOfRange(format string, args ...any) error { return &RangeError{fmt.Sprintf(format, args...)} }

// New finds the tables. zone is the time zone of dates whose options name none.
func New(zone *time.Location) *Set {
	s := &Set{zone: zone, tables: map[string]func() *table{}, formats: map[string]any{}, zones: map[string]*time.Location{}}
	for _, base := range regions {
		s.tables[base] = sync.OnceValue(func() *table { return mustRead(base) })
	}
	return s
}

// mustRead reads a table that is part of the binary.
func mustRead(tag string) *table {
	raw, err := files.ReadFile("data/" + tag + ".json")
	t := new(table)
	if err == nil {
		err = json.Unmarshal(raw, t)
	}
	if err != nil {
		panic(fmt.Sprintf("locale: the embedded table of %s: %v", tag, err))
	}
	return t
}

// Text joins the parts.
func Text(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Value)
	}
	return b.String()
}

// Canonical checks tags and brings them to their usual form, each once.
func Canonical(tags []string) ([]string, error) {
	out := []string{}
	for _, tag := range tags {
		parsed, err := language.Parse(tag)
		var unknown language.ValueError
		wellFormed := err == nil || errors.As(err, &unknown) // a language that nobody registered is one
		if strings.Contains(tag, "_") || tag == "" || !wellFormed {
			return nil, outOfRange("Incorrect locale information provided: %q", tag)
		}
		canonical := parsed.String()
		if err != nil {
			canonical = tag
		}
		if !slices.Contains(out, canonical) {
			out = append(out, canonical)
		}
	}
	return out, nil
}

// regions are the tags that have a table; a table without a region serves others.
var regions = map[string]string{"cs-CZ": "cs", "de-DE": "de", "en-US": "en", "en-GB": "en-GB", "pl-PL": "pl", "ru-RU": "ru", "sk-SK": "sk"}

// Supported says which of the canonical tags have a table.
func (s *Set) Supported(tags []string) []string {
	out := []string{}
	for _, tag := range tags {
		base, _, _ := strings.Cut(bare(tag), "-")
		if _, ok := s.tables[base]; ok {
			out = append(out, tag)
		}
	}
	return out
}

// bare drops the extensions of a tag.
func bare(tag string) string {
	parts := strings.Split(tag, "-")
	for i, p := range parts {
		if len(p) == 1 {
			return strings.Join(parts[:i], "-")
		}
	}
	return tag
}

// match finds the locale that serves the first of the wanted tags it can: the tag
// itself when its region has a table, else the language alone.
func (s *Set) match(tags []string) string {
	for _, tag := range tags {
		tag = bare(tag)
		if _, ok := regions[tag]; ok {
			return tag
		}
		base, _, _ := strings.Cut(tag, "-")
		if _, ok := s.tables[base]; ok {
			return base
		}
	}
	return Default
}

// table returns the table of a resolved locale.
func (s *Set) table(tag string) *table {
	if read, ok := s.tables[tag]; ok {
		return read()
	}
	return s.tables[regions[tag]]()
}

const maxFormats = 256

// cached returns what build makes of resolved options, kept for the next call.
func cached[T any](s *Set, kind, resolved string, build func() (T, error)) (T, error) {
	key := kind + resolved
	s.mu.Lock()
	found, ok := s.formats[key].(T)
	s.mu.Unlock()
	if ok {
		return found, nil
	}
	made, err := build()
	if err != nil {
		return made, err
	}
	s.mu.Lock()
	if len(s.formats) >= maxFormats {
		clear(s.formats)
	}
	s.formats[key] = made
	s.mu.Unlock()
	return made, nil
}

// parsed reads resolved options back.
func parsed[T any](s *Set, kind, resolved string) (*T, error) {
	return cached(s, kind, resolved, func() (*T, error) {
		options := new(T)
		if err := json.Unmarshal([]byte(resolved), options); err != nil {
			return nil, fmt.Errorf("the options of a %s format: %w", kind, err)
		}
		return options, nil
	})
}
