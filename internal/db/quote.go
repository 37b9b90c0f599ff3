package db

import "strings"

// Quote makes any name one of SQL: in statements that are made, where a name
// cannot be an argument.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Literal is a text in SQL, for statements that take no arguments.
func Literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
