package locale

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// raw is what a script gave as options: the members that are not undefined.
type raw map[string]any

func parseRaw(text string) (raw, error) {
	r := raw{}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	return r, nil
}

// choice reads a text that must be one of the allowed; without one, otherwise.
func (r raw) choice(name, otherwise string, allowed ...string) (string, error) {
	v, ok := r[name]
	if !ok {
		return otherwise, nil
	}
	s := fmt.Sprint(v)
	if !slices.Contains(allowed, s) {
		return "", outOfRange("Value %s out of range for Intl options property %s", s, name)
	}
	return s, nil
}

// whole reads a number between low and high; nil without one.
func (r raw) whole(name string, low, high int) (*int, error) {
	v, ok := r[name]
	if !ok {
		return nil, nil
	}
	n, ok := v.(float64)
	if !ok || n < float64(low) || n > float64(high) {
		return nil, outOfRange("%s value is out of range.", name)
	}
	whole := int(math.Floor(n))
	return &whole, nil
}

// choices reads several texts into their places, up to the first error.
func (r raw) choices(list []choiceOf) error {
	for _, c := range list {
		s, err := r.choice(c.name, c.otherwise, c.allowed...)
		if err != nil {
			return err
		}
		*c.into = s
	}
	return nil
}

type choiceOf struct {
	into            *string
	name, otherwise string
	allowed         []string
}
