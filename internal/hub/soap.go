package hub

import (
	"maps"
	"net/http"
	"slices"

	"junctor/internal/access"
	"junctor/internal/api"
	"junctor/internal/function"
	"junctor/internal/limit"
	"junctor/internal/soap"
)

// soap is the door to records and functions by SOAP.
func (h *Hub) soap(room *limit.Room) http.Handler {
	return soap.New(soap.Services{
		DB: h.db, Committer: h.committer, Access: h.access, Records: h.records, Model: h.model, Reload: h.reload,
		Queries: h.StoredQueries, Press: h.Press, Functions: h.functions, Runs: h.runs, Address: h.address, BaseURL: h.baseURL,
		Room: room, Log: h.log,
		Caller: func(r *http.Request) (access.Caller, error) { return api.Caller(h.access, r, h.address(r)) },
	})
}

// functions are the enabled ones, by code.
func (h *Hub) functions() (all []*function.Function) {
	of := h.live.Load().snapshot.Functions
	for _, code := range slices.Sorted(maps.Keys(of)) {
		if of[code].Enabled {
			all = append(all, of[code])
		}
	}
	return all
}
