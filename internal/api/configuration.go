package api

import (
	"encoding/json"

	"junctor/internal/class/table"
)

// setLimit bounds a whole configuration: scenarios come bundled.
const setLimit = 64 << 20

type changeQuery struct {
	Prune     bool `query:"prune" doc:"also remove what was not made from files"`
	AllowDrop bool `query:"allow_drop" doc:"also what makes classes lose data"`
}

// changes is how plan and apply answer. It stands here for the OpenAPI
// document; package config makes the values.
type changes struct {
	Changes   []change           `json:"changes"`
	Tables    []table.Alteration `json:"tables,omitempty"` // what becomes of the tables of classes
	Channels  []channelLinks     `json:"channels"`
	Scenarios []scenarioVersion  `json:"scenarios,omitempty"`
}

type change struct {
	Kind   string `json:"kind"`
	Code   string `json:"code"`
	Action string `json:"action"` // create, update, delete
}

type channelLinks struct {
	Code          string `json:"code"`
	Type          string `json:"type"`
	Token         string `json:"token,omitempty"` // none in a plan for a channel that is yet to be made
	Path          string `json:"path,omitempty"`
	WebsocketPath string `json:"websocket_path,omitempty"`
}

type scenarioVersion struct {
	Code            string   `json:"code"`
	Version         string   `json:"version"`
	InstantiationUS int64    `json:"instantiation_us,omitempty"` // what each run pays before its first line
	Warnings        []string `json:"warnings,omitempty"`
}

func (d *door) planConfiguration(c *call, q changeQuery, set json.RawMessage) (any, error) {
	return d.Configuration.Plan(c.r.Context(), set, ChangeOptions{Author: c.caller.Author(), Prune: q.Prune, AllowDrop: q.AllowDrop})
}

func (d *door) applyConfiguration(c *call, q changeQuery, set json.RawMessage) (any, error) {
	return d.Configuration.Apply(c.r.Context(), set, ChangeOptions{Author: c.caller.Author(), Prune: q.Prune, AllowDrop: q.AllowDrop})
}

func (d *door) exportConfiguration(c *call, _, _ nothing) (any, error) {
	return d.Configuration.Export(c.r.Context())
}
