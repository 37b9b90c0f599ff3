package script

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what a pool counts; without a registerer it counts for nobody.
type metrics struct {
	registerer prometheus.Registerer
	runs       *prometheus.CounterVec
	gauges     []prometheus.Collector
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{registerer: r, runs: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "junctor_script_runs_total", Help: "Script executions that ended, by how.",
	}, []string{"end"})}
	if r != nil {
		if err := r.Register(m.runs); err != nil {
			return nil, fmt.Errorf("register the script metrics: %w", err)
		}
	}
	return m, nil
}

// observe adds what is asked of the pool at each scrape.
func (m *metrics) observe(p *Pool) error {
	if m.registerer == nil {
		return nil
	}
	for name, g := range map[string]struct {
		help  string
		value func() int
	}{
		"junctor_script_machines":         {"Virtual machines that exist.", func() int { return len(p.all) }},
		"junctor_script_machines_idle":    {"Virtual machines without a run.", func() int { return len(p.idle) }},
		"junctor_script_machines_stuck":   {"Virtual machines given up and still computing.", func() int { return p.stuck }},
		"junctor_script_machines_waiting": {"Runs that wait for a virtual machine.", func() int { return len(p.waiting) }},
	} {
		gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: g.help}, func() float64 {
			p.mu.Lock()
			defer p.mu.Unlock()
			return float64(g.value())
		})
		if err := m.registerer.Register(gauge); err != nil {
			return fmt.Errorf("register the script metrics: %w", err)
		}
		m.gauges = append(m.gauges, gauge)
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
	if m.registerer == nil {
		return
	}
	m.registerer.Unregister(m.runs)
	for _, g := range m.gauges {
		m.registerer.Unregister(g)
	}
}
