package ingress

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts the messages at the door, by channel and status.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "junctor_requests_total", Help: "Requests at the token endpoints; channel is empty for unknown tokens.",
		}, []string{"channel", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "junctor_request_seconds", Help: "Time from a request's arrival to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 3, 10),
		}, []string{"channel"}),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.seconds)
	}
	return m
}

func (m *metrics) done(channel string, status int, d time.Duration) {
	m.requests.WithLabelValues(channel, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(channel).Observe(d.Seconds())
}
