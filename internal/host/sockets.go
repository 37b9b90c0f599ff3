package host

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/run"
)

//go:embed sockets.js
var socketsJS string

// Sockets are the websockets of all nodes; the hub keeps them.
type Sockets interface {
	// SendTo gives a message to a connection, or to all those of a channel, and
	// returns to how many. key is the same when it is tried again. Errors:
	// fault.NotFound when there is no such connection or channel.
	SendTo(ctx context.Context, key, to string, binary bool, data []byte) (int, error)
	// CloseSocket closes a connection. Errors: fault.NotFound.
	CloseSocket(ctx context.Context, key, connection string, code int, reason string) error
	// SocketsOf are the connections of a channel. Errors: fault.NotFound.
	SocketsOf(tx *db.Tx, channel string) ([]Socket, error)
}

// Socket is a connection as scenarios see it.
type Socket struct {
	ID            string    `json:"id"`
	RemoteAddress string    `json:"remoteAddress"`
	OpenedAt      time.Time `json:"openedAt"`
}

// Connection begins the id of one: other words name a channel.
const Connection = "con_"

type socketArgs struct {
	To     string  `json:"to"`
	Text   string  `json:"text"`
	Base64 *string `json:"base64"`
	Code   int     `json:"code"`
	Reason string  `json:"reason"`
}

// SocketHandlers are how the steps of sockets are done. What is sent is outside
// of the database: made at least once.
func SocketHandlers(sockets Sockets) run.Handlers {
	return run.Handlers{
		"sockets.send": {External: func(ctx context.Context, c *run.Call) ([]byte, error) {
			var a socketArgs
			if err := arguments(c, &a); err != nil {
				return nil, err
			}
			data := []byte(a.Text)
			if a.Base64 != nil {
				var err error
				if data, err = base64.StdEncoding.DecodeString(*a.Base64); err != nil {
					return nil, fmt.Errorf("sockets.send: %w", err)
				}
			}
			n, err := sockets.SendTo(ctx, c.Key(), a.To, a.Base64 != nil, data)
			return strconv.AppendInt(nil, int64(n), 10), noSocket("sockets.send", err)
		}},
		"sockets.close": {External: func(ctx context.Context, c *run.Call) ([]byte, error) {
			var a socketArgs
			if err := arguments(c, &a); err != nil {
				return nil, err
			}
			return nil, noSocket("sockets.close", sockets.CloseSocket(ctx, c.Key(), a.To, a.Code, a.Reason))
		}},
		"sockets.list": {Read: func(tx *db.Tx, c *run.Call) ([]byte, error) {
			var a socketArgs
			if err := arguments(c, &a); err != nil {
				return nil, err
			}
			if sockets == nil { // a trial has none
				return []byte("[]"), nil
			}
			list, err := sockets.SocketsOf(tx, a.To)
			if err != nil {
				return nil, noSocket("sockets.list", err)
			}
			return json.Marshal(list)
		}},
	}
}

// noSocket makes the step's failure of an error about what was asked for: it is
// the scenario's to catch, and trying again cannot help.
func noSocket(step string, err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return &run.StepError{Name: "SocketError", Message: step + ": " + strings.TrimSuffix(err.Error(), "."), Permanent: true}
}
