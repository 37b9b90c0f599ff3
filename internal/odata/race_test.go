package odata_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

// together calls f n times at once.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

func TestUpsertsOfOneKey(t *testing.T) {
	each(t, func(s *site) {
		var mu sync.Mutex
		counts := map[string]int{}
		for range 10 {
			together(100, func(i int) {
				got := s.do("PATCH /orders(number='one')", fmt.Sprintf(`{"lines":%d}`, i), "Prefer", "upsert")
				mu.Lock()
				defer mu.Unlock()
				counts[fmt.Sprint(got.status, " ", got.header.Get("Junctor-Result"))]++
			})
		}
		if counts["201 created"] != 1 || counts["201 created"]+counts["204 updated"]+counts["204 unchanged"] != 1000 {
			s.Errorf("%v", counts)
		}
		if got := s.do("GET /orders/$count?$filter=number%20eq%20'one'", ""); got.body != "1" {
			s.Errorf("%s records", got.body)
		}
	})
}

func TestWritersWithIfMatch(t *testing.T) {
	each(t, func(s *site) {
		var mu sync.Mutex
		counts := map[int]int{}
		together(20, func(i int) {
			got := s.do("PATCH /orders/o1", fmt.Sprintf(`{"note":"by %d"}`, i), "If-Match", `W/"1"`)
			mu.Lock()
			defer mu.Unlock()
			counts[got.status]++
			if got.status == 412 && !strings.Contains(got.body, `"note":"by `) {
				s.Errorf("no present record: %s", got.body)
			}
		})
		if counts[204] != 1 || counts[412] != 19 {
			s.Errorf("%v", counts)
		}
	})
}

// TestChangedClass changes a class behind the door's back, as another node does:
// whoever calls notices nothing.
func TestChangedClass(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := newSite(t, d)
		more := strings.Replace(ordersBody, `"note":"text"`, `"note":"text","remark":"text"`, 1)
		apply(t, d, more)
		s.must(201, "POST /orders", `{"id":"o1","number":"1","note":"x"}`)
		s.must(204, "PATCH /orders/o1", `{"remark":"y"}`)
		apply(t, d, strings.Replace(more, `"note":"text"`, `"note":"text","more":"text"`, 1))
		all := s.batch(`{"id":"#1","atomicityGroup":"g","method":"PATCH","url":"orders/o1","body":{"lines":1}},{"id":"#2","atomicityGroup":"g","method":"PATCH","url":"orders/o1","body":{"more":"z"}}`)
		if got := statuses(all, "#1", "#2"); got != "204 204" {
			t.Errorf("a batch: %s %s", got, all["#2"].Body)
		}
	})
}
