package run

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what happens to runs, by channel.
type metrics struct {
	in       *prometheus.CounterVec
	out      *prometheus.CounterVec
	retries  *prometheus.CounterVec
	duration *prometheus.HistogramVec
	steps    *prometheus.HistogramVec
	script   *prometheus.CounterVec
	channels sync.Map // *counters by channel: looking a label up costs more than counting
}

// counters are what every run of a channel is counted by.
type counters struct {
	in, succeeded, script prometheus.Counter
	duration              prometheus.Observer
}

func (m *metrics) of(channel string) *counters {
	if c, ok := m.channels.Load(channel); ok {
		return c.(*counters)
	}
	c := &counters{
		m.in.WithLabelValues(channel), m.out.WithLabelValues(channel, string(Succeeded)), m.script.WithLabelValues(channel),
		m.duration.WithLabelValues(channel),
	}
	m.channels.Store(channel, c)
	return c
}

func newMetrics(reg prometheus.Registerer, e *Engine) *metrics {
	m := &metrics{
		in: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "junctor_runs_accepted_total", Help: "Runs accepted.",
		}, []string{"channel"}),
		out: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "junctor_runs_ended_total", Help: "Runs that have ended.",
		}, []string{"channel", "state"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "junctor_run_retries_total", Help: "Tries that failed and are made again.",
		}, []string{"channel"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "junctor_run_seconds", Help: "Time from a run's acceptance to its end.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}, []string{"channel"}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "junctor_step_seconds", Help: "Time of external steps.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, []string{"step", "outcome"}),
	}
	m.script = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "junctor_script_seconds_total", Help: "Time in which the programs of runs computed.",
	}, []string{"channel"})
	if reg == nil {
		return m
	}
	reg.MustRegister(m.in, m.out, m.retries, m.duration, m.steps, m.script,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "junctor_runs_queued_here", Help: "Runs that wait in this node's memory.",
		}, func() float64 { return float64(e.queue.length() + e.lanes.length()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "junctor_queue_age_seconds", Help: "Age of the oldest run that waits in this node's memory.",
		}, func() float64 { return e.queueAge().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "junctor_runs_executing", Help: "Runs that this node executes.",
		}, func() float64 {
			e.mu.Lock()
			defer e.mu.Unlock()
			return float64(len(e.active))
		}))
	return m
}

func (e *Engine) queueAge() time.Duration {
	x := e.queue.first()
	if x == nil {
		return 0
	}
	return time.Duration(e.now()-x.row.createdAt) * time.Microsecond
}

func (m *metrics) accepted(r *row) { m.of(r.channel).in.Inc() }

func (m *metrics) retried(r *row) { m.retries.WithLabelValues(r.channel).Inc() }

func (m *metrics) ended(r *row) {
	of := m.of(r.channel)
	if r.state == Succeeded {
		of.succeeded.Inc()
	} else {
		m.out.WithLabelValues(r.channel, string(r.state)).Inc()
	}
	of.duration.Observe(float64(r.finishedAt-r.createdAt) / 1e6)
}

func (m *metrics) computed(r *row, d time.Duration) { m.of(r.channel).script.Add(d.Seconds()) }

func (m *metrics) step(name string, d time.Duration, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	m.steps.WithLabelValues(name, outcome).Observe(d.Seconds())
}
