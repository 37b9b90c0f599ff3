package hub

import (
	"context"
	"net"
	"time"

	"junctor/internal/channel"
)

// gate is the channel's that there was before, with what it has counted, when it
// still fits.
func (h *Hub) gate(before *live, token string, c *channel.Config) *channel.Gate {
	g := channel.NewGate(c, h.options.Clock.Now)
	if before != nil {
		if door := before.doors[token]; door != nil {
			if door.Gate.Fits(c) {
				return door.Gate
			}
			g.Remember(door.Gate)
		}
	}
	return g
}

// hosts keeps the addresses of the hosts in address lists up to date.
func (h *Hub) hosts(ctx context.Context) {
	const every = time.Minute
	for {
		next, stop := h.options.Clock.After(every)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-h.named:
		case <-next:
		}
		stop()
		h.lookUp(ctx)
	}
}

// askHosts makes them be looked up now.
func (h *Hub) askHosts() {
	select {
	case h.named <- struct{}{}:
	default:
	}
}

func (h *Hub) lookUp(ctx context.Context) {
	const patience = 5 * time.Second
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, door := range h.live.Load().doors {
		err := door.Gate.Resolve(limited, net.DefaultResolver.LookupNetIP)
		if err != nil && ctx.Err() == nil {
			h.log.Warn("a channel's address list has a host that cannot be looked up; messages from there are refused unless its addresses were known before",
				"channel", door.Channel.Code, "error", err)
		}
	}
}
