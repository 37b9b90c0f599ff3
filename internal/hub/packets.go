package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"junctor/internal/api"
	"junctor/internal/class/param"
	"junctor/internal/connection"
	"junctor/internal/connection/http"
	"junctor/internal/content"
	"junctor/internal/fault"
	"junctor/internal/function"
	"junctor/internal/packet"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/run"
	"junctor/internal/stored"
)

// Packet is the packet with the code, nil when there is none.
func (h *Hub) Packet(code string) *packet.Packet { return h.live.Load().snapshot.Packets[code] }

// Packets are all packets, by code.
func (h *Hub) Packets() map[string]*packet.Packet { return h.live.Load().snapshot.Packets }

// Fetch collects a packet with the rights of a caller.
func (h *Hub) Fetch(ctx context.Context, p *packet.Packet, who record.Actor, args param.Args) (json.RawMessage, error) {
	return h.packets.Fetch(ctx, p, who, args)
}

// StoredQueries are all stored queries, by code: to be read with
// stored.Query.Read by whom right.Set.MayQuery lets.
func (h *Hub) StoredQueries() map[string]*stored.Query { return h.live.Load().snapshot.Queries }

// offer is what there is for applications.
func (h *Hub) offer() api.Offer {
	s := h.live.Load().snapshot
	return api.Offer{Model: s.Model, Functions: s.Functions, Packets: s.Packets, Queries: s.Queries}
}

func (h *Hub) storedQuery(code string) *stored.Query { return h.live.Load().snapshot.Queries[code] }

// fetchFor collects a packet for a run, which has every right.
func (h *Hub) fetchFor(ctx context.Context, runID, code string, params []byte) (json.RawMessage, error) {
	p := h.Packet(code)
	if p == nil {
		return nil, fault.New(fault.NotFound, "There is no packet %q.", code)
	}
	args, err := p.JSONArgs(params)
	if err != nil {
		return nil, err
	}
	return h.packets.Fetch(ctx, p, record.Actor{Rights: right.Full(right.Account{Login: runID, Kind: "run"}), By: runID, Run: runID}, args)
}

// sources are where packets come from besides the database.
type sources struct{ h *Hub }

// Function implements packet.Sources: a run of its own, as if the caller had
// called the function.
func (s sources) Function(ctx context.Context, who record.Actor, code string, params json.RawMessage) (json.RawMessage, error) {
	f := s.h.Function(code)
	if f == nil {
		return nil, fault.New(fault.Unavailable, "There is no function %q.", code)
	}
	a := who.Rights.Account
	start, err := f.Start(function.Call{Account: function.Account{ID: a.ID, Login: a.Login, Kind: a.Kind}, Params: params})
	if err != nil {
		return nil, err
	}
	res, err := s.h.runs.Await(ctx, start, f.Timeout)
	if err != nil {
		return nil, err
	}
	failed := fault.New(fault.ScenarioFailed, "The function %q did not complete; its run tells why.", code)
	failed.Run = res.Run
	if res.Failure != nil || res.State != run.Succeeded && !res.Answered {
		return nil, failed
	}
	answer, err := content.DecodeAnswer(res.Output)
	if err != nil {
		return nil, err
	}
	if answer.Status >= 400 { //nolint:mnd // the first status that is an error
		failed.Detail = "The function has refused; its run tells why."
		return nil, failed
	}
	return data(answer.Body, answer.Header.Get("Content-Type"), failed)
}

// Get implements packet.Sources.
func (s sources) Get(ctx context.Context, code, path string, query url.Values) (json.RawMessage, error) {
	conn, err := connections(s).HTTP(code)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The connection %q cannot be used; the server's log says why.", code)
	}
	res, err := conn.Do(ctx, http.Request{Path: path, Query: query})
	if err == nil && res.Status == 404 { //nolint:mnd // not found
		return json.RawMessage("null"), nil
	}
	if err == nil {
		err = res.Failure()
	}
	if err != nil {
		unavailable := fault.Wrap(err, fault.Unavailable, "The connection %q gave no answer that could be used.", code)
		var held *connection.Error
		if errors.As(err, &held) {
			unavailable.RetryAfter = held.After
		}
		return nil, unavailable
	}
	return data(res.Body, res.Header.Get("Content-Type"), fault.New(fault.Unavailable, "The connection %q answered what is neither JSON nor text.", code))
}

// data is a content as JSON: a text, when it is none.
func data(body []byte, contentType string, otherwise error) (json.RawMessage, error) {
	body = bytes.TrimSpace(body)
	kind, _, _ := strings.Cut(contentType, ";")
	switch {
	case len(body) == 0:
		return json.RawMessage("null"), nil
	case json.Valid(body) && (kind == "" || strings.HasSuffix(strings.TrimSpace(kind), "json")):
		return body, nil
	case utf8.ValidString(content.Text(contentType, body)) && !bytes.ContainsRune(body, 0):
		return json.Marshal(content.Text(contentType, body))
	}
	return nil, otherwise
}
