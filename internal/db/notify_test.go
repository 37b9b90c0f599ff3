package db_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

func notify(t *testing.T, d *db.DB, topic string, payloads ...string) {
	t.Helper()
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		for _, p := range payloads {
			tx.Notify(topic, p)
		}
		return nil
	}))
}

func next(t *testing.T, heard <-chan string) string {
	t.Helper()
	select {
	case p := <-heard:
		return p
	case <-time.After(20 * time.Second):
		t.Fatal("nothing heard")
		return ""
	}
}

func TestListenersHearWhatIsCommitted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		heard, others := make(chan string, 10), make(chan string, 10)
		stop := d.Listen("config", func(p string) { heard <- p })
		d.Listen("other", func(p string) { others <- p })
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			tx.Notify("config", "rolled back")
			return errors.New("no")
		})
		if err == nil {
			t.Error("Write swallowed the error")
		}
		notify(t, d, "config", "1", "1", "2")
		for _, want := range []string{"1", "2"} {
			if got := next(t, heard); got != want {
				t.Errorf("heard %q, want %q", got, want)
			}
		}
		stop()
		notify(t, d, "config", "3")
		notify(t, d, "other", "x")
		if got := next(t, others); got != "x" {
			t.Errorf("heard %q, want x", got)
		}
		select {
		case p := <-heard:
			t.Errorf("heard %q after stop", p)
		default:
		}
	})
}

// TestNoticesReachOtherProcesses plays two processes on one schema, and a
// listening connection that breaks. A notice is a hint, so it is given until
// it is heard.
func TestNoticesReachOtherProcesses(t *testing.T) {
	open := dbtest.Postgres(t)
	here, there := open(nil), open(nil)
	heard := make(chan string, 1000)
	there.Listen("config", func(p string) { heard <- p })
	until := func(round string) {
		t.Helper()
		for i := range 200 {
			notify(t, here, "config", fmt.Sprint(round, i))
			select {
			case p := <-heard:
				if p[:len(round)] == round {
					return
				}
			case <-time.After(50 * time.Millisecond):
			}
		}
		t.Fatalf("%s: nothing heard from the other process", round)
	}
	until("first")
	must(t, here.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE application_name = current_setting('application_name') AND query LIKE 'LISTEN%'`)
		return err
	}))
	until("again")
}
