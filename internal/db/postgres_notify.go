package db

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresCarrier sends with the pool and listens on a connection of its own.
// The channel is named like the domain's schema.
type postgresCarrier struct{ engine *postgresEngine }

func (e *postgresEngine) carrier() carrier { return postgresCarrier{e} }

func (c postgresCarrier) send(ctx context.Context, messages []string) error {
	_, err := c.engine.writers.Exec(ctx, `SELECT pg_notify($1, $2 || ':' || m) FROM unnest($3::text[]) AS m`,
		c.engine.schema, c.engine.node, messages)
	return postgresError(err)
}

// receive leaves out this process's own messages: its listeners have them.
func (c postgresCarrier) receive(ctx context.Context, f func(message string)) {
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		if c.listen(ctx, f) {
			wait = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// listen returns when the connection ends, and whether there ever was one.
func (c postgresCarrier) listen(ctx context.Context, f func(message string)) (connected bool) {
	conn, err := pgx.ConnectConfig(ctx, c.engine.writers.Config().ConnConfig)
	if err != nil {
		return false
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it goes either way
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{c.engine.schema}.Sanitize()); err != nil {
		return false
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true
		}
		if node, message, ok := strings.Cut(n.Payload, ":"); ok && node != c.engine.node {
			f(message)
		}
	}
}
