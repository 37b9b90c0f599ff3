package ingress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"junctor/internal/fault"
	"junctor/internal/limit"
	"junctor/internal/link"
	"junctor/internal/strict"
	"junctor/internal/unit"
)

// Links are those that have been handed out; *link.Store is it.
type Links interface {
	Look(ctx context.Context, token string) (link.Shown, error)
	Use(ctx context.Context, token, comment string) (link.Shown, error)
}

// LinkOptions is what the door of links is made of; all are required but
// Metrics, BodyTime and Now.
type LinkOptions struct {
	Links    Links
	Address  func(*http.Request) string // the client's address, behind trusted proxies
	Zone     func() *time.Location      // in which people read times
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	BodyTime time.Duration // in which a body must have arrived; 0: 1 min
	Now      func() time.Time
}

// NewLinks makes the handler of /link/v1/TOKEN: a page to read and a button to
// press (G5). A GET shows what the link does, and a POST does it, so that a
// program that looks at every link of a mail decides nothing; only where a link
// is made for programs a GET does it too. HEAD and OPTIONS never do.
func NewLinks(o LinkOptions) http.Handler {
	if o.BodyTime == 0 {
		o.BodyTime = bodyTime
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &linkDoor{LinkOptions: o, guesses: limit.NewKeyed(linkGuesses, o.Now), count: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "junctor_links_total", Help: "Requests to links, by what became of them.",
	}, []string{"outcome"})}
	if o.Metrics != nil {
		o.Metrics.MustRegister(d.count)
	}
	return d
}

// linkGuesses is how often an address may ask for links that are none.
var linkGuesses = limit.Rule{Size: 30, Refill: 10 * time.Second}

type linkDoor struct {
	LinkOptions
	guesses *limit.Keyed // of links that are none, by network
	count   *prometheus.CounterVec
}

const linkMethods = "GET, HEAD, POST, OPTIONS"

func (d *linkDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(d.BodyTime)) //nolint:errcheck // see hurry
	}
	d.secure(w.Header())
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	case http.MethodOptions:
		w.Header().Set("Allow", linkMethods)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		w.Header().Set("Allow", linkMethods)
		d.refuse(w, r, link.Shown{}, fault.New(fault.MethodNot, "A link takes %s.", linkMethods))
		return
	}
	network := limit.Network(d.Address(r))
	if wait := d.guesses.Wait(network); wait > 0 {
		d.refuse(w, r, link.Shown{}, fault.New(fault.TooMany, "Too many links that are not valid were asked for from here; wait before the next one.").WithRetryAfter(wait))
		return
	}
	shown, used, err := d.follow(w, r)
	if fault.Is(err, fault.NotFound) {
		d.guesses.Take(network)
	}
	if err != nil {
		d.refuse(w, r, shown, err)
		return
	}
	d.answer(w, r, shown, used)
}

// follow does what a request to a link is meant to do.
func (d *linkDoor) follow(w http.ResponseWriter, r *http.Request) (shown link.Shown, used bool, err error) {
	token := strings.TrimPrefix(r.URL.Path, link.Base)
	if r.Method != http.MethodPost {
		shown, err = d.Links.Look(r.Context(), token)
		if err != nil || shown.Confirm || r.Method == http.MethodHead || ahead(r.Header) {
			return shown, false, err
		}
	}
	comment, err := said(w, r)
	if err != nil {
		return shown, false, err
	}
	// What was begun is done, though whoever asked may have left meanwhile.
	shown, err = d.Links.Use(context.WithoutCancel(r.Context()), token, comment)
	return shown, true, err
}

// ahead reports whether a browser only looks ahead of where its user may go.
func ahead(h http.Header) bool {
	return strings.Contains(h.Get("Sec-Purpose"), "prefetch") || h.Get("Purpose") == "prefetch" || h.Get("X-Moz") == "prefetch"
}

// linkBody bounds what is sent with a POST, in bytes.
const linkBody = 64 << 10

