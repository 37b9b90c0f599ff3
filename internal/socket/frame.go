package socket

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// The opcodes of frames (RFC 6455, 11.8).
const (
	opContinuation = 0x0
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// Bits of a frame's first two bytes (RFC 6455, 5.2).
const (
	bitFinal    = 0x80
	bitsReserve = 0x70
	bitPacked   = 0x40 // RSV1, of a message that is packed (RFC 7692, 6)
	bitMask     = 0x80
)

// longestControl is how many bytes a control frame may carry (RFC 6455, 5.5).
const longestControl = 125

// header is what begins a frame.
type header struct {
	final  bool
	packed bool
	opcode byte
	length int64
	masked bool
	mask   [4]byte
}

func (h *header) control() bool { return h.opcode >= opClose }

// violation is a breach of the protocol, with the code that answers it.
type violation struct {
	code   int
	reason string
}

func (v *violation) Error() string { return fmt.Sprintf("%d %s", v.code, v.reason) }

func breach(format string, args ...any) error {
	return &violation{ProtocolError, fmt.Sprintf(format, args...)}
}

// readHeader reads what begins a frame, and refuses what nobody may send:
// reserved bits and opcodes, control frames in pieces or over 125 bytes, a length
// that is not in its shortest form or has the highest bit set. masked is whether
// the sender has to mask, packed whether it may pack. Errors: *violation, and
// those of r.
func readHeader(r io.Reader, masked, packed bool) (h header, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return h, err
	}
	h.final, h.opcode, h.length, h.masked = b[0]&bitFinal != 0, b[0]&0x0f, int64(b[1]&0x7f), b[1]&bitMask != 0
	reserved := b[0] & bitsReserve
	if packed && (h.opcode == byte(Text) || h.opcode == byte(Binary)) {
		h.packed, reserved = reserved&bitPacked != 0, reserved&^bitPacked
	}
	switch {
	case reserved != 0:
		return h, breach("a reserved bit is set that has no meaning here")
	case h.opcode > byte(Binary) && h.opcode < opClose || h.opcode > opPong:
		return h, breach("the opcode %d is reserved", h.opcode)
	case h.control() && !h.final:
		return h, breach("a control frame is in pieces")
	case h.control() && h.length > longestControl:
		return h, breach("a control frame has more than 125 bytes")
	case h.masked != masked && masked:
		return h, breach("a frame from the client is not masked")
	case h.masked != masked:
		return h, breach("a frame from the server is masked")
	}
	switch h.length {
	case 126:
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return h, unexpected(err)
		}
		if h.length = int64(binary.BigEndian.Uint16(b[:])); h.length < 126 {
			return h, breach("a length is not in its shortest form")
		}
	case 127:
		if _, err := io.ReadFull(r, b[:8]); err != nil {
			return h, unexpected(err)
		}
		n := binary.BigEndian.Uint64(b[:])
		if h.length = int64(n); n > math.MaxInt64 {
			return h, breach("a length has its highest bit set")
		}
		if n <= math.MaxUint16 {
			return h, breach("a length is not in its shortest form")
		}
	}
	if h.masked {
		if _, err := io.ReadFull(r, h.mask[:]); err != nil {
			return h, unexpected(err)
		}
	}
	return h, nil
}

// unexpected is the error of a frame that breaks off.
func unexpected(err error) error {
	if err == io.EOF { //nolint:errorlint // io.ReadFull gives it as it is
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendHeader writes what begins a frame.
func appendHeader(b []byte, h header) []byte {
	first, second := h.opcode, byte(0)
	if h.final {
		first |= bitFinal
	}
	if h.packed {
		first |= bitPacked
	}
	if h.masked {
		second = bitMask
	}
	switch {
	case h.length <= longestControl:
		b = append(b, first, second|byte(h.length))
	case h.length <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, first, second|126), uint16(h.length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, first, second|127), uint64(h.length))
	}
	if h.masked {
		b = append(b, h.mask[:]...)
	}
	return b
}

// frame is a whole one, of a message or for control, as the server sends it.
func frame(opcode byte, data []byte) []byte {
	b := make([]byte, 0, 10+len(data))
	return append(appendHeader(b, header{final: true, opcode: opcode, length: int64(len(data))}), data...)
}

// unmask undoes the mask of data, and does it as well; at is how many bytes of
// the frame came before (RFC 6455, 5.3).
func unmask(data []byte, mask [4]byte, at int64) {
	for ; len(data) > 0 && at&3 != 0; at++ {
		data[0] ^= mask[at&3]
		data = data[1:]
	}
	key := uint64(binary.LittleEndian.Uint32(mask[:]))
	key |= key << 32
	for len(data) >= 8 {
		binary.LittleEndian.PutUint64(data, binary.LittleEndian.Uint64(data)^key)
		data = data[8:]
	}
	for i := range data {
		data[i] ^= mask[i&3]
	}
}

// closing is what a close frame carries. The reason is cut to what fits.
func closing(code int, reason string) []byte {
	if code == noStatus {
		return nil
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), short(reason)...)
}

// short cuts a text to what fits into a close frame, between characters.
func short(reason string) string {
	const most = longestControl - 2
	if len(reason) <= most {
		return reason
	}
	n := most
	for n > 0 && !utf8.RuneStart(reason[n]) {
		n--
	}
	return reason[:n]
}

// readClosing reads what a close frame carries. Errors: *violation.
func readClosing(data []byte) (code int, reason string, err error) {
	switch {
	case len(data) == 0:
		return noStatus, "", nil
	case len(data) == 1:
		return 0, "", breach("a close frame has half a code")
	}
	code, reason = int(binary.BigEndian.Uint16(data)), string(data[2:])
	switch {
	case !Sendable(code):
		return 0, "", breach("the close code %d is not one that may be sent", code)
	case !utf8.ValidString(reason):
		return 0, "", &violation{NotUTF8, "the reason of a close frame is not UTF-8"}
	}
	return code, reason, nil
}
