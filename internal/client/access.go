package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"junctor/internal/access"
)

// CreateToken is access.Store's. The author is whom the server knows.
func (c *Client) CreateToken(ctx context.Context, o access.TokenOptions) (access.Token, error) {
	body := struct {
		Name      string     `json:"name"`
		Login     string     `json:"login,omitempty"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
	}{o.Name, o.Login, o.ExpiresAt}
	var made access.Token
	err := c.Do(ctx, http.MethodPost, admin+"/tokens", body, &made)
	return made, err
}

// ListTokens is access.Store's; next is a cursor of the server.
func (c *Client) ListTokens(ctx context.Context, after string, limit int) (tokens []access.Token, next string, err error) {
	return list[access.Token](ctx, c, "/tokens", url.Values{}, after, limit)
}

// RevokeToken is access.Store's. The author is whom the server knows.
func (c *Client) RevokeToken(ctx context.Context, nameOrID, _ string) (access.Token, error) {
	var revoked access.Token
	err := c.Do(ctx, http.MethodDelete, admin+"/tokens/"+url.PathEscape(nameOrID), nil, &revoked)
	return revoked, err
}

// SetSecret is access.Store's. The author is whom the server knows.
func (c *Client) SetSecret(ctx context.Context, name, value, _ string) error {
	return c.Do(ctx, http.MethodPut, admin+"/secrets/"+url.PathEscape(name), map[string]string{"value": value}, nil)
}

// ListSecrets is access.Store's; next is a cursor of the server.
func (c *Client) ListSecrets(ctx context.Context, after string, limit int) (secrets []access.SecretInfo, next string, err error) {
	return list[access.SecretInfo](ctx, c, "/secrets", url.Values{}, after, limit)
}

// DeleteSecret is access.Store's, with force also when the configuration refers
// to it. The author is whom the server knows.
func (c *Client) DeleteSecret(ctx context.Context, name, _ string, force bool) error {
	path := admin + "/secrets/" + url.PathEscape(name)
	if force {
		path += "?force=true"
	}
	return c.Do(ctx, http.MethodDelete, path, nil, nil)
}

// CreateAdmin is access.Store's. The author is whom the server knows.
func (c *Client) CreateAdmin(ctx context.Context, login, password, _ string) (generated string, err error) {
	return c.password(ctx, http.MethodPost, "/accounts", map[string]string{"login": login, "password": password})
}

// SetPassword is access.Store's. The author is whom the server knows.
func (c *Client) SetPassword(ctx context.Context, login, password, _ string) (generated string, err error) {
	return c.password(ctx, http.MethodPut, "/accounts/"+url.PathEscape(login)+"/password", map[string]string{"password": password})
}

func (c *Client) password(ctx context.Context, method, path string, body map[string]string) (string, error) {
	var made struct {
		Password string `json:"password"`
	}
	err := c.Do(ctx, method, admin+path, body, &made)
	return made.Password, err
}
