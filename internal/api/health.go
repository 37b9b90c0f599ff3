package api

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"junctor/internal/fault"
	"junctor/internal/right"
)

// readyWithin is how long the database may take for a probe write.
const readyWithin = 2 * time.Second

type health struct {
	Status  string `json:"status"`
	Release string `json:"release"`
}

// healthy says that the process answers, and nothing of what it stands on.
func (d *door) healthy(*call, nothing, nothing) (health, error) {
	return health{"ok", d.Release}, nil
}

// ready says that messages would be taken: the database takes a write in
// time. A backlog does not make a node unready.
func (d *door) ready(c *call, _, _ nothing) (health, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), readyWithin)
	defer cancel()
	if err := d.Ready(ctx); err != nil {
		return health{}, fault.Wrap(err, fault.Unavailable,
			"the database does not take a write within %s; the server's log says why", readyWithin).WithRetryAfter(time.Second)
	}
	return health{"ready", d.Release}, nil
}

func (d *door) metricsRight() permission {
	if d.MetricsByToken != nil && d.MetricsByToken() {
		return right.Settings
	}
	return open
}

func (d *door) metrics() func(http.ResponseWriter, *http.Request) error {
	h := promhttp.HandlerFor(d.Metrics, promhttp.HandlerOpts{ErrorLog: gatherLog{d}})
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// gatherLog takes what goes wrong while metrics are gathered.
type gatherLog struct{ door *door }

func (g gatherLog) Println(v ...any) {
	g.door.Log.Error("metrics could not be gathered", "error", v)
}
