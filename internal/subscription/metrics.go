package subscription

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/run"
)

// metrics counts deliveries.
type metrics struct {
	deliveries *prometheus.CounterVec
	seconds    prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, s *Store) *metrics {
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "junctor_deliveries_total", Help: "Tries to deliver an event to a subscriber.",
		}, []string{"subscription", "outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "junctor_delivery_seconds", Help: "Time of a try to deliver an event.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}),
	}
	if reg == nil {
		return m
	}
	reg.MustRegister(m.deliveries, m.seconds, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "junctor_websocket_subscriptions", Help: "Subscriptions by websocket that are open.",
	}, func() float64 { return float64(s.sessions.feeds.Load()) }))
	for _, state := range []string{Active, Disabled, Ended} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "junctor_subscriptions", Help: "Subscriptions by webhook.", ConstLabels: prometheus.Labels{"state": state},
		}, func() (n float64) {
			for _, x := range s.list.Load().of {
				if x.state == state {
					n++
				}
			}
			return n
		}))
	}
	return m
}

func (m *metrics) delivered(code string, d time.Duration, failed *run.StepError) {
	outcome := "done"
	switch {
	case failed == nil:
	case failed.Held:
		return
	default:
		outcome = "failed"
	}
	m.deliveries.WithLabelValues(code, outcome).Inc()
	m.seconds.Observe(d.Seconds())
}
