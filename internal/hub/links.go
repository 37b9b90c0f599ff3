package hub

import (
	"encoding/json"
	"net"
	"strings"
	"time"

	"junctor/internal/db"
	"junctor/internal/event"
	"junctor/internal/fault"
	"junctor/internal/host"
	"junctor/internal/link"
	"junctor/internal/run"
	"junctor/internal/scenario"
)

// openLinks makes the store of links and approvals.
func (h *Hub) openLinks() {
	h.links = link.New(link.Options{
		DB: h.db, Now: h.runs.Now, URL: h.outsideURL, Do: h.follow,
		Key:  h.linkKey,
		Tell: h.approvalTold,
		Wake: func(tx *db.Tx, run string) error { return h.runs.Wake(tx, run) },
	})
}

func (h *Hub) linkKey(tx *db.Tx) ([]byte, error) { return h.access.SigningKey(tx, "links") }

// Links are the links and approvals.
func (h *Hub) Links() *link.Store { return h.links }

// outsideURL is scheme://host by which the outside reaches this server, for what
// is made where nobody has asked by a URL.
func (h *Hub) outsideURL() (string, error) {
	if h.options.PublicURL != "" {
		return strings.TrimSuffix(h.options.PublicURL, "/"), nil
	}
	if own := h.ownURL.Load(); own != nil {
		return *own, nil
	}
	return "", fault.New(fault.Unprocessable, "The server does not know by which address the outside reaches it; start it with --public-url https://HOST.")
}

// listensAt remembers where the outside reaches this server when no --public-url
// says it: at the last of its addresses. One that listens everywhere is reached
// from this machine at least.
func (h *Hub) listensAt(listeners []net.Listener, secured bool) {
	own := Addresses{Listen: listeners[len(listeners)-1].Addr().String(), TLS: secured}
	if host, port, err := net.SplitHostPort(own.Listen); err == nil {
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			own.Listen = net.JoinHostPort("localhost", port)
		}
	}
	url := own.URL()
	h.ownURL.Store(&url)
}

// follow does what a link is for.
func (h *Hub) follow(tx *db.Tx, l *link.Link) (runID string, err error) {
	switch l.Kind {
	case link.Event:
		e, err := host.LinkedEvent(l)
		if err != nil {
			return "", err
		}
		return "", h.events.Append(tx, e)
	case link.Run:
		version, err := h.version(l.Target)
		if err != nil {
			return "", fault.Wrap(err, fault.Unavailable, "What this link is for is not there at the moment. Nothing was done; try it again later.")
		}
		start, err := host.LinkedRun(l)
		if err != nil {
			return "", err
		}
		start.Program, start.Version = scenario.ProgramName(l.Target), version
		return h.runs.Insert(tx, start)
	}
	return "", fault.New(fault.Internal, "There is no kind of link %q.", string(l.Kind))
}

// approvalTold tells of approvals. What people have written stands with them.
func (h *Hub) approvalTold(tx *db.Tx, kind string, a *link.Approval) error {
	data := struct {
		ID        string     `json:"id"`
		Choices   []string   `json:"choices"`
		Assignees []string   `json:"assignees,omitempty"`
		ExpiresAt time.Time  `json:"expires_at"`
		Choice    string     `json:"choice,omitempty"`
		By        *string    `json:"by,omitempty"`
		Via       link.Via   `json:"via,omitempty"`
		At        *time.Time `json:"at,omitempty"`
	}{ID: a.ID, Assignees: a.Assignees, ExpiresAt: a.ExpiresAt, At: a.EndedAt}
	for _, c := range a.Choices {
		data.Choices = append(data.Choices, c.Choice)
	}
	if a.Decision != nil {
		data.Choice, data.By, data.Via = a.Decision.Choice, a.Decision.By, a.Decision.Via
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return h.events.Append(tx, &event.Event{Type: kind, Subject: a.Subject, Run: a.Run, Data: text})
}

// cancelledApprovals ends what a cancelled run has asked.
func (h *Hub) cancelledApprovals(tx *db.Tx, r run.Info) error {
	if r.State != run.Cancelled {
		return nil
	}
	return h.links.Cancel(tx, r.ID)
}
