package record_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"junctor/internal/class"
	"junctor/internal/class/classtest"
	"junctor/internal/db"
	"junctor/internal/filter"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/value"
)

var noon = time.Date(2027, 1, 4, 12, 0, 0, 0, time.UTC)

// admin is an administrator.
var admin = record.Actor{Rights: right.Full(right.Account{ID: "acc_admin", Login: "admin"}), By: "admin"}

func newStore(hooks record.Hooks) *record.Store {
	return record.NewStore(hooks, func() time.Time { return noon })
}

// shop is a database with customers and orders in it, and a store.
type shop struct {
	*testing.T
	d     *db.DB
	model *class.Model
	store *record.Store
}

const (
	customersBody = `{"key":"code","columns":{"code":"text!","name":"text","owner":"text","region":"ref(regions)"}}`
	regionsBody   = `{"key":"code","columns":{"code":"text!","name":"text","secret":"text"}}`
	ordersBody    = `{"key":"number","history":"full","columns":{"number":"text!","customer":"ref(customers)","total":"decimal(12,2)",
		"state":{"type":"enum(new,sent,done)","default":"new"},"received":"datetime","margin":"decimal(12,2)","note":{"type":"text","length":20},
		"doubled":{"type":"decimal(14,2)","computed":"total mul 2"}}}`
)

func newShop(t *testing.T, d *db.DB, hooks record.Hooks, more ...string) *shop {
	t.Helper()
	pairs := append([]string{"regions", regionsBody, "customers", customersBody, "orders", ordersBody}, more...)
	classtest.Apply(t, d, false, pairs...)
	return &shop{T: t, d: d, model: classtest.Applied(t, d), store: newStore(hooks)}
}

// create makes a record and returns its id.
func (s *shop) create(class, body string) string {
	s.Helper()
	out, err := s.tryCreate(admin, class, body)
	if err != nil {
		s.Fatalf("create %s %s: %v", class, body, err)
	}
	return out.ID
}

func (s *shop) tryCreate(a record.Actor, class, body string) (out *record.Outcome, err error) {
	s.Helper()
	err = s.d.Write(s.Context(), func(tx *db.Tx) (err error) {
		out, err = s.store.Create(tx, s.model, a, class, []byte(body))
		return err
	})
	return out, err
}

func (s *shop) upsert(a record.Actor, class string, at record.Address, body string) (out *record.Outcome, err error) {
	s.Helper()
	err = s.d.Write(s.Context(), func(tx *db.Tx) (err error) {
		out, err = s.store.Upsert(tx, s.model, a, class, at, []byte(body), record.Match{}, false)
		return err
	})
	return out, err
}

func (s *shop) update(a record.Actor, class string, at record.Address, body string, match record.Match) (out *record.Outcome, err error) {
	s.Helper()
	err = s.d.Write(s.Context(), func(tx *db.Tx) (err error) {
		out, err = s.store.Update(tx, s.model, a, class, at, []byte(body), match)
		return err
	})
	return out, err
}

func (s *shop) delete(a record.Actor, class string, at record.Address) (out *record.Outcome, err error) {
	s.Helper()
	err = s.d.Write(s.Context(), func(tx *db.Tx) (err error) {
		out, err = s.store.Delete(tx, s.model, a, class, at, record.Match{})
		return err
	})
	return out, err
}

func (s *shop) query(a record.Actor, q record.Query) (page *record.Page, err error) {
	s.Helper()
	err = s.d.Read(s.Context(), func(tx *db.Tx) (err error) {
		page, err = s.store.Query(tx, s.model, a, q)
		return err
	})
	return page, err
}

// list is a query's answer as JSON, a line for each record or group.
func (s *shop) list(a record.Actor, q record.Query) []string {
	s.Helper()
	page, err := s.query(a, q)
	if err != nil {
		s.Fatalf("query: %v", err)
	}
	var lines []string
	for _, r := range page.Records {
		lines = append(lines, string(r.AppendJSON(nil, record.Form{})))
	}
	for _, g := range page.Groups {
		lines = append(lines, string(g.AppendJSON(nil, record.Form{})))
	}
	return lines
}

func (s *shop) get(a record.Actor, class string, at record.Address, columns ...string) (text string, err error) {
	s.Helper()
	err = s.d.Read(s.Context(), func(tx *db.Tx) error {
		r, err := s.store.Get(tx, s.model, a, class, at, columns, nil)
		if err == nil {
			text = string(r.AppendJSON(nil, record.Form{}))
		}
		return err
	})
	return text, err
}

// expr parses a filter, which must be right.
func expr(t testing.TB, text string) *filter.Expr {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

func order(t testing.TB, text string) []filter.Order {
	t.Helper()
	o, err := filter.ParseOrder(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

func number(text string) record.Address {
	return record.Address{Key: []record.KeyPart{{Column: "number", Value: value.String(text)}}}
}

// random makes values for columns.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, seed))} }

func (r random) n(n int) int { return r.IntN(n) }

func (r random) of(c *class.Column) value.Value {
	if r.n(5) == 0 {
		return value.Value{}
	}
	switch c.Type {
	case value.Boolean:
		return value.Bool(r.n(2) == 0)
	case value.Integer:
		return value.Int(int64(r.n(9) - 4))
	case value.Decimal:
		numbers := []string{"0", "1", "-1", "0.5", "-0.5", "1.01", "2.25", "-2.25", "3.1"}
		if c.Precision > 10 {
			numbers = append(numbers, "100", "-99999.99", "12345.67")
		}
		v, err := value.FromText(value.Decimal, numbers[r.n(len(numbers))])
		if err == nil {
			v, err = value.Fit(v, c.Precision, c.Scale)
		}
		if err != nil {
			panic(err)
		}
		return v
	case value.Date:
		return value.Day(noon.AddDate(r.n(3)-1, r.n(3), r.n(3)))
	case value.DateTime:
		return value.At(noon.Add(time.Duration(r.n(5)-2) * time.Duration(1_234_567) * time.Microsecond * time.Duration(1+r.n(1000))))
	}
	if len(c.Values) > 0 {
		return value.String(c.Values[r.n(len(c.Values))])
	}
	return value.String(fmt.Sprint(texts[r.n(len(texts))]))
}
