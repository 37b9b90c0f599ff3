package socket

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	opened, received, sent prometheus.Counter
	ends                   *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, s *Server) *metrics {
	messages := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "junctor_websocket_messages_total", Help: "Messages on websockets; direction is in or out.",
	}, []string{"direction"})
	m := &metrics{
		opened: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "junctor_websocket_opened_total", Help: "Websocket connections that were opened.",
		}),
		received: messages.WithLabelValues("in"), sent: messages.WithLabelValues("out"),
		ends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "junctor_websocket_closed_total", Help: "Websocket connections that ended, by close code; 1006: without one. by is peer or server.",
		}, []string{"code", "by"}),
	}
	if reg != nil {
		reg.MustRegister(messages, m.opened, m.ends, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "junctor_websocket_connections", Help: "Websocket connections that are open.",
		}, func() float64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return float64(len(s.open))
		}))
	}
	return m
}

func (m *metrics) closed(end End) {
	by := "server"
	if end.ByPeer {
		by = "peer"
	}
	code := strconv.Itoa(end.Code)
	if end.Code >= firstPrivate {
		code = "private" // a peer has two thousand of them to choose from
	}
	m.ends.WithLabelValues(code, by).Inc()
}
