package http

import (
	_ "embed"

	"junctor/internal/connection"
	"junctor/internal/fault"
)

// schema describes the configuration for editors and for the reference.
//
//go:embed schema.json
var schema []byte

// Kind is HTTP as a connector.
func Kind() connection.Kind {
	return connection.Kind{
		Name:   "http",
		Schema: schema,
		Parse: func(code string, body []byte) (connection.Config, []fault.Field) {
			config, fields := Parse(code, body)
			return opener{config}, fields
		},
	}
}

type opener struct{ Config }

func (o opener) Open(secrets connection.Secrets) (connection.Conn, error) {
	conn, err := Open(o.Config, secrets)
	if err != nil {
		return nil, err // not conn: a nil *Conn would be a non-nil interface
	}
	return conn, nil
}

var _ connection.Conn = (*Conn)(nil)
