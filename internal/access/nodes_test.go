package access

import (
	"sync"
	"testing"
	"time"

	"junctor/internal/clock"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

// Two nodes that hear nothing of each other, on one PostgreSQL: applications
// take over from one another while each calls on both nodes. From the moment on
// that a login is answered, no token of an earlier one is taken anywhere.
func TestATakeoverIsCompleteOnEveryNode(t *testing.T) {
	open := dbtest.Postgres(t)
	first := &fixture{db: open(nil), ctx: t.Context()}
	second := &fixture{db: open(nil), ctx: t.Context()}
	nodes := []*fixture{first, second}
	for _, n := range nodes {
		n.clock = clock.NewFake(time.Now()) // of the fixture only
		n.Store = n.another(t)
		n.Store.clock, n.callers.clock, n.proven.clock = clock.Real{}, clock.Real{}, clock.Real{}
		n.deafen()
		n.elsewhere = 200 * time.Millisecond
		n.SetLimits(Limits{Sharing: Sharing{Exclusive, Replace}})
	}
	first.applications(t, "", "eshop", "crm")

	var mu sync.Mutex
	var tokens []string // of the logins that have been answered, in their order
	done := make(chan struct{})
	var callers sync.WaitGroup
	taken := make([]int, len(nodes))
	for i, n := range nodes {
		for range 2 {
			callers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					mu.Lock()
					known := tokens
					mu.Unlock()
					for j, token := range known[max(0, len(known)-3):] {
						_, err := n.Authenticate(n.ctx, token, office)
						last := j == len(known[max(0, len(known)-3):])-1
						switch {
						case err == nil && !last:
							t.Error("a token is taken after another one's login was answered")
						case err == nil:
							mu.Lock()
							taken[i]++
							mu.Unlock()
						case !fault.Is(err, fault.Unauthorized):
							t.Error(err)
						}
					}
				}
			})
		}
	}
	for i := range 12 {
		login := []string{"eshop", "crm"}[i%2]
		s, err := nodes[i/2%2].Login(t.Context(), login, login, office)
		if err != nil {
			t.Error(err)
			break
		}
		mu.Lock()
		tokens = append(tokens, s.Token)
		mu.Unlock()
	}
	close(done)
	callers.Wait()
	if taken[0] == 0 || taken[1] == 0 {
		t.Errorf("the holder's calls were taken %v times on the nodes", taken)
	}
}
