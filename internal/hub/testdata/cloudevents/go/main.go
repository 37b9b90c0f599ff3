// What a program with the SDK of CloudEvents for Go does: it sends events in
// every content mode, and receives them by webhook and by cursor. BASE is the
// server, ADMIN the password of admin, SUBSCRIBE where events are subscribed.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	came := make(chan *cloudevents.Event, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := cehttp.NewEventFromHTTPRequest(r)
		if err != nil {
			log.Print("a delivery: ", err)
			return
		}
		came <- e
	}))
	defer hook.Close()
	if err := post(ctx, os.Getenv("SUBSCRIBE"), `{"url":"`+hook.URL+`","types":["go.**"]}`); err != nil {
		return err
	}
	sent := map[string]cloudevents.Event{}
	for mode, send := range map[string]func(context.Context, []cloudevents.Event) error{
		"binary":     one(binding.WithForceBinary),
		"structured": one(binding.WithForceStructured),
		"batch":      batch,
	} {
		events, err := events(mode)
		if err != nil {
			return err
		}
		if err := send(ctx, events); err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
		for _, e := range events {
			sent[e.ID()] = e
		}
	}
	for range sent {
		select {
		case e := <-came:
			if err := same(sent, e); err != nil {
				return fmt.Errorf("a delivery: %w", err)
			}
		case <-ctx.Done():
			return errors.New("not all deliveries have come")
		}
	}
	return read(ctx, sent)
}

// events are one of each kind of content.
func events(mode string) (all []cloudevents.Event, err error) {
	for kind, content := range map[string]struct {
		media string
		data  any
	}{
		"json":  {cloudevents.ApplicationJSON, map[string]any{"number": "4711", "total": 99.5, "lines": []any{nil, true, "žluťoučký"}}},
		"text":  {cloudevents.TextPlain, "Grüße\nand \"more\""},
		"xml":   {cloudevents.ApplicationXML, []byte("<order number=\"4711\">&amp;</order>")},
		"bytes": {"application/octet-stream", []byte{0, 1, 0xff, '"', '\n'}},
		"none":  {},
	} {
		e := cloudevents.NewEvent()
		e.SetID(mode + "-" + kind)
		e.SetSource("/go/" + mode)
		e.SetType("go." + mode + "." + kind)
		e.SetSubject("order " + kind)
		text := "plain"
		if mode != "binary" { // in headers the SDK does not write what is not ASCII as the specification says
			text = "ěšč 100%"
		}
		e.SetExtension("text", text)
		e.SetTime(time.Date(2026, 11, 22, 8, 0, 0, 123456789, time.UTC))
		e.SetDataSchema("https://example.com/order.json")
		e.SetExtension("number", 42)
		e.SetExtension("flag", true)
		if content.data != nil {
			if err := e.SetData(content.media, content.data); err != nil {
				return nil, err
			}
		}
		if err := e.Validate(); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// one sends each event by itself, with the SDK's client.
func one(mode func(context.Context) context.Context) func(context.Context, []cloudevents.Event) error {
	return func(ctx context.Context, events []cloudevents.Event) error {
		c, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(os.Getenv("BASE")+"/api/v1/events"), cehttp.WithRoundTripper(login{}))
		if err != nil {
			return err
		}
		for _, e := range events {
			if result := c.Send(mode(ctx), e); !cloudevents.IsACK(result) {
				return fmt.Errorf("%s: %w", e.ID(), result)
			}
		}
		return nil
	}
}

func batch(ctx context.Context, events []cloudevents.Event) error {
	r, err := cehttp.NewHTTPRequestFromEvents(ctx, os.Getenv("BASE")+"/api/v1/events", events)
	if err != nil {
		return err
	}
	return do(r)
}

type login struct{}

func (login) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth("admin", os.Getenv("ADMIN"))
	return http.DefaultTransport.RoundTrip(r)
}

func post(ctx context.Context, url, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return do(r)
}

func do(r *http.Request) error {
	resp, err := login{}.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s", resp.Status, body)
	}
	return nil
}

// read reads all from the log.
func read(ctx context.Context, sent map[string]cloudevents.Event) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, os.Getenv("BASE")+"/api/v1/events?types=go.**&limit=1000", nil)
	if err != nil {
		return err
	}
	resp, err := login{}.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var page struct {
		Items []struct{ Event cloudevents.Event }
	}
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		return err
	}
	if len(page.Items) != len(sent) {
		return fmt.Errorf("%d of %d events are in the log", len(page.Items), len(sent))
	}
	for _, i := range page.Items {
		if err := same(sent, &i.Event); err != nil {
			return fmt.Errorf("in the log: %w", err)
		}
	}
	return nil
}

// same says what of an event is not as it was sent. Numbers and truth values are
// texts in headers.
func same(sent map[string]cloudevents.Event, got *cloudevents.Event) error {
	if err := got.Validate(); err != nil {
		return err
	}
	want, ok := sent[got.ID()]
	if !ok {
		return fmt.Errorf("nobody has sent %s", got.ID())
	}
	attributes := func(e *cloudevents.Event) string {
		return fmt.Sprintln(e.ID(), e.Source(), e.Type(), e.Subject(), e.Time(), e.DataSchema(), e.DataContentType(),
			e.Extensions()["text"], e.Extensions()["number"], e.Extensions()["flag"], len(e.Extensions()))
	}
	if g, w := attributes(got), attributes(&want); g != w {
		return fmt.Errorf("%s has come as %s", w, g)
	}
	if want.DataContentType() == cloudevents.ApplicationJSON {
		var g, w any
		if err := errors.Join(got.DataAs(&g), want.DataAs(&w)); err != nil || !reflect.DeepEqual(g, w) {
			return fmt.Errorf("%s: %s has come as %s (%v)", got.ID(), want.Data(), got.Data(), err)
		}
	} else if !bytes.Equal(got.Data(), want.Data()) {
		return fmt.Errorf("%s: %q has come as %q", got.ID(), want.Data(), got.Data())
	}
	return nil
}
