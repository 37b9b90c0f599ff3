package main

import (
	"context"

	"junctor/internal/class/table"
)

type views struct {
	Refresh bool `help:"Make them all again."`
	JSON    bool `name:"json" help:"Write JSON, for a machine."`
	target
}

// Help teaches by examples.
func (views) Help() string {
	return `Every class has a view for reading, api_CLASS, that follows its changes. This shows which are current, outdated (somebody has changed one) or missing.

Examples:
  junctor views --server https://junctor.example.com --token TOKEN
  junctor views --refresh --data ./junctor-data`
}

// Run shows the views, made again when that is wanted.
func (v views) Run(ctx context.Context, console *console) error {
	return v.use(ctx, console, func(i *installation) error {
		if v.Refresh {
			if err := i.views.RefreshViews(ctx); err != nil {
				return err
			}
		}
		list, err := i.views.Views(ctx)
		if err != nil || v.JSON {
			return either(err, func() error {
				return console.json(struct {
					Items []table.View `json:"items"`
				}{list})
			})
		}
		var rows [][]string
		for _, one := range list {
			rows = append(rows, []string{one.Name, one.Class, string(one.State)})
		}
		console.table("There are no classes, so there are no views.", []string{"view", "class", "state"}, rows)
		return nil
	})
}
