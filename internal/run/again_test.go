package run_test

import (
	"context"
	"errors"
	"testing"

	"junctor/internal/db"
	"junctor/internal/run"
)

// A step that wants its transaction anew gets it, with all the steps of its turn;
// what was written before is not there.
func TestTransactionMadeAnew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tries, ready := 0, 0
		w.more = run.Handlers{
			"moved": {Internal: func(tx *db.Tx, _ *run.Call) ([]byte, error) {
				if _, err := tx.Exec(`INSERT INTO kv_values (name, value) VALUES ($1, '1')`, "moved"); err != nil {
					return nil, err
				}
				if tries++; tries < 3 {
					return nil, &run.Again{Err: errors.New("it has moved"), Ready: func(context.Context) error { ready++; return nil }}
				}
				return []byte("2"), nil
			}},
			"seen": {Read: func(tx *db.Tx, c *run.Call) ([]byte, error) {
				if tries++; tries < 5 {
					return nil, &run.Again{Err: errors.New("it has moved")}
				}
				return []byte("3"), nil
			}},
		}
		w.restart()
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.begin("count", "n")
			p.begin("moved", "")
			first, second := p.next(), p.next()
			seen, _ := p.step("seen", "")
			return []byte("[" + string(first.Result) + "," + string(second.Result) + "," + string(seen) + "]"), nil
		}
		got := w.end(w.accept("p"))
		if got.State != run.Succeeded || string(got.Output) != "[1,2,3]" || ready != 2 {
			t.Errorf("%s %s after %d preparations", got.State, got.Output, ready)
		}
	})
}

// What never comes to rest is no failure of the run: it goes on later.
func TestTransactionNeverMade(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tries := make(chan bool, 100)
		w.more = run.Handlers{"moved": {Internal: func(*db.Tx, *run.Call) ([]byte, error) {
			tries <- true
			return nil, &run.Again{Err: errors.New("it has moved")}
		}}}
		w.restart()
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.step("moved", "")
			return nil, nil
		}
		id := w.accept("p")
		for range 10 {
			<-tries
		}
		if got := w.until(id, func(i *run.Info) bool { return i.State != run.Running }); got.State.Ended() {
			t.Errorf("the run is %s", got.State)
		}
	})
}
