package hub_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"junctor/internal/odata"
)

// Of two who change the version that both have read, one wins, and the other is
// told what the record is now.
func TestOneOfTwoWritersWins(t *testing.T) {
	t.Setenv("PORTAL_PASSWORD", "a-password-of-ann")
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, portal)
		if resp, answer := s.call("POST", odata.Base+"/orders", `{"id":"o","number":"1","total":0}`); resp.StatusCode != 201 {
			t.Fatalf("%d %s", resp.StatusCode, answer)
		}
		for version := 1; version <= 10; version++ {
			var won, lost atomic.Int32
			var work sync.WaitGroup
			for writer := range 2 {
				work.Go(func() {
					resp, answer := s.call("PATCH", odata.Base+"/orders/o", fmt.Sprintf(`{"total":%d.%d}`, version, writer+1), "If-Match", fmt.Sprintf(`W/"%d"`, version))
					switch {
					case resp.StatusCode == http.StatusNoContent:
						won.Add(1)
					case resp.StatusCode == http.StatusPreconditionFailed && strings.Contains(answer, fmt.Sprintf(`"version":%d,`, version+1)):
						lost.Add(1)
					default:
						t.Errorf("%d %s", resp.StatusCode, answer)
					}
				})
			}
			work.Wait()
			if won.Load() != 1 || lost.Load() != 1 {
				t.Fatalf("%d have won, %d have lost", won.Load(), lost.Load())
			}
		}
	})
}

// A thousand who upsert one key at once leave one record, and none has an error.
func TestAThousandUpsertsOfOneKey(t *testing.T) {
	t.Setenv("PORTAL_PASSWORD", "a-password-of-ann")
	onBoth(t, func(t *testing.T, database string) {
		s := serveOn(t, database, portal)
		var made atomic.Int32
		var work sync.WaitGroup
		for worker := range 50 {
			work.Go(func() {
				for n := range 20 {
					resp, answer := s.call("PUT", odata.Base+"/orders(number='same')", fmt.Sprintf(`{"total":%d}`, worker*20+n))
					switch resp.StatusCode {
					case http.StatusCreated:
						made.Add(1)
					case http.StatusNoContent:
					default:
						t.Errorf("%d %s", resp.StatusCode, answer)
					}
				}
			})
		}
		work.Wait()
		if _, count := s.call("GET", odata.Base+"/orders/$count", ""); count != "1" || made.Load() != 1 {
			t.Errorf("%s records, %d times made", count, made.Load())
		}
	})
}
