package load

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSummaryIsReadableByPeopleAndMachines(t *testing.T) {
	r := &Result{Statuses: map[int]int64{200: 90, 503: 10}, Failed: 2, FirstErr: errors.New("connection refused"), Elapsed: 2 * time.Second}
	for range 100 {
		r.Latency.Record(4 * time.Millisecond)
	}
	var out strings.Builder
	if err := r.Summary().Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"45 good answers per second over 2.0 s", "  200             90\n", "  503             10\n", "2   the first: connection refused", "mean 4.00   p50 4.00"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	raw, err := json.Marshal(r.Summary())
	if err != nil || !strings.Contains(string(raw), `"answers":{"200":90,"503":10},"failed":2,"failure":"connection refused","rate":45`) {
		t.Errorf("%s, %v", raw, err)
	}
}
