package schedule_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/clock"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/run"
	"junctor/internal/scenario"
	"junctor/internal/schedule"
)

// The engine is played by a table: a run is a row of it, and ends when the test
// says so.
type ledger struct{ node string }

func (l ledger) Insert(tx *db.Tx, s run.Start) (string, error) {
	in := scenario.DecodeInput(s.Input)
	var n int64
	if err := tx.QueryRow(`SELECT count(*) FROM kv_values`).Scan(&n); err != nil {
		return "", err
	}
	id := fmt.Sprintf("run_%04d%s", n+1, l.node)
	_, err := tx.Exec(`INSERT INTO kv_values (name, value, expires_at) VALUES ($1, $2, NULL)`, id, s.Program+" "+s.OrderingKey+"\n"+string(in.Content))
	return id, err
}

func (ledger) Open(tx *db.Tx, id string) (open bool, err error) {
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM kv_values WHERE name = $1 AND expires_at IS NULL)`, id).Scan(&open)
	return open, err
}

func (ledger) Behind(tx *db.Tx, _ run.Start) (n int64, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM kv_values WHERE expires_at IS NULL`).Scan(&n)
	return n, err
}

// bench is schedules over a database, with a clock that a test moves.
type bench struct {
	t      *testing.T
	db     *db.DB
	clock  *clock.Fake
	keeper *schedule.Keeper
	mu     sync.Mutex
	told   []string
}

func newBench(t *testing.T, d *db.DB, now *clock.Fake) *bench {
	t.Helper()
	b := &bench{t: t, db: d, clock: now}
	b.keeper = &schedule.Keeper{
		Store: schedule.NewStore(d, now.Now), Runs: ledger{}, Clock: now, Log: slog.New(slog.DiscardHandler),
		Version: func(code string) (string, error) {
			if code == "unknown" {
				return "", fault.New(fault.NotFound, "There is no scenario %q.", code)
			}
			return "1", nil
		},
		Tell: func(_ *db.Tx, kind, code string, data any) error {
			text, err := json.Marshal(data)
			b.mu.Lock()
			defer b.mu.Unlock()
			b.told = append(b.told, kind+" "+string(text))
			return err
		},
	}
	return b
}

func start(text string) *clock.Fake {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return clock.NewFake(at)
}

func (b *bench) write(do func(tx *db.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(context.Background(), do); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) put(code, body string) {
	b.t.Helper()
	b.write(func(tx *db.Tx) error {
		return b.keeper.Store.Put(tx, code, json.RawMessage(`{"scenario":"s",`+body+`}`), time.UTC)
	})
}

// look does what a node does in the background, until nothing is due.
func (b *bench) look() {
	b.t.Helper()
	for {
		n, next, err := b.keeper.Once(context.Background())
		if err != nil {
			b.t.Fatal(err)
		}
		if n == 0 || next.IsZero() || next.After(b.clock.Now()) {
			return
		}
	}
}

// until moves the clock in steps and looks after each.
func (b *bench) until(text string, step time.Duration) {
	b.t.Helper()
	end, err := time.Parse(time.RFC3339, text)
	if err != nil {
		b.t.Fatal(err)
	}
	for b.clock.Now().Before(end) {
		b.clock.Advance(min(step, end.Sub(b.clock.Now())))
		b.look()
	}
}

type made struct {
	Code     string
	Due      time.Time
	LateBy   int64
	Previous *time.Time
	Manual   bool
	Input    json.RawMessage
}

// runs are what was started so far, in its order.
func (b *bench) runs() (all []made) {
	b.t.Helper()
	err := b.db.Read(context.Background(), func(tx *db.Tx) error {
		all = nil
		rows, err := tx.Query(`SELECT value FROM kv_values ORDER BY name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			var m made
			_, given, _ := strings.Cut(text, "\n")
			if err := json.Unmarshal([]byte(given), &m); err != nil {
				return err
			}
			all = append(all, m)
		}
		return rows.Err()
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bench) wantDue(want ...string) {
	b.t.Helper()
	got := []string{}
	for _, m := range b.runs() {
		got = append(got, m.Due.Format(time.RFC3339))
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		b.t.Error(diff)
	}
}

func (b *bench) wantTold(want ...string) {
	b.t.Helper()
	for i, text := range want {
		if i >= len(b.told) || !strings.Contains(b.told[i], text) {
			b.t.Errorf("event %d: got %q, want %s", i, b.told, text)
		}
	}
	if len(b.told) != len(want) {
		b.t.Errorf("told %q, want %d events", b.told, len(want))
	}
}

// end ends every run.
func (b *bench) end() {
	b.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE kv_values SET expires_at = 1`)
		return err
	})
}

func each(t *testing.T, from string, body func(b *bench)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) { body(newBench(t, open(), start(from))) })
}
