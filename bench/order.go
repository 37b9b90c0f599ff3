package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

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

// webhooksKey is what signed orders are signed with.
var webhooksKey = []byte("the key of a measurement")

// signedOrders is orders with the headers of Standard Webhooks, each order
// signed by itself.
func signedOrders(t load.Target, path string) func(int64, []byte) []byte {
	raw := t.Bytes(http.MethodPost, path, http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {"msg_000000000"}, "Webhook-Timestamp": {"0000000000"},
		"Webhook-Signature": {"v1," + strings.Repeat("A", base64.StdEncoding.EncodedLen(sha256.Size))},
	}, order)
	behind := func(text string) int { return bytes.Index(raw, []byte(text)) + len(text) }
	number, id, stamp, sum, body := behind(`"number":"B`), behind("msg_"), behind("Webhook-Timestamp: "), behind("v1,"), len(raw)-len(order)
	return func(_ int64, buf []byte) []byte {
		buf = append(buf, raw...)
		n := issued.Add(1)
		digits(buf[number:number+9], n)
		digits(buf[id:id+9], n)
		digits(buf[stamp:stamp+10], time.Now().Unix())
		mac := hmac.New(sha256.New, webhooksKey)
		for _, part := range [][]byte{buf[id-4 : id+9], {'.'}, buf[stamp : stamp+10], {'.'}, buf[body:]} {
			mac.Write(part)
		}
		base64.StdEncoding.Encode(buf[sum:], mac.Sum(nil))
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
