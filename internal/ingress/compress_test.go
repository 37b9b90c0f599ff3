package ingress

import (
	"bytes"
	"strings"
	"testing"
)

// BenchmarkPack says what an answer of 16 KiB costs in each coding.
func BenchmarkPack(b *testing.B) {
	body := []byte(strings.Repeat(`{"number":"4711","total":12.50,"note":"something to say"},`, 280))
	p := newPacker()
	for _, coding := range codings {
		b.Run(coding, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				p.free(p.pack(coding, body))
			}
		})
	}
}

// TestPackersAreUsedAgain: what one answer leaves behind is not in the next.
func TestPackersAreUsedAgain(t *testing.T) {
	p := newPacker()
	for _, coding := range codings {
		first := bytes.Clone(p.pack(coding, []byte(strings.Repeat("a", 5000))).Bytes())
		large := p.pack(coding, []byte(strings.Repeat("b", largestKept*2)))
		p.free(large)
		if again := p.pack(coding, []byte(strings.Repeat("a", 5000))).Bytes(); !bytes.Equal(first, again) {
			t.Errorf("%s: the same answer is packed otherwise", coding)
		}
	}
}
