package class

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"junctor/internal/strict"
	"junctor/internal/value"
)

// FromJSON reads a value of the column, null included; a decimal gets the
// column's scale. Errors are sentences for the person who wrote it. What the
// column limits beyond its type is Check's.
func (c *Column) FromJSON(raw json.RawMessage) (value.Value, error) {
	v, err := value.FromJSON(c.Type, raw)
	if err != nil {
		return value.Value{}, err
	}
	return c.Fit(v)
}

// FromText is FromJSON for a value as text, as CSV and XML have it.
func (c *Column) FromText(text string) (value.Value, error) {
	v, err := value.FromText(c.Type, text)
	if err != nil {
		return value.Value{}, err
	}
	return c.Fit(v)
}

// Fit gives a value of the column's type the column's own form: a decimal its
// scale. An error is a sentence for the person who wrote it.
func (c *Column) Fit(v value.Value) (value.Value, error) {
	if c.Kind != Decimal {
		return v, nil
	}
	return value.Fit(v, c.Precision, c.Scale)
}

// Check says what is wrong with a value of the column's type, nil when nothing
// is: required, length, pattern, range, the values of an enum.
func (c *Column) Check(v value.Value) error {
	if v.IsNull() {
		if c.Required {
			return errors.New("is required")
		}
		return nil
	}
	if c.Type == value.Text {
		return c.checkText(v.Text())
	}
	switch {
	case c.Min != nil && value.Compare(v, *c.Min) < 0:
		return fmt.Errorf("must not be below %s", c.Min)
	case c.Max != nil && value.Compare(v, *c.Max) > 0:
		return fmt.Errorf("must not be above %s", c.Max)
	case c.Type == value.JSON && len(v.Text()) > MaxText:
		return fmt.Errorf("has more than %d bytes", MaxText)
	}
	return nil
}

func (c *Column) checkText(text string) error {
	length := c.Length
	if length == 0 {
		length = MaxText
	}
	switch {
	case len(text) > length && utf8.RuneCountInString(text) > length:
		return fmt.Errorf("has %d characters, at most %d are possible", utf8.RuneCountInString(text), length)
	case strings.ContainsRune(text, 0):
		return errors.New("contains the character NUL, which no database keeps")
	case c.Kind == Enum && !slices.Contains(c.Values, text):
		return errors.New(strict.Unknown(text, c.Values))
	case c.Pattern != nil && !c.Pattern.MatchString(text):
		return fmt.Errorf("does not match the pattern %s", c.pattern())
	case c.Kind == Ref && len(text) > MaxID:
		return fmt.Errorf("is no identifier of a record, which has at most %d bytes", MaxID)
	}
	return nil
}

// MaxID bounds identifiers, in bytes; foreign programs may make their own.
const MaxID = 100

// pattern is as it was written, without what makes it match the whole text.
func (c *Column) pattern() string {
	return strings.TrimSuffix(strings.TrimPrefix(c.Pattern.String(), "^(?:"), ")$")
}