// said reads the comment of a form or of a JSON document; "" for none.
func said(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Method != http.MethodPost || r.ContentLength == 0 {
		return "", nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, linkBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return "", fault.New(fault.TooLarge, "A link takes a body of at most %s.", unit.FormatSize(linkBody))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", fault.New(fault.Timeout, "The request did not arrive in time.")
	case err != nil:
		return "", fault.Wrap(err, fault.Invalid, "The request ended early.")
	case len(body) == 0:
		return "", nil
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) //nolint:errcheck // what is none is refused below
	var comment string
	switch media {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", fault.New(fault.Invalid, "The form cannot be read.")
		}
		if form.Has("choice") {
			return "", fault.New(fault.Invalid, "What is chosen is said by the link that is opened; there is one for each choice. A form has a comment, or nothing.")
		}
		comment = form.Get("comment")
	case "application/json":
		var sent struct {
			Comment string `json:"comment"`
		}
		if found := strict.Decode(body, &sent); len(found) > 0 { // who sends {"choice": "no"} to the link for yes does not mean yes
			return "", fault.New(fault.Invalid, `The body is not a JSON document like {"comment": "as agreed"}; what is chosen is said by the link that is opened.`).WithFields(found...)
		}
		comment = sent.Comment
	default:
		return "", fault.New(fault.Unsupported, "Send a form, JSON, or nothing at all.")
	}
	return strings.TrimSpace(strings.ReplaceAll(comment, "\r\n", "\n")), nil
}

// secure sets what every answer carries: a link is a credential, and its page is
// for nobody but whoever has opened it.
func (d *linkDoor) secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", linkPolicy)
	h.Set("Vary", "Accept")
}

// forPeople reports whether a page is wanted.
func forPeople(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// shownLink is what programs are told of a link.
type shownLink struct {
	Title     string         `json:"title,omitempty"`
	Text      string         `json:"text,omitempty"`
	Subject   string         `json:"subject,omitempty"`
	Choice    string         `json:"choice,omitempty"`
	Label     string         `json:"label,omitempty"`
	Done      bool           `json:"done"` // by this request
	UsedUp    bool           `json:"used_up"`
	UsedAt    *time.Time     `json:"used_at,omitempty"`
	ExpiresAt time.Time      `json:"expires_at"`
	Decision  *link.Decision `json:"decision,omitempty"`
}

func (d *linkDoor) answer(w http.ResponseWriter, r *http.Request, s link.Shown, used bool) {
	d.count.WithLabelValues(map[bool]string{true: "used", false: "shown"}[used]).Inc()
	if s.Run != "" {
		w.Header().Set("Junctor-Run", s.Run)
	}
	if forPeople(r) {
		if page, ok := d.page(w, linkView{Shown: s, Used: used, zone: d.Zone()}); ok {
			w.Header().Set("Content-Type", htmlType)
			w.Write(page) //nolint:errcheck // the client is gone, nobody is left to tell
		}
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(shownLink{ //nolint:errcheck // as above
		Title: s.Title, Text: s.Text, Subject: s.Subject, Choice: s.Choice, Label: s.Label, Done: used,
		UsedUp: s.UsedUp, UsedAt: s.UsedAt, ExpiresAt: s.ExpiresAt, Decision: s.Decision,
	})
}

// refuse answers with an error; s is what there is to show of the link.
func (d *linkDoor) refuse(w http.ResponseWriter, r *http.Request, s link.Shown, err error) {
	d.count.WithLabelValues("refused").Inc()
	p := fault.ProblemOf(err)
	if p.Status >= http.StatusInternalServerError {
		d.Log.Error("a link was refused", "error", err)
	}
	if !forPeople(r) {
		writeProblem(w, r, err)
		return
	}
	if page, ok := d.page(w, linkView{Shown: s, Problem: &p, zone: d.Zone()}); ok {
		fault.WriteAs(w, err, htmlType, page)
	}
}

const htmlType = "text/html; charset=utf-8"

// page makes a page; what cannot be made is answered.
func (d *linkDoor) page(w http.ResponseWriter, v linkView) (page []byte, ok bool) {
	var b bytes.Buffer
	if err := linkPage.Execute(&b, v); err != nil {
		d.Log.Error("a link's page could not be made", "error", err)
		fault.Write(w, err)
		return nil, false
	}
	return b.Bytes(), true
}
