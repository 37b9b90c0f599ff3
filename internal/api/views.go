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

func (d *door) listViews(c *call, _, _ nothing) (viewList, error) {
	views, err := d.Views.Views(c.r.Context())
	return viewList{views}, err
}

func (d *door) refreshViews(c *call, _, _ nothing) (viewList, error) {
	if err := d.Views.RefreshViews(c.r.Context()); err != nil {
		return viewList{}, err
	}
	return d.listViews(c, nothing{}, nothing{})
}
