package run_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/run"
)

// What a turn's calls came to is handed over in the same order by every
// execution, however each of them is done; a sleep that the program ends too.
func TestCompletionsOfOneTurnKeepTheirOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		orders := make(chan string, 10)
		w.programs["p"] = func(p *process) ([]byte, *run.Failure) {
			p.begin("sleep", "1h")
			for _, name := range []string{"look", "tell", "count", "tell", "look"} {
				p.begin(name, "counter")
			}
			var order []int
			for len(order) < 5 {
				order = append(order, p.next().Call)
			}
			p.begin("end", "1")
			for len(order) < 7 {
				order = append(order, p.next().Call)
			}
			orders <- fmt.Sprint(order)
			p.step("sleep", "30m")
			return nil, nil
		}
		id := w.accept("p")
		w.parked(id, "time")
		w.clock.Advance(31 * time.Minute)
		if info := w.end(id); info.State != run.Succeeded {
			t.Errorf("the run is %s: %+v", info.State, info.Error)
		}
		first, again := <-orders, <-orders
		if diff := cmp.Diff(first, again); diff != "" {
			t.Error(diff)
		}
	})
}
