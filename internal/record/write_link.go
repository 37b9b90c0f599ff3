package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"junctor/internal/class"
	"junctor/internal/filter"
	"junctor/internal/right"
	"junctor/internal/value"
)

// ParseNamed reads which record of a class JSON names: a text is its id, an
// object has the id, all columns of a key that the caller sees, or OData's
// address of it as @odata.id. Other members say nothing.
func ParseNamed(c *class.Class, rights right.Class, raw json.RawMessage) (Address, error) {
	var id string
	if json.Unmarshal(raw, &id) == nil && string(raw) != "null" {
		return byID(id)
	}
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil || given == nil {
		return Address{}, errors.New("must be the id of a record, or an object with its id or key")
	}
	for _, name := range []string{"@odata.id", "@id", "id"} {
		text, ok := given[name]
		if !ok {
			continue
		}
		if json.Unmarshal(text, &id) != nil {
			return Address{}, fmt.Errorf("%s must be a text", name)
		}
		if name == "id" {
			return byID(id)
		}
		at, ok := parseLink(id, c.Code)
		if !ok {
			return Address{}, fmt.Errorf("%s must be like %s('id') or %s(key='value')", name, c.Code, c.Code)
		}
		return at, nil
	}
	var keys []string
	for _, key := range c.Keys {
		at, whole := Address{}, true
		for _, code := range key {
			column := c.Column(code)
			if whole = whole && rights.Sees(code); !whole {
				break
			}
			text, ok := given[column.Field()]
			if !ok {
				continue
			}
			v, err := column.FromJSON(text)
			if err != nil {
				return Address{}, fmt.Errorf("%s %w", column.Field(), err)
			}
			at.Key = append(at.Key, KeyPart{Column: column.Field(), Value: v})
		}
		if whole && len(at.Key) == len(key) {
			return at, nil
		}
		if whole {
			keys = append(keys, strings.Join(key, ","))
		}
	}
	return Address{}, fmt.Errorf("does not say which record it is: it needs the id, or all columns of a key (%s)", strings.Join(keys, " | "))
}

func byID(id string) (Address, error) {
	if id == "" {
		return Address{}, errors.New("must not be empty")
	}
	return Address{ID: id}, nil
}

// bind reads OData's address of a record: customers('id'), customers/id or
// customers(code='C1'), with anything before it.
func (w *write) bind(c *class.Column, pointer string, raw []byte) error {
	i := w.layout.at[c.Field()]
	if string(raw) == "null" {
		w.give(i, pointer, value.Value{})
		return nil
	}
	address, err := value.FromJSON(value.Text, raw)
	if err != nil {
		w.wrong(pointer, "%s", err.Error())
		return nil
	}
	target := w.target(c)
	at, ok := parseLink(address.Text(), c.Class)
	switch {
	case !ok:
		w.wrong(pointer, "must be like %s('id') or %s(key='value')", c.Class, c.Class)
	case target == nil && at.Key != nil:
		w.wrong(pointer, "must be like %s('id')", c.Class)
	case target == nil || at.Key == nil:
		w.give(i, pointer, value.String(at.ID))
	default:
		return w.find(i, target, pointer, at)
	}
	return nil
}

// parseLink reads the end of an address, behind the class.
func parseLink(text, class string) (Address, bool) {
	if i := strings.LastIndex(text, class+"("); i >= 0 && strings.HasSuffix(text, ")") && (i == 0 || text[i-1] == '/') {
		return ParseAddress(decoded(text[i+len(class)+1 : len(text)-1]))
	}
	if i := strings.LastIndexByte(text, '/'); i > 0 {
		before := text[:i]
		if (before == class || strings.HasSuffix(before, "/"+class)) && text[i+1:] != "" {
			return Address{ID: decoded(text[i+1:])}, true
		}
	}
	return Address{}, false
}

// decoded is a part of an address without its percent-encoding; one that is not
// encoded, where a percent sign stands for itself, is as it is.
func decoded(text string) string {
	plain, err := url.PathUnescape(text)
	if err != nil || !utf8.ValidString(plain) || strings.ContainsRune(plain, 0) {
		return text
	}
	return plain
}

// ParseAddress reads what OData has between the parentheses of customers('id') and
// orders(number='4711',year=2026).
func ParseAddress(text string) (Address, bool) {
	var at Address
	parts := filter.Divide(text, ',')
	for _, part := range parts {
		equals := strings.IndexByte(part, '=')
		if q := strings.IndexByte(part, '\''); q >= 0 && q < equals {
			equals = -1
		}
		literal, err := filter.Parse(part[equals+1:])
		if err != nil || literal.Op != filter.Literal || literal.Value.IsNull() {
			return Address{}, false
		}
		if equals < 0 {
			if len(parts) > 1 || literal.Value.Type() != value.Text {
				return Address{}, false
			}
			return Address{ID: literal.Value.Text()}, true
		}
		column := strings.TrimSpace(part[:equals])
		if !class.IsCode(column) {
			return Address{}, false
		}
		at.Key = append(at.Key, KeyPart{Column: column, Value: literal.Value})
	}
	return at, true
}
