package host

import (
	"context"
	_ "embed"
	"encoding/json"

	"junctor/internal/run"
)

//go:embed packets.js
var packetsJS string

// PacketHandlers is the step that fetches a packet: fetch collects it for a run,
// with parameters as a JSON object.
func PacketHandlers(fetch func(ctx context.Context, runID, code string, params []byte) (json.RawMessage, error)) run.Handlers {
	return run.Handlers{
		"packets": {External: func(ctx context.Context, c *run.Call) ([]byte, error) {
			var a struct {
				Name   string          `json:"name"`
				Params json.RawMessage `json:"params"`
			}
			if err := arguments(c, &a); err != nil {
				return nil, err
			}
			result, err := fetch(ctx, c.Run, a.Name, a.Params)
			return result, refused(err)
		}},
	}
}
