package hub

import (
	"context"
	"encoding/json"

	"junctor/internal/api"
	"junctor/internal/catalog"
	"junctor/internal/config"
	"junctor/internal/fault"
	"junctor/internal/strict"
)

// configuration is package config as the admin API sees it. A change is in use
// on this node when its call returns.
type configuration struct{ h *Hub }

func (c configuration) Plan(ctx context.Context, set json.RawMessage, o api.ChangeOptions) (any, error) {
	s, err := readSet(set)
	if err != nil {
		return nil, err
	}
	return c.h.config.Plan(ctx, s, config.Options(o))
}

func (c configuration) Apply(ctx context.Context, set json.RawMessage, o api.ChangeOptions) (any, error) {
	s, err := readSet(set)
	if err != nil {
		return nil, err
	}
	result, err := c.h.config.Apply(ctx, s, config.Options(o))
	if err != nil {
		return nil, err
	}
	return result, c.h.reload(ctx)
}

func readSet(raw json.RawMessage) (*config.Set, error) {
	var s config.Set
	if found := strict.Decode(raw, &s); len(found) > 0 {
		return nil, fault.New(fault.Unprocessable, "This is not a configuration as `junctor apply` sends it.").WithFields(found...)
	}
	return &s, nil
}

func (c configuration) Export(ctx context.Context) (any, error) { return c.h.config.Export(ctx) }

func (c configuration) Unreferred(ctx context.Context, secret string) error {
	return c.h.config.Unreferred(ctx, secret)
}

func (c configuration) Get(ctx context.Context, kind, code string) (catalog.Object, error) {
	return c.h.config.Get(ctx, kind, code)
}

func (c configuration) List(ctx context.Context, kind, after string, limit int) ([]catalog.Object, string, error) {
	return c.h.config.List(ctx, kind, after, limit)
}

func (c configuration) Put(ctx context.Context, kind, code string, body json.RawMessage, e api.Edit) (catalog.Object, error) {
	o, err := c.h.config.Put(ctx, kind, code, body, config.Edit(e))
	if err != nil {
		return o, err
	}
	return o, c.h.reload(ctx)
}

func (c configuration) Delete(ctx context.Context, kind, code string, e api.Edit) error {
	if err := c.h.config.Delete(ctx, kind, code, config.Edit(e)); err != nil {
		return err
	}
	return c.h.reload(ctx)
}
