package demo

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Mode is how the ERP behaves.
type Mode string

// The modes, as POST /_demo/fail?mode= takes them.
const (
	Works   Mode = "off"    // not failing: it answers
	Fails   Mode = "500"    // it answers 500 and books nothing
	Slow    Mode = "slow"   // it books, but its answer comes after the caller gave up
	Refuses Mode = "refuse" // it cuts the connection before anything is read
)

// slowness is longer than the time-out of the example's connection.
const slowness = 8 * time.Second

// ERP stands for the system at the far end. It keeps in memory what arrived, and
// books a call once for each Idempotency-Key, as a careful receiver does.
type ERP struct {
	told func(string) // one line for the console

	mu      sync.Mutex
	mode    Mode
	orders  []*Arrival
	stock   []*Arrival
	byKey   map[string]*Arrival
	calls   int // all of them, answered or not
	refused int // those that ended in a failure
}

// Arrival is one order or stock movement as the ERP has booked it.
type Arrival struct {
	Number  string `json:"erp_number"`      // the ERP's own
	Subject string `json:"subject"`         // the shop's number, or the article
	Detail  string `json:"detail"`          // what one wants to see of it
	Key     string `json:"idempotency_key"` // under which it came
	Times   int    `json:"arrived"`         // how often it came; booked once all the same
}

// NewERP returns an ERP that works. told gets a line for everything that happens
// to it and must be safe for use by several goroutines.
func NewERP(told func(string)) *ERP {
	return &ERP{told: told, mode: Works, byKey: map[string]*Arrival{}}
}

// Handler serves the ERP:
//
//	POST /orders, POST /stock        what Junctor calls; an order is XML, or JSON with a number and a total
//	GET /orders, GET /stock          what has arrived
//	POST /_demo/fail?mode=MODE       off, 500, slow or refuse
func (e *ERP) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", e.failing(e.takeOrder))
	mux.HandleFunc("POST /stock", e.failing(e.takeStock))
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, _ *http.Request) { e.show(w, &e.orders) })
	mux.HandleFunc("GET /stock", func(w http.ResponseWriter, _ *http.Request) { e.show(w, &e.stock) })
	mux.HandleFunc("POST /_demo/fail", e.setMode)
	return mux
}

// failing lets a call through as the mode allows.
func (e *ERP) failing(take http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		mode := e.mode
		e.calls++
		if mode != Works {
			e.refused++
		}
		e.mu.Unlock()
		switch mode {
		case Fails:
			e.told("answers 500 and books nothing")
			http.Error(w, "the ERP is broken: POST /_demo/fail?mode=off mends it", http.StatusInternalServerError)
		case Refuses:
			e.told("cuts the connection")
			panic(http.ErrAbortHandler) // net/http's way to end a connection without an answer
		case Slow:
			take(&quiet{header: http.Header{}}, r)
			e.told("has booked it, but answers too late")
			t := time.NewTimer(slowness)
			defer t.Stop()
			select {
			case <-t.C:
				http.Error(w, "sorry, that took a while", http.StatusServiceUnavailable)
			case <-r.Context().Done():
			}
		default:
			take(w, r)
		}
	}
}

// salesOrder is the ERP's document.
type salesOrder struct {
	XMLName  xml.Name `xml:"salesOrder"`
	Number   string   `xml:"externalNumber"`
	Currency string   `xml:"currency"`
	Buyer    struct {
		Name string `xml:"name"`
	} `xml:"buyer"`
	Items []struct {
		Code     string `xml:"code"`
		Quantity int    `xml:"quantity"`
	} `xml:"items>item"`
	Total string `xml:"total"`
}

func (e *ERP) takeOrder(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/json" {
		e.takeSimpleOrder(w, r)
		return
	}
	var o salesOrder
	if err := xml.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&o); err != nil {
		http.Error(w, "this is no <salesOrder>: "+err.Error(), http.StatusBadRequest)
		return
	}
	if o.Number == "" || len(o.Items) == 0 {
		http.Error(w, "a sales order needs an external number and items", http.StatusUnprocessableEntity)
		return
	}
	for _, item := range o.Items {
		if strings.HasPrefix(item.Code, "OLD-") {
			http.Error(w, "item "+item.Code+" is no longer sold", http.StatusUnprocessableEntity)
			return
		}
	}
	a := e.book(&e.orders, "ERP", &Arrival{
		Subject: o.Number, Key: r.Header.Get("Idempotency-Key"),
		Detail: fmt.Sprintf("%s, %d items, %s %s", o.Buyer.Name, len(o.Items), o.Total, o.Currency),
	})
	e.tellBooked("order", a)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<receipt><number>%s</number><status>booked</status></receipt>\n", a.Number)
}

