package socket

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzHeader reads what a peer may send, and what was written comes back.
func FuzzHeader(f *testing.F) {
	for _, seed := range []string{"\x81\x85\x37\xfa\x21\x3d", "\x82\xfe\x01\x00abcd", "\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00abcd", "\x88\x80abcd", "\xff", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, sent []byte, packed bool) {
		r := bytes.NewReader(sent)
		h, err := readHeader(r, true, packed)
		var v *violation
		switch {
		case errors.As(err, &v):
			if !Sendable(v.code) || v.reason == "" || len(closing(v.code, v.reason)) > longestControl {
				t.Errorf("%v", v)
			}
			return
		case err != nil:
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(err)
			}
			return
		}
		if h.length < 0 || !h.masked || h.control() && (h.length > longestControl || !h.final) {
			t.Errorf("%+v", h)
		}
		read := sent[:len(sent)-r.Len()]
		if again := appendHeader(nil, h); !bytes.Equal(again, read) {
			t.Errorf("%x is written %x", read, again)
		}
	})
}

// FuzzUnmask: masking is its own reverse, wherever the pieces are cut.
func FuzzUnmask(f *testing.F) {
	f.Add([]byte("Hello, this is a message"), uint32(0x3d21fa37), uint(7))
	f.Fuzz(func(t *testing.T, data []byte, key uint32, cut uint) {
		mask := [4]byte{byte(key), byte(key >> 8), byte(key >> 16), byte(key >> 24)}
		want := bytes.Clone(data)
		for i := range want {
			want[i] ^= mask[i&3]
		}
		got, at := bytes.Clone(data), int(cut%uint(len(data)+1))
		unmask(got[:at], mask, 0)
		unmask(got[at:], mask, int64(at))
		if !bytes.Equal(got, want) {
			t.Errorf("%x, not %x", got, want)
		}
	})
}

// FuzzClosing reads what a close frame carries.
func FuzzClosing(f *testing.F) {
	for _, seed := range []string{"", "\x03", "\x03\xe8", "\x03\xe8bye", "\x03\xed", "\x0b\xb8\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		code, reason, err := readClosing(data)
		if err != nil {
			return
		}
		if code != noStatus && !Sendable(code) {
			t.Errorf("%d", code)
		}
		if again := closing(code, reason); len(data) <= longestControl && !bytes.Equal(again, data) {
			t.Errorf("%x is written %x", data, again)
		}
	})
}
