package table_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"junctor/internal/class"
	"junctor/internal/class/classtest"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// TestAChangeUnderLoad changes a class with as many records as
// JUNCTOR_TEST_ROWS says while a hundred requests a second read and write it,
// and fails when one of them fails, or waits for 200 ms or more. It takes
// minutes and is made by hand:
//
//	JUNCTOR_TEST_ROWS=1000000 go test -timeout 30m -run UnderLoad -v ./internal/class/table
func TestAChangeUnderLoad(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("JUNCTOR_TEST_ROWS"))
	if err != nil {
		t.Skip("left out: JUNCTOR_TEST_ROWS does not say with how many records")
	}
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		const (
			before = `{"key":"number","columns":{"number":"text(20)!","total":"decimal(12,2)","state":"enum(new,done)","customer":"text(30)","note":"text(200)"}}`
			after  = `{"key":"number","columns":{"number":"text(20)!","total":"decimal(16,4)","state":"enum(new,done)!","customer":{"type":"text(30)","index":true},"note":"text(100)","days":{"type":"integer!","default":30}}}`
		)
		classtest.Apply(t, d, false, "orders", before)
		fill(t, d, n)
		var mu sync.Mutex
		var took []time.Duration
		stale := 0
		ctx, stop := context.WithCancel(context.Background())
		var requests sync.WaitGroup
		current := classtest.Applied(t, d)
		request := func(i int) {
			defer requests.Done()
			began := time.Now()
			for {
				mu.Lock()
				m := current
				mu.Unlock()
				err := anyRequest(d, m, i, n)
				if err == nil {
					break
				}
				fresh := reload(d)
				mu.Lock()
				stale++
				current = fresh
				mu.Unlock()
				if time.Since(began) > 5*time.Second {
					t.Errorf("a request failed: %v", err)
					break
				}
			}
			mu.Lock()
			took = append(took, time.Since(began))
			mu.Unlock()
		}
		drive := func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for i := 0; ; i++ {
				select {
				case <-tick.C:
					requests.Add(1)
					go request(i)
				case <-ctx.Done():
					return
				}
			}
		}
		var driver sync.WaitGroup
		driver.Go(drive)
		warm, cancel := context.WithTimeout(ctx, 5*time.Second)
		<-warm.Done()
		cancel()
		report := func(what string) (most time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(took)
			at := func(p float64) time.Duration { return took[int(p*float64(len(took)-1))].Round(time.Microsecond) }
			t.Logf("%s: %d requests, median %s, 99%% %s, 99.9%% %s, longest %s, tried again for another model %d", what, len(took), at(.5), at(.99), at(.999), at(1), stale)
			most, took, stale = at(1), nil, 0
			return most
		}
		report("before")
		began := time.Now()
		left := classtest.Apply(t, d, false, "orders", after)
		t.Logf("applied in %s", time.Since(began))
		began = time.Now()
		m := &table.Migration{DB: d}
		if err := classtest.FinishBy(m, left); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d records changed in %s", n, time.Since(began))
		stop()
		driver.Wait()
		requests.Wait()
		if most := report("meanwhile"); most >= 200*time.Millisecond {
			t.Errorf("a request took %s", most)
		}
	})
}

func reload(d *db.DB) (m *class.Model) {
	if err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		m, err = table.Applied(tx)
		return err
	}); err != nil {
		panic(err)
	}
	return m
}

// anyRequest is a read, a change or a new record, in turn.
func anyRequest(d *db.DB, m *class.Model, i, n int) error {
	ctx := context.Background()
	c := m.Class("orders")
	id := fmt.Sprintf("rec_%08d", i*7919%n)
	switch i % 3 {
	case 0:
		return d.Read(ctx, func(tx *db.Tx) error {
			total := class.Cell{Column: c.Column("total")}
			var number string
			return tx.QueryRow(`SELECT number, total FROM class_orders WHERE id = $1`, id).Scan(&number, &total)
		})
	case 1:
		return d.Write(ctx, func(tx *db.Tx) error {
			total, err := c.Column("total").FromText(fmt.Sprintf("%d.50", i))
			if err != nil {
				return err
			}
			if _, err := tx.Exec(`UPDATE class_orders SET total = $2, version = version + 1 WHERE id = $1`, id, c.Column("total").Arg(tx.Postgres(), total)); err != nil {
				return err
			}
			return table.Current(tx, m, "orders")
		})
	}
	return d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`INSERT INTO class_orders (id, version, number, state) VALUES ($1, 1, $2, 'new')`, fmt.Sprintf("rec_new%08d", i), fmt.Sprintf("new%d", i)); err != nil {
			return err
		}
		return table.Current(tx, m, "orders")
	})
}

// fill makes n orders.
func fill(t *testing.T, d *db.DB, n int) {
	t.Helper()
	total := map[bool]string{true: "12.34", false: "1234"}[d.Postgres()]
	for from := 0; from < n; from += 50_000 {
		classtest.Write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(fmt.Sprintf(`INSERT INTO class_orders (id, version, number, total, state, customer, note)
				WITH RECURSIVE i (n) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT n + 1 FROM i WHERE n + 1 < CAST($2 AS BIGINT))
				SELECT 'rec_' || substr(CAST(100000000 + n AS TEXT), 2), 1, CAST(n AS TEXT), %s, 'new', 'customer ' || CAST(n %% 1000 AS TEXT), 'a note of some length about the order' FROM i`, total), from, min(from+50_000, n))
			return err
		})
	}
}
