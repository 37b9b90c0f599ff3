package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Summary is a Result as people and machines read it.
type Summary struct {
	Seconds float64          `json:"seconds"`
	Answers map[string]int64 `json:"answers"` // by status
	Failed  int64            `json:"failed"`  // requests without an answer
	Failure string           `json:"failure,omitempty"`
	Rate    float64          `json:"rate"` // answers from 200 to 299 per second
	MeanMS  float64          `json:"mean_ms"`
	P50MS   float64          `json:"p50_ms"`
	P90MS   float64          `json:"p90_ms"`
	P99MS   float64          `json:"p99_ms"`
	P999MS  float64          `json:"p999_ms"`
	MaxMS   float64          `json:"max_ms"`
}

// Summary of a measurement.
func (r *Result) Summary() Summary {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	s := Summary{
		Seconds: r.Elapsed.Seconds(), Answers: map[string]int64{}, Failed: r.Failed, Rate: r.Rate(),
		MeanMS: ms(r.Latency.Mean()), P50MS: ms(r.Latency.Quantile(0.5)), P90MS: ms(r.Latency.Quantile(0.9)),
		P99MS: ms(r.Latency.Quantile(0.99)), P999MS: ms(r.Latency.Quantile(0.999)), MaxMS: ms(r.Latency.Max()),
	}
	for status, n := range r.Statuses {
		s.Answers[strconv.Itoa(status)] = n
	}
	if r.FirstErr != nil {
		s.Failure = r.FirstErr.Error()
	}
	return s
}

// Print writes the summary as a few aligned lines.
func (s Summary) Print(w io.Writer) error {
	lines := fmt.Appendf(nil, "%.0f good answers per second over %.1f s\n\n", s.Rate, s.Seconds)
	for _, status := range slices.Sorted(maps.Keys(s.Answers)) {
		lines = fmt.Appendf(lines, "  %-8s %9d\n", status, s.Answers[status])
	}
	if s.Failed > 0 {
		lines = fmt.Appendf(lines, "  %-8s %9d   the first: %s\n", "failed", s.Failed, s.Failure)
	}
	lines = fmt.Appendf(lines, "\n  latency   mean %.2f   p50 %.2f   p90 %.2f   p99 %.2f   p99.9 %.2f   max %.2f ms\n",
		s.MeanMS, s.P50MS, s.P90MS, s.P99MS, s.P999MS, s.MaxMS)
	_, err := w.Write(lines)
	return err
}
