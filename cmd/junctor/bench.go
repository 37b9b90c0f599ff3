package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"junctor/internal/load"
)

type bench struct {
	URL         string   `arg:"" help:"What to ask: http://127.0.0.1:8080/api/token/v1/TOKEN."`
	Body        string   `help:"Send this file's content." type:"existingfile" placeholder:"FILE"`
	Method      string   `help:"POST with a body, GET without, unless said here." placeholder:"METHOD"`
	Header      []string `help:"Send this header; may be given more than once." sep:"none" placeholder:"NAME:VALUE"`
	Connections int      `help:"So many at the same time (default ${default})." default:"64"`
	Seconds     float64  `help:"For so long (default ${default})." default:"10"`
	Rate        float64  `help:"Begin so many requests per second, whatever the server does; without it each connection asks again as soon as it is answered."`
	JSON        bool     `name:"json" help:"Write JSON, for a machine."`
}

// Help teaches by examples.
func (bench) Help() string {
	return `Puts a channel under load and shows how it does. With --rate a request that finds no connection free counts from when it was due, so a server that stalls cannot hide it.

Examples:
  junctor bench http://127.0.0.1:8080/api/token/v1/TOKEN --body order.json
  junctor bench http://127.0.0.1:8080/api/token/v1/TOKEN --body order.json --rate 500 --seconds 60 --header "Content-Type: application/json"`
}

// Run measures.
func (b bench) Run(ctx context.Context, console *console) error {
	target, path, err := load.ParseTarget(b.URL)
	if err != nil {
		return usage("%w", err)
	}
	request, err := b.request(target, path)
	if err != nil {
		return err
	}
	if b.Connections < 1 || b.Connections > 10_000 {
		return usage("--connections is a number from 1 to 10000")
	}
	if b.Seconds <= 0 || b.Rate < 0 {
		return usage("--seconds and --rate are numbers above 0")
	}
	result, err := load.Run(ctx, load.Options{
		Target: target, Request: request, Connections: b.Connections, Rate: b.Rate,
		Duration: time.Duration(b.Seconds * float64(time.Second)),
	})
	if err != nil {
		return err
	}
	m := measured(result)
	if b.JSON {
		err = console.json(m)
	} else {
		m.show(console)
	}
	if err == nil && result.OK() == 0 {
		err = errors.New("not one good answer")
		if result.FirstErr != nil {
			err = fmt.Errorf("not one good answer: %w", result.FirstErr)
		}
	}
	return err
}

// request is what is sent again and again.
func (b bench) request(target load.Target, path string) (func(int64, []byte) []byte, error) {
	header := http.Header{"User-Agent": {"junctor-bench"}}
	for _, line := range b.Header {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(line, "\r\n") {
			return nil, usage("--header is written like \"Content-Type: application/json\", not %q", line)
		}
		header.Add(name, strings.TrimSpace(value))
	}
	method, body := http.MethodGet, []byte(nil)
	if b.Body != "" {
		var err error
		if body, err = os.ReadFile(b.Body); err != nil {
			return nil, fmt.Errorf("read --body: %w", err)
		}
		method = http.MethodPost
	}
	if b.Method != "" {
		method = strings.ToUpper(b.Method)
	}
	if strings.ContainsAny(method, " \r\n\t") {
		return nil, usage("--method is a word such as PUT, not %q", b.Method)
	}
	return target.Request(method, path, header, body), nil
}

// measurement is a result as it is shown; latencies in milliseconds.
type measurement struct {
	Seconds  float64          `json:"seconds"`
	Answered int64            `json:"answered"`
	Good     int64            `json:"good"` // 200 to 299
	Failed   int64            `json:"failed"`
	Rate     float64          `json:"rate"` // good answers per second
	P50      float64          `json:"p50_ms"`
	P90      float64          `json:"p90_ms"`
	P99      float64          `json:"p99_ms"`
	Max      float64          `json:"max_ms"`
	Statuses map[string]int64 `json:"statuses"`
	Error    string           `json:"error,omitempty"` // the first request without an answer
}

func measured(r *load.Result) measurement {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	m := measurement{
		Seconds: r.Elapsed.Seconds(), Answered: r.Answered(), Good: r.OK(), Failed: r.Failed, Rate: r.Rate(),
		P50: ms(r.Latency.Quantile(0.5)), P90: ms(r.Latency.Quantile(0.9)), P99: ms(r.Latency.Quantile(0.99)), Max: ms(r.Latency.Max()),
		Statuses: map[string]int64{},
	}
	for status, n := range r.Statuses {
		m.Statuses[strconv.Itoa(status)] = n
	}
	if r.FirstErr != nil {
		m.Error = r.FirstErr.Error()
	}
	return m
}

func (m measurement) show(console *console) {
	console.line("%d answers in %.1f s, %.0f good ones per second", m.Answered, m.Seconds, m.Rate)
	console.line("latency  p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms", m.P50, m.P90, m.P99, m.Max)
	for _, status := range slices.Sorted(maps.Keys(m.Statuses)) {
		console.line("status   %s: %d", status, m.Statuses[status])
	}
	if m.Failed > 0 {
		console.line("%s", console.paint(red, fmt.Sprintf("failed   %d, the first: %s", m.Failed, m.Error)))
	}
}
