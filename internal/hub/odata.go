package hub

import (
	"net/http"
	"strings"

	"junctor/internal/access"
	"junctor/internal/api"
	"junctor/internal/limit"
	"junctor/internal/odata"
)

// data is the door to records by OData.
func (h *Hub) data(room *limit.Room) http.Handler {
	return odata.New(odata.Services{
		DB: h.db, Committer: h.committer, Records: h.records, Model: h.model, Reload: h.reload, BaseURL: h.baseURL, Room: room, Log: h.log,
		Queries: h.StoredQueries, Press: h.Press,
		Caller: func(r *http.Request) (access.Caller, error) { return api.Caller(h.access, r, h.address(r)) },
		Refused: func(who access.Caller, r *http.Request, what string) {
			h.access.NoteRefusal(r.Context(), access.Entry{Author: who.Author(), Address: h.address(r), Action: "call.refuse", Object: what})
		},
	})
}

// isData reports whether a path is that door's.
func isData(path string) bool {
	rest, ok := strings.CutPrefix(path, odata.Base)
	return ok && (rest == "" || rest[0] == '/')
}
