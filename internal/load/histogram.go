package load

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets that are 1/64 wide of what they hold,
// so that a quantile is exact to 1.6 percent, from a microsecond to days. Its
// zero value is empty. It is not safe for use by several goroutines.
type Histogram struct {
	counts []int64
	count  int64
	sum    time.Duration
	max    time.Duration
}

const fine = 6 // a power of two is cut into 1<<fine buckets

// Record counts one duration; negative ones count as 0.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	i := bucket(uint64(d / time.Microsecond))
	if i >= len(h.counts) {
		grown := make([]int64, i+1<<fine)
		copy(grown, h.counts)
		h.counts = grown
	}
	h.counts[i]++
	h.count++
	h.sum += d
	h.max = max(h.max, d)
}

// Add counts what another histogram has counted.
func (h *Histogram) Add(other *Histogram) {
	if len(other.counts) > len(h.counts) {
		grown := make([]int64, len(other.counts))
		copy(grown, h.counts)
		h.counts = grown
	}
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.count += other.count
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int64 { return h.count }

// Max is the longest one.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is their average, 0 when there are none.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return h.sum / time.Duration(h.count)
}

// Quantile is the duration that the share q (0.99) of all did not exceed, 0
// when there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := int64(q * float64(h.count))
	if h.count == 0 {
		return 0
	}
	if rank >= h.count {
		return h.max
	}
	var seen int64
	for i, n := range h.counts {
		if seen += n; seen > rank {
			return min(time.Duration(ceiling(i))*time.Microsecond, h.max)
		}
	}
	return h.max
}

// bucket of a number of microseconds: the leading bit and the next six.
func bucket(us uint64) int {
	if us < 1<<fine {
		return int(us)
	}
	shift := bits.Len64(us) - fine - 1
	return shift<<fine + int(us>>shift)
}

// ceiling is the largest number of microseconds in bucket i.
func ceiling(i int) uint64 {
	if i < 2<<fine {
		return uint64(i)
	}
	shift := i>>fine - 1
	return (uint64(i-shift<<fine)+1)<<shift - 1
}
