package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"

	"junctor/internal/class/param"
	"junctor/internal/content"
	"junctor/internal/fault"
	"junctor/internal/packet"
	"junctor/internal/record"
)

// Packets finds and fetches packets.
type Packets interface {
	// Packet is the packet with the code, nil when there is none.
	Packet(code string) *packet.Packet
	// Fetch collects one, see packet.Fetcher.
	Fetch(ctx context.Context, p *packet.Packet, who record.Actor, args param.Args) (json.RawMessage, error)
}

// fetchable makes the endpoint that fetches packets: its query is the packet's
// parameters.
func (d *door) fetchable() endpoint {
	return endpoint{
		query: reflect.TypeFor[nothing](), media: "application/json",
		serve: func(c *call) (any, error) {
			c.answered = true
			return nil, d.fetchPacket(c)
		},
	}
}

func (d *door) fetchPacket(c *call) error {
	code := c.path("name")
	if err := packet.MayFetch(c.caller.Rights, code); err != nil {
		return err
	}
	p := d.Packets.Packet(code)
	if p == nil {
		return fault.New(fault.NotFound, "There is no packet %q.", code)
	}
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return fault.New(fault.Invalid, "The query of the address cannot be read; escape what is special in it.")
	}
	args, err := p.Args(query)
	if err != nil {
		return err
	}
	data, err := d.Packets.Fetch(c.r.Context(), p, record.Actor{Rights: c.caller.Rights, By: c.caller.Account.Login}, args)
	if err != nil {
		return err
	}
	a := content.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: data, Data: true}
	var table []byte
	if p.List() {
		var parts map[string]json.RawMessage
		if err := json.Unmarshal(data, &parts); err != nil {
			return err
		}
		table = parts[p.Parts[0].Name]
	}
	if err := a.NegotiateTable(c.r.Header.Values("Accept"), table); err != nil {
		return err
	}
	if err := c.fits(len(a.Body)); err != nil {
		return err
	}
	h := c.w.Header()
	h.Add("Vary", "Accept")
	h.Set("Content-Type", a.Header.Get("Content-Type"))
	c.w.Write(a.Body) //nolint:errcheck // the client is gone, nobody is left to tell
	return nil
}
