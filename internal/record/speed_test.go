package record_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite" // the driver that the hand-written handler uses

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/filter"
	"junctor/internal/record"
	"junctor/internal/right"
)

// The yardstick is what somebody writes for one table alone: net/http,
// database/sql, SQLite, encoding/json. Both sides answer over the same kind of
// handler, so that what is compared is the work behind it: a role with a row
// filter, validation, an event in the same transaction.

const speedBody = `{"key":"number","columns":{"number":"text!","customer":{"type":"text","index":true},"total":"decimal(12,2)","state":"enum(new,sent,done)",
	"received":"datetime","note":{"type":"text","length":200},"owner":"text"}}`

const speedRows = 10_000

func speedJSON(n int64) string {
	return fmt.Sprintf(`{"number":"N%08d","customer":"C%d","total":%d.25,"state":"sent","received":"2027-01-04T12:00:00Z","note":"please ring twice","owner":"acc_1"}`, n, n%200, n%1000)
}

func BenchmarkHandWritten(b *testing.B) {
	d, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "hand.db")+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000")
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	d.SetMaxOpenConns(8)
	var writing sync.Mutex
	for _, text := range []string{
		`CREATE TABLE orders (id TEXT PRIMARY KEY, version INTEGER NOT NULL, number TEXT NOT NULL UNIQUE, customer TEXT, total INTEGER, state TEXT, received INTEGER, note TEXT, owner TEXT) STRICT`,
		`CREATE INDEX orders_customer ON orders (customer, id)`,
		`CREATE TABLE events (seq INTEGER PRIMARY KEY, type TEXT, subject TEXT, data TEXT) STRICT`,
	} {
		if _, err := d.Exec(text); err != nil {
			b.Fatal(err)
		}
	}
	type order struct {
		ID, Number, Customer, State, Received, Note, Owner string
		Version                                            int64
		Total                                              json.Number
	}
	var n atomic.Int64
	create := func(body []byte) error {
		var o order
		if err := json.Unmarshal(body, &o); err != nil {
			return err
		}
		if o.Number == "" || len(o.Note) > 200 || o.State != "sent" || o.Owner != "acc_1" {
			return fmt.Errorf("invalid")
		}
		writing.Lock()
		defer writing.Unlock()
		tx, err := d.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
		id := fmt.Sprintf("rec_%020d", n.Add(1))
		if _, err := tx.Exec(`INSERT INTO orders VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?)`, id, o.Number, o.Customer, 1, o.State, 2, o.Note, o.Owner); err != nil {
			return err
		}
		event, err := json.Marshal(map[string]any{"id": id, "key": o.Number, "changed": []string{"number"}, "after": o})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO events (type, subject, data) VALUES ('record.orders.created', ?, ?)`, o.Number, string(event)); err != nil {
			return err
		}
		return tx.Commit()
	}
	fillFast(b, create)
	const fields = `id, version, number, customer, total, state, received, note, owner`
	get, _ := d.Prepare(`SELECT ` + fields + ` FROM orders WHERE number = ? AND owner = ?`)                         //nolint:sqlclosecheck // closed with the database
	list, _ := d.Prepare(`SELECT ` + fields + ` FROM orders WHERE customer = ? AND owner = ? ORDER BY id LIMIT 50`) //nolint:sqlclosecheck // closed with the database
	scan := func(rows *sql.Rows) ([]order, error) {
		defer rows.Close()
		var all []order
		for rows.Next() {
			var o order
			var total, received int64
			if err := rows.Scan(&o.ID, &o.Version, &o.Number, &o.Customer, &total, &o.State, &received, &o.Note, &o.Owner); err != nil {
				return nil, err
			}
			o.Total, o.Received = json.Number(fmt.Sprintf("%d.%02d", total/100, total%100)), noon.Format("2006-01-02T15:04:05Z07:00")
			all = append(all, o)
		}
		return all, rows.Err()
	}
	var count atomic.Int64
	count.Store(speedRows)
	speed(b, func(w http.ResponseWriter, r *http.Request) error {
		switch r.URL.Path {
		case "/create":
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			return create(body)
		case "/get":
			rows, err := get.QueryContext(r.Context(), r.URL.Query().Get("number"), "acc_1") //nolint:rowserrcheck // scan does
			if err != nil {
				return err
			}
			all, err := scan(rows)
			if err != nil {
				return err
			}
			return json.NewEncoder(w).Encode(all[0])
		}
		rows, err := list.QueryContext(r.Context(), r.URL.Query().Get("customer"), "acc_1") //nolint:rowserrcheck // scan does
		if err != nil {
			return err
		}
		all, err := scan(rows)
		if err != nil {
			return err
		}
		return json.NewEncoder(w).Encode(all)
	}, &count)
}

func BenchmarkRecords(b *testing.B) {
	d := dbtest.SQLite(b)(nil)
	bodies := map[string]json.RawMessage{"orders": json.RawMessage(speedBody)}
	wanted, found := class.NewModel(bodies)
	if found != nil {
		b.Fatal(found)
	}
	var m *class.Model
	event := db.NewStmt(9, `INSERT INTO bench_events (type, subject, data) SELECT r.type, r.subject, r.data FROM {rows} AS r`, db.Text("type"), db.Text("subject"), db.Text("data"))
	ctx := context.Background()
	if err := d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`CREATE TABLE bench_events (seq INTEGER PRIMARY KEY, type TEXT, subject TEXT, data TEXT) STRICT`); err != nil {
			return err
		}
		if _, _, err := table.Apply(tx, wanted, false); err != nil {
			return err
		}
		var err error
		m, err = table.Applied(tx)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	store := newStore(record.Hooks{Changed: func(tx *db.Tx, all ...record.Change) error {
		for _, c := range all {
			data := append([]byte(`{"id":"`+c.ID+`","changed":`), '[')
			data = append(append(data, `],"after":`...), c.After...)
			if _, err := tx.Many(event, [][]any{{"record.orders." + string(c.Kind), c.Key, string(append(data, '}'))}}); err != nil {
				return err
			}
		}
		return nil
	}})
	own, err := filter.Parse("owner eq @account.id")
	if err != nil {
		b.Fatal(err)
	}
	row := right.Row{Filter: own}
	actor := record.Actor{By: "app", Rights: &right.Set{Account: right.Account{ID: "acc_1"}, Classes: map[string]right.Class{
		"orders": {Create: row, Read: row, Update: row, Hidden: map[string]bool{"margin": true}},
	}}}
	committer := db.NewCommitter(d, nil, nil)
	b.Cleanup(committer.Close)
	create := func(body []byte) error {
		var refusal error
		err := committer.Commit(ctx, db.Item{Func: func(tx *db.Tx) ([]db.Op, error) {
			_, refusal = store.Create(tx, m, actor, "orders", body)
			return nil, nil
		}})
		return errors.Join(err, refusal)
	}
	fillFast(b, create)
	var count atomic.Int64
	count.Store(speedRows)
	speed(b, func(w http.ResponseWriter, r *http.Request) error {
		switch r.URL.Path {
		case "/create":
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			return create(body)
		case "/get":
			return d.Read(r.Context(), func(tx *db.Tx) error {
				found, err := store.Get(tx, m, actor, "orders", number(r.URL.Query().Get("number")), nil, nil)
				if err == nil {
					_, err = w.Write(found.AppendJSON(nil, record.Form{}))
				}
				return err
			})
		}
		e, err := filter.Parse("customer eq '" + r.URL.Query().Get("customer") + "'")
		if err != nil {
			return err
		}
		return d.Read(r.Context(), func(tx *db.Tx) error {
			page, err := store.Query(tx, m, actor, record.Query{Class: "orders", Filter: e, Page: 50})
			if err != nil {
				return err
			}
			var all []byte
			for _, found := range page.Records {
				all = append(found.AppendJSON(all, record.Form{}), ',')
			}
			_, err = w.Write(all)
			return err
		})
	}, &count)
}

func fillFast(b *testing.B, create func([]byte) error) {
	b.Helper()
	var group errgroup.Group
	group.SetLimit(64)
	for i := range int64(speedRows) {
		group.Go(func() error { return create([]byte(speedJSON(i))) })
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// speed measures the three requests of P5.
func speed(b *testing.B, do func(http.ResponseWriter, *http.Request) error, count *atomic.Int64) {
	b.Helper()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := do(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	request := func(b *testing.B, url, body string) {
		b.Helper()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, strings.NewReader(body)))
		if w.Code != http.StatusOK {
			b.Errorf("%s: %d %s", url, w.Code, w.Body)
		}
	}
	b.Run("create", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				request(b, "/create", speedJSON(count.Add(1)))
			}
		})
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			request(b, "/get?number=N00004711", "")
		}
	})
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			request(b, "/list?customer=C17", "")
		}
	})
}
