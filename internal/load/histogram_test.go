package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAreWithinTwoPercent(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var h, a, b Histogram
	var all []time.Duration
	for i := range 20_000 {
		d := time.Duration(rnd.ExpFloat64()*float64(30*time.Millisecond)).Truncate(time.Microsecond) + time.Microsecond
		all = append(all, d)
		if i%3 == 0 {
			a.Record(d)
		} else {
			b.Record(d)
		}
	}
	h.Add(&a)
	h.Add(&b)
	slices.Sort(all)
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999} {
		want, got := all[int(q*float64(len(all)))], h.Quantile(q)
		if got < want || float64(got) > float64(want)*1.02 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if h.Quantile(1) != all[len(all)-1] || h.Max() != all[len(all)-1] || h.Count() != int64(len(all)) {
		t.Errorf("max %v, count %d", h.Max(), h.Count())
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h Histogram
	if h.Quantile(0.99) != 0 || h.Mean() != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Error("an empty histogram is not all zero")
	}
	h.Record(-time.Second)
	if h.Count() != 1 || h.Max() != 0 {
		t.Error("a negative duration does not count as 0")
	}
}

func TestEveryBucketHoldsItsCeiling(t *testing.T) {
	for i := range 3000 {
		if got := bucket(ceiling(i)); got != i {
			t.Fatalf("ceiling %d of bucket %d is in bucket %d", ceiling(i), i, got)
		}
		if got := bucket(ceiling(i) + 1); got != i+1 {
			t.Fatalf("one above the ceiling of bucket %d is in bucket %d", i, got)
		}
	}
}
