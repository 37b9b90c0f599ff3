package socket_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"junctor/internal/socket"
)

func joined(all ...[]byte) []byte { return bytes.Join(all, nil) }

// TestFrames goes through RFC 6455: what a client may send, and what the server
// does about what it may not.
func TestFrames(t *testing.T) {
	p := open(t, socket.Options{Message: 100_000})
	const (
		fin  = 0x80
		text = fin | 1
		bin  = fin | 2
		end  = fin | 8
		ping = fin | 9
		pong = fin | 10
	)
	large := strings.Repeat("ž", 40_000)
	for name, c := range map[string]struct {
		sent []byte
		want []string
	}{
		// 5.6 and 5.7: messages
		"text":                      {frame(text, "Hello"), []string{"text Hello"}},
		"bytes":                     {frame(bin, "\x00\xff"), []string{"bytes \x00\xff"}},
		"empty text":                {frame(text, ""), []string{"text "}},
		"empty bytes":               {frame(bin, ""), []string{"bytes "}},
		"125 bytes":                 {frame(text, strings.Repeat("a", 125)), []string{"text " + strings.Repeat("a", 125)}},
		"126 bytes":                 {frame(text, strings.Repeat("a", 126)), []string{"text " + strings.Repeat("a", 126)}},
		"65535 bytes":               {frame(bin, strings.Repeat("a", 65535)), []string{"bytes " + strings.Repeat("a", 65535)}},
		"65536 bytes":               {frame(bin, strings.Repeat("a", 65536)), []string{"bytes " + strings.Repeat("a", 65536)}},
		"the longest":               {frame(bin, strings.Repeat("a", 100_000)), []string{"bytes " + strings.Repeat("a", 100_000)}},
		"several in one packet":     {joined(frame(text, "1"), frame(text, "2"), frame(bin, "3")), []string{"text 1", "text 2", "bytes 3"}},
		"characters of many bytes":  {frame(text, large), []string{"text " + large}},
		"a NUL":                     {frame(text, "a\x00b"), []string{"text a\x00b"}},
		"the last code point":       {frame(text, "\U0010FFFF"), []string{"text \U0010FFFF"}},
		"a byte order mark":         {frame(text, "\uFEFFa"), []string{"text \uFEFFa"}},
		"what looks like UTF-8 not": {frame(bin, "\xed\xa0\x80"), []string{"bytes \xed\xa0\x80"}},

		// 5.4: fragmentation
		"two pieces":                  {joined(frame(1, "Hel"), frame(fin, "lo")), []string{"text Hello"}},
		"three pieces":                {joined(frame(2, "a"), frame(0, "b"), frame(fin, "c")), []string{"bytes abc"}},
		"empty pieces":                {joined(frame(1, ""), frame(0, ""), frame(0, "a"), frame(0, ""), frame(fin, "")), []string{"text a"}},
		"a character in two pieces":   {joined(frame(1, "\xc5"), frame(fin, "\xbe")), []string{"text ž"}},
		"control between pieces":      {joined(frame(1, "Hel"), frame(ping, "p"), frame(fin, "lo")), []string{"pong p", "text Hello"}},
		"a continuation of nothing":   {frame(fin, "a"), []string{"close 1002 *"}},
		"a piece of nothing":          {frame(0, "a"), []string{"close 1002 *"}},
		"a continuation after a text": {joined(frame(text, "a"), frame(fin, "b")), []string{"text a", "close 1002 *"}},
		"a text within a message":     {joined(frame(1, "a"), frame(text, "b")), []string{"close 1002 *"}},
		"a piece within a message":    {joined(frame(1, "a"), frame(2, "b")), []string{"close 1002 *"}},
		"a close between pieces":      {joined(frame(1, "a"), frame(end, "\x03\xe8")), []string{"close 1000 ", "end"}},

		// 5.2: reserved bits and opcodes, lengths
		"RSV1":                       {frame(text|0x40, "a"), []string{"close 1002 *"}},
		"RSV2":                       {frame(text|0x20, "a"), []string{"close 1002 *"}},
		"RSV3":                       {frame(text|0x10, "a"), []string{"close 1002 *"}},
		"RSV1 of a continuation":     {joined(frame(1, "a"), frame(fin|0x40, "b")), []string{"close 1002 *"}},
		"RSV1 of a ping":             {frame(ping|0x40, ""), []string{"close 1002 *"}},
		"opcode 3":                   {frame(fin|3, ""), []string{"close 1002 *"}},
		"opcode 7":                   {frame(fin|7, "a"), []string{"close 1002 *"}},
		"opcode 11":                  {frame(fin|11, ""), []string{"close 1002 *"}},
		"opcode 15":                  {frame(fin|15, "a"), []string{"close 1002 *"}},
		"16 bits for 125 bytes":      {joined([]byte{text, 0x80 | 126, 0, 125, 0, 0, 0, 0}, make([]byte, 125)), []string{"close 1002 *"}},
		"64 bits for 65535 bytes":    {joined([]byte{bin, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, make([]byte, 65535)), []string{"close 1002 *"}},
		"the highest bit":            {[]byte{bin, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, []string{"close 1002 *"}},
		"all bits of a length":       {joined([]byte{bin, 0x80 | 127}, bytes.Repeat([]byte{0xff}, 12)), []string{"close 1002 *"}},
		"2^63-1 bytes":               {joined([]byte{bin, 0x80 | 127, 0x7f}, bytes.Repeat([]byte{0xff}, 11)), []string{"close 1009 A message may have at most 100000B."}},
		"a gigabyte":                 {joined([]byte{bin, 0x80 | 127, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 1<<20)), []string{"close 1009 *"}},
		"one byte too many":          {frame(bin, strings.Repeat("a", 100_001)), []string{"close 1009 *"}},
		"too many in pieces":         {joined(frame(2, strings.Repeat("a", 60_000)), frame(fin, strings.Repeat("a", 60_000))), []string{"close 1009 *"}},
		"2^63-1 bytes in two pieces": {joined(frame(2, "a"), []byte{fin, 0x80 | 127, 0x7f}, bytes.Repeat([]byte{0xff}, 11)), []string{"close 1009 *"}},

		// 5.1 and 5.3: masks
		"no mask":            {[]byte{text, 1, 'a'}, []string{"close 1002 *"}},
		"a ping without one": {[]byte{ping, 0}, []string{"close 1002 *"}},
		"a mask of nothing":  {[]byte{text, 0x81, 0, 0, 0, 0, 'a'}, []string{"text a"}},

		// 5.5: control frames
		"ping":                 {frame(ping, "are you there"), []string{"pong are you there"}},
		"ping without content": {frame(ping, ""), []string{"pong "}},
		"ping of 125 bytes":    {frame(ping, strings.Repeat("\xff", 125)), []string{"pong " + strings.Repeat("\xff", 125)}},
		"ping of 126 bytes":    {frame(ping, strings.Repeat("a", 126)), []string{"close 1002 *"}},
		"a ping in pieces":     {joined(frame(9, "a"), frame(fin, "b")), []string{"close 1002 *"}},
		"a pong for no ping":   {joined(frame(pong, "x"), frame(text, "a")), []string{"text a"}},
		"a pong in pieces":     {frame(10, ""), []string{"close 1002 *"}},
		"a close in pieces":    {frame(8, ""), []string{"close 1002 *"}},

		// 5.5.1 and 7.4: close codes
		"close":                 {frame(end, ""), []string{"close", "end"}},
		"close 1000":            {frame(end, "\x03\xe8bye"), []string{"close 1000 bye", "end"}},
		"close 1001":            {frame(end, "\x03\xe9"), []string{"close 1001 ", "end"}},
		"close 3000":            {frame(end, "\x0b\xb8"), []string{"close 3000 ", "end"}},
		"close 4999":            {frame(end, "\x13\x87ž"), []string{"close 4999 ž", "end"}},
		"half a code":           {frame(end, "\x03"), []string{"close 1002 *"}},
		"close 0":               {frame(end, "\x00\x00"), []string{"close 1002 *"}},
		"close 999":             {frame(end, "\x03\xe7"), []string{"close 1002 *"}},
		"close 1004":            {frame(end, "\x03\xec"), []string{"close 1002 *"}},
		"close 1005":            {frame(end, "\x03\xed"), []string{"close 1002 *"}},
		"close 1006":            {frame(end, "\x03\xee"), []string{"close 1002 *"}},
		"close 1015":            {frame(end, "\x03\xf7"), []string{"close 1002 *"}},
		"close 1016":            {frame(end, "\x03\xf8"), []string{"close 1002 *"}},
		"close 2999":            {frame(end, "\x0b\xb7"), []string{"close 1002 *"}},
		"close 5000":            {frame(end, "\x13\x88"), []string{"close 1002 *"}},
		"a reason not in UTF-8": {frame(end, "\x03\xe8\xff"), []string{"close 1007 *"}},
		"a close of 126 bytes":  {frame(end, "\x03\xe8"+strings.Repeat("a", 124)), []string{"close 1002 *"}},
		"what follows a close":  {joined(frame(end, "\x03\xe8"), frame(text, "a")), []string{"close 1000 ", "end"}},
		"what waits at a close": {joined(frame(text, "a"), frame(text, "b"), frame(end, "\x03\xe8")), []string{"text a", "text b", "close 1000 ", "end"}},

		// 8.1: UTF-8
		"a byte of no character":      {frame(text, "\xff"), []string{"close 1007 *"}},
		"a character cut off":         {frame(text, "\xc5"), []string{"close 1007 *"}},
		"a surrogate":                 {frame(text, "\xed\xa0\x80"), []string{"close 1007 *"}},
		"too long a form":             {frame(text, "\xc0\xaf"), []string{"close 1007 *"}},
		"beyond the last code point":  {frame(text, "\xf4\x90\x80\x80"), []string{"close 1007 *"}},
		"a broken character in parts": {joined(frame(1, "\xc5"), frame(fin, "a")), []string{"close 1007 *"}},

		"no websocket at all": {[]byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), []string{"close 1002 *"}},
	} {
		t.Run(name, func(t *testing.T) {
			q := *p
			q.T = t
			client := q.connect()
			client.bytes(c.sent)
			client.want(c.want...)
			if strings.HasPrefix(c.want[len(c.want)-1], "close 1") && !strings.HasPrefix(c.want[len(c.want)-1], "close 1000") {
				client.want("end")
			}
		})
	}
}

// TestFramesByteByByte: how a message is cut on its way changes nothing.
func TestFramesByteByByte(t *testing.T) {
	p := open(t, socket.Options{})
	client := p.connect()
	for _, b := range joined(frame(1, "Hel"), frame(0x89, "p"), frame(0x80, "lo"), frame(0x88, "\x03\xe8")) {
		client.bytes([]byte{b})
	}
	client.want("pong p", "text Hello", "close 1000 ", "end")
	if end := p.end(); end != (socket.End{Code: 1000, ByPeer: true}) {
		t.Errorf("%+v", end)
	}
}

// TestPeersWhoAreGone are noticed, and those who are silent and there are not.
func TestPeersWhoAreGone(t *testing.T) {
	p := open(t, socket.Options{Ping: time.Second})
	client := p.connect()
	for range 2 {
		client.want("ping ")
		client.bytes(frame(0x8a, ""))
	}
	client.want("ping ", "close 1008 No answer to a ping came within 1s.", "end")
	if end := p.end(); end.ByPeer || end.Code != socket.Policy {
		t.Errorf("%+v", end)
	}
	p.connect().Close()
	if end := p.end(); !end.ByPeer || end.Code != socket.Abnormal {
		t.Errorf("%+v", end)
	}
}

// TestSlowSender: a message that has begun must come in, whatever comes between
// its pieces.
func TestSlowSender(t *testing.T) {
	p := open(t, socket.Options{Receive: 100 * time.Millisecond})
	for name, sent := range map[string][]byte{
		"half a header":   {0x81},
		"half a length":   {0x81, 0x80 | 126, 1},
		"half a message":  frame(0x81, "Hello")[:8],
		"a piece":         frame(1, "Hel"),
		"a piece, a ping": joined(frame(1, "Hel"), frame(0x89, "")),
	} {
		t.Run(name, func(t *testing.T) {
			q := *p
			q.T = t
			client := q.connect()
			client.bytes(sent)
			if strings.Contains(name, "ping") {
				client.want("pong ")
			}
			client.want("close 1008 A message did not come in whole within 100ms.", "end")
		})
	}
}
