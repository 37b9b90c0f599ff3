package api

import (
	"context"

	"junctor/internal/class/table"
)

// Views is what the door needs of the classes' API views.
type Views interface {
	Views(ctx context.Context) ([]table.View, error)
	// RefreshViews makes them all again.
	RefreshViews(ctx context.Context) error
}

type viewList struct {
	Items []table.View `json:"items"`
}

func (d *door) listViews(c *call, q byView, _ nothing) (page[table.View], error) {
	views, err := d.Views.Views(c.r.Context())
	if err != nil {
		return page[table.View]{}, err
	}
	class := func(v table.View) string { return v.Class }
	return listChosen(q, class, part(views, class))
}

func (d *door) showView(c *call, _, _ nothing) (table.View, error) {
	views, err := d.Views.Views(c.r.Context())
	if err != nil {
		return table.View{}, err
	}
	code := c.path("code")
	if v, err := one(views, "view", code, func(v table.View) bool { return v.Name == code }); err == nil {
		return v, nil
	}
	return one(views, "view", code, func(v table.View) bool { return v.Class == code })
}

func (d *door) refreshViews(c *call, _, _ nothing) (viewList, error) {
	if err := d.Views.RefreshViews(c.r.Context()); err != nil {
		return viewList{}, err
	}
	views, err := d.Views.Views(c.r.Context())
	return viewList{views}, err
}
