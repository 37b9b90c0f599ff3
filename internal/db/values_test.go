package db_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// odd statements take their columns in another order, several times, or not at
// all.
var (
	insertTwisted = db.NewStmt(1, `INSERT INTO things (data, n, id) SELECT r.data, r.n, r.id FROM {rows} AS r`,
		db.Text("id"), db.Int("n"), db.Bytes("data"))
	insertDoubled = db.NewStmt(1, `INSERT INTO things (id, n, data) SELECT r.id || '/' || r.id, r.n + r.n, r.data FROM {rows} AS r`,
		db.Text("id"), db.Int("n"), db.Bytes("data"))
	insertSparse = db.NewStmt(1, `INSERT INTO things (id, data) SELECT r.id, r.data FROM {rows} AS r`,
		db.Text("id"), db.Int("n"), db.Bytes("data"))
	changeTwisted = db.NewStmt(2, `UPDATE things SET n = r.n, data = r.data FROM {rows} AS r WHERE things.id = r.id`,
		db.Int("n"), db.Bytes("data"), db.Text("id").Key())
)

// row is a thing as it is stored.
type row struct {
	ID   string
	N    *int64
	Data []byte
}

func stored(t *testing.T, d *db.DB) (rows []row) {
	t.Helper()
	must(t, d.Read(t.Context(), func(tx *db.Tx) error {
		rows = nil
		all, err := tx.Query(`SELECT id, n, data, CASE WHEN data IS NULL THEN 1 ELSE 0 END FROM things ORDER BY id`)
		if err != nil {
			return err
		}
		defer all.Close()
		for all.Next() {
			var r row
			var null bool
			if err := all.Scan(&r.ID, &r.N, &r.Data, &null); err != nil {
				return err
			}
			if !null && r.Data == nil {
				r.Data = []byte{} // SQLite's driver gives nil for an empty blob
			}
			rows = append(rows, r)
		}
		return all.Err()
	}))
	return rows
}

// A value comes back as it was given, whatever is in it; empty is not NULL.
func TestRowsComeBackAsTheyWereGiven(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		n := func(i int64) *int64 { return &i }
		blob := func(size int) []byte { return bytes.Repeat([]byte{0, 1, 0xff}, size/3+1)[:size] }
		want := []row{
			{"", n(math.MinInt64), []byte{}},
			{"1", n(math.MaxInt64), nil},
			{"2", nil, []byte{0}},
			{"3", n(0), blob(4 << 10)}, // as much as a statement has room for at first, and around it
			{"4", n(-1), blob(4<<10 - 1)},
			{"5", n(1), blob(4<<10 + 1)},
			{"6", n(1 << 53), blob(64<<10 - 1)},
			{"7", n(-1 << 53), blob(64 << 10)},
			{"8", n(1 << 31), blob(64<<10 + 1)},
			{"9" + strings.Repeat("ä€😀", 5000), n(-1 << 31), blob(1 << 20)},
			{"?1 $1 :a ' \" \\ \n", nil, nil},
		}
		var rows [][]any
		for _, r := range want {
			rows = append(rows, []any{r.ID, r.N, r.Data})
		}
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			affected, err := tx.Many(insertTwisted, rows)
			if affected != int64(len(rows)) {
				t.Errorf("%d rows touched, want %d", affected, len(rows))
			}
			return err
		}))
		if diff := cmp.Diff(want, stored(t, d)); diff != "" {
			t.Errorf("stored otherwise (-given +stored):\n%.2000s", diff)
		}
		rows = nil
		for i := range want {
			want[i].N, want[i].Data = n(int64(i)), []byte(fmt.Sprint(i))
			rows = append(rows, []any{i, want[i].Data, want[i].ID})
		}
		item := db.Item{}
		for _, r := range rows {
			item.Ops = append(item.Ops, db.Op{Stmt: changeTwisted.Must(), Row: r})
		}
		must(t, committer(t, d, nil).Commit(t.Context(), item))
		if diff := cmp.Diff(want, stored(t, d)); diff != "" {
			t.Errorf("changed otherwise (-given +stored):\n%.2000s", diff)
		}
	})
}

func TestColumnsSeveralTimesAndNotAtAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := committer(t, d, nil)
		must(t, c.Commit(t.Context(), db.Item{Ops: []db.Op{
			{Stmt: insertDoubled, Row: []any{"a", 21, []byte("x")}},
			{Stmt: insertSparse, Row: []any{"b", 7, []byte("y")}},
			{Stmt: insertDoubled, Row: []any{"c", nil, nil}},
			{Stmt: insertSparse, Row: []any{"d", nil, []byte{}}},
		}}))
		n := int64(42)
		want := []row{{"a/a", &n, []byte("x")}, {"b", nil, []byte("y")}, {"c/c", nil, nil}, {"d", nil, []byte{}}}
		if diff := cmp.Diff(want, stored(t, d)); diff != "" {
			t.Errorf("stored otherwise (-given +stored):\n%s", diff)
		}
	})
}

// What a database does not take fails alone and in words, and the statement is
// as good as before.
func TestRowsThatFailLeaveTheStatementWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		c := committer(t, d, nil)
		row := func(values ...any) db.Item { return db.Item{Ops: []db.Op{{Stmt: insertThing, Row: values}}} }
		missing := db.Item{Ops: []db.Op{{Stmt: changeTwisted.Must(), Row: []any{1, []byte("x"), "nobody"}}}}
		errs := together(c, row("a", 1, nil), row(nil, 1, nil), row("a", 2, nil), missing, row("b"), row("c", 1.5, nil), row("d", 4, nil))
		for i, bad := range []bool{false, true, true, true, true, true, false} {
			if (errs[i] != nil) != bad {
				t.Errorf("item %d: %v", i, errs[i])
			}
		}
		if !errors.Is(errs[2], db.ErrUnique) || !errors.Is(errs[3], db.ErrNoRows) || errors.Is(errs[1], db.ErrUnique) {
			t.Errorf("unique: %v; must: %v; NULL: %v", errs[2], errs[3], errs[1])
		}
		if got := fmt.Sprint(ids(t, d)); got != "[a d]" {
			t.Errorf("stored %s, want [a d]", got)
		}
		must(t, c.Commit(t.Context(), row("e", 5, nil)))
	})
}

// Text that is none fails alone on PostgreSQL; SQLite keeps it byte for byte.
func TestTextThatIsNoText(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := withThings(t, open())
		odd := []string{"\x00", "a\x00b", "\xff", "a\xc3", "\xed\xa0\x80"}
		items := []db.Item{thing("first")}
		for _, text := range odd {
			items = append(items, thing(text))
		}
		errs := together(committer(t, d, nil), append(items, thing("last"))...)
		for i, err := range errs {
			if bad := d.Postgres() && i > 0 && i <= len(odd); (err != nil) != bad {
				t.Errorf("item %d: %v", i, err)
			}
		}
		want := []string{"first", "last"}
		if !d.Postgres() {
			want = append(want, odd...)
		}
		slices.Sort(want)
		if got := ids(t, d); !slices.Equal(got, want) {
			t.Errorf("stored %q, want %q", got, want)
		}
	})
}
