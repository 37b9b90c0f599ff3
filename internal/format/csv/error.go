package csv

import (
	"errors"
	"fmt"
)

// FieldError is a field that cannot be written; both numbers count from 1.
type FieldError struct {
	Row, Column int
	Err         error
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("row %d, field %d: %v", e.Row, e.Column, e.Err)
}

func (e *FieldError) Unwrap() error { return e.Err }

var errUnquotable = errors.New("contains the delimiter or a line end, and there is no quote to put around it")
