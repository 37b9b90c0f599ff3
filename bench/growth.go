package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"junctor/internal/load"
)

// How many records the two classes of growth have, in lots of a hundred.
const (
	few  = 10_000
	many = 5_000_000
)

// growth compares the cost of a list of 50, by an indexed column, in a small class
// and a large one of the same database.
func growth(ctx context.Context, g *ground, n *node) ([]row, error) {
	r := row{id: "P5 GROWTH", what: "filtered list of 50 among 5 million records", yardstick: "among 10 thousand:", unit: "ms", target: 1.5, atMost: true}
	token, err := session(ctx, n.server.URL)
	if err != nil {
		return nil, err
	}
	kinds := make([]grown, 2)
	for i, class := range []string{"few", "many"} {
		kinds[i] = grown{g: g, url: n.server.URL + "/api/v1/data/" + class, count: int64([]int{few, many}[i]), header: http.Header{"Authorization": {"Bearer " + token}}}
		fmt.Printf("  %-10s %d records are made\n", r.id, kinds[i].count)
		if err := kinds[i].fill(ctx); err != nil {
			return nil, fmt.Errorf("fill: %w", err)
		}
	}
	err = g.rounds(ctx, n, r.id,
		func() (float64, error) { return kinds[0].cost(ctx) },
		func() (float64, error) { return kinds[1].cost(ctx) }, &r)
	return []row{r}, err
}

// grown is a class whose records are in lots, each number in one of them.
type grown struct {
	g      *ground
	url    string
	count  int64
	header http.Header
}

func (k grown) fill(ctx context.Context) error {
	target, path, err := load.ParseTarget(k.url)
	if err != nil {
		return err
	}
	k.header.Set("Content-Type", "application/json")
	_, err = k.g.load(ctx, k.url, load.Options{Limit: k.count, Request: func(n int64, buf []byte) []byte {
		n = n * 7919 % k.count // not in order: a class is rarely filled so
		body := fmt.Appendf(nil, `{"number":"N%09d","lot":"L%05d","owner":"portal","total":1234.50,"state":"new","note":"a note of the usual length, which says little"}`, n, n/100)
		return append(buf, target.Bytes(http.MethodPost, path, k.header, body)...)
	}})
	return err
}

// cost is the time of one list in milliseconds, when 64 connections ask for one
// after the other, each for another lot.
func (k grown) cost(ctx context.Context) (float64, error) {
	target, path, err := load.ParseTarget(k.url)
	if err != nil {
		return 0, err
	}
	lots := k.count / 100
	result, err := k.g.load(ctx, k.url, load.Options{Duration: k.g.span, Request: func(n int64, buf []byte) []byte {
		lot := strconv.FormatInt(100_000+n*7919%lots, 10)[1:]
		return append(buf, target.Bytes(http.MethodGet, path+"?$filter=lot%20eq%20'L"+lot+"'&$orderby=number&$top=50", k.header, nil)...)
	}})
	if err != nil {
		return 0, err
	}
	return 1000 / result.Rate(), nil
}
