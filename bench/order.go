package main

import (
	"bytes"
	_ "embed"
	"net/http"
	"sync/atomic"

	"junctor/internal/load"
)

// order is the document of every measurement: 1 KiB of JSON.
//
//go:embed order.json
var order []byte

// orders makes requests that differ in the order's number only, which is
// written into a copy of the finished bytes. Numbers go on over all rounds.
func orders(t load.Target, path string) func(int64, []byte) []byte {
	raw := t.Bytes(http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, order)
	at := bytes.Index(raw, []byte("B000000000")) + 1
	return func(_ int64, buf []byte) []byte {
		buf = append(buf, raw...)
		digits(buf[at:at+9], issued.Add(1))
		return buf
	}
}

// issued is the number of the last order of this process.
var issued atomic.Int64

func digits(into []byte, n int64) {
	for i := len(into) - 1; i >= 0; i-- {
		into[i] = byte('0' + n%10)
		n /= 10
	}
}
