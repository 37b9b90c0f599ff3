package hub_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Who reads the log of events as much as he can leaves room for others to read.
func TestReadersOfEventsLeaveRoom(t *testing.T) {
	at := database(t)
	s := serveOn(t, at, map[string]string{"junctor.yaml": `
classes:
  orders: { key: number, columns: { number: text! } }
roles:
  all: { events: { read: ["**"] }, classes: { orders: { read: true } } }
applications:
  greedy: { password: greedy, roles: [all] }
  modest: { password: modest, roles: [all] }
`})
	_, greedy := s.login("greedy")
	_, modest := s.login("modest")
	const list = "/api/v1/data/orders"
	s.wantCall(200, "GET", list, "", modest)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // the database goes with the test
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var table string
	err = tx.QueryRow(ctx, `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE tablename = 'events'`).Scan(&table)
	if err == nil {
		_, err = tx.Exec(ctx, `LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE`) // every read of it takes its time
	}
	if err != nil {
		t.Fatal(err)
	}
	held := func() (n int) {
		err := tx.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE relation = $1::regclass AND NOT granted AND mode = 'AccessShareLock'`, table).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			r, err := http.NewRequest("GET", s.base+"/api/v1/events?filter=contains(data/a,'x')", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+greedy)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != 200 && resp.StatusCode != 503 {
				t.Errorf("the log is answered %d", resp.StatusCode)
			}
		})
	}
	s.until("some read", func() bool { return held() >= 4 })
	for range 10 {
		s.wantCall(200, "GET", list, "", modest)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	s.wantCall(200, "GET", "/api/v1/events?filter=contains(data/a,'x')", "", greedy)
}
