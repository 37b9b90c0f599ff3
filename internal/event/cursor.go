package event

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"junctor/internal/fault"
)

// Positions in the log are the numbers of events. Oldest stands before all that
// the log still has, Latest behind them, for Begin.
const (
	Oldest int64 = -1
	Latest int64 = -2
)

// cursorSize is a version, a position, and a part of a digest that binds both to
// the log.
const cursorSize = 1 + 8 + 7

const cursorVersion = 1

// Cursor is how a position is told to the outside: opaque, safe in a URL, and
// good for this log only.
func (l *Log) Cursor(position int64) string {
	b := make([]byte, 0, cursorSize)
	b = append(b, cursorVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(position))
	return base64.RawURLEncoding.EncodeToString(l.seal(b))
}

// Position is the reverse of Cursor. Errors: fault.Invalid for what is no cursor
// of this log.
func (l *Log) Position(cursor string) (int64, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err == nil && len(raw) == cursorSize && raw[0] == cursorVersion && string(l.seal(raw[:9:9])) == string(raw) {
		return int64(binary.BigEndian.Uint64(raw[1:])), nil
	}
	return 0, fault.New(fault.Invalid, "the cursor is not one that this event log has given").
		WithFields(fault.Field{Pointer: "/query/after", Detail: "use the cursor of an event or the \"next\" of an answer, or leave it out to begin with the oldest"})
}

// seal appends what shows that the position is this log's. It is no secret: it
// keeps mistakes away, not people.
func (l *Log) seal(b []byte) []byte {
	sum := sha256.Sum256(append([]byte(l.name), b...))
	return append(b, sum[:cursorSize-len(b)]...)
}

// TooOld is a fault.Gone: events behind the position have been removed, or the
// position is of a log that there was before a restore.
type TooOld struct {
	cause  *fault.Error
	Oldest string // the cursor to begin again with
}

func (e *TooOld) Error() string { return e.cause.Error() }
func (e *TooOld) Unwrap() error { return e.cause }

func (l *Log) tooOld(after, floor int64) error {
	detail := "events behind the cursor have been removed, their retention is over; begin again with the oldest that is left, whose cursor is in \"oldest\""
	if after > floor {
		detail = "the cursor lies behind the end of the log, which must be an older copy than the one that gave it; begin again with the oldest event, whose cursor is in \"oldest\""
	}
	return &TooOld{fault.New(fault.Gone, "%s", detail), l.Cursor(floor)}
}
