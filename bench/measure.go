package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"junctor/internal/load"
)

// measurement is one line of the bars that Junctor is held to.
type measurement struct {
	id, what string
	run      func(context.Context, *ground, *node) ([]row, error)
	long     bool // only when it is asked for
}

// measurements lists them all. P7 comes after those whose peaks it halves.
var measurements = []measurement{
	{id: "P1", what: "awaited: a scenario sums an order and answers JSON, the outcome on disk before the answer", run: awaited},
	{id: "P2", what: "not awaited: 200 once the run is on disk; all runs executed soon after", run: accepted},
	{id: "P3", what: "not awaited, whole way: one HTTP step, one record upsert, the outcome on disk", run: wholeWay},
	{id: "P4", what: "events: published, and delivered to 100 subscribers each", run: deliveries},
	{id: "P5", what: "records: create, get by key, filtered list of 50", run: records},
	{id: "P5 GROWTH", what: "the cost of a filtered list of 50 among 10 thousand and 5 million records", run: growth, long: true},
	{id: "P6", what: "websockets: a scenario sums an order for each message, 64 connections; memory of idle ones", run: websockets},
	{id: "P7", what: "p99 latency at half of the peak rate", run: latency},
	{id: "P11", what: "10,000 runs asleep until the same second", run: wakeUp},
	{id: "P11 EVENTS", what: "10,000 runs that wait for an event each", run: eventsCome},
}

// measure runs one measurement on a fresh Junctor.
func (g *ground) measure(ctx context.Context, m measurement) ([]row, error) {
	n, err := g.startNode(ctx, m.id)
	if err != nil {
		return nil, err
	}
	defer n.stop()
	rows, err := m.run(ctx, g, n)
	if err != nil && n.log() != "" {
		return rows, fmt.Errorf("%w\nThe server's last words:\n%s", err, n.log())
	}
	return rows, err
}

func awaited(ctx context.Context, g *ground, n *node) ([]row, error) {
	plain, err := g.awaitedChannel(ctx, n, "P1", "total", 0.40)
	if err != nil {
		return nil, err
	}
	errorsOnly, err := g.awaitedChannel(ctx, n, "P1 errors", "total_errors", 0.50)
	if err != nil {
		return []row{plain}, err
	}
	errorsOnly.what = "the same with capture: errors"
	signed := row{id: "P1 signed", what: "the same, each order signed (standard-webhooks)", yardstick: "echo", unit: "/s"}
	err = g.rounds(ctx, n, signed.id,
		func() (float64, error) { return g.rate(ctx, g.echo.url) },
		func() (float64, error) { return g.signedRate(ctx, n.url("total_signed")) }, &signed)
	return []row{plain, errorsOnly, signed}, err
}

func (g *ground) awaitedChannel(ctx context.Context, n *node, id, channel string, target float64) (row, error) {
	r := row{id: id, what: "awaited, a scenario sums an order", yardstick: "echo", unit: "/s", target: target}
	err := g.rounds(ctx, n, id,
		func() (float64, error) { return g.rate(ctx, g.echo.url) },
		func() (float64, error) { return g.rate(ctx, n.url(channel)) }, &r)
	g.peak["P1"] = max(g.peak["P1"], r.ours())
	return r, err
}

func accepted(ctx context.Context, g *ground, n *node) ([]row, error) {
	r := row{id: "P2", what: fmt.Sprintf("not awaited, accepted for %v", g.span), yardstick: "store", unit: "/s", target: 0.60}
	drain := row{id: "P2 rest", what: "until the last of these runs has ended", unit: "s", target: 10, atMost: true}
	err := g.rounds(ctx, n, r.id,
		func() (float64, error) { return g.rate(ctx, g.store.url) },
		func() (float64, error) {
			rate, err := g.rate(ctx, n.url("accept"))
			if err != nil {
				return 0, err
			}
			took, err := n.admin.AwaitFinished(ctx, 10*g.span+time.Minute)
			if g.counted {
				drain.add(0, took.Seconds())
			}
			return rate, err
		}, &r)
	g.peak["P2"] = r.ours()
	if err != nil {
		return []row{r, drain}, err
	}
	signed := row{id: "P2 signed", what: "the same, each order signed (standard-webhooks)", yardstick: "store", unit: "/s"}
	err = g.rounds(ctx, n, signed.id,
		func() (float64, error) { return g.rate(ctx, g.store.url) },
		func() (float64, error) {
			rate, err := g.signedRate(ctx, n.url("accept_signed"))
			if err == nil {
				_, err = n.admin.AwaitFinished(ctx, 10*g.span+time.Minute)
			}
			return rate, err
		}, &signed)
	return []row{r, drain, signed}, err
}

