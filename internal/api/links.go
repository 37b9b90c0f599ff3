package api

import (
	"context"
	"time"

	"junctor/internal/link"
)

// Links are those that are handed out; *link.Store is it.
type Links interface {
	Links(ctx context.Context, f link.Usable) (list []*link.Link, next string, err error)
	End(ctx context.Context, id string) error
}

type linksQuery struct {
	paging
	Kind   []link.Kind `query:"kind" enum:"event,run,choice" doc:"one or more, separated by commas"`
	Target string      `query:"target" doc:"a type of events, a scenario or an approval, exactly"`
	Run    string      `query:"run" doc:"id of the run that has made it"`
}

// openLink is a link without what makes it usable, and what it carries.
type openLink struct {
	ID        string     `json:"id"`
	Kind      link.Kind  `json:"kind"`
	Target    string     `json:"target"`
	Title     string     `json:"title,omitempty"`
	Confirm   bool       `json:"confirm"`
	Uses      int        `json:"uses,omitempty"` // absent: any number
	Used      int        `json:"used"`
	Run       string     `json:"run,omitempty"` // that has made it
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"used_at,omitempty"` // last
}

func (d *door) listLinks(c *call, q linksQuery, _ nothing) (page[openLink], error) {
	return listByKey(q.paging, func(after string, limit int) ([]openLink, string, error) {
		list, next, err := d.Links.Links(c.r.Context(), link.Usable{Kind: q.Kind, Target: q.Target, From: q.Run, After: after, Limit: limit})
		items := make([]openLink, len(list))
		for i, l := range list {
			items[i] = openLink{
				ID: l.ID, Kind: l.Kind, Target: l.Target, Title: l.Page.Title, Confirm: l.Confirm, Uses: l.Uses, Used: l.Used,
				Run: l.From, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt, UsedAt: l.UsedAt,
			}
		}
		return items, next, err
	})
}

func (d *door) revokeLink(c *call, _, _ nothing) (nothing, error) {
	return nothing{}, d.Links.End(c.r.Context(), c.path("id"))
}
