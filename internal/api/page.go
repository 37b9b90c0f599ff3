package api

import (
	"encoding/base64"
	"maps"
	"slices"

	"junctor/internal/fault"
)

// paging is what every list takes.
type paging struct {
	After string `query:"after" doc:"the \"next\" of the page before"`
	Limit int    `query:"limit" range:"1,1000" doc:"how many at most; 100 when absent"`
}

// page is what every list answers.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // absent on the last page
}

func newPage[T any](items []T, next string) page[T] {
	if items == nil {
		items = []T{}
	}
	return page[T]{Items: items, Next: next}
}

func (p paging) limit() int {
	if p.Limit == 0 {
		return 100
	}
	return p.Limit
}

// cursor makes a key (a code, an id) safe for a URL, and says by its form that
// it is nothing to be made by hand.
func cursor(key string) string {
	if key == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(key))
}

// key is the reverse of cursor.
func (p paging) key() (string, error) {
	key, err := base64.RawURLEncoding.DecodeString(p.After)
	if err != nil || !printable(string(key)) {
		return "", fault.New(fault.Invalid, "the cursor is not one that a list has given").
			WithFields(fault.Field{Pointer: "/query/after", Detail: "use the \"next\" of the page before, or leave it out"})
	}
	return string(key), nil
}

// listByKey answers a page of what lists by a key.
func listByKey[T any](p paging, list func(after string, limit int) ([]T, string, error)) (page[T], error) {
	after, err := p.key()
	if err != nil {
		return page[T]{}, err
	}
	items, next, err := list(after, p.limit())
	return newPage(items, cursor(next)), err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func contains(list []string, s string) bool { return slices.Contains(list, s) }