func wholeWay(ctx context.Context, g *ground, n *node) ([]row, error) {
	r := row{id: "P3", what: "not awaited, one HTTP step and one record upsert", yardstick: "store", unit: "/s", target: 0.22}
	err := g.rounds(ctx, n, r.id,
		func() (float64, error) { return g.rate(ctx, g.store.url) },
		func() (float64, error) {
			before, begun := g.sink.requests.Load(), time.Now()
			result, err := g.load(ctx, n.url("forward"), load.Options{Duration: g.span / 2})
			if err != nil {
				return 0, err
			}
			if _, err := n.admin.AwaitFinished(ctx, 10*g.span+time.Minute); err != nil {
				return 0, err
			}
			took := time.Since(begun)
			if seen := g.sink.requests.Load() - before; seen != result.OK() {
				return 0, fmt.Errorf("%d messages were accepted, the sink saw %d requests", result.OK(), seen)
			}
			return float64(result.OK()) / took.Seconds(), nil
		}, &r)
	return []row{r}, err
}

// latency compares with store at the same rate: half of what Junctor can do.
func latency(ctx context.Context, g *ground, n *node) ([]row, error) {
	var rows []row
	for _, of := range []struct{ id, channel string }{{"P1", "total"}, {"P2", "accept"}} {
		peak := g.peak[of.id]
		if peak == 0 { // P7 alone
			var err error
			if peak, err = g.rate(ctx, n.url(of.channel)); err != nil {
				return rows, err
			}
			if _, err = n.admin.AwaitFinished(ctx, 10*g.span+time.Minute); err != nil {
				return rows, err
			}
		}
		r := row{id: "P7 " + of.id, what: fmt.Sprintf("p99 of %s at %.0f/s", of.id, peak/2),
			yardstick: "store", unit: "ms", target: 3, atMost: true}
		err := g.rounds(ctx, n, r.id,
			func() (float64, error) { return g.p99(ctx, g.store.url, peak/2) },
			func() (float64, error) {
				ms, err := g.p99(ctx, n.url(of.channel), peak/2)
				if err != nil {
					return 0, err
				}
				_, err = n.admin.AwaitFinished(ctx, 10*g.span+time.Minute)
				return ms, err
			}, &r)
		rows = append(rows, r)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// rounds fills r: the yardstick and Junctor in turn. A round before the first
// warms both and is not counted; the first counted one is profiled.
func (g *ground) rounds(ctx context.Context, n *node, id string, theirs, ours func() (float64, error), r *row) error {
	whole := g.span
	g.span, g.counted = min(whole, 2*time.Second), false
	_, err := theirs()
	if err == nil {
		_, err = ours()
	}
	g.span, g.counted = whole, true
	for i := 0; i < g.options.rounds && err == nil; i++ {
		var a, b float64
		if a, err = theirs(); err != nil {
			break
		}
		stop := func() error { return nil }
		if i == 0 {
			stop = n.profile(ctx, id, g.span)
		}
		if b, err = ours(); err != nil {
			break
		}
		err = stop()
		r.add(a, b)
		fmt.Printf("  %-10s %s %s, Junctor %s: %.2f\n", id, r.yardstick, number(a, r.unit), number(b, r.unit), b/a)
	}
	return err
}

// rate is the good answers per second in a closed loop.
func (g *ground) rate(ctx context.Context, url string) (float64, error) {
	result, err := g.load(ctx, url, load.Options{Duration: g.span})
	if err != nil {
		return 0, err
	}
	return result.Rate(), nil
}

// signedRate is rate with orders that are signed one by one.
func (g *ground) signedRate(ctx context.Context, url string) (float64, error) {
	target, path, err := load.ParseTarget(url)
	if err != nil {
		return 0, err
	}
	result, err := g.load(ctx, url, load.Options{Duration: g.span, Request: signedOrders(target, path)})
	if err != nil {
		return 0, err
	}
	return result.Rate(), nil
}

// p99 is the 99th percentile in milliseconds in an open loop.
func (g *ground) p99(ctx context.Context, url string, rate float64) (float64, error) {
	result, err := g.load(ctx, url, load.Options{Duration: g.span, Rate: rate})
	if err != nil {
		return 0, err
	}
	return float64(result.Latency.Quantile(0.99)) / float64(time.Millisecond), nil
}

// load sends orders, each with its own number, and says what went wrong.
func (g *ground) load(ctx context.Context, to string, o load.Options) (*load.Result, error) {
	target, path, err := load.ParseTarget(to)
	if err != nil {
		return nil, err
	}
	o.Target, o.Connections = target, 64
	if o.Request == nil {
		o.Request = orders(target, path)
	}
	result, err := load.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	if result.Failed > 0 {
		return nil, fmt.Errorf("%d requests to %s had no answer: %w", result.Failed, shorten(to), result.FirstErr)
	}
	if bad := result.Answered() - result.OK(); bad > 0 {
		return nil, fmt.Errorf("%s refused %d requests: answers by status %v", shorten(to), bad, result.Statuses)
	}
	return result, ctx.Err()
}

// shorten leaves the token out of a URL.
func shorten(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Path == "/" {
		return raw
	}
	return u.Scheme + "://" + u.Host + "/..."
}
