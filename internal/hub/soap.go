package hub

import (
	"maps"
	"net/http"
	"slices"

	"junctor/internal/access"
	"junctor/internal/api"
	"junctor/internal/function"
	"junctor/internal/soap"
)

// withSOAP puts the SOAP door before another.
func (h *Hub) withSOAP(rest http.Handler) http.Handler {
	door := soap.New(soap.Services{
		DB: h.db, Committer: h.committer, Access: h.access, Records: h.records, Model: h.model, Reload: h.reload,
		Functions: h.functions, Runs: h.runs, Address: h.address, BaseURL: h.baseURL, Log: h.log,
		Caller: func(r *http.Request) (access.Caller, error) { return api.Caller(h.access, r, h.address(r)) },
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == soap.Base {
			door.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
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
