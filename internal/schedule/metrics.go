package schedule

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what becomes of the times that schedules come at.
type Metrics struct {
	times *prometheus.CounterVec
	late  prometheus.Histogram
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		times: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "junctor_schedule_times_total", Help: "What became of the times that schedules came at on this node.",
		}, []string{"schedule", "outcome"}),
		late: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "junctor_schedule_late_seconds", Help: "Time from when a schedule was to come, jitter left out, to its run.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 10),
		}),
	}
	reg.MustRegister(m.times, m.late)
	return m
}

func (m *Metrics) count(told []outcome) {
	if m == nil {
		return
	}
	for _, o := range told {
		m.times.WithLabelValues(o.code, o.what).Add(float64(max(o.times, 1)))
		if o.what == "started" {
			m.late.Observe(o.late.Seconds())
		}
	}
}
