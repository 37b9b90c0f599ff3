package socket

import (
	"crypto/sha1" //nolint:gosec // RFC 6455, 4.2.2 demands it; it protects nothing
	"encoding/base64"
	"net/http"
	"strings"

	"junctor/internal/fault"
)

// version is the only one of the protocol that was ever finished.
const version = "13"

// handshake reads a request for an upgrade (RFC 6455, 4.2.1) and returns its key.
// Errors: fault.UpgradeRequired for a request that asks for none, or for another
// version; fault.Invalid.
func handshake(r *http.Request) (key string, err error) {
	h := r.Header
	switch {
	case !r.ProtoAtLeast(1, 1) || r.ProtoMajor != 1 || !has(h, "Connection", "upgrade") || !has(h, "Upgrade", "websocket"):
		return "", fault.New(fault.UpgradeRequired, "This address is for websockets: connect to it with a websocket client, over HTTP/1.1 (RFC 6455).")
	case len(h["Sec-Websocket-Version"]) != 1 || h.Get("Sec-WebSocket-Version") != version:
		return "", fault.New(fault.UpgradeRequired, "Sec-WebSocket-Version must be %s.", version)
	case r.Method != http.MethodGet:
		return "", fault.New(fault.Invalid, "A websocket is opened by GET.")
	case r.ContentLength != 0:
		return "", fault.New(fault.Invalid, "A request that opens a websocket has no body.")
	}
	key = h.Get("Sec-WebSocket-Key")
	if raw, err := base64.StdEncoding.DecodeString(key); len(h["Sec-Websocket-Key"]) != 1 || err != nil || len(raw) != 16 {
		return "", fault.New(fault.Invalid, "Sec-WebSocket-Key must be 16 bytes in base64, once.")
	}
	return key, nil
}

// has looks for a word in a header that is a list of them.
func has(h http.Header, name, word string) bool {
	for _, value := range h.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), word) {
				return true
			}
		}
	}
	return false
}

// firstProtocol is the subprotocol that the peer likes best, "" when it asks for
// none: a browser that asks gives up without one.
func firstProtocol(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), ",")
	first = strings.TrimSpace(first)
	if strings.ContainsFunc(first, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c) }) {
		return "" // it is no token (RFC 9110, 5.6.2)
	}
	return first
}

// accept is what proves that the key was read (RFC 6455, 4.2.2).
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// answer is what the server says to a handshake that it takes.
func answer(key, protocol string, deflate bool) []byte {
	b := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept(key) + "\r\n")
	if protocol != "" {
		b = append(b, "Sec-WebSocket-Protocol: "+protocol+"\r\n"...)
	}
	if deflate {
		b = append(b, "Sec-WebSocket-Extensions: "+deflateAnswer+"\r\n"...)
	}
	return append(b, "\r\n"...)
}
