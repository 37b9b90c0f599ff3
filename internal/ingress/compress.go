package ingress

import (
	"bytes"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// codings are what answers are compressed by, the best first. deflate is in the
// zlib format, as RFC 9110, 8.4.1.2 has it.
var codings = []string{"zstd", "br", "gzip", "deflate"}

// encoder is what the compressors have in common.
type encoder interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// A window for zstd and brotli: the whole of most answers, and little memory.
const windowBits = 18

// packer keeps compressors and buffers that are at rest. A compressor takes
// between 100 KiB and a few MiB, which the garbage collector gets back when there
// is nothing to compress.
type packer struct {
	encoders map[string]*sync.Pool
	buffers  sync.Pool
}

func newPacker() *packer {
	return &packer{
		encoders: map[string]*sync.Pool{
			"zstd": {New: func() any {
				z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<windowBits), zstd.WithLowerEncoderMem(true),
					zstd.WithEncoderLevel(zstd.SpeedFastest))
				if err != nil {
					panic("ingress: " + err.Error()) // the options are constant
				}
				return z
			}},
			"br":      {New: func() any { return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: 4, LGWin: windowBits}) }},
			"gzip":    {New: func() any { return gzip.NewWriter(nil) }},
			"deflate": {New: func() any { return zlib.NewWriter(nil) }},
		},
		buffers: sync.Pool{New: func() any { return &bytes.Buffer{} }},
	}
}

// pack compresses a body; free gets the buffer back.
func (p *packer) pack(coding string, body []byte) *bytes.Buffer {
	b := p.buffers.Get().(*bytes.Buffer)
	e := p.encoders[coding].Get().(encoder)
	defer p.encoders[coding].Put(e)
	e.Reset(b)
	e.Write(body)       //nolint:errcheck // into memory
	e.Close()           //nolint:errcheck // into memory
	e.Reset(io.Discard) // lets go of the buffer
	return b
}

// largestKept is the largest buffer that is used again.
const largestKept = 1 << 20

func (p *packer) free(b *bytes.Buffer) {
	if b.Cap() <= largestKept {
		b.Reset()
		p.buffers.Put(b)
	}
}