// simpleOrder is an order for those who begin: JSON, and no items.
type simpleOrder struct {
	Number string      `json:"number"`
	Total  json.Number `json:"total"`
}

func (e *ERP) takeSimpleOrder(w http.ResponseWriter, r *http.Request) {
	var o simpleOrder
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&o); err != nil {
		http.Error(w, "this is no order: "+err.Error(), http.StatusBadRequest)
		return
	}
	if o.Number == "" {
		http.Error(w, "an order needs a number", http.StatusUnprocessableEntity)
		return
	}
	a := e.book(&e.orders, "ERP", &Arrival{Subject: o.Number, Key: r.Header.Get("Idempotency-Key"), Detail: "total " + cmp.Or(o.Total.String(), "unknown")})
	e.tellBooked("order", a)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(map[string]string{"number": a.Number, "status": "booked"}) //nolint:errcheck // the caller is gone
}

// movement is a change of stock in the ERP's words.
type movement struct {
	Item     string `json:"item"`
	Delta    int    `json:"delta"`
	Location string `json:"location"`
	Reason   string `json:"reason"`
}

func (e *ERP) takeStock(w http.ResponseWriter, r *http.Request) {
	var m movement
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&m); err != nil || m.Item == "" {
		http.Error(w, "a stock movement needs an item and a delta", http.StatusBadRequest)
		return
	}
	a := e.book(&e.stock, "MOV", &Arrival{
		Subject: m.Item, Key: r.Header.Get("Idempotency-Key"),
		Detail: fmt.Sprintf("%+d at %s, %s", m.Delta, m.Location, m.Reason),
	})
	e.tellBooked("stock", a)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"number": a.Number}) //nolint:errcheck // the caller is gone
}

// book keeps an arrival, or counts it to the one that came under the same key,
// and returns a copy of what is kept.
func (e *ERP) book(list *[]*Arrival, prefix string, a *Arrival) Arrival {
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := e.byKey[a.Key]; known != nil && a.Key != "" {
		known.Times++
		return *known
	}
	a.Times = 1
	a.Number = fmt.Sprintf("%s-%06d", prefix, len(*list)+1)
	*list = append(*list, a)
	e.byKey[a.Key] = a
	return *a
}

func (e *ERP) tellBooked(what string, a Arrival) {
	if a.Times > 1 {
		e.told(fmt.Sprintf("%s %s came again under the same key: already booked as %s", what, a.Subject, a.Number))
		return
	}
	e.told(fmt.Sprintf("%s %s booked as %s (%s)", what, a.Subject, a.Number, a.Detail))
}

func (e *ERP) setMode(w http.ResponseWriter, r *http.Request) {
	mode := Mode(r.FormValue("mode"))
	switch mode {
	case Works, Fails, Slow, Refuses:
	default:
		http.Error(w, fmt.Sprintf("mode %q: there are off, 500, slow and refuse", mode), http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	e.mode = mode
	e.mu.Unlock()
	e.told("is now in mode " + string(mode))
	fmt.Fprintf(w, "the ERP is now in mode %s\n", mode)
}

func (e *ERP) show(w http.ResponseWriter, list *[]*Arrival) {
	e.mu.Lock()
	answer := map[string]any{"items": append([]*Arrival{}, *list...), "mode": e.mode, "calls": e.calls, "failed_calls": e.refused}
	body, err := json.MarshalIndent(answer, "", "  ")
	e.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n')) //nolint:errcheck // the caller is gone
}

// quiet swallows an answer that is not sent.
type quiet struct{ header http.Header }

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) WriteHeader(int)             {}
func (q *quiet) Write(p []byte) (int, error) { return io.Discard.Write(p) }
