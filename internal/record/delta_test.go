package record_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class/classtest"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/record"
	"junctor/internal/right"
	"junctor/internal/value"
)

// memory is a log as the event log is one.
type memory struct {
	changes []record.Change
	from    int // older ones are gone
}

func (l *memory) Changed(_ *db.Tx, changes ...record.Change) error {
	l.changes = append(l.changes, changes...)
	return nil
}

func (l *memory) Position(*db.Tx) (string, error) { return strconv.Itoa(len(l.changes)), nil }

func (l *memory) Since(_ *db.Tx, class, position string, limit int) (found []record.Logged, next string, more bool, err error) {
	at, err := strconv.Atoi(position)
	if err != nil {
		return nil, "", false, fault.New(fault.Invalid, "no position")
	}
	if at < l.from {
		return nil, "", false, fault.New(fault.Gone, "too old")
	}
	for ; at < len(l.changes) && len(found) < limit; at++ {
		if c := l.changes[at]; c.Class == class {
			found = append(found, record.Logged{Kind: c.Kind, ID: c.ID, Before: c.Before})
		}
	}
	return found, strconv.Itoa(at), at < len(l.changes), nil
}

func TestChangesSinceADelta(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		log := &memory{}
		s := newShop(t, open(), record.Hooks{Changed: log.Changed, Log: log})
		s.create("customers", `{"id":"c1","code":"C1","owner":"acc_1"}`)
		s.create("customers", `{"id":"c2","code":"C2","owner":"acc_2"}`)
		for i := range 6 {
			s.create("orders", fmt.Sprintf(`{"id":"o%d","number":"%d","customer_id":"c%d","total":%d,"margin":%d}`, i, i, i%2+1, i, i))
		}
		// sees c1's orders that are not done
		a := clerk(right.Class{Read: right.Row{Filter: expr(t, "customer/owner eq @account.id")}, Hidden: map[string]bool{"margin": true}}, right.Class{}, right.Class{})
		q := record.Query{Class: "orders", Filter: expr(t, "state ne 'done'"), Select: []string{"number", "note"}, Track: true, Page: 2}
		first := must(s.query(a, q))
		s.create("orders", `{"id":"o6","number":"6","customer_id":"c1"}`) // while it is read
		next := q
		next.Cursor = first.Next
		last := must(s.query(a, next))
		if got := ids(first) + " " + ids(last); !strings.HasPrefix(got, "o0 o2 o4") || first.Delta != "" || last.Delta == "" && last.Next == "" {
			t.Fatalf("%s %q", got, last.Delta)
		}
		for last.Next != "" {
			next.Cursor = last.Next
			last = must(s.query(a, next))
		}
		delta := last.Delta
		for _, change := range []struct{ at, body string }{
			{"0", `{"note":"new"}`}, {"1", `{"note":"foreign"}`}, {"2", `{"state":"done"}`}, {"4", `{"customer_id":"c2"}`}, {"3", `{"customer_id":"c1"}`},
		} {
			must(s.update(admin, "orders", number(change.at), change.body, record.Match{}))
		}
		must(s.delete(admin, "orders", number("5"))) // foreign
		must(s.delete(admin, "orders", number("6")))
		var got []string
		for more := delta; more != ""; {
			var changed *record.Changed
			classtest.Read(t, s.d, func(tx *db.Tx) (err error) {
				changed, err = s.store.Changes(tx, s.model, a, q, more)
				return err
			})
			for _, r := range changed.Records {
				got = append(got, string(r.AppendJSON(nil, record.Form{})))
			}
			for _, r := range changed.Removed {
				got = append(got, fmt.Sprint(r.ID, " ", r.Deleted))
			}
			more, delta = changed.Next, changed.Delta
		}
		slices.Sort(got)
		got = slices.Compact(got)
		want := []string{"o2 false", "o4 false", "o6 true", `{"number":"0","note":"new"}`, `{"number":"3","note":null}`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		try := func(a record.Actor, q record.Query, delta string) error {
			return s.d.Read(t.Context(), func(tx *db.Tx) error {
				_, err := s.store.Changes(tx, s.model, a, q, delta)
				return err
			})
		}
		log.from = 3
		other := q
		other.Filter = nil
		for name, c := range map[string]struct {
			err  error
			code fault.Code
		}{
			"as it was":    {try(a, q, delta), ""},
			"too old":      {try(a, q, last.Delta), fault.Gone},
			"other rights": {try(admin, q, delta), fault.Gone},
			"other query":  {try(a, other, delta), fault.Invalid},
			"no delta":     {try(a, q, "x"), fault.Invalid},
		} {
			if name == "too old" {
				log.from = 1000
				c.err = try(a, q, delta)
				log.from = 0
			}
			if fault.CodeOf(c.err) != c.code {
				t.Errorf("%s: %v", name, c.err)
			}
		}
	})
}

