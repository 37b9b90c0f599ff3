// Package connection is the small common shape of every way out of Junctor: a
// named configuration with an address and credentials that scenarios use by
// its code. One sub-package speaks one protocol.
//
// A connector is a value (Kind): its name, the JSON Schema of its
// configuration, and Parse, which gives a Config that can be opened. What an
// open connection can do beyond Check and Close is the sub-package's own API.
//
// It must not know runs, scenarios, channels or the database: references to
// secrets are resolved by a function that is handed in (Secrets), and failures
// are classed (Class) so that whoever retries knows what makes sense.
package connection

import (
	"context"
	"encoding/json"

	"junctor/internal/fault"
)

// Kind is a connector: everything that is known about a type of connection
// before one is configured.
type Kind struct {
	// Name is what a configuration's `type` says: "http".
	Name string
	// Schema is the JSON Schema (2020-12) of the configuration, for editors and
	// for the reference. Parse decides.
	Schema json.RawMessage
	// Parse reads a configuration and reports everything that is wrong with it
	// at once. It makes no connection and resolves no reference.
	Parse func(code string, body []byte) (Config, []fault.Field)
}

// Config is a configuration without mistakes, references still in it.
type Config interface {
	// Open resolves the references and returns the connection. It does no I/O
	// but what secrets does; the first use connects. Its error is a *Error.
	Open(secrets Secrets) (Conn, error)
}

// Conn is an open connection, safe for concurrent use.
type Conn interface {
	// Check tries to reach the other side without changing anything there.
	// It returns nil, or a *Error, at the latest when ctx ends.
	Check(ctx context.Context) error
	// Close releases what the connection holds. Calls under way may finish;
	// later ones fail as NotConnected, since trying again finds the connection
	// that took this one's place. Closing twice is no error.
	Close() error
}

// Secrets resolves a reference: "env:NAME" or "secret:name". A reference to
// something that does not exist is an error that names it.
type Secrets func(ref string) (string, error)
