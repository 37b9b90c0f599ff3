package client

import (
	"context"
	"net/http"
	"net/url"

	"junctor/internal/class/table"
)

// Views are the classes' API views.
func (c *Client) Views(ctx context.Context) ([]table.View, error) {
	var all []table.View
	for after := ""; ; {
		views, next, err := list[table.View](ctx, c, "/views", url.Values{}, after, 1000)
		if all = append(all, views...); err != nil || next == "" {
			return all, err
		}
		after = next
	}
}

// RefreshViews makes them again.
func (c *Client) RefreshViews(ctx context.Context) error {
	return c.Do(ctx, http.MethodPost, admin+"/views/refresh", nil, nil)
}