func TestFilesBelongToOneRecord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newShop(t, open(), record.Hooks{}, "papers", `{"delete":"hard","columns":{"title":"text","scan":"file","copy":"file"}}`)
		content := bytes.Repeat([]byte("0123456789"), 20_000)
		upload := func(content []byte) string {
			f, err := s.store.PutFile(t.Context(), s.d, "scan.pdf", "application/pdf", bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			return f.ID
		}
		first, second := upload(content), upload([]byte("small"))
		paper := record.Address{ID: s.create("papers", `{"scan":"`+first+`"}`)}
		file := func() (f *record.StoredFile, content []byte, err error) {
			err = s.d.Read(t.Context(), func(tx *db.Tx) (err error) {
				var blob db.Blob
				if f, blob, err = s.store.File(tx, s.model, admin, "papers", paper, "scan"); err == nil {
					content, err = tx.Load(blob)
				}
				return err
			})
			return f, content, err
		}
		f, got, err := file()
		if err != nil || !bytes.Equal(got, content) || f.Name != "scan.pdf" || f.Type != "application/pdf" || f.Size != 200_000 || len(f.SHA256) != 64 {
			t.Errorf("%+v %d %v", f, len(got), err)
		}
		for _, body := range []string{`{"scan":"` + first + `"}`, `{"scan":"file_x"}`, `{"scan":"` + second + `","copy":"` + second + `"}`} {
			if _, err := s.tryCreate(admin, "papers", body); !fault.Is(err, fault.Unprocessable) {
				t.Errorf("%s: %v", body, err)
			}
		}
		must(s.update(admin, "papers", paper, `{"scan":"`+second+`"}`, record.Match{}))
		if _, got, err := file(); err != nil || string(got) != "small" {
			t.Errorf("%s %v", got, err)
		}
		must(s.delete(admin, "papers", paper))
		free := upload(content)
		classtest.Write(t, s.d, func(tx *db.Tx) error {
			var files, large int
			if err := tx.QueryRow(`SELECT count(*) FROM record_files`).Scan(&files); err != nil {
				return err
			}
			if err := tx.QueryRow(`SELECT count(*) FROM large_values`).Scan(&large); err != nil {
				return err
			}
			if files != 1 || large != 1 {
				t.Errorf("%d files, %d large values are left beside %s", files, large, free)
			}
			n, err := s.store.CollectFiles(tx, 10, -time.Second)
			if n != 1 {
				t.Errorf("%d collected", n)
			}
			return err
		})
		// that of a row that somebody removes directly goes when that is noticed
		s.create("papers", `{"id":"p2","scan":"`+upload(content)+`"}`)
		classtest.Write(t, s.d, func(tx *db.Tx) error {
			if _, err := tx.Exec(`DELETE FROM class_papers`); err != nil {
				return err
			}
			gone := record.Foreign{Class: s.model.Class("papers"), ID: "p2", Operation: "deleted", Before: map[string]value.Value{"id": value.String("p2")}}
			if err := s.store.Foreign(tx, s.model, []record.Foreign{gone}); err != nil {
				return err
			}
			var files int
			err := tx.QueryRow(`SELECT count(*) FROM record_files`).Scan(&files)
			if files != 0 {
				t.Errorf("%d files are left", files)
			}
			return err
		})
	})
}
