package client

import (
	"context"
	"net/http"

	"junctor/internal/class/table"
)

// Views are the classes' API views.
func (c *Client) Views(ctx context.Context) ([]table.View, error) {
	var list struct {
		Items []table.View `json:"items"`
	}
	err := c.Do(ctx, http.MethodGet, admin+"/views", nil, &list)
	return list.Items, err
}

// RefreshViews makes them again.
func (c *Client) RefreshViews(ctx context.Context) error {
	return c.Do(ctx, http.MethodPost, admin+"/views/refresh", nil, nil)
}
