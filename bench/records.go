package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"

	"junctor/internal/load"
	"junctor/test/outside"
)

// kept is how many orders are there to be read, in lots of a hundred.
const kept = 5000

// records compares with the same done by hand. Junctor's caller is an application
// with a role, of which every right has a row filter; each create is an event and
// is checked against its class.
func records(ctx context.Context, g *ground, n *node) ([]row, error) {
	binary, err := outside.Build(ctx, g.dir, "./bench/limit/records")
	if err != nil {
		return nil, err
	}
	limit, err := startYardstick(ctx, binary, "--file", filepath.Join(g.dir, "records.db"))
	if err != nil {
		return nil, err
	}
	defer func() {
		limit.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
		limit.cmd.Wait()         //nolint:errcheck // it was killed
	}()
	token, err := session(ctx, n.server.URL)
	if err != nil {
		return nil, err
	}
	theirs := caller{g: g, base: limit.url + "orders"}
	ours := caller{g: g, base: n.server.URL + "/api/v1/data/orders", header: http.Header{"Authorization": {"Bearer " + token}}}
	for _, c := range []caller{theirs, ours} {
		if _, err := c.load(ctx, load.Options{Limit: kept}, http.MethodPost, "", "K"); err != nil {
			return nil, fmt.Errorf("fill: %w", err)
		}
	}
	all := []row{
		{id: "P5 create", what: "create a record, with role, row filter, event and validation", target: 0.50},
		{id: "P5 get", what: "get a record by its key, with role and row filter", target: 0.60},
		{id: "P5 list", what: "filtered list of 50, with role and row filter", target: 0.50},
	}
	paths := [][2]string{{"", ""}, {"/K000000000", "(number='K000000000')"}, {"?lot=L00", "?$filter=lot%20eq%20'L00'&$orderby=number&$top=50"}}
	for i := range all {
		all[i].yardstick, all[i].unit = "records", "/s"
		method := http.MethodGet
		if i == 0 {
			method = http.MethodPost
		}
		err := g.rounds(ctx, n, all[i].id,
			func() (float64, error) { return theirs.rate(ctx, method, paths[i][0]) },
			func() (float64, error) { return ours.rate(ctx, method, paths[i][1]) }, &all[i])
		if err != nil {
			return all[:i+1], err
		}
	}
	return all, nil
}

// session begins one of the application that the configuration declares.
func session(ctx context.Context, base string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/session", nil)
	if err != nil {
		return "", err
	}
	r.SetBasicAuth("portal", outside.Password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var s struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil || s.Token == "" {
		return "", fmt.Errorf("the session was answered with %s: %w", resp.Status, err)
	}
	return s.Token, nil
}

// caller asks one of the two servers.
type caller struct {
	g      *ground
	base   string
	header http.Header
}

func (c caller) rate(ctx context.Context, method, path string) (float64, error) {
	result, err := c.load(ctx, load.Options{Duration: c.g.span}, method, path, "B")
	if err != nil {
		return 0, err
	}
	return result.Rate(), nil
}

// load sends requests that differ in their number, or in the lot.
func (c caller) load(ctx context.Context, o load.Options, method, path, letter string) (*load.Result, error) {
	target, base, err := load.ParseTarget(c.base)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, values := range c.header {
		header[name] = values
	}
	var body []byte
	if method == http.MethodPost {
		header.Set("Content-Type", "application/json")
		lot := "L00"
		if letter == "B" {
			lot = "none" // of those that are listed
		}
		body = []byte(`{"number":"` + letter + `000000000","lot":"` + lot + `","owner":"portal","total":1234.50,"state":"new","note":"a note of the usual length, which says little"}`)
	}
	raw := target.Bytes(method, base+path, header, body)
	place := bytes.Index // in the path, before the token
	if body != nil {
		place = bytes.LastIndex // in the body, behind it
	}
	number, lot := place(raw, []byte("000000000"))+1, place(raw, []byte("L00"))+1
	o.Request = func(n int64, buf []byte) []byte {
		buf = append(buf, raw...)
		switch {
		case method == http.MethodPost && letter == "B":
			n = issued.Add(1)
		default:
			n %= kept
		}
		if number > 0 {
			digits(buf[number-1:number+8], n)
		}
		if lot > 0 {
			digits(buf[lot:lot+2], n%(kept/100))
		}
		return buf
	}
	return c.g.load(ctx, c.base, o)
}
