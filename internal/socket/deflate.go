package socket

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
)

// permessage-deflate (RFC 7692), without context takeover: every message is
// packed by itself, and between messages a connection keeps no memory for it.

// packFrom is the size in bytes from which a message is worth packing.
const packFrom = 1024

// deflateAnswer is what is agreed on.
const deflateAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// offersDeflate reports whether a handshake offers permessage-deflate in a form
// that can be taken: with the window of 32 KiB that deflate has by itself.
func offersDeflate(h http.Header) bool {
	for _, value := range h.Values("Sec-WebSocket-Extensions") {
		for offer := range strings.SplitSeq(value, ",") {
			name, params, _ := strings.Cut(offer, ";")
			if strings.EqualFold(strings.TrimSpace(name), "permessage-deflate") && plainWindow(params) {
				return true
			}
		}
	}
	return false
}

func plainWindow(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "", "server_no_context_takeover", "client_no_context_takeover", "client_max_window_bits":
		case "server_max_window_bits":
			if strings.Trim(strings.TrimSpace(value), `"`) != "15" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// flushed ends what is packed, and is left out of it (RFC 7692, 7.2.1).
const flushed = "\x00\x00\xff\xff"

// pack packs a message.
func pack(data []byte) []byte {
	var b bytes.Buffer
	flate.StatelessDeflate(&b, data, false, nil) //nolint:errcheck // into memory
	return bytes.TrimSuffix(b.Bytes(), []byte(flushed))
}

var unpackers = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// unpack undoes the packing of a message that has come in whole, which may be no
// longer than others. Errors: *violation.
func (c *Conn) unpack(m *incoming) error {
	packed := m.data
	r := unpackers.Get().(io.ReadCloser)
	defer unpackers.Put(r)
	// An empty last block makes an end of it.
	if err := r.(flate.Resetter).Reset(io.MultiReader(bytes.NewReader(packed), strings.NewReader(flushed+"\x01\x00\x00\xff\xff")), nil); err != nil {
		return &violation{InternalError, "A message could not be unpacked."}
	}
	m.data = nil
	for {
		if len(m.data) == cap(m.data) {
			if int64(len(m.data)) > c.limits.Message {
				return c.tooBig()
			}
			if err := c.grow(m, c.limits.Message+1-int64(len(m.data))); err != nil {
				return err
			}
		}
		n, err := r.Read(m.data[len(m.data):cap(m.data)])
		m.data = m.data[:len(m.data)+n]
		switch {
		case int64(len(m.data)) > c.limits.Message:
			return c.tooBig()
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &violation{NotUTF8, "a message is not packed as permessage-deflate has it"} // 1007: content that is not of its type
		}
	}
}
