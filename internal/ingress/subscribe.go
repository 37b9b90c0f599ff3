package ingress

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"junctor/internal/channel"
	"junctor/internal/fault"
	"junctor/internal/subscription"
)

// Subscriptions are those of eventing channels; *subscription.Store is it.
type Subscriptions interface {
	Create(ctx context.Context, channel string, allowed []string, most int, c subscription.Config, by subscription.Author) (subscription.Made, error)
	Get(ctx context.Context, channel, code string) (subscription.View, error)
	Delete(ctx context.Context, channel, code string, by subscription.Author) error
	NewSession(line subscription.Line, channel string, entrance subscription.Entrance) *subscription.Session
}

// subscribePath is where an eventing channel is subscribed to.
const subscribePath = "/subscribe"

// subscribes reports whether subscriptions, or one of them, are asked for.
func (f *found) subscribes() bool {
	rest, ok := strings.CutPrefix(f.path, subscribePath)
	if !ok {
		return false
	}
	id, one := strings.CutPrefix(rest, "/")
	return rest == "" || one && id != "" && !strings.Contains(id, "/")
}

// serve is take, or what eventing channels do instead.
func (d *door) serve(w http.ResponseWriter, r *http.Request, f *found) (int, error) {
	if f.door.Channel.Type == channel.Eventing {
		return d.subscribe(w, r, f)
	}
	return d.take(w, r, f)
}

// subscribe makes, shows or deletes a subscription.
func (d *door) subscribe(w http.ResponseWriter, r *http.Request, f *found) (int, error) {
	id := strings.TrimPrefix(strings.TrimPrefix(f.path, subscribePath), "/")
	allowed := "POST"
	if id != "" {
		allowed = "DELETE, GET, HEAD"
	}
	from, err := d.admit(w, r, f)
	if err != nil {
		return 0, err
	}
	by := subscription.Author{Name: "channel/" + f.door.Channel.Code, Address: from}
	code := f.door.Channel.Code
	switch {
	case id == "" && r.Method == http.MethodPost:
		made, err := d.makeSubscription(r, f, by)
		if err != nil {
			return 0, err
		}
		links := d.links(r, f, made.Code)
		w.Header().Set("Location", links["self"])
		return d.showSubscription(w, r, http.StatusCreated, shownSubscription{
			ID: made.Code, URL: made.URL, Types: append([]string{}, made.Choice.Types...), Filter: made.Choice.Filter, Secret: made.Secret, Links: links,
		})
	case id != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		v, err := d.Events.Get(r.Context(), code, id)
		if err != nil {
			return 0, err
		}
		s := shownSubscription{ID: v.Code, State: v.State, Reason: v.Reason, Links: d.links(r, f, v.Code)}
		if err := json.Unmarshal(v.Body, &s); err != nil {
			return 0, err
		}
		return d.showSubscription(w, r, http.StatusOK, s)
	case id != "" && r.Method == http.MethodDelete:
		if err := d.Events.Delete(r.Context(), code, id, by); err != nil {
			return 0, err
		}
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent, nil
	}
	w.Header().Set("Allow", allowed)
	return 0, fault.New(fault.MethodNot, "%s is not for this address, which takes %s.", r.Method, allowed)
}

// admit lets a request in by the channel's rules, as take does a message; the
// body is in the request then. It returns the sender's address.
func (d *door) admit(w http.ResponseWriter, r *http.Request, f *found) (from string, err error) {
	if f.door.Refused != nil {
		return "", f.door.Refused
	}
	from = d.Address(r)
	claims, err := knock(r, f, from)
	if err != nil {
		return from, err
	}
	body, leave, err := d.readBody(w, r, f.door.Channel, from)
	if err != nil {
		return from, err
	}
	leave() // what follows takes no time
	f.body = body
	if err := claims.Check(f.body); err != nil {
		return from, err
	}
	return from, f.door.Gate.Admit()
}

func (d *door) makeSubscription(r *http.Request, f *found, by subscription.Author) (made subscription.Made, err error) {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		media, _, err := mime.ParseMediaType(kind)
		if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
			return made, fault.New(fault.Unsupported, "A subscription is sent as application/json; Content-Type is %q.", kind)
		}
	}
	c, found := subscription.ParseRequest(f.body)
	switch {
	case len(found) == 0:
	case !utf8.Valid(f.body) || !json.Valid(f.body):
		return made, fault.New(fault.Invalid, "The body is not a JSON document.").WithFields(found...)
	default:
		return made, fault.New(fault.Unprocessable, "The subscription has mistakes.").WithFields(found...)
	}
	ch := f.door.Channel
	return d.Events.Create(r.Context(), ch.Code, ch.Types, ch.Subscriptions, c, by)
}

// shownSubscription is how a subscriber sees a subscription (3-interfaces, 2).
type shownSubscription struct {
	ID     string            `json:"id"`
	URL    string            `json:"url"`
	Types  []string          `json:"types"`
	Filter string            `json:"filter"`
	Secret string            `json:"secret,omitempty"` // when it is made only
	State  string            `json:"state,omitempty"`
	Reason string            `json:"reason,omitempty"` // why it is not active
	Links  map[string]string `json:"links"`
}

func (d *door) showSubscription(w http.ResponseWriter, r *http.Request, status int, s shownSubscription) (int, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return 0, err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(b) //nolint:errcheck // who has left does not want it
	}
	return status, nil
}

// links are where a subscription is found again, as its subscriber came: a token
// that came in a header is in no address.
func (d *door) links(r *http.Request, f *found, id string) map[string]string {
	token := f.token
	if f.bearer {
		token = "-"
	}
	return map[string]string{"self": d.BaseURL(r) + Base + token + subscribePath + "/" + id}
}
