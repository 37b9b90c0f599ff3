package script

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what a pool counts; without a registerer it counts for nobody.
type metrics struct {
	registerer prometheus.Registerer
	runs       *prometheus.CounterVec
	registered []prometheus.Collector
}

func newMetrics(r prometheus.Registerer) *metrics {
	return &metrics{registerer: r, runs: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "junctor_script_runs_total", Help: "Script executions that ended, by how.",
	}, []string{"end"})}
}

// observe registers the counter, and gauges that ask the pool at each scrape.
func (m *metrics) observe(p *Pool) error {
	if m.registerer == nil {
		return nil
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "junctor_script_machines" + name, Help: help}, func() float64 {
			p.mu.Lock()
			defer p.mu.Unlock()
			return float64(value())
		})
	}
	for _, c := range []prometheus.Collector{
		m.runs,
		gauge("", "Virtual machines that exist.", func() int { return len(p.all) }),
		gauge("_idle", "Virtual machines without a run.", func() int { return len(p.idle) }),
		gauge("_stuck", "Virtual machines given up and still computing.", func() int { return p.stuck }),
		gauge("_awaited", "Runs that wait for a virtual machine.", func() int { return len(p.waiting) }),
	} {
		if err := m.registerer.Register(c); err != nil {
			m.close()
			return fmt.Errorf("register the script metrics: %w", err)
		}
		m.registered = append(m.registered, c)
	}
	return nil
}

// finished counts a run that ended.
func (m *metrics) finished(t *Turn) {
	end := "done"
	if t.Err != nil {
		end = string(t.Err.Kind)
	}
	m.runs.WithLabelValues(end).Inc()
}

func (m *metrics) close() {
	for _, c := range m.registered {
		m.registerer.Unregister(c)
	}
	m.registered = nil
}
