package record_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"junctor/internal/class"
	"junctor/internal/class/classtest"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/filter"
	"junctor/internal/filter/filtertest"
	"junctor/internal/record"
	"junctor/internal/value"
)

const (
	placesBody = `{"key":"code","columns":{"code":"text!","city":"text","level":"integer","ratio":"decimal(30,6)","since":"date"}}`
	thingsBody = `{"columns":{"name":"text","note":{"type":"text","index":true},"count":"integer","price":"decimal(12,2)",
		"long":"decimal(30,10)","small":"decimal(4,3)","flag":"boolean","day":"date","seen":"datetime","state":"enum(new,sent,done)","place":"ref(places)"}}`
)

// The values that occur are chosen to stand at edges: of signs, scales, code
// points beyond 16 bits, characters that change their case alone or not at all,
// and what LIKE would take for its own.
var texts = []string{"", "a", "A", "ab", "aB", "100%", "a_b", "ä", "Ä", "ß", "İ", "ı", "Ǆ", "ǅ", "z\u0301", "\U0001F600", "\uFFFD", "x'y", " a ", "\u00a0", "a\nb", "Ⅷ", "ⓐ", "new", "ꭰ", "Ა"}

func TestRandomFiltersSelectWhatEvalTakes(t *testing.T) {
	filters := 300
	if text := os.Getenv("JUNCTOR_FILTERS"); text != "" { // 100000 takes some minutes
		var err error
		if filters, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		world := newWorld(t, d)
		generator := filtertest.Generator{Columns: world.columns}.Condition()
		selecting, beyond := 0, 0
		for seed := range filters {
			e := generator.Example(seed)
			want, err := world.matching(e)
			if err != nil { // a number beyond what can be held, in one of the rows
				beyond++
				continue
			}
			got, err := world.query(t, d, e)
			if err != nil {
				t.Fatalf("%d: %s: %v", seed, e, err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d: %s\nselects %v\nnot     %v\n%s", seed, e, got, want, world.difference(got, want))
				if t.Failed() && seed > 20 {
					t.FailNow()
				}
			}
			if len(want) > 0 && len(want) < len(world.rows) {
				selecting++
			}
		}
		t.Logf("%d filters, %d of them select some rows, %d left out", filters, selecting, beyond)
		if selecting < filters/5 {
			t.Errorf("only %d of %d filters select some rows", selecting, filters)
		}
	})
}

// world is a class with another one behind a ref, in memory and in the database.
type world struct {
	model   *class.Model
	store   *record.Store
	rows    map[string]map[string]value.Value // by id, by path
	ids     []string
	columns []filtertest.Column
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	pairs := []string{"places", placesBody, "things", thingsBody}
	classtest.Apply(t, d, false, pairs...)
	w := &world{model: classtest.Model(t, pairs...), store: newStore(record.Hooks{}), rows: map[string]map[string]value.Value{}}
	random := newRandom(7)
	places := []map[string]value.Value{nil}
	for i := range 5 {
		p := map[string]value.Value{}
		for _, c := range w.model.Class("places").Columns {
			p[c.Code] = random.of(c)
		}
		p["code"] = value.String("P" + strconv.Itoa(i))
		p["id"] = value.String(w.create(t, d, "places", p))
		places = append(places, p)
	}
	for range 80 {
		row := map[string]value.Value{}
		for _, c := range w.model.Class("things").Columns {
			if c.Kind != class.Ref {
				row[c.Code] = random.of(c)
			}
		}
		place := places[random.n(len(places))]
		if place != nil {
			row["place_id"] = place["id"]
		}
		id := w.create(t, d, "things", row)
		for code, v := range place {
			row["place/"+code] = v
		}
		row["id"] = value.String(id)
		w.rows[id], w.ids = row, append(w.ids, id)
	}
	slices.Sort(w.ids)
	add := func(path string, kind value.Type) {
		c := filtertest.Column{Path: strings.Split(path, "/"), Type: kind}
		for _, id := range w.ids {
			if v := w.rows[id][path]; !slices.Contains(c.Values, v) {
				c.Values = append(c.Values, v)
			}
		}
		w.columns = append(w.columns, c)
	}
	for _, c := range w.model.Class("things").Columns {
		add(c.Field(), c.Type)
	}
	for _, c := range w.model.Class("places").Columns {
		add("place/"+c.Code, c.Type)
	}
	add("place/id", value.Text)
	return w
}

func (w *world) create(t *testing.T, d *db.DB, class string, row map[string]value.Value) (id string) {
	t.Helper()
	body := []byte("{")
	for code, v := range row {
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = v.AppendJSON(append(strconv.AppendQuote(body, code), ':'))
	}
	classtest.Write(t, d, func(tx *db.Tx) error {
		out, err := w.store.Create(tx, w.model, admin, class, append(body, '}'))
		if err == nil {
			id = out.ID
		}
		return err
	})
	return id
}

func (w *world) matching(e *filter.Expr) (ids []string, err error) {
	for _, id := range w.ids {
		row := w.rows[id]
		took, err := filter.Match(e, filter.Scope{Now: value.At(noon), Column: func(path []string) (value.Value, error) { return row[strings.Join(path, "/")], nil }})
		var beyond *filter.Error
		if errors.As(err, &beyond) {
			return nil, err
		}
		if took {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (w *world) query(t *testing.T, d *db.DB, e *filter.Expr) (ids []string, err error) {
	t.Helper()
	err = d.Read(t.Context(), func(tx *db.Tx) error {
		page, err := w.store.Query(tx, w.model, admin, record.Query{Class: "things", Filter: e, Select: []string{"id"}, Page: 1000})
		if err != nil {
			return err
		}
		ids = nil
		for _, r := range page.Records {
			ids = append(ids, r.ID())
		}
		return nil
	})
	return ids, err
}

func (w *world) difference(got, want []string) string {
	var b strings.Builder
	for _, id := range w.ids {
		if in, should := slices.Contains(got, id), slices.Contains(want, id); in != should {
			fmt.Fprintf(&b, "%s is selected: %v, should be: %v: %v\n", id, in, should, w.rows[id])
		}
		if b.Len() > 2000 {
			break
		}
	}
	return b.String()
}
