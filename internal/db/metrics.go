package db

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type committerMetrics struct {
	items   prometheus.Histogram
	seconds prometheus.Histogram
	waiting prometheus.Gauge
}

func newCommitterMetrics(to prometheus.Registerer) committerMetrics {
	m := committerMetrics{
		items: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "junctor_db_batch_items", Help: "Items in one group commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 13),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "junctor_db_commit_seconds", Help: "Time of one group commit, from its first statement to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0002, 2, 16),
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "junctor_db_waiting_bytes", Help: "Bytes that wait for a group commit.",
		}),
	}
	if to != nil {
		to.MustRegister(m.items, m.seconds, m.waiting)
	}
	return m
}

func (m committerMetrics) took(items int, d time.Duration) {
	m.items.Observe(float64(items))
	m.seconds.Observe(d.Seconds())
}
