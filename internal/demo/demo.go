// Package demo plays the example shop-to-erp: it is the shop and the warehouse
// that send, the ERP at the far end, and the console that tells what happens
// in between as it happens.
//
// It must not know how a server is put together: it is handed the URLs of one
// and a list of its runs.
package demo

import (
	"context"
	"os"

	shoptoerp "junctor/examples/shop-to-erp"
	"junctor/internal/run"
)

// Setup is the server that is played on.
type Setup struct {
	Server    string // http://127.0.0.1:8080
	Shop      string // URL of the channel "shop"
	Warehouse string // URL of the channel "warehouse"
	ERP       string // URL of the ERP's Handler
	Password  string // of the account admin; "" when the installation was there before
	Runs      Runs
	Console   *Console
}

// Runs is the part of the run engine that the demo looks at.
type Runs interface {
	// List returns the newest runs first.
	List(context.Context, run.Filter) (items []run.Info, next string, err error)
	// Get returns one run with its steps.
	Get(ctx context.Context, id string) (*run.Info, error)
}

var _ Runs = (*run.Engine)(nil)

// Unpack writes the example integration into dir, which is made where it does
// not exist. Files that are there already are an error.
func Unpack(dir string) error {
	return os.CopyFS(dir, shoptoerp.Files)
}
