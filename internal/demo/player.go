package demo

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// sample is one message that the player sends.
type sample struct {
	who  Who
	what string // for the console
	key  string // Idempotency-Key
	body string
}

func order(number, name, city, lines, rest string) string {
	return fmt.Sprintf(`{"number":%q,%s"customer":{"name":%q,"email":"orders@example.com","address":{"street":"7 Quarry Lane","city":%q,"zip":"602 00","country":"CZ"}},"lines":[%s]}`,
		number, rest, name, city, lines)
}

const (
	bearing = `{"sku":"P-7100","name":"Bearing 20 mm","quantity":2,"price":45.50}`
	belt    = `{"sku":"P-7205","name":"Drive belt","quantity":1,"price":18.90}`
	old     = `{"sku":"OLD-12","name":"Gear of 1998","quantity":1,"price":3}`
	euros   = `"currency":"EUR",`
)

// samples show what can happen to a message, one thing each.
var samples = []sample{
	{shop, "order S-1001", "S-1001", order("S-1001", "Ada Novak", "Brno", bearing, euros)},
	{shop, "order S-1002", "S-1002", order("S-1002", "Milan & Sons", "Praha", bearing+","+belt, euros)},
	{shop, "order S-1001 once more, under its old key", "S-1001", order("S-1001", "Ada Novak", "Brno", bearing, euros)},
	{shop, "order S-1003 without a currency", "S-1003", order("S-1003", "Eva Kral", "Plzen", belt, "")},
	{shop, "order S-1004 of something that the ERP no longer sells", "S-1004", order("S-1004", "Jan Sykora", "Tabor", old, euros)},
	{warehouse, "movement of P-7100 by -2", "", `{"article":"P-7100","quantity":-2,"reason":"sold"}`},
	{warehouse, "movement of P-7205 by -1", "", `{"article":"P-7205","quantity":-1,"reason":"sold"}`},
	{warehouse, "movement of P-7100 by +50", "", `{"article":"P-7100","quantity":50,"reason":"delivery"}`},
}

// Play sends the samples, one after another, and prints what is answered. It
// returns when all are answered; what runs on can be seen by Watch.
func Play(ctx context.Context, s Setup) error {
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for _, m := range samples {
		url := s.Shop
		if m.who == warehouse {
			url = s.Warehouse
		}
		s.Console.line(m.who, "sends %s", m.what)
		status, headers, body, err := send(ctx, client, url, m)
		if err != nil {
			return fmt.Errorf("sending %s to %s: %w", m.what, url, err)
		}
		s.Console.line(m.who, "gets  %d %s", status, answer(headers, body))
	}
	return nil
}

func send(ctx context.Context, client *http.Client, url string, m sample) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(m.body))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if m.key != "" {
		req.Header.Set("Idempotency-Key", m.key)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, resp.Header, body, err
}

// answer is what a person wants to see of an answer.
func answer(h http.Header, body []byte) string {
	text := string(bytes.TrimSpace(body))
	if h.Get("Junctor-Duplicate") == "true" {
		text += " (known already, no second run)"
	}
	return cmp.Or(text, "(empty: it is on disk)") + "  " + h.Get("Junctor-Run")
}
